"""Answers to RunTables: each distinct answer is understood once, and kept small.

Machines of a fleet often say the same, byte for byte. A body is decoded and flattened once; its rows become Arrow
columns as soon as there are some thousands of them, as Python's own objects take twenty times the memory; the body is
kept compressed.

The work is in two steps, so that a server cannot get the rows of another one. ``flatten_response`` is a function of one
answer: it knows nothing of a batch and may run in any thread. ``ResponseBatch.add`` is the only place where rows of
several answers come together and get their numbers, and it is called by the event loop alone.
"""

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.normalize.fingerprint import digest
from inventory.normalize.flatten import Columns, Rows, flatten
from inventory.normalize.response import decode
from inventory.tables import RunTables, arrow_schema, build, concat, named_rows, table_of, total_of

_PACKED = 2000  # rows that are packed into Arrow columns together
_OWNERS = schema.Table(
    "owners",
    "the server of a row, and when it answered",
    (schema.Column("server", schema.TEXT, "", ""), schema.Column("as_of", schema.TIME, "", "")),
)


@dataclass(frozen=True)
class FlatResponse:
    """One answer, decoded and flattened: everything that follows from its bytes alone.

    Attributes:
        columns: the rows by grain table, with an empty ``server`` column: an Arrow table if they are many, else a list
            per column.
        keys: the key of each of its models.
        summary: what the observation tells of it: counts, size, digest.
        warnings: what was odd in it, one sentence each.
        body: the answer as received, compressed.
    """

    columns: Mapping[str, "Columns | pa.Table"] = field(repr=False)
    keys: tuple[str, ...]
    summary: Mapping[str, Any]
    warnings: tuple[str, ...]
    body: "_Packed"


@dataclass(frozen=True)
class BatchEntry:
    """One answer of a batch.

    Attributes:
        place: its number among the distinct answers.
        keys: the key of each of its models.
        summary: what the observation tells of it: counts, size, digest.
        warnings: what was odd in it, one sentence each.
    """

    place: int
    keys: tuple[str, ...]
    summary: Mapping[str, Any]
    warnings: tuple[str, ...]


def flatten_response(
    body: bytes, apis: Collection[str], http_status: int = 200, *, ignore: Sequence[str] = (), **asked: Any
) -> FlatResponse:
    """Decode and flatten one answer.

    Args:
        body: as received.
        apis: the APIs that may have been asked: words of ``decode.PATHS``.
        http_status: the HTTP status it came with.
        ignore: globs of unknown fields that the digest is taken without.
        asked: how it was asked for, as ``decode`` takes it.

    Raises:
        ServerError: it is refused.
    """
    checked = decode(body, http_status, apis=apis, **asked)
    flat = flatten(checked.models)
    columns = {table.name: _packed_columns(table, getattr(flat, table.name)) for table in schema.GRAIN_TABLES.values()}
    return FlatResponse(
        columns, tuple(flat.models["key"]), _summary(flat, ignore), (*checked.warnings, *flat.warnings), _packed(body)
    )


class ResponseBatch:
    """The distinct answers of one run.

    It has one owner, the event loop, and no lock: nothing of it may be handed to another thread.

    Args:
        ignore: globs of unknown fields that the digests are taken without.
    """

    def __init__(self, ignore: Sequence[str] = ()) -> None:
        self.ignore = tuple(ignore)
        self._known: dict[tuple[tuple[str, ...], str], BatchEntry] = {}
        self._keys: dict[str, str] = {}  # the same text once, however many machines have the model
        self._bodies: list[_Packed] = []
        self._tables = {table.name: _Table(table) for table in schema.GRAIN_TABLES.values()}

    def get(self, apis: tuple[str, ...], payload_digest: str) -> BatchEntry | None:
        """The entry of an answer that was added before, or None.

        Args:
            apis: the APIs that may have been asked.
            payload_digest: SHA-256 of the body.
        """
        return self._known.get((apis, payload_digest))

    def add(self, apis: tuple[str, ...], payload_digest: str, response: FlatResponse) -> BatchEntry:
        """Add an answer; one that is there already is not added again."""
        if known := self.get(apis, payload_digest):
            return known
        for name, table in self._tables.items():
            table.add(response.columns[name])
        keys = tuple(self._keys.setdefault(key, key) for key in response.keys)
        entry = BatchEntry(len(self._bodies), keys, response.summary, response.warnings)
        self._bodies.append(response.body)
        self._known[apis, payload_digest] = entry
        return entry

    def snapshot(self, observed: Sequence[Mapping[str, Any]], places: Mapping[str, int]) -> RunTables:
        """The tables of a run.

        Args:
            observed: the rows of the observations.
            places: the places of the answers that count, by server, in the order that their rows are to have.
        """
        times = {row["server"]: row["as_of"] for row in observed}
        tables = {name: table.named(places, times) for name, table in self._tables.items()}
        bodies = {server: self._bodies[place] for server, place in places.items()}
        return RunTables(
            {"observations": table_of(schema.OBSERVATIONS, observed), **tables},
            payloads=_Bodies(bodies),
            ignored=self.ignore,
        )


class _Table:
    """The rows of one grain of all distinct answers, in the order of the answers, without their servers."""

    def __init__(self, table: schema.Table) -> None:
        self._table = table
        self._packed: list[pa.Table] = []
        self._waiting: Columns = {name: [] for name in table.names}
        self._starts = array("q", [0])

    def add(self, columns: "Columns | pa.Table") -> None:
        """Add the rows of the next answer."""
        if isinstance(columns, pa.Table):
            self._pack()
            self._packed.append(columns)
            self._starts.append(self._starts[-1] + columns.num_rows)
            return
        for name, values in columns.items():
            self._waiting[name] += values
        self._starts.append(self._starts[-1] + len(columns["key"]))
        if len(self._waiting["key"]) >= _PACKED:
            self._pack()

    def named(self, places: Mapping[str, int], times: Mapping[str, datetime]) -> pa.Table:
        """The rows of the answers at some places, each with its server and the time of the answer."""
        self._pack()
        rows, owners = array("q"), array("q")
        for owner, place in enumerate(places.values()):
            rows.extend(range(self._starts[place], self._starts[place + 1]))
            owners.extend([owner] * (self._starts[place + 1] - self._starts[place]))
        table = concat(self._table, self._packed)
        if len(places) == 1:  # without pyarrow.compute, whose import would take longer than all else
            table, owned = table.slice(rows[0] if rows else 0, len(rows)), _owners([*places] * len(rows), times)
        else:
            table, owned = table.take(_numbers(rows)), _owners([*places], times).take(_numbers(owners))
        for name in owned.column_names:
            place = table.column_names.index(name)
            table = table.set_column(place, arrow_schema(self._table).field(name), owned.column(name))
        return table.combine_chunks()

    def _pack(self) -> None:
        if self._waiting["key"]:
            self._packed.append(build(self._table, self._waiting))
            self._waiting = {name: [] for name in self._table.names}


@dataclass(frozen=True)
class _Packed:
    """A body, compressed."""

    size: int
    content: bytes = field(repr=False)


class _Bodies(Mapping[str, bytes]):
    """The bodies as received, by server."""

    def __init__(self, packed: Mapping[str, _Packed]) -> None:
        self._packed = packed

    def __getitem__(self, server: str) -> bytes:
        packed = self._packed[server]
        body: bytes = pa.decompress(packed.content, packed.size, codec="zstd", asbytes=True)
        return body

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def _packed(body: bytes) -> _Packed:
    return _Packed(len(body), pa.compress(body, codec="zstd", asbytes=True))


def _owners(servers: list[str], times: Mapping[str, datetime]) -> pa.Table:
    return build(_OWNERS, {"server": servers, "as_of": [times[server] for server in servers]})


def _numbers(values: "array[int]") -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])


def _packed_columns(table: schema.Table, columns: Columns) -> "Columns | pa.Table":
    """The rows of one grain of one answer, packed if they are many."""
    named = named_rows(columns, "")
    return build(table, named) if len(named["key"]) >= _PACKED else named


def _summary(rows: Rows, ignore: Sequence[str]) -> dict[str, Any]:
    return {
        "model_count": len(rows.models["key"]),
        "instance_count": len(rows.instances["key"]),
        "size_bytes": total_of(rows.models["size_bytes"]),
        "digest": digest(rows, ignore),
    }
