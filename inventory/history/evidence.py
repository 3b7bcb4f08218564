"""The rows that runs stored, put beside those that their bodies give: small runs together, a large one in parts."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

import pyarrow as pa

from inventory.columns import encoded, integers, pair_numbers, row_numbers, views
from inventory.diff.fields import ignored_in
from inventory.history.rebuilt import REBUILT, Ignored, Placed, Rebuilder
from inventory.history.storage.data_file import TEXTS, RunSegment
from inventory.tables import values

_BODIES = 1000  # bodies whose rows are in memory at a time


class Verdict(NamedTuple):
    """What is wrong with the bodies of a run, and the tables that hold other rows than these give."""

    run_id: str
    problems: list[str]
    differing: set[str]


class _Part(NamedTuple):
    """Some bodies of a run, from the one at the place ``start`` on, and the rows that the run stored, by table."""

    verdict: Verdict
    stored: "Mapping[str, _RowsByPlace]"
    start: int
    bodies: pa.Table


def compare(runs: Iterable[tuple[RunSegment, pa.ChunkedArray, Mapping[str, RunSegment]]]) -> list[Verdict]:
    """Compare the rows that runs stored with those that their bodies give.

    Args:
        runs: of each its bodies, their digests, and its rows by table; tables may be missing.
    """
    rebuilder, verdicts, parts = Rebuilder(), list[Verdict](), list[_Part]()
    for payloads, digests, segments in runs:
        stored = {table: _RowsByPlace(segment, digests) for table, segment in segments.items()}
        others = {table for table, rows_of_table in stored.items() if rows_of_table.has_others}
        verdicts.append(Verdict(payloads.about["run_id"], [], others))
        start = 0
        for bodies in payloads.batches(_BODIES):
            parts.append(_Part(verdicts[-1], stored, start, bodies))
            start += bodies.num_rows
            if sum(part.bodies.num_rows for part in parts) >= _BODIES:
                _compare(parts, rebuilder)
                parts = []
    _compare(parts, rebuilder)
    return verdicts


def _compare(parts: Sequence[_Part], rebuilder: Rebuilder) -> None:
    """Add to the verdicts what is wrong with some bodies and their rows."""
    names = ("fields", "digest", "payload_digest")
    fields, *digests = ([*chain(*(values(part.bodies, name) for part in parts))] for name in names)
    bodies = [*chain(*(views(part.bodies.column("body")) for part in parts))]
    verdicts = chain(*([part.verdict] * part.bodies.num_rows for part in parts))
    rebuilt = rebuilder.rebuilt(bodies, [_ignored(text or "[]") for text in fields])
    for verdict, body, digest, *stored_digests in zip(verdicts, bodies, rebuilt.digests, *digests, strict=True):
        if digest is None:
            verdict.problems.append("a body that is not a valid response")
            continue
        if [digest, sha256(body).hexdigest()] != stored_digests:  # guard: verify the digest of a body
            verdict.problems.append("the digest of a body differs")
    places = [*pairwise(accumulate((part.bodies.num_rows for part in parts), initial=0))]
    for table in REBUILT:
        having = [(part, *own) for part, own in zip(parts, places, strict=True) if table in part.stored]
        stored = [part.stored[table].of(part.start, begin, end) for part, begin, end in having]
        sides, factor = _pairs([rebuilt.rows(table), stored])
        for part, begin, end in having:
            expected, actual = (
                side[bisect_left(side, begin * factor) : bisect_left(side, end * factor)] for side in sides
            )
            if expected != actual:  # guard: verify rows that the bodies do not give
                part.verdict.differing.add(table)


@lru_cache
def _ignored(fields: str) -> Ignored:
    return ignored_in(json.loads(fields)) or None


def _pairs(sides: Sequence[Sequence[Placed]]) -> tuple[list[memoryview], int]:
    """Return the distinct rows of both sides as sorted numbers: a place times a factor, plus the row's own."""
    from pyarrow import compute

    rows = pa.concat_tables([encoded(placed.rows) for side in sides for placed in side])
    numbers = row_numbers(rows.unify_dictionaries())
    start, pairs = 0, []
    for side in sides:
        parts = [integers([])]
        for placed in side:
            own = numbers.slice(start, placed.rows.num_rows)
            start += placed.rows.num_rows
            own = own if placed.numbers is None else own.take(placed.numbers)
            parts.append(pair_numbers(placed.places, own, rows.num_rows + 1))
        whole = pa.concat_arrays(parts)
        whole = whole.take(compute.array_sort_indices(whole))
        pairs.append(memoryview(whole.buffers()[1] or b"").cast("q")[: len(whole)])
    return pairs, rows.num_rows + 1


class _RowsByPlace:
    """The rows of one table that a run stored, by the places of the responses that they belong to.

    Args:
        segment: the run's part of a file.
        digests: the digests of the responses, in order.
    """

    def __init__(self, segment: RunSegment, digests: pa.ChunkedArray) -> None:
        from pyarrow import compute

        kind = segment.about["kind"]
        table = segment.table(["digest", *REBUILT[kind].names], TEXTS[kind])
        digest_of_row = encoded(table.select(["digest"])).column(0).combine_chunks()
        places = compute.index_in(digest_of_row.dictionary, digests).take(digest_of_row.indices)
        self._order = compute.array_sort_indices(places)
        self._places, self._rows = places.take(self._order), table.drop_columns("digest")
        self.has_others = places.null_count > 0

    def of(self, start: int, begin: int, end: int) -> Placed:
        """Return the rows of the responses from the place ``start`` on, under the places from ``begin`` to ``end``."""
        from pyarrow import compute

        places = memoryview(self._places.buffers()[1] or b"").cast("i")
        known = len(self._places) - self._places.null_count
        first, last = (bisect_left(places, place, 0, known) for place in (start, start + end - begin))
        own = self._places.slice(first, last - first).cast(pa.int64())
        rows = self._rows.take(self._order.slice(first, last - first))
        return Placed(rows, compute.add(own, integers([begin - start])[0]))
