"""Compare two sets of tables: what was added, removed, renamed, loaded, unloaded and reconfigured.

Only servers that were read completely on both sides are compared: a response that is missing proves no removal.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain

import pyarrow as pa

from inventory import schema
from inventory.diff.by_column import APPEARED, DISAPPEARED, NAMED, match_by_name, with_matched
from inventory.diff.changes import UNREAD, ChangeSet
from inventory.diff.comparable import comparable
from inventory.diff.extras import are_too_many, as_one, servers_with_too_many
from inventory.diff.fields import compared, ignored_in, value_text
from inventory.diff.matching import DiffRow, Entries, Pair, Row, instance_pairs, model_pairs, to_json
from inventory.diff.renames import REGROUPED, Rename, find_renames, groups_of, hints_of
from inventory.schema.derived import HINTS, NOT_COMPARED
from inventory.tables import RunTables, rows, table_of, values

_Fields = Mapping[str, frozenset[str]]
_Names = tuple[frozenset[str], frozenset[str]]  # of fields, before and after
_NOTHING: Row = dict.fromkeys(schema.CHANGES.names)
_PLAIN = (str, int, bool)  # types of which two equal values have the same text


@dataclass(frozen=True)
class DiffInput:
    """One side of a comparison.

    Attributes:
        servers: status and time of observation of each server.
        tables: the rows, by grain.
        fields: for each server the fields that have a value anywhere in its response, as ``models.size_bytes``, where
            ``tables`` hold only some of its rows; None if they hold all of them.
        rows_only: only servers with rows are known; nothing can be said about any other.
    """

    servers: Mapping[str, tuple[str, datetime | None]]
    tables: Mapping[str, pa.Table]
    fields: _Fields | None = None
    rows_only: bool = False

    def with_too_many(self, servers: set[str]) -> set[str]:
        """Find the servers with more unknown fields than are compared one by one."""
        if self.fields is not None:
            return {server for server, fields in self.fields.items() if are_too_many(fields)}
        tables = {schema.GRAIN_TABLES[grain].name: table for grain, table in self.tables.items()}
        return servers_with_too_many(tables, servers)

    def fields_where(self, odd: set[str]) -> _Fields | None:
        """Return the fields, with the unknown ones of some servers as one."""
        if self.fields is None:
            return None
        return {server: as_one(fields) if server in odd else fields for server, fields in self.fields.items()}


def compare_tables(old: RunTables, new: RunTables, ignore: Sequence[str] = ()) -> ChangeSet:
    """Find what changed from one set of tables to another.

    Args:
        old: the earlier tables.
        new: the later tables.
        ignore: names of fields whose values are not compared, with all that is in them; ``*`` and ``?`` stand for any
            text.
    """
    old, new = comparable(old, new)
    return compare_sides(_side(old), _side(new), ignore, (*old.ignored, *new.ignored))


def compare_sides(
    old: DiffInput, new: DiffInput, ignore: Sequence[str] = (), unstored: Sequence[str] = ()
) -> ChangeSet:
    """Find what changed between two sides, which need not hold every row of their servers.

    Args:
        old: the earlier side.
        new: the later side.
        ignore: globs of fields that are not compared.
        unstored: globs of unknown fields that the rows of one side were stored without.
    """
    before, after = ({server: status for server, (status, _) in side.servers.items()} for side in (old, new))
    both = sorted(server for server in before.keys() & after.keys() if before[server] == after[server] == "ok")
    grains = [grain for grain in schema.GRAINS if grain in old.tables and grain in new.tables]
    odd = {server for side in (old, new) for server in side.with_too_many(set(both))}
    tables = [{grain: side.tables[grain] for grain in grains} for side in (old, new)]
    fields = [side.fields_where(odd) for side in (old, new)]
    matching = match_by_name(tables, both, _same_fields(*fields))

    def entry(row: Row, grain: str) -> DiffRow:
        """Choose the fields of a row that are compared; of servers in ``odd`` the unknown ones are one field."""
        server, table = row["server"], schema.GRAIN_TABLES[grain]
        if row["extra"] is None:
            return DiffRow(row, compared(row, table, ignore))
        names = (name for side in (old, new) for name in (side.fields or {}).get(server, ()))
        return DiffRow(row, compared(row, table, ignore, (*unstored, *ignored_in(names)), extra_as_one=server in odd))

    others = set(both).difference(matching.servers)
    olds, news = (_entries(matching.others, side, others, entry) for side in (0, 1))
    by_server = [_server(server, olds[server], news[server], fields) for server in olds.keys() | news.keys()]
    changes = [change | {"observed_at": new.servers[change["server"]][1]} for change in chain.from_iterable(by_server)]
    changes.sort(
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
    last_read = {
        server: moment for side in (old, new) for server, (status, moment) in side.servers.items() if status == "ok"
    }
    skipped = [
        {
            "server": server,
            "reason": _reason(before.get(server), after.get(server), old, new),
            "last_read": last_read.get(server),
        }
        for server in sorted((before.keys() | after.keys()) - {*both})
    ]
    return ChangeSet(
        with_matched(
            table_of(schema.CHANGES, changes),
            matching,
            both,
            ignore,
            [new.servers[server][1] for server in both],
            lambda row, grain: to_json(entry(row, grain).fields),
        ),
        table_of(NOT_COMPARED, skipped),
        table_of(HINTS, hints_of(changes)),
        tuple(grains),
    )


def _side(run: RunTables) -> DiffInput:
    columns = ("server", "status", "observed_at", "as_of")
    observations = zip(*(values(run.tables["observations"], name) for name in columns), strict=True)
    return DiffInput(
        {server: _read_as(status, observed, as_of) for server, status, observed, as_of in observations},
        {grain: run.tables[schema.GRAIN_TABLES[grain].name] for grain in run.grains},
        rows_only=run.gaps.servers,
    )


def _read_as(status: str, observed: datetime | None, as_of: datetime | None) -> tuple[str, datetime | None]:
    """Return the status of the rows of a server and their time: an older complete response is as good as a new one."""
    return ("ok", as_of) if as_of is not None and observed is not None and as_of < observed else (status, observed)


def _reason(before: str | None, after: str | None, old: DiffInput, new: DiffInput) -> str:
    if after is None:
        return "no rows in the new file, which does not say who was read" if new.rows_only else "no longer asked"
    if after != "ok":
        return f"{UNREAD} now: {after}"
    if before is None and old.rows_only:
        return "no rows in the old file, which does not say who was read"
    return "seen for the first time: a baseline" if before is None else f"{UNREAD} before: {before}"


def _same_fields(before: _Fields | None, after: _Fields | None) -> Callable[[str], bool] | None:
    if before is None or after is None:
        return None
    return lambda server: before.get(server) == after.get(server)


def _entries(
    tables: Mapping[str, tuple[pa.Table, pa.Table]], side: int, servers: set[str], entry: Callable[[Row, str], DiffRow]
) -> dict[str, Entries]:
    """Group the rows of some servers on one side."""
    groups: dict[str, Entries] = defaultdict(lambda: {grain: [] for grain in tables})
    for grain, both in tables.items():
        for row in rows(both[side]):
            if row["server"] in servers:
                groups[row["server"]][grain].append(entry(row, grain))
    return groups


def _server(server: str, olds: Entries, news: Entries, fields: Sequence[_Fields | None]) -> Iterator[Row]:
    """Yield the changes of one server; both sides hold the same grains.

    ``fields`` are the fields of its whole responses, where the rows are only a part of them.
    """
    models = None
    if "model" in olds:
        pairs = model_pairs(olds, news)
        renames = find_renames(pairs)
        models = groups_of(pairs, renames)
        yield from (_renamed(rename) for rename in renames)
        renamed = {id(entry) for rename in renames for entry in (rename.old, rename.new)}
        pairs = [pair for pair in pairs if None not in pair or renamed.isdisjoint(map(id, pair))]
        pairs += [rename.pair() for rename in renames if rename.compared]
        yield from _changes("model", server, _fields_before_and_after("model", server, olds, news, fields), pairs)
    if "instance" in olds:
        pairs = instance_pairs(olds["instance"], news["instance"], models)
        yield from _changes("instance", server, _fields_before_and_after("instance", server, olds, news, fields), pairs)


def _renamed(rename: Rename) -> Row:
    old, new = rename.old.row, rename.new.row
    change = _change("model", new, "renamed", field="key", old=old["key"], new=new["key"])
    return change | ({"hint": REGROUPED} if rename.regrouped else {})


def _fields_before_and_after(
    grain: str, server: str, olds: Entries, news: Entries, fields: Sequence[_Fields | None]
) -> _Names:
    """Return the fields that had a value in any row of a grain before, and those that have one after."""
    table = schema.GRAIN_TABLES[grain].name
    before, after = (
        frozenset(field for entry in side[grain] for field in entry.fields)
        if known is None
        else _fields_of(table, known[server])
        for side, known in zip((olds, news), fields, strict=True)
    )
    return before, after


@lru_cache
def _fields_of(table: str, fields: frozenset[str]) -> frozenset[str]:
    """Return the fields of one table of a response; most responses have the same."""
    return frozenset(field.removeprefix(f"{table}.") for field in fields if field.startswith(f"{table}."))


def _changes(grain: str, server: str, fields: _Names, pairs: list[Pair]) -> Iterator[Row]:
    """Yield the changes of one grain of one server.

    A field is reported when a row that existed before has it and no row had it. A field that only new rows have is no
    news about the server.
    """
    both = [(old, new) for old, new in pairs if old and new]
    fields_before, fields_after = fields
    reported = {field for _, new in both for field in new.fields} - fields_before
    unreported = {field for old, _ in both for field in old.fields} - fields_after
    yield from (_change(grain, {"server": server}, "reported", field=field) for field in sorted(reported))
    yield from (_change(grain, {"server": server}, "unreported", field=field) for field in sorted(unreported))
    for old, new in pairs:
        if new is None:
            if old is not None:
                yield _change(grain, old.row, DISAPPEARED[grain], old=to_json(old.fields))
        elif old is None:
            yield _change(grain, new.row, APPEARED[grain], new=to_json(new.fields))
        # Python takes 1 and true for equal, so rows with unknown fields are compared as text.
        elif old.fields != new.fields or old.row["extra"] is not None:
            for field in sorted(_perhaps_different(old.fields, new.fields) - reported - unreported):
                before, after = (value_text(entry.fields.get(field), field) for entry in (old, new))
                if before != after:
                    yield _change(grain, new.row, "reconfigured", field=field, old=before, new=after)


def _perhaps_different(old: Row, new: Row) -> set[str]:
    """Return the fields whose values can have different texts: all but those of equal texts, numbers and so on."""
    return {
        field
        for field in old.keys() | new.keys()
        if type(value := old.get(field)) not in _PLAIN or type(value) is not type(new.get(field)) or value != new[field]
    }


def _change(
    grain: str, row: Row, word: str, field: str | None = None, old: str | None = None, new: str | None = None
) -> Row:
    names = {name: row[name] for name in NAMED[grain] if name in row}
    return {**_NOTHING, **names, "grain": grain, "change": word, "field": field, "old": old, "new": new}
