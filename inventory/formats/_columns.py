"""Columns by their names: which table a file holds, what it lacks, and what is unknown in it.

Files live longer than versions: a column that a file lacks is empty, one that is unknown is left aside, and both are
said.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.formats._unreadable import Unreadable
from inventory.schema.gaps import Gaps
from inventory.tables import arrow_schema, build, values

NEEDED = ("server", "key")
"""Columns without which a row says nothing."""

_OTHERS = (
    ({"change", "grain"}, "changes"),
    ({"first_seen", "last_seen"}, "the lives of models"),
    ({"servers_ok", "collected_at"}, "the runs of a history"),
    ({"different_models"}, "counts by server or label"),
    ({"quantizations", "servers"}, "models by key"),
)
"""Columns that tell tables which are no snapshot, and what they hold."""

_NAMED = 6  # columns that a sentence names
_ONLY_THERE = {
    grain: {*table.names} - {name for one in schema.GRAIN_TABLES.values() if one is not table for name in one.names}
    for grain, table in schema.GRAIN_TABLES.items()
}


def grain_of(names: Sequence[str | None]) -> str:
    """The grain of a table with columns of these names.

    Raises:
        Unreadable: none has such columns.
    """
    there = {name for name in names if name}
    for marks, what in _OTHERS:
        if marks <= there:
            raise Unreadable(f"it holds {what}, not a snapshot", "Give a file that snapshot or export wrote")
    if not there & {name for table in schema.GRAIN_TABLES.values() for name in table.names}:
        raise Unreadable(
            f"none of its columns is one of a snapshot: {some([name for name in names if name]) or 'it names none'}",
            "Give a file that snapshot or export wrote",
        )
    for name in NEEDED:
        if name not in there:
            raise Unreadable(f"it has no column {name}", "Put the column back; without it no row says what it is of")
    grain = max(schema.GRAINS, key=lambda grain: len(there & _ONLY_THERE[grain]))
    if grain == "instance" and "instance_id" not in there:
        raise Unreadable("it has no column instance_id", "Put the column back; without it instances look the same")
    return grain


def is_header(names: Iterable[str | None]) -> bool:
    """Whether texts are the names of the columns of a snapshot."""
    return {*NEEDED} <= {*names}


def gaps_of(table: schema.Table, names: Sequence[str | None], where: str = "", more: Iterable[str] = ()) -> Gaps:
    """What a table with columns of these names does not tell.

    Args:
        table: which it is.
        names: the names of the columns in the file.
        where: what the sentences begin with.
        more: names of columns that this tool writes beside those of the table.

    Raises:
        Unreadable: two columns of the table have one name.
    """
    known = [name for name in names if name in table.names]
    if len({*known}) < len(known):
        raise Unreadable(f"{where}two columns are called {next(name for name in known if known.count(name) > 1)}")
    lacking = [name for name in table.names if name not in known]
    told = [name for name in lacking if not name.endswith("ordinal")]  # those follow from the order of the rows
    unknown = [name for name in names if name and name not in {*table.names, *more} and not _is_index(name)]
    notes = []
    if unknown:
        notes.append(
            f"{where}{_columns(unknown)} left aside: a newer version may have written it, or somebody added it"
        )
    if told:
        notes.append(f"{where}no {_columns(told)}: an older version may have written the file. Not compared")
    return Gaps(frozenset((table.name, name) for name in (*lacking, *unknown)), notes=tuple(notes))


def _columns(names: Sequence[str]) -> str:
    return f"{'columns' if len(names) > 1 else 'column'} {some(names)}"


def some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    shown = [name if len(name) <= 60 else f"{name[:57]}..." for name in names[:_NAMED]]
    return ", ".join(shown) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


class LeftAside:
    """Counts the rows that say nothing of a model, such as totals."""

    def __init__(self) -> None:
        self._first: tuple[int, str] | None = None
        self._count = 0

    def add(self, row: int, lacking: str, rows: int = 1) -> None:
        """The first of some rows, numbered as a spreadsheet numbers it, and the key column that is empty in them."""
        self._first = self._first or (row, lacking)
        self._count += rows

    def gaps(self, rows: int, where: str = "") -> Gaps:
        """What is to be said of them.

        Args:
            rows: rows that were read.
            where: what the sentence begins with.

        Raises:
            Unreadable: no row was read, and some were left aside.
        """
        if self._first is None:
            return Gaps()
        row, lacking = self._first
        if not rows:
            raise Unreadable(f"{where}none of its {self._count:,} rows has a {lacking}")
        more = f" and {self._count - 1:,} more" if self._count > 1 else ""
        return Gaps(notes=(f"{where}row {row:,}{more} left aside, such as a total: it has no {lacking}",))


def numbered(table: schema.Table, content: pa.Table, lacking: Gaps) -> pa.Table:
    """The rows with ordinals, where the file has none: they follow from the order of rows that are else the same."""
    columns = {name: values(content, name) for name in table.keys}
    for column in table.columns:
        if column.key and column.kind == schema.INTEGER and (table.name, column.name) in lacking.columns:
            before = [name for name in table.keys if name != column.name]
            counts: dict[tuple[Any, ...], int] = defaultdict(int)
            numbers = []
            for row in zip(*(columns[name] for name in before), strict=True):
                numbers.append(counts[row])
                counts[row] += 0 if (table, column.name) == (schema.INSTANCES, "ordinal") else 1
            columns[column.name] = numbers
            one = schema.Table(table.name, "", (column,))
            place = table.names.index(column.name)
            field = arrow_schema(table).field(place)
            content = content.set_column(place, field, build(one, {column.name: numbers}).column(0))
    return content.replace_schema_metadata(arrow_schema(table).metadata)


def observed_of(content: pa.Table) -> pa.Table:
    """The observations that follow from rows alone: their servers were read, at a time that is not known."""
    servers = sorted(set(values(content, "server")))
    observed: dict[str, list[Any]] = {name: [None] * len(servers) for name in schema.OBSERVATIONS.names}
    observed |= {"run_id": [""] * len(servers), "server": servers, "status": ["ok"] * len(servers)}
    return build(schema.OBSERVATIONS, observed)


def _is_index(name: str) -> bool:
    """Whether pandas gave a name to row numbers."""
    return name.startswith(("__index_level_", "Unnamed: "))
