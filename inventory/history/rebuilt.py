"""Rows rebuilt from the bodies of responses, and the stored rows beside which they are put, a part of a run at a time.

Most models are on many servers: what the bodies of a fleet say of a model in the same bytes is parsed once.
"""

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple

import pyarrow as pa

from inventory import schema
from inventory.columns import grouped, numbered
from inventory.diff.fields import ignored_in
from inventory.errors import ServerError
from inventory.history.storage.data_file import ARROW, RunSegment
from inventory.history.storage.shared_rows import steady_columns
from inventory.normalize.fingerprint import canonical_lines, digest_of
from inventory.normalize.flatten import flatten
from inventory.normalize.response import PATHS, decode
from inventory.tables import cells, conformed, values

Cells = tuple[Any, ...]

_HEAD = re.compile(
    rb'[ \t\r\n]*\{[ \t\r\n]*"models"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*(\{[ \t\r\n]*"[a-z_]+"[ \t\r\n]*:)'
)
_TAIL = re.compile(rb"\}[ \t\r\n]*\][ \t\r\n]*\}[ \t\r\n]*\Z")
_LONGEST_TAIL = 100
_BODIES = 1000  # bodies whose rows are in memory at a time
_FEW = 2000  # models that are remembered whether they repeat or not
_REPEATED = 4  # how often a model has to come so that remembering it pays


class Rebuilt(NamedTuple):
    """What a body or one of its models holds: the keys, the texts that are hashed, and the rows of each table."""

    keys: list[str]
    lines: list[str]
    rows: dict[str, list[Cells]]


class Rebuilder:
    """Flattens bodies, each of their models once.

    Args:
        ignore: globs of unknown fields that the rows were stored without; None if an earlier version stored clocks.
    """

    def __init__(self, ignore: Sequence[str] | None) -> None:
        self._ignore = ignore
        self._begin = b""
        self._known: dict[bytes, Rebuilt] = {}
        self._asked = 0

    def rebuilt(self, body: bytes) -> list[Rebuilt]:
        """Return what a body holds, in parts: a model that many bodies hold is the same object for all of them.

        Raises:
            ServerError: it is not a valid response.
        """
        parts: list[Rebuilt] = []
        if len(self._known) <= _FEW + self._asked // _REPEATED:
            begin, texts = _models(body)
            if begin != self._begin:
                self._begin, self._known = begin, {}
            self._asked += len(texts)
            try:
                parts = [self._known.get(text) or self._remembered(text) for text in texts]
            except ServerError:
                parts = []  # it was cut within a model
        keys = [key for part in parts for key in part.keys]
        # Models with equal keys are numbered.
        return parts if parts and len(set(keys)) == len(keys) else [self._flat(body)]

    def _remembered(self, text: bytes) -> Rebuilt:
        known = self._known[text] = self._flat(b'{"models":[' + self._begin + text + b"}]}")
        return known

    def _flat(self, body: bytes) -> Rebuilt:
        flat = flatten(decode(body, apis=PATHS).models)
        rows = {}
        for table, columns in ((schema.MODELS, flat.models), (schema.INSTANCES, flat.instances)):
            stored = columns if self._ignore is None else steady_columns(columns, self._ignore)
            rows[table.name] = list(zip(*(stored[name] for name in table.response_names), strict=True))
        return Rebuilt(flat.models["key"], canonical_lines(flat, self._ignore), rows)


Rebuilders = dict[tuple[str, ...] | None, Rebuilder]


def compare(
    payloads: RunSegment, segments: Mapping[str, RunSegment], rebuilders: Rebuilders
) -> tuple[list[str], set[str]]:
    """Compare the rows that a run stored with those that its bodies give.

    Args:
        payloads: its bodies.
        segments: its rows by table; tables may be missing.
        rebuilders: those so far, by what the rows were stored without.

    Returns:
        What is wrong with bodies, and the tables that hold other rows.
    """
    problems = []
    digests = payloads.table(["digest"]).column("digest")
    stored = {table: _StoredRows(segment, digests) for table, segment in segments.items()}
    differing = {table for table, rows_of_table in stored.items() if rows_of_table.has_others}
    start = 0
    for part in payloads.batches(_BODIES):
        places_of: dict[int, tuple[Rebuilt, list[int]]] = {}
        columns = (values(part, name) for name in ("body", "payload_digest", "digest", "fields"))
        for place, (body, payload_digest, digest, fields) in enumerate(zip(*columns, strict=True), start):
            ignore = _ignored(fields or "[]")
            try:
                rebuilt = rebuilders.setdefault(ignore, Rebuilder(ignore)).rebuilt(body)
            except ServerError:
                problems.append("a body that is not a valid response")
                continue
            lines = [line for model in rebuilt for line in model.lines]
            digests_of_body = sha256(body).hexdigest(), digest_of(lines)
            if digests_of_body != (payload_digest, digest):  # guard: verify the digest of a body
                problems.append("the digest of a body differs")
            for model in rebuilt:
                places_of.setdefault(id(model), (model, []))[1].append(place)
        stop = start + part.num_rows
        for table, stored_rows in stored.items():
            expected = _expected(table, places_of.values())
            if stored_rows.of(start, stop) != expected:  # guard: verify rows that the bodies do not give
                differing.add(table)
        start = stop
    return problems, differing


@lru_cache
def _ignored(fields: str) -> tuple[str, ...] | None:
    """Return the globs of unknown fields that rows were stored without; None for those of earlier versions."""
    return ignored_in(json.loads(fields)) or None


def _expected(table: str, places_of: Iterable[tuple[Rebuilt, list[int]]]) -> dict[Cells, list[int]]:
    """Return each row of a table that bodies give, with the places of the bodies in order."""
    expected: dict[Cells, list[int]] = defaultdict(list)
    for model, places in places_of:
        for stored_cells in model.rows[table]:
            expected[stored_cells] += places
    for places in expected.values():
        places.sort()
    return expected


def _models(body: bytes) -> tuple[bytes, list[bytes]]:
    """Cut a body between its models; return how each begins, and the rest of each without its last brace.

    Each text between the braces that is a list of objects by itself is one in the body too, wherever it was cut. Of a
    body that holds anything beside its models there are no texts.
    """
    head = _HEAD.match(body)
    tail = _TAIL.search(body, max(len(body) - _LONGEST_TAIL, 0))
    if not head or not tail or tail.start() < head.end():
        return b"", []
    begin, content = head[1], body[head.end() : tail.start()]
    second = content.find(begin)
    between = content[content.rfind(b"}", 0, second) : second] if second > 0 else b""
    return begin, content.split(between + begin) if between[1:].strip(b" \t\r\n") == b"," else [content]


class _StoredRows:
    """The rows of one table that a run stored, by the places of the responses that they belong to.

    Args:
        segment: the run's part of a file.
        digests: the digests of the responses, in order.
    """

    def __init__(self, segment: RunSegment, digests: pa.ChunkedArray) -> None:
        from pyarrow import compute

        names = ["digest", *schema.TABLES[segment.about["kind"]].response_names]
        texts = [field.name for field in ARROW[segment.about["kind"]] if pa.types.is_string(field.type)]
        table = segment.table(names, [name for name in texts if name in names])
        places = compute.index_in(table.column("digest").combine_chunks().cast(pa.string()), digests)
        order = compute.sort_indices(places)
        self._types = pa.schema([ARROW[segment.about["kind"]].field(name) for name in names[1:]])
        self._places = places.take(order)
        self._table = table.drop_columns("digest").take(order)
        self.has_others = self._places.null_count > 0

    def of(self, start: int, stop: int) -> dict[Cells, list[int]]:
        """Return each row that is stored of the responses at some places, with those places in order."""
        places = memoryview(self._places.buffers()[1] or b"").cast("i")
        first, last = (
            bisect_left(places, place, 0, len(self._places) - self._places.null_count) for place in (start, stop)
        )
        numbers, distinct = numbered(self._table.slice(first, last - first))
        order, bounds = grouped(numbers)
        by_row = self._places.slice(first, last - first).take(order).to_pylist()
        distinct_rows = cells(conformed(distinct, self._types), self._types.names)
        return {row: by_row[begin:end] for row, (begin, end) in zip(distinct_rows, pairwise(bounds), strict=True)}
