"""Collect the responses of a run into tables: each distinct response is flattened once and stored compactly.

Machines of a fleet often send the same response, byte for byte. A body is decoded and flattened once; its rows become
Arrow columns as soon as there are a few thousand of them, because Python objects take twenty times the memory; the body
is stored compressed.

There are two steps, so that a server cannot get the rows of another one. ``flatten_response`` is a function of one
response: it knows nothing of a batch and may run in any thread. ``ResponseBatch.add`` is the only place where the rows
of several responses are joined and numbered, and only the event loop calls it.
"""

import json
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.collection.repeats import KnownAnswers, LateTables, joined
from inventory.columns import integers
from inventory.config.servers import Server
from inventory.normalize.fingerprint import digest
from inventory.normalize.flatten import Columns, Rows, flatten
from inventory.normalize.response import decode
from inventory.sources import RawResponse
from inventory.tables import RunTables, arrow_schema, build, concat, named_rows, table_of, total_of

Row = dict[str, Any]

_SUMMARY = ("model_count", "instance_count", "size_bytes", "digest")
"""The fields of the observations table that follow from the rows of a response."""

_CHUNK_ROWS = 2000  # rows that become Arrow columns together
_OWNERS = schema.Table(
    "owners",
    "the server of a row, and when it responded",
    (schema.Column("server", schema.TEXT), schema.Column("as_of", schema.TIME)),
)


@dataclass(frozen=True)
class FlatResponse:
    """A decoded and flattened response: everything that follows from its bytes alone.

    Attributes:
        columns: the rows by grain table, with an empty ``server`` column: an Arrow table if there are many, else a list
            per column.
        keys: the key of each of its models.
        summary: its fields of the observations table: counts, size, digest.
        warnings: its oddities, one sentence each.
        body: the response as received, compressed.
    """

    columns: Mapping[str, "Columns | pa.Table"] = field(repr=False)
    keys: tuple[str, ...]
    summary: Mapping[str, Any]
    warnings: tuple[str, ...]
    body: "_CompressedBody"


@dataclass(frozen=True)
class BatchEntry:
    """A response in a batch.

    Attributes:
        position: its number among the distinct responses.
        keys: the key of each of its models.
        summary: its fields of the observations table: counts, size, digest.
        warnings: its oddities, one sentence each.
        repeated: the observation of the server's last answer, if this is the same: then it has no position and no keys.
    """

    position: int
    keys: tuple[str, ...]
    summary: Mapping[str, Any]
    warnings: tuple[str, ...]
    repeated: Row | None = None


def flatten_response(
    body: bytes, apis: Collection[str], http_status: int = 200, *, ignore: Sequence[str] = (), **request: Any
) -> FlatResponse:
    """Decode and flatten a response.

    Args:
        body: the bytes as received.
        apis: the APIs that may have sent it: keys of ``PATHS``.
        http_status: its HTTP status.
        ignore: globs of unknown fields that are left out of the digest.
        request: further arguments of ``decode`` on how it was requested.

    Raises:
        ServerError: the response is refused.
    """
    parsed = decode(body, http_status, apis=apis, **request)
    flat = flatten(parsed.models)
    columns = {table.name: _compact(table, getattr(flat, table.name)) for table in schema.GRAIN_TABLES.values()}
    return FlatResponse(
        columns, tuple(flat.models["key"]), _summary(flat, ignore), (*parsed.warnings, *flat.warnings), _compress(body)
    )


class ResponseBatch:
    """The distinct responses of one run.

    Only the event loop uses it, so it has no lock: no part of it may be handed to another thread.

    Args:
        ignore: globs of unknown fields that are left out of the digests.
        known: the last answers of servers, which need not be parsed again.
    """

    def __init__(self, ignore: Sequence[str] = (), known: KnownAnswers | None = None) -> None:
        self.ignore = tuple(ignore)
        self._known = known or KnownAnswers()
        self._entries: dict[tuple[tuple[str, ...], str], BatchEntry] = {}
        self._keys: dict[str, str] = {}  # each text once, however many machines have the model
        self._bodies: list[_CompressedBody] = []
        self._tables = {table.name: _RowStore(table) for table in schema.GRAIN_TABLES.values()}

    def repeated(self, server: Server, raw: RawResponse, payload_digest: str) -> BatchEntry | None:
        """Return an entry for the answer that a server gives again, or None if it is another one."""
        known = self._known.repeated(server.name, raw.source, payload_digest, raw.body)
        # Its warnings were written without the token of then, which may be another one now.
        if known is None or (known["warnings"] and server.token):
            return None
        warnings = tuple(json.loads(known["warnings"] or "[]"))
        return BatchEntry(-1, (), {name: known[name] for name in _SUMMARY}, warnings, known)

    def get(self, apis: tuple[str, ...], payload_digest: str) -> BatchEntry | None:
        """Return the entry of a response that was added before, or None.

        Args:
            apis: the APIs that may have sent it.
            payload_digest: SHA-256 of the body.
        """
        return self._entries.get((apis, payload_digest))

    def add(self, apis: tuple[str, ...], payload_digest: str, response: FlatResponse) -> BatchEntry:
        """Add a response unless it was added before, and return its entry."""
        if entry := self.get(apis, payload_digest):
            return entry
        for name, table in self._tables.items():
            table.add(response.columns[name])
        keys = tuple(self._keys.setdefault(key, key) for key in response.keys)
        entry = BatchEntry(len(self._bodies), keys, response.summary, response.warnings)
        self._bodies.append(response.body)
        self._entries[apis, payload_digest] = entry
        return entry

    def snapshot(self, observations: Sequence[Row], entries: Mapping[str, BatchEntry]) -> RunTables:
        """Build the tables of the run.

        Args:
            observations: the rows of the observations table.
            entries: the responses to use, by server, in the order that their rows shall have.
        """
        times = {row["server"]: row["as_of"] for row in observations}

        def rows_of(servers: Collection[str]) -> Mapping[str, pa.Table]:
            wanted = {server: entries[server] for server in entries if server in servers}
            positions = {server: entry.position for server, entry in wanted.items() if not entry.repeated}
            again = [entry.repeated | {"as_of": times[server]} for server, entry in wanted.items() if entry.repeated]
            parts = [self._known.tables(again)] if again else []
            if positions or not again:
                parts.append({name: table.rows_by_server(positions, times) for name, table in self._tables.items()})
            return joined(parts)

        bodies = {
            server: partial(self._known.body, entry.repeated)
            if entry.repeated
            else partial(_decompress, self._bodies[entry.position])
            for server, entry in entries.items()
        }
        tables = LateTables(table_of(schema.OBSERVATIONS, observations), rows_of)
        return RunTables(tables, payloads=_Payloads(bodies), ignored=self.ignore)


class _RowStore:
    """The rows of one grain of all distinct responses, in the order of the responses, without their servers."""

    def __init__(self, table: schema.Table) -> None:
        self._table = table
        self._chunks: list[pa.Table] = []
        self._pending: Columns = {name: [] for name in table.names}
        self._starts = array("q", [0])

    def add(self, columns: "Columns | pa.Table") -> None:
        """Add the rows of the next response."""
        if isinstance(columns, pa.Table):
            self._flush()
            self._chunks.append(columns)
            self._starts.append(self._starts[-1] + columns.num_rows)
            return
        for name, values in columns.items():
            self._pending[name] += values
        self._starts.append(self._starts[-1] + len(columns["key"]))
        if len(self._pending["key"]) >= _CHUNK_ROWS:
            self._flush()

    def rows_by_server(self, positions: Mapping[str, int], times: Mapping[str, datetime]) -> pa.Table:
        """Return the rows of the responses at these positions, each with its server and the time of the response."""
        self._flush()
        rows, servers = array("q"), array("q")
        for server, position in enumerate(positions.values()):
            rows.extend(range(self._starts[position], self._starts[position + 1]))
            servers.extend([server] * (self._starts[position + 1] - self._starts[position]))
        table = concat(self._table, self._chunks)
        if len(positions) == 1:
            # This way needs no pyarrow.compute, whose import would take longer than all the rest.
            table, owners = table.slice(rows[0] if rows else 0, len(rows)), _owners([*positions] * len(rows), times)
        else:
            table, owners = table.take(integers(rows)), _owners([*positions], times).take(integers(servers))
        for name in owners.column_names:
            place = table.column_names.index(name)
            table = table.set_column(place, arrow_schema(self._table).field(name), owners.column(name))
        return table.combine_chunks()

    def _flush(self) -> None:
        """Turn the pending rows into Arrow columns."""
        if self._pending["key"]:
            self._chunks.append(build(self._table, self._pending))
            self._pending = {name: [] for name in self._table.names}


@dataclass(frozen=True)
class _CompressedBody:
    """A body, compressed; ``size`` is that of the body in bytes."""

    size: int
    content: bytes = field(repr=False)


class _Payloads(Mapping[str, bytes]):
    """The bodies as received, by server; each is read or decompressed when it is needed."""

    def __init__(self, bodies: Mapping[str, Callable[[], bytes]]) -> None:
        self._bodies = bodies

    def __getitem__(self, server: str) -> bytes:
        return self._bodies[server]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._bodies)

    def __len__(self) -> int:
        return len(self._bodies)


def _compress(body: bytes) -> _CompressedBody:
    return _CompressedBody(len(body), pa.compress(body, codec="zstd", asbytes=True))


def _decompress(compressed: _CompressedBody) -> bytes:
    body: bytes = pa.decompress(compressed.content, compressed.size, codec="zstd", asbytes=True)
    return body


def _owners(servers: list[str], times: Mapping[str, datetime]) -> pa.Table:
    return build(_OWNERS, {"server": servers, "as_of": [times.get(server) for server in servers]})


def _compact(table: schema.Table, columns: Columns) -> "Columns | pa.Table":
    """Return the rows of one grain of a response, as an Arrow table if there are many."""
    rows = named_rows(columns, "")
    return build(table, rows) if len(rows["key"]) >= _CHUNK_ROWS else rows


def _summary(rows: Rows, ignore: Sequence[str]) -> dict[str, Any]:
    """Return the fields of the observations table that follow from the rows."""
    return {
        "model_count": len(rows.models["key"]),
        "instance_count": len(rows.instances["key"]),
        "size_bytes": total_of(rows.models["size_bytes"]),
        "digest": digest(rows, ignore),
    }
