"""Answers to a Snapshot: each distinct answer is understood once, and kept small.

Machines of a fleet often say the same, byte for byte. A body is decoded and flattened once; its rows become Arrow
columns as soon as there are some thousands of them, as Python's own objects take twenty times the memory; the body is
kept compressed.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.decode import decode
from inventory.digest import digest
from inventory.flatten import Columns, Rows, flatten
from inventory.snapshot import Snapshot, arrow_schema, build, concat, named_rows, table_of, total_of

_PACKED = 2000  # rows that are packed into Arrow columns together
_NAMES = schema.Table("names", "a server", (schema.Column("server", schema.TEXT, "", ""),))


@dataclass(frozen=True)
class Reading:
    """What one answer says.

    Attributes:
        place: its number among the distinct answers.
        keys: the key of each of its models.
        told: what the observation tells of it.
        warnings: what was odd in it, one sentence each.
    """

    place: int
    keys: tuple[str, ...]
    told: Mapping[str, Any]
    warnings: tuple[str, ...]


class Intake:
    """The answers of one run.

    Args:
        ignore: globs of unknown fields that the digests are taken without.
    """

    def __init__(self, ignore: Sequence[str] = ()) -> None:
        self._ignore = tuple(ignore)
        self._known: dict[tuple[str, str], Reading] = {}
        self._keys: dict[str, str] = {}  # the same text once, however many machines have the model
        self._bodies: list[_Packed] = []
        self._tables = {table.name: _Table(table) for table in schema.GRAIN_TABLES.values()}

    def understand(
        self, body: bytes, payload_digest: str, api: str, http_status: int = 200, *, token_sent: bool = False
    ) -> Reading:
        """Decode and flatten an answer, or remember that this was done.

        Args:
            body: as received.
            payload_digest: SHA-256 of it.
            api: the API that was asked: a word of ``decode.PATHS``.
            http_status: the HTTP status it came with.
            token_sent: whether the request carried a token.

        Raises:
            ServerError: it is refused.
        """
        if http_status == 200 and (known := self._known.get((api, payload_digest))):
            return known
        checked = decode(body, http_status, token_sent=token_sent, apis=(api,))
        rows = flatten(checked.models)
        for name, table in self._tables.items():
            table.add(getattr(rows, name))
        keys = tuple(self._keys.setdefault(key, key) for key in rows.models["key"])
        reading = Reading(len(self._bodies), keys, _told(rows, self._ignore), (*checked.warnings, *rows.warnings))
        self._bodies.append(_packed(body))
        self._known[api, payload_digest] = reading
        return reading

    def snapshot(self, observed: Sequence[Mapping[str, Any]], places: Mapping[str, int]) -> Snapshot:
        """The tables of a run.

        Args:
            observed: the rows of the observations.
            places: the places of the answers that count, by server, in the order that their rows are to have.
        """
        tables = {name: table.named(places) for name, table in self._tables.items()}
        bodies = {server: self._bodies[place] for server, place in places.items()}
        return Snapshot(
            {"observations": table_of(schema.OBSERVATIONS, observed), **tables},
            payloads=_Bodies(bodies),
            ignored=self._ignore,
        )


class _Table:
    """The rows of one grain of all distinct answers, in the order of the answers, without their servers."""

    def __init__(self, table: schema.Table) -> None:
        self._table = table
        self._packed: list[pa.Table] = []
        self._waiting: Columns = {name: [] for name in table.names}
        self._starts = array("q", [0])

    def add(self, columns: Columns) -> None:
        """Add the rows of the next answer."""
        for name, values in named_rows(columns, "").items():
            self._waiting[name] += values
        self._starts.append(self._starts[-1] + len(columns["key"]))
        if len(self._waiting["key"]) >= _PACKED:
            self._pack()

    def named(self, places: Mapping[str, int]) -> pa.Table:
        """The rows of the answers at some places, each under its server."""
        self._pack()
        rows, owners = array("q"), array("q")
        for owner, place in enumerate(places.values()):
            rows.extend(range(self._starts[place], self._starts[place + 1]))
            owners.extend([owner] * (self._starts[place + 1] - self._starts[place]))
        table = concat(self._table, self._packed)
        if len(places) == 1:  # without pyarrow.compute, whose import would take longer than all else
            table, names = table.slice(rows[0] if rows else 0, len(rows)), _names([*places] * len(rows))
        else:
            table, names = table.take(_numbers(rows)), _names([*places]).take(_numbers(owners))
        return table.set_column(0, arrow_schema(self._table).field(0), names).combine_chunks()

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


def _names(servers: list[str]) -> pa.Array:
    return build(_NAMES, {"server": servers}).column("server").combine_chunks()


def _numbers(values: "array[int]") -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])


def _told(rows: Rows, ignore: Sequence[str]) -> dict[str, Any]:
    return {
        "model_count": len(rows.models["key"]),
        "instance_count": len(rows.instances["key"]),
        "size_bytes": total_of(rows.models["size_bytes"]),
        "digest": digest(rows, ignore),
    }
