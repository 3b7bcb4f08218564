"""The rows of a snapshot -> text for a terminal: the largest first, never wider than the terminal, keys never cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa
from click import style

from inventory import schema
from inventory.errors import ConfigurationError
from inventory.report.coverage import Coverage, coverage_of
from inventory.report.row_filters import column_named
from inventory.schema.headings import heading
from inventory.tables import RunTables, build, cells, values
from inventory.terminal.layout import natural_width, table_parts
from inventory.terminal.snapshot import COVERAGE_COLOURS
from inventory.text import COLUMNS, UNLIMITED, count, escape_controls, format_value, local_text, size, texts_of, wrap

SHOWN = {
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
"""The columns that people look for."""

_OPTIONAL = ("architecture", "max_context_length", "params_string", "remaining_ttl_seconds")
"""The columns that give way where the terminal is narrow, in this order."""

_COUNTED = ("size_bytes", "loaded_instance_count")
_INDENT = "  "
_TYPES = ("llm", "embedding")
_NOUNS = {"llm": "LLM", "embedding": "embedding"}


@dataclass(frozen=True)
class View:
    """How rows are shown.

    Attributes:
        columns: columns of the terminal; from ``UNLIMITED`` on, as for a pipe, nothing is left out or folded.
        names: the columns that were asked for; empty for those that people look for.
        one_table: the order was asked for, so that no headings come between the rows.
        limit: how many rows are shown; None for all.
        total: the number of rows before a filter; None if there is none.
    """

    columns: int = COLUMNS
    names: Sequence[str] = ()
    one_table: bool = False
    limit: int | None = None
    total: int | None = None


def sorted_rows(snapshot: RunTables, grain: str, sort: str | None) -> pa.Table:
    """Sort the rows of a snapshot; nulls come last.

    Args:
        snapshot: the snapshot.
        grain: model or instance.
        sort: a column, with a ``-`` in front for the greatest first; by default the largest models come first.

    Raises:
        ConfigurationError: there is no such column, or it is a file without rows of this grain.
    """
    if grain not in snapshot.grains:
        raise ConfigurationError(f"the snapshot has no {grain} rows", "It was read from a file of one grain")
    from pyarrow import compute  # takes a while to import

    content = snapshot.tables[schema.GRAIN_TABLES[grain].name]
    descending = sort is None or sort.startswith("-")
    name = column_named("size" if sort is None else sort.removeprefix("-"), schema.GRAIN_TABLES[grain]).name
    keys = [(name, "descending" if descending else "ascending", "at_end")]
    return content.take(compute.sort_indices(content, sort_keys=keys))  # a stable sort


def columns_of(text: str | None, grain: str) -> list[str]:
    """Split a list of columns into names; none if there is no list.

    Raises:
        ConfigurationError: there is no such column.
    """
    names = text.split(",") if text is not None else []
    return list(dict.fromkeys(column_named(name, schema.GRAIN_TABLES[grain]).name for name in names))


def with_server(names: Sequence[str], snapshot: RunTables) -> list[str]:
    """Put the server in front of the columns that were asked for, where there are several and it is not among them."""
    return [*names] if "server" in names or not names or not _several(snapshot) else ["server", *names]


def rows_text(
    snapshot: RunTables, rows: pa.Table, grain: str, coverage: Coverage | None = None, view: View | None = None
) -> str:
    """Show a line of totals, the rows, and of which state they are.

    Args:
        snapshot: the state or run.
        rows: those of its rows that are shown, in their order.
        grain: model or instance.
        coverage: how much was read; by default as judged at the time of the state.
        view: how they are shown.
    """
    view, coverage = view or View(), coverage or coverage_of(snapshot)
    older = {*coverage.unread, *coverage.stale} if snapshot.state_at and _several(snapshot) else set()
    parts = [wrap(_totals(snapshot, rows, grain, view), view.columns)]
    if rows.num_rows:
        parts += _parts(rows.slice(0, view.limit), snapshot, grain, older, view)
    state = _state(snapshot, coverage)
    parts += [[style(line, fg=COVERAGE_COLOURS[coverage.level]) for line in wrap(state, view.columns)]] if state else []
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _several(snapshot: RunTables) -> bool:
    return len(snapshot.tables["observations"]) > 1


def _parts(rows: pa.Table, snapshot: RunTables, grain: str, older: set[str], view: View) -> list[list[str]]:
    """Return the rows as one table, or in parts with a heading each: of a type, or of a server and type."""
    if view.names:
        return [_table(rows, with_server(view.names, snapshot), grain, view.columns)]
    rows = _with_ages(rows, older)
    as_of = ["as_of"] if rows.column("as_of").null_count < rows.num_rows else []
    if view.columns >= UNLIMITED:
        names = ["server", *SHOWN[grain][:1], "type", *SHOWN[grain][1:], *as_of]
        return [_table(rows, names, grain, view.columns)]
    names = [*(["server"] if _several(snapshot) else []), *SHOWN[grain], *as_of]
    if view.one_table or view.limit:
        return [_table(rows, names, grain, view.columns, optional=True)]
    cells = list(zip(*_cells(rows, names, grain), strict=True))
    fits = natural_width(cells, _sides(names, grain), [*map(heading, names)]) + len(_INDENT) <= view.columns
    if fits or not _several(snapshot):
        return _grouped(rows, names, grain, view.columns, by_server=False)
    return _grouped(rows, SHOWN[grain], grain, view.columns, by_server=True)


def _with_ages(rows: pa.Table, older: set[str]) -> pa.Table:
    """Return the rows with the age of those only whose server has an older answer than the others."""
    column = column_named("as_of", schema.MODELS)
    place = rows.schema.get_field_index(column.name)
    if not older:
        return rows.set_column(place, column.name, pa.nulls(rows.num_rows, rows.schema.field(place).type))
    ages = [age if server in older else None for age, server in cells(rows, ("as_of", "server"))]
    built = build(schema.Table("", "", (column,)), {column.name: ages})
    return rows.set_column(place, built.field(0), built.column(0))


def _grouped(rows: pa.Table, names: Sequence[str], grain: str, columns: int, *, by_server: bool) -> list[list[str]]:
    """Lay out the rows under headings with their sums: of a type, or of a server and type."""
    groups: dict[tuple[str, int, str], list[int]] = {}
    for index, (server, kind) in enumerate(cells(rows, ("server", "type"))):
        kind = str(kind or "") if grain == "model" else ""
        group = (server if by_server else "", _TYPES.index(kind) if kind in _TYPES else len(_TYPES), kind)
        groups.setdefault(group, []).append(index)
    if len(groups) == 1 and not by_server:
        return [_table(rows, names, grain, columns, optional=True)]
    heads, lines = _laid_out(rows, names, grain, columns, _INDENT, optional=True)
    times = values(rows, "as_of")
    counted = list(cells(rows, _COUNTED)) if grain == "model" else []
    parts: list[list[str]] = []
    for (server, _, kind), indexes in sorted(groups.items()):
        own = [counted[index] for index in indexes] if counted else []
        moment = times[indexes[0]] if by_server else None
        as_of = f" (as of {_time(moment)})" if moment else ""
        sums = _sums(own, grain, len(indexes), kind)
        title = f"{escape_controls(server)}{as_of}: {sums}" if by_server else sums
        bold = [style(line, bold=True) for line in wrap(title, columns)]
        parts.append([*bold, *([] if parts else heads), *(line for index in indexes for line in lines[index])])
    return parts


def _table(rows: pa.Table, names: Sequence[str], grain: str, columns: int, *, optional: bool = False) -> list[str]:
    heads, lines = _laid_out(rows, names, grain, columns, "", optional=optional)
    return [*heads, *(line for row in lines for line in row)]


def _laid_out(
    rows: pa.Table, names: Sequence[str], grain: str, columns: int, indent: str, *, optional: bool
) -> tuple[list[str], list[list[str]]]:
    """Return the lines of the heads and those of each row; optional columns give way."""
    return table_parts(
        list(zip(*_cells(rows, names, grain), strict=True)),
        _sides(names, grain),
        [*map(heading, names)],
        indent=indent,
        columns=columns,
        optional=[names.index(name) for name in _OPTIONAL if optional and name in names],
    )


def _totals(snapshot: RunTables, rows: pa.Table, grain: str, view: View) -> str:
    """Count the rows; a server that was not read has no models that could be counted."""
    if not snapshot.anything_read:
        return "Nothing is known"
    shown = rows.num_rows
    total = f"{shown:,} of " if view.total is not None else ""
    servers = len(set(values(rows, "server")))
    where = f" on {count(servers, 'server')}" if servers else ""
    limited = f"; shown: the first {view.limit:,}" if view.limit and view.limit < shown else ""
    counted = list(cells(rows, _COUNTED)) if grain == "model" else []
    return f"{total}{_sums(counted, grain, shown if view.total is None else view.total)}{where}{limited}"


def _sums(counted: Sequence[tuple[Any, ...]], grain: str, number: int, kind: str | None = None) -> str:
    """Count rows, and sum their sizes and loaded instances: 5 LLMs, 48.42 GB, 3 loaded."""
    if grain == "instance":
        return count(number, "loaded instance")
    sizes = [size for size, _ in counted if size is not None]
    loaded = sum(loaded or 0 for _, loaded in counted)
    counts = count(number, "model") if kind is None else _count_of_type(number, kind)
    return f"{counts}, {size(sum(sizes)) if sizes or not counted else 'size not reported'}, {loaded:,} loaded"


def _count_of_type(number: int, kind: str) -> str:
    if kind in _NOUNS:
        return count(number, _NOUNS[kind])
    return f"{count(number, 'model')} of {f'type {escape_controls(kind)}' if kind else 'unknown type'}"


def _state(snapshot: RunTables, coverage: Coverage) -> str:
    """Say how much was read; nothing of a single run that read everything."""
    read = escape_controls(coverage.text)
    if snapshot.state_at:
        return f"State at {local_text(snapshot.state_at)}: {read}"
    return "" if coverage.level == "good" else read


def _columns(names: Sequence[str], grain: str) -> list[schema.Column]:
    return [column_named(name, schema.GRAIN_TABLES[grain]) for name in names]


def _sides(names: Sequence[str], grain: str) -> str:
    return "".join(">" if column.kind in (schema.INTEGER, schema.NUMBER) else "<" for column in _columns(names, grain))


def _cells(rows: pa.Table, names: Sequence[str], grain: str) -> list[list[str]]:
    """Format some columns; each value once, however many rows have it."""
    return [texts_of(values(rows, column.name), partial(_cell, column)) for column in _columns(names, grain)]


def _cell(column: schema.Column, value: Any) -> str:
    if column.name == "as_of":
        return _time(value) if value else ""
    return escape_controls(format_value(value, column.unit, "-"))


def _time(moment: datetime) -> str:
    return local_text(moment, minutes=True)
