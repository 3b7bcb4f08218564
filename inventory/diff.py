"""Snapshot x Snapshot -> Changes: what was added, removed and reconfigured.

Only servers that were read completely in both snapshots are compared; the others say nothing about what is gone.
"""

import fnmatch
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.snapshot import Snapshot, build, frame, rows

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

_CAME = {"model": "added", "instance": "loaded"}
_WENT = {"model": "removed", "instance": "unloaded"}


@dataclass(frozen=True)
class _Entry:
    """A row and its compared fields that have a value."""

    row: Row
    fields: Row


_Entries = dict[str, list[_Entry]]  # of one server, by grain
_Pair = tuple[_Entry | None, _Entry | None]
_Look = Callable[[_Entry], str]


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
        ignore: names of fields whose values are not compared, with all that is in them; ``*`` and ``?`` stand for any
            text.
    """
    before, after = _statuses(old), _statuses(new)
    both = {server for server in before.keys() & after.keys() if before[server] == after[server] == "ok"}
    grains = [grain for grain in schema.GRAINS if grain in old.grains and grain in new.grains]
    olds, news = (_entries(snapshot, grains, both, ignore) for snapshot in (old, new))
    found = [change for server in both for change in _server(server, olds[server], news[server])]
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
    if after is None:
        return "no longer asked"
    if after != "ok":
        return f"not read now: {after}"
    return "seen for the first time: a baseline" if before is None else f"not read before: {before}"


def _entries(
    snapshot: Snapshot, grains: Sequence[str], servers: set[str], ignore: Sequence[str]
) -> dict[str, _Entries]:
    """The entries of each server."""
    groups: dict[str, _Entries] = {server: {grain: [] for grain in grains} for server in servers}
    for grain in grains:
        table = schema.GRAIN_TABLES[grain]
        for row in rows(snapshot.tables[table.name]):
            if row["server"] in servers:
                groups[row["server"]][grain].append(_Entry(row, _fields(row, table, ignore)))
    return groups


def _server(server: str, olds: _Entries, news: _Entries) -> Iterator[Row]:
    """The changes of one server; both sides hold the same grains."""
    ordinals: dict[Any, int] | None = None
    if "model" in olds:
        pairs = _model_pairs(olds, news)
        ordinals = {(one.row["key"], one.row["ordinal"]): other.row["ordinal"] for one, other in pairs if one and other}
        yield from _changes("model", server, olds["model"], news["model"], pairs)
    if "instance" in olds:
        pairs = _instance_pairs(olds["instance"], news["instance"], ordinals)
        yield from _changes("instance", server, olds["instance"], news["instance"], pairs)


def _changes(grain: str, server: str, olds: list[_Entry], news: list[_Entry], pairs: list[_Pair]) -> Iterator[Row]:
    """The changes of one grain of one server.

    A field is reported when a row that was there before has it and no row had it. What only a new row has is no news
    about the server.
    """
    kinds = {column.name: column.kind for column in schema.GRAIN_TABLES[grain].columns}
    both = [(one, other) for one, other in pairs if one and other]
    had, has = ({field for entry in side for field in entry.fields} for side in (olds, news))
    reported = {field for _, other in both for field in other.fields} - had
    unreported = {field for one, _ in both for field in one.fields} - has
    yield from (_change(grain, {"server": server}, "reported", field=field) for field in sorted(reported))
    yield from (_change(grain, {"server": server}, "unreported", field=field) for field in sorted(unreported))
    for one, other in pairs:
        if other is None:
            if one is not None:
                yield _change(grain, one.row, _WENT[grain], old=_json(one.fields))
        elif one is None:
            yield _change(grain, other.row, _CAME[grain], new=_json(other.fields))
        else:
            for field in sorted((one.fields.keys() | other.fields.keys()) - reported - unreported):
                was, now = (_text(entry.fields.get(field), field, kinds) for entry in (one, other))
                if was != now:
                    yield _change(grain, other.row, "reconfigured", field=field, old=was, new=now)


def _fields(row: Row, table: schema.Table, ignore: Sequence[str]) -> Row:
    """The compared fields of a row that have a value; lists as sorted lists, unknown fields by path."""
    fields: Row = {}
    for column in table.columns:
        value = row[column.name]
        if value is None or column.key or not column.compared:
            continue
        if column.kind == schema.LIST:
            fields[column.name] = sorted(set(json.loads(value)))
        elif column.kind == schema.OBJECT:
            fields |= _leaves(column.name, json.loads(value))
        else:
            fields[column.name] = value
    return {
        field: value
        for field, value in fields.items()
        if not any(fnmatch.fnmatchcase(field, way) for pattern in ignore for way in (pattern, f"{pattern}.*"))
    }


def _leaves(path: str, value: Any) -> Row:
    """The values in nested unknown fields, by path; a null is the same as nothing, a list of texts is a set."""
    if isinstance(value, dict) and value:
        return {leaf: inner for name in value for leaf, inner in _leaves(f"{path}.{_step(name)}", value[name]).items()}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {path: sorted(set(value))}
    return {} if value is None else {path: value}


def _step(name: str) -> str:
    """A name in a path, quoted where it could be taken for two."""
    return _json(name) if "." in name or '"' in name else name


def _model_pairs(olds: _Entries, news: _Entries) -> list[_Pair]:
    """Pair the models with one key: those that are equal with their instances, those that are equal, then in order."""
    inside: dict[int, list[str]] = defaultdict(list)
    for side in (olds, news):
        owners = {(entry.row["key"], entry.row["ordinal"]): id(entry) for entry in side["model"]}
        for entry in side.get("instance", ()):
            owner = owners.get((entry.row["key"], entry.row["ordinal"]), 0)
            inside[owner].append(_json([entry.row["instance_id"], entry.fields]))

    def whole(entry: _Entry) -> str:
        return _json([entry.fields, sorted(inside.get(id(entry), ()))])

    keys = [[(entry.row["key"],) for entry in side["model"]] for side in (olds, news)]
    return _pairs(olds["model"], news["model"], keys[0], keys[1], (whole, _content))


def _instance_pairs(olds: list[_Entry], news: list[_Entry], ordinals: Mapping[Any, int] | None) -> list[_Pair]:
    """Pair the instances of one model with one id: those with equal content first, then in order.

    Args:
        olds: the instances before.
        news: the instances after.
        ordinals: the ordinal after of each model that is still there, by its key and ordinal before; None if unknown.
    """

    def owner(row: Row) -> int:
        ordinal: int = row["ordinal"]
        return ordinal if ordinals is None else ordinals.get((row["key"], ordinal), -1 - ordinal)

    before = [(entry.row["key"], owner(entry.row), entry.row["instance_id"]) for entry in olds]
    after = [(entry.row["key"], entry.row["ordinal"], entry.row["instance_id"]) for entry in news]
    return _pairs(olds, news, before, after, (_content,))


def _pairs(
    olds: list[_Entry],
    news: list[_Entry],
    old_keys: Sequence[tuple[Any, ...]],
    new_keys: Sequence[tuple[Any, ...]],
    looks: Sequence[_Look],
) -> list[_Pair]:
    """Pair the entries with one key: those that look the same, look after look, then the rest in their order."""
    groups: dict[tuple[Any, ...], tuple[list[_Entry], list[_Entry]]] = {}
    for side, (entries, keys) in enumerate(((olds, old_keys), (news, new_keys))):
        for entry, key in zip(entries, keys, strict=True):
            groups.setdefault(key, ([], []))[side].append(entry)
    pairs: list[_Pair] = []
    for before, after in groups.values():
        if len(before) > 1 or len(after) > 1:
            for look in looks:
                pairs += _take_alike(before, after, look)
        pairs += zip_longest(before, after)
    return pairs


def _take_alike(before: list[_Entry], after: list[_Entry], look: _Look) -> list[_Pair]:
    """Take the entries that look the same out of both lists, in pairs."""
    waiting: dict[str, deque[_Entry]] = defaultdict(deque)
    for other in after:
        waiting[look(other)].append(other)
    pairs = [(one, alike.popleft()) for one in before if (alike := waiting[look(one)])]
    taken = {id(entry) for pair in pairs for entry in pair}
    for side in (before, after):
        side[:] = [entry for entry in side if id(entry) not in taken]
    return [*pairs]


def _content(entry: _Entry) -> str:
    return _json(entry.fields)


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
    return str(value) if kinds.get(field) == schema.TEXT else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
