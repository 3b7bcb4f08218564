"""References of runs to stored responses, put beside what is stored: those of one file at a time, by column."""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import pyarrow as pa

from inventory.columns import encoded, row_numbers
from inventory.history.storage.data_file import DataFile, RunSegment

POINTER = ("stored_in", "digest", "payload_digest")
"""The columns that tell which response is meant: where it is stored, its digest, and that of its body."""


class Pointed(NamedTuple):
    """What a run refers to.

    Attributes:
        answers: the number of its responses.
        equal: those stored as another body.
        lacking: the runs that should hold the others, and do not.
    """

    answers: int
    equal: int
    lacking: list[str]


class Pointers:
    """The references of a file of observations.

    Args:
        file: the file.
        stored: returns the columns ``POINTER`` of the responses that a run stored; None without any.
        before: those of another file: most rows are the same in both, and need not be looked up again.
    """

    def __init__(
        self, file: DataFile, stored: Callable[[str], pa.Table | None], before: "Pointers | None" = None
    ) -> None:
        from pyarrow import compute

        self.file = file
        self._rows = rows = file.read([*POINTER]).combine_chunks()
        digests, self._holders = (rows[name].combine_chunks() for name in ("digest", "stored_in"))
        self._flags = [is_new := pa.nulls(rows.num_rows).is_null()] * 2
        if before is not None and before._rows.num_rows == rows.num_rows:
            pairs = zip(rows.columns, before._rows.columns, strict=True)
            is_old = reduce(compute.and_, (compute.equal(*pair).combine_chunks() for pair in pairs))
            is_new = compute.or_kleene(compute.invert(is_old), is_old.is_null())
            self._flags = before._flags
        new = rows.filter(is_new)
        holders = new["stored_in"].combine_chunks().unique().drop_null().to_pylist()
        both = pa.concat_tables([new, *(answers for holder in holders if (answers := stored(holder)) is not None)])
        both = encoded(both.combine_chunks())
        numbers = [row_numbers(both.select(names)) for names in (POINTER[:2], POINTER)]
        flags_of_new = [compute.is_in(own[: new.num_rows], own[new.num_rows :]) for own in numbers]
        self._flags = [*map(compute.replace_with_mask, self._flags, [is_new] * 2, flags_of_new)]
        is_stored, is_same = self._flags
        self._is_answer = compute.binary_length(digests).cast(pa.bool_())
        self._is_lacking = compute.and_not(compute.and_(self._is_answer, self._holders.is_valid()), is_stored)
        self._is_equal = compute.and_not(is_stored, is_same)

    def of(self, segment: RunSegment) -> Pointed:
        """Return what one of the runs of the file refers to."""
        begin, rows = (0, len(self._holders)) if segment.begin is None else (segment.begin, segment.about["rows"])
        is_lacking, holders = (column.slice(begin, rows) for column in (self._is_lacking, self._holders))
        answers, equal = (column.slice(begin, rows).true_count for column in (self._is_answer, self._is_equal))
        lacking: list[str] = []
        if is_lacking.true_count:
            without = set(holders.filter(is_lacking).to_pylist())
            lacking = [holder for holder in holders.unique().to_pylist() if holder in without]
        return Pointed(answers, equal, lacking)
