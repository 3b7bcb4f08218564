"""Columns by their names: which table a file holds, which columns it lacks, and which are unknown.

Files live longer than versions: a column that a file lacks is empty, one that is unknown is left out, and a note
says so.
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
"""Columns without which a row belongs to no model."""

_OTHERS = (
    ({"change", "grain"}, "changes"),
    ({"first_seen", "last_seen"}, "the lives of models"),
    ({"servers_ok", "collected_at"}, "the runs of a history"),
    ({"different_models"}, "counts by server or label"),
    ({"quantizations", "servers"}, "models by key"),
)
"""Columns of tables that are no snapshot, and the contents of these tables."""

_NAMED = 6  # columns that a sentence names
_ONLY_THERE = {
    grain: {*table.names}
    - {name for other in schema.GRAIN_TABLES.values() if other is not table for name in other.names}
    for grain, table in schema.GRAIN_TABLES.items()
}


def grain_of(names: Sequence[str | None]) -> str:
    """Return the grain of a table with columns of these names.

    Raises:
        Unreadable: none has such columns.
    """
    there = {name for name in names if name}
    for marks, what in _OTHERS:
        if marks <= there:
            raise Unreadable(f"it holds {what}, not a snapshot", "Give a file that snapshot or export wrote")
    if not there & {name for table in schema.GRAIN_TABLES.values() for name in table.names}:
        raise Unreadable(
            f"no column of it is one of a snapshot: {first_names([name for name in names if name]) or 'it names none'}",
            "Give a file that snapshot or export wrote",
        )
    for name in NEEDED:
        if name not in there:
            raise Unreadable(f"it has no column {name}", "Put it back; without it the rows belong to no model")
    grain = max(schema.GRAINS, key=lambda grain: len(there & _ONLY_THERE[grain]))
    if grain == "instance" and "instance_id" not in there:
        raise Unreadable("it has no column instance_id", "Put it back; without it instances look alike")
    return grain


def is_header(names: Iterable[str | None]) -> bool:
    """Return whether texts are the names of the columns of a snapshot."""
    return {*NEEDED} <= {*names}


def gaps_of(table: schema.Table, names: Sequence[str | None], where: str = "", more: Iterable[str] = ()) -> Gaps:
    """Describe what a table with columns of these names lacks.

    Args:
        table: the table.
        names: the names of the columns in the file.
        where: the beginning of the notes.
        more: names of further columns that this tool writes.

    Raises:
        Unreadable: two columns of the table have one name.
    """
    known = [name for name in names if name in table.names]
    if len({*known}) < len(known):
        raise Unreadable(f"{where}two columns are called {next(name for name in known if known.count(name) > 1)}")
    lacking = [name for name in table.names if name not in known]
    # Ordinals follow from the order of the rows, and the age of a row is compared with nothing.
    missing = [name for name in lacking if not name.endswith("ordinal") and name != "as_of"]
    unknown = [name for name in names if name and name not in {*table.names, *more} and not _is_index(name)]
    notes = []
    if unknown:
        notes.append(f"{where}{_columns(unknown)} ignored: it was written by a newer version, or added by hand")
    if missing:
        notes.append(f"{where}no {_columns(missing)}: an older version may have written the file. Not compared")
    return Gaps(frozenset((table.name, name) for name in (*lacking, *unknown)), notes=tuple(notes))


def _columns(names: Sequence[str]) -> str:
    return f"{'columns' if len(names) > 1 else 'column'} {first_names(names)}"


def first_names(names: Sequence[str]) -> str:
    """Join the first of several names, and say how many more there are."""
    shown = [name if len(name) <= 60 else f"{name[:57]}..." for name in names[:_NAMED]]
    return ", ".join(shown) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


class SkippedRows:
    """Counter of the rows that belong to no model, such as totals."""

    def __init__(self) -> None:
        self._first: tuple[int, str] | None = None
        self._count = 0

    def add(self, row: int, lacking: str, rows: int = 1) -> None:
        """Count rows: the number of the first as a spreadsheet shows it, and the key column that they lack."""
        self._first = self._first or (row, lacking)
        self._count += rows

    def left_out(self, content: pa.Table, names: Iterable[str], first: int) -> pa.Table:
        """Count the rows that lack a key column, and return the others.

        Args:
            content: the rows.
            names: the columns that the file has.
            first: the number of the first row as a spreadsheet shows it.
        """
        from pyarrow import compute  # takes longer to import than a small file to write

        for name in {*NEEDED, "ordinal"} & {*names}:
            if lacking := content.column(name).null_count:
                is_present = compute.is_valid(content.column(name))
                self.add(first + compute.index(is_present, False).as_py(), name, lacking)
                content = content.filter(is_present)
        return content

    def gaps(self, rows: int, where: str = "") -> Gaps:
        """Describe the rows that were left out.

        Args:
            rows: rows that were read.
            where: the beginning of the note.

        Raises:
            Unreadable: no row was read, and some were skipped.
        """
        if self._first is None:
            return Gaps()
        row, lacking = self._first
        if not rows:
            raise Unreadable(f"{where}none of its {self._count:,} rows has a {lacking}")
        more = f" and {self._count - 1:,} more" if self._count > 1 else ""
        return Gaps(notes=(f"{where}row {row:,}{more} ignored, such as a total: it has no {lacking}",))


def numbered(table: schema.Table, content: pa.Table, lacking: Gaps) -> pa.Table:
    """Add ordinals where the file has none: they number rows that are otherwise the same, in their order."""
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
            single = schema.Table(table.name, "", (column,))
            place = table.names.index(column.name)
            field = arrow_schema(table).field(place)
            content = content.set_column(place, field, build(single, {column.name: numbers}).column(0))
    return content.replace_schema_metadata(arrow_schema(table).metadata)


def observed_of(content: pa.Table) -> pa.Table:
    """Make the observations that follow from rows alone: their servers were read, at the time that the rows tell."""
    read_at = dict(zip(values(content, "server"), values(content, "as_of"), strict=True))
    servers = sorted(read_at)
    observed: dict[str, list[Any]] = {name: [None] * len(servers) for name in schema.OBSERVATIONS.names}
    observed |= {"run_id": [""] * len(servers), "server": servers, "status": ["ok"] * len(servers)}
    return build(schema.OBSERVATIONS, observed | {"as_of": [read_at[server] for server in servers]})


def _is_index(name: str) -> bool:
    """Return whether a name is one that pandas gives to row numbers."""
    return name.startswith(("__index_level_", "Unnamed: "))
