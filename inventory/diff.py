"""Snapshot x Snapshot -> Changes: what was added, removed and reconfigured.

Only servers that were read completely in both snapshots are compared; the others say nothing about what is gone.
"""

import fnmatch
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.snapshot import Snapshot, build, frame, rows

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

_CAME = {"model": "added", "instance": "loaded"}
_WENT = {"model": "removed", "instance": "unloaded"}
_NUMBERS = {"model": "ordinal", "instance": "instance_ordinal"}


@dataclass(frozen=True, repr=False)
class Changes:
    """What differs between two snapshots.

    Attributes:
        table: one row per change, as ``schema.CHANGES`` says, as an Arrow table.
        not_compared: why a server was not compared, by its name.
    """

    table: pa.Table
    not_compared: dict[str, str]

    @property
    def frame(self) -> "pd.DataFrame":
        """The changes as a DataFrame with nullable types."""
        return frame(self.table)

    def counts(self, grain: str) -> dict[str, int]:
        """How many models or instances each word of ``schema.CHANGES_WORDS`` happened to."""
        touched: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
        for row in rows(self.table):
            if row["grain"] == grain:
                name = row["field"] if row["key"] is None else None
                touched[row["change"]].add((*(row[key] for key in schema.INSTANCES.keys), name))
        return {word: len(touched[word]) for word in schema.CHANGES_WORDS}

    def __repr__(self) -> str:
        return f"<Changes: {self.table.num_rows} rows, {len(self.not_compared)} servers not compared>"


def compare(old: Snapshot, new: Snapshot, ignore: Sequence[str] = ()) -> Changes:
    """Say what changed from one snapshot to another.

    Args:
        old: the earlier one.
        new: the later one.
        ignore: names of fields whose values are not compared; ``*`` and ``?`` stand for any text.
    """
    before, after = _statuses(old), _statuses(new)
    both = {server for server in before.keys() & after.keys() if before[server] == after[server] == "ok"}
    grains = [grain for grain in schema.GRAINS if grain in old.grains and grain in new.grains]
    found = [change for grain in grains for change in _grain(grain, old, new, both, ignore)]
    found.sort(
        key=lambda row: (
            row["server"],
            schema.GRAINS.index(row["grain"]),
            schema.CHANGES_WORDS.index(row["change"]),
            row["key"] or "",
            row["ordinal"] or 0,
            row["instance_id"] or "",
            row["instance_ordinal"] or 0,
        )
    )
    table = build(schema.CHANGES, {name: [row[name] for row in found] for name in schema.CHANGES.names})
    return Changes(
        table,
        {
            server: _reason(before.get(server), after.get(server))
            for server in sorted((before.keys() | after.keys()) - both)
        },
    )


def _statuses(snapshot: Snapshot) -> dict[str, str]:
    return {row["server"]: row["status"] for row in rows(snapshot.tables["observations"])}


def _reason(before: str | None, after: str | None) -> str:
    if before is None:
        return "seen for the first time: a baseline"
    if after is None:
        return "no longer asked"
    return f"not read now: {after}" if after != "ok" else f"not read before: {before}"


def _grain(grain: str, old: Snapshot, new: Snapshot, servers: set[str], ignore: Sequence[str]) -> Iterator[Row]:
    """The changes of one grain, server by server."""
    table = schema.GRAIN_TABLES[grain]
    before, after = (_by_server(rows(snapshot.tables[table.name]), servers) for snapshot in (old, new))
    kinds = {column.name: column.kind for column in table.columns}
    for server in sorted(servers):
        olds = [(row, _fields(row, table, ignore)) for row in before[server]]
        news = [(row, _fields(row, table, ignore)) for row in after[server]]
        had = {field for _, fields in olds for field in fields}
        has = {field for _, fields in news for field in fields}
        reported, unreported = (has - had, had - has) if olds and news else (set[str](), set[str]())
        yield from (_change(grain, {"server": server}, "reported", field=field) for field in sorted(reported))
        yield from (_change(grain, {"server": server}, "unreported", field=field) for field in sorted(unreported))
        for one, other in _pairs(grain, olds, news):
            if one is None and other is not None:
                yield _change(grain, other[0], _CAME[grain], new=_whole(other[1]))
            elif other is None and one is not None:
                yield _change(grain, one[0], _WENT[grain], old=_whole(one[1]))
            elif one is not None and other is not None:
                for field in sorted((one[1].keys() | other[1].keys()) - reported - unreported):
                    was, now = one[1].get(field), other[1].get(field)
                    if was != now:
                        yield _change(
                            grain,
                            other[0],
                            "reconfigured",
                            field=field,
                            old=_text(was, field, kinds),
                            new=_text(now, field, kinds),
                        )


def _by_server(found: list[Row], servers: set[str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        if row["server"] in servers:
            groups[row["server"]].append(row)
    return groups


def _fields(row: Row, table: schema.Table, ignore: Sequence[str]) -> Row:
    """The compared fields of a row that have a value; lists as sorted lists, unknown fields by path."""
    fields: Row = {}
    for column in table.columns:
        value = row[column.name]
        if value is None or column.key or not column.compared:
            continue
        if column.kind == schema.LIST:
            fields[column.name] = sorted(json.loads(value))
        elif column.kind == schema.OBJECT:
            fields |= _leaves(column.name, json.loads(value))
        else:
            fields[column.name] = value
    return {
        field: value
        for field, value in fields.items()
        if not any(fnmatch.fnmatchcase(field, pattern) for pattern in ignore)
    }


def _leaves(path: str, value: Any) -> Row:
    """The values in nested unknown fields, by path; a null is the same as nothing."""
    if isinstance(value, dict) and value:
        return {leaf: inner for name in value for leaf, inner in _leaves(f"{path}.{name}", value[name]).items()}
    return {} if value is None else {path: value}


def _pairs(
    grain: str,
    olds: list[tuple[Row, Row]],
    news: list[tuple[Row, Row]],
) -> Iterator[tuple[tuple[Row, Row] | None, tuple[Row, Row] | None]]:
    """Pair the rows with one key: those with equal content first, the rest in their order."""
    number = _NUMBERS[grain]
    identity = [key for key in schema.GRAIN_TABLES[grain].keys if key != number]
    groups: dict[tuple[Any, ...], tuple[list[tuple[Row, Row]], list[tuple[Row, Row]]]] = {}
    for side, several in enumerate((olds, news)):
        for row in several:
            groups.setdefault(tuple(row[0][key] for key in identity), ([], []))[side].append(row)
    for before, after in groups.values():
        if len(before) > 1 or len(after) > 1:
            for one in list(before):
                same = next((other for other in after if other[1] == one[1]), None)
                if same is not None:
                    before.remove(one)
                    after.remove(same)
        paired = min(len(before), len(after))
        yield from zip(before, after, strict=False)
        yield from ((one, None) for one in before[paired:])
        yield from ((None, other) for other in after[paired:])


def _change(
    grain: str, row: Row, word: str, field: str | None = None, old: str | None = None, new: str | None = None
) -> Row:
    change: Row = dict.fromkeys(schema.CHANGES.names)
    change |= {name: row[name] for name in (*schema.GRAIN_TABLES[grain].keys, "display_name") if name in row}
    return change | {"grain": grain, "change": word, "field": field, "old": old, "new": new}


def _text(value: Any, field: str, kinds: dict[str, str]) -> str | None:
    """A value as the changes table holds it: the text of a text column as it is, everything else as JSON."""
    if value is None:
        return None
    if kinds.get(field) == schema.TEXT:
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _whole(fields: Row) -> str:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True)
