"""The rows of a snapshot -> text for a terminal: any columns, in any order, keys never cut."""

from collections.abc import Sequence
from typing import Any

from click import style

from inventory import schema
from inventory.errors import ConfigurationError
from inventory.report.coverage import Coverage, coverage_of
from inventory.schema.headings import heading
from inventory.tables import RunTables, rows, values
from inventory.terminal.layout import table
from inventory.terminal.snapshot import COVERAGE_COLOURS
from inventory.text import count, escape_controls, format_value, local_text, size, truncate

Row = dict[str, Any]

_SHOWN = {
    "model": (
        "key",
        "params_string",
        "architecture",
        "quantization_name",
        "size_bytes",
        "max_context_length",
        "loaded_instance_count",
    ),
    "instance": (
        "instance_id",
        "key",
        "quantization_name",
        "size_bytes",
        "config_context_length",
        "max_context_length",
        "remaining_ttl_seconds",
    ),
}
_NEVER_CUT = ("server", "key", "instance_id")
_ROOM = 24


def sorted_rows(snapshot: RunTables, grain: str, sort: str | None) -> list[Row]:
    """Sort the rows of a snapshot; nulls come last.

    Args:
        snapshot: the snapshot.
        grain: model or instance.
        sort: a column, with a ``-`` in front for the greatest first; None keeps their order.

    Raises:
        ConfigurationError: there is no such column, or it is a file without rows of this grain.
    """
    if grain not in snapshot.grains:
        raise ConfigurationError(f"the snapshot has no {grain} rows", "It was read from a file of one grain")
    content = rows(snapshot.tables[schema.GRAIN_TABLES[grain].name])
    if sort is None:
        return content
    name = sort.removeprefix("-")
    _column(name, grain)
    known = sorted((row for row in content if row[name] is not None), key=lambda row: row[name], reverse=sort[0] == "-")
    return known + [row for row in content if row[name] is None]


def columns_of(text: str | None, grain: str) -> list[str]:
    """Split a list of columns into names; none if there is no list.

    Raises:
        ConfigurationError: there is no such column.
    """
    names = [name.strip() for name in text.split(",")] if text is not None else []
    for name in names:
        _column(name, grain)
    return names


def rows_text(
    snapshot: RunTables,
    rows: Sequence[Row],
    grain: str,
    columns: Sequence[str] = (),
    coverage: Coverage | None = None,
) -> str:
    """Show rows as lines, a line of totals, and of which state they are.

    Args:
        snapshot: the state or run.
        rows: those of its rows that are shown.
        grain: model or instance.
        columns: the columns; by default those that people look for.
        coverage: how much was read; by default as judged at the time of the state.

    Raises:
        ConfigurationError: there is no such column.
    """
    servers = values(snapshot.tables["observations"], "server")
    names = [*columns] if columns else [*(("server",) if len(servers) > 1 else ()), *_SHOWN[grain]]
    shown = [_column(name, grain) for name in names]
    cells = [[_cell(row[column.name], column) for column in shown] for row in rows]
    sides = "".join(">" if column.kind in (schema.INTEGER, schema.NUMBER) else "<" for column in shown)
    lines = table(cells, sides, [heading(name) for name in names])
    return "\n".join([*lines, "", _totals(snapshot, rows, grain, coverage or coverage_of(snapshot))]) + "\n"


def _totals(snapshot: RunTables, rows: Sequence[Row], grain: str, coverage: Coverage) -> str:
    """Count the rows, and say how much was read; a server that was not read has no models that could be counted."""
    parts = [count(len(rows), "loaded instance" if grain == "instance" else "model")]
    if grain == "model":
        sizes = [row["size_bytes"] for row in rows if row["size_bytes"] is not None]
        parts.append(size(sum(sizes)) if sizes or not rows else "size not reported")
        parts.append(count(sum(row["loaded_instance_count"] or 0 for row in rows), "loaded instance"))
    counts = ", ".join(parts) if snapshot.anything_read else "Nothing is known"
    read = style(escape_controls(coverage.text), fg=COVERAGE_COLOURS[coverage.level])
    if snapshot.state_at:
        return f"{counts}\nState at {local_text(snapshot.state_at)}: {read}"
    return counts if coverage.level == "good" else f"{counts}; {read}"


def _column(name: str, grain: str) -> schema.Column:
    columns = {column.name: column for column in schema.GRAIN_TABLES[grain].columns}
    if name not in columns:
        raise ConfigurationError(f"there is no column {name!r}", f"There are: {', '.join(columns)}")
    return columns[name]


def _cell(value: Any, column: schema.Column) -> str:
    text = escape_controls(format_value(value, column.unit, "-"))
    return text if column.name in _NEVER_CUT else truncate(text, _ROOM)
