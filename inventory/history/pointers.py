"""References of runs to stored responses, put beside what is stored: those of one file at a time, by column."""

from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa

from inventory.history.storage.data_file import DataFile, RunSegment


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
        stored: returns the ``digest`` and ``payload_digest`` of the responses that a run stored; None without any.
    """

    def __init__(self, file: DataFile, stored: Callable[[str], pa.Table | None]) -> None:
        from pyarrow import compute

        self.file = file
        columns = file.read(["stored_in", "digest", "payload_digest"]).columns
        self._holders, digests, bodies = (column.combine_chunks() for column in columns)
        by_holder = self._holders.dictionary_encode()
        order = compute.sort_indices(by_holder.indices)
        counts = {row["values"]: row["counts"] for row in compute.value_counts(self._holders).to_pylist()}
        is_held, held, start = [], [], 0
        for holder in by_holder.dictionary.to_pylist():
            part = digests.take(order.slice(start, counts[holder]))
            start += len(part)
            answers = stored(holder)
            place, body = pa.nulls(len(part), pa.int32()), pa.nulls(len(part), pa.string())
            if answers is not None:
                place = compute.index_in(part, value_set=answers.column("digest"))
                body = answers.column("payload_digest").combine_chunks().take(place)
            is_held.append(place.is_valid())
            held.append(body)
        without = len(order) - start
        back = compute.sort_indices(order)
        is_stored = pa.concat_arrays([*is_held, pa.nulls(without, pa.bool_())]).take(back)
        held_bodies = pa.concat_arrays([*held, pa.nulls(without, pa.string())]).take(back)
        only_one = compute.xor(held_bodies.is_valid(), bodies.is_valid())
        differs = compute.or_kleene(compute.not_equal(held_bodies, bodies), only_one)
        self._is_answer = compute.binary_length(digests).cast(pa.bool_())
        self._is_lacking = compute.and_not(self._is_answer, is_stored)
        self._is_equal = compute.and_(is_stored, differs)

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
