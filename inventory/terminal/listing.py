"""The rows of a snapshot -> text for a terminal: the largest first, never wider than the terminal, keys never cut."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import starmap
from typing import Any

import pyarrow as pa
from click import style

from inventory import schema
from inventory.columns import integers, numbered, text_column, text_of
from inventory.errors import ConfigurationError
from inventory.report.coverage import Coverage, coverage_of
from inventory.report.row_filters import column_named
from inventory.report.row_tables import MODEL_COLUMNS, is_number, with_ages
from inventory.schema.headings import heading
from inventory.tables import RunTables, arrow_schema, cells, conformed, values
from inventory.terminal.column_table import column_table
from inventory.terminal.layout import COLOURS, natural_width
from inventory.text import COLUMNS, UNLIMITED, count, escape_controls, format_value, local_text, size, wrap

_NEEDED = ("server", "key", "ordinal", "type", "size_bytes", "loaded_instance_count", "as_of")
"""The columns that rows are told apart, grouped and counted by, as far as there are such."""

SHOWN = {
    "model": MODEL_COLUMNS,
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
    name = _sorted_by(grain, sort)
    keys = [(name, "descending" if descending else "ascending", "at_end")]
    compared = conformed(content.select([name]), pa.schema([arrow_schema(schema.GRAIN_TABLES[grain]).field(name)]))
    return content.take(compute.sort_indices(compared, sort_keys=keys))  # a stable sort


def needed_columns(shown: Iterable[str], grain: str, sort: str | None) -> list[str]:
    """Return the columns that are read to show some of them; arguments and errors as ``sorted_rows``."""
    return [*shown, *_NEEDED, _sorted_by(grain, sort)]


def _sorted_by(grain: str, sort: str | None) -> str:
    return column_named("size" if sort is None else sort.removeprefix("-"), schema.GRAIN_TABLES[grain]).name


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
) -> Iterator[str]:
    """Show a line of totals, the rows, and of which state they are; yield the text a part at a time.

    Args:
        snapshot: the state or run.
        rows: those of its rows that are shown, in their order.
        grain: model or instance.
        coverage: how much was read; by default as judged at the time of the state.
        view: how they are shown.
    """
    view, coverage = view or View(), coverage or coverage_of(snapshot)
    older = {*coverage.unread, *coverage.stale} if snapshot.state_at and _several(snapshot) else set()
    yield _lines(wrap(_totals(snapshot, rows, grain, view), view.columns))
    if rows.num_rows:
        yield from _parts(rows.slice(0, view.limit), snapshot, grain, older, view)
    if state := _state(snapshot, coverage):
        look = COLOURS[coverage.level]
        yield "\n" + _lines(style(line, fg=look) for line in wrap(state, view.columns))


def _several(snapshot: RunTables) -> bool:
    return len(snapshot.tables["observations"]) > 1


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _parts(rows: pa.Table, snapshot: RunTables, grain: str, older: set[str], view: View) -> Iterator[str]:
    """Show the rows as one table, or in parts with a heading each: of a type, or of a server and type."""
    if view.names:
        return _table(rows, with_server(view.names, snapshot), grain, view.columns)
    rows = with_ages(rows, older)
    as_of = ["as_of"] if rows.column("as_of").null_count < rows.num_rows else []
    if view.columns >= UNLIMITED:
        names = ["server", *SHOWN[grain][:1], "type", *SHOWN[grain][1:], *as_of]
        return _table(rows, names, grain, view.columns)
    names = [*(["server"] if _several(snapshot) else []), *SHOWN[grain], *as_of]
    if view.one_table or view.limit:
        return _table(rows, names, grain, view.columns, optional=True)
    cells = [column.dictionary.to_pylist() for column in _cells(rows, names, grain)]
    if not _several(snapshot) or natural_width(cells, [*map(heading, names)]) + len(_INDENT) <= view.columns:
        return _grouped(rows, names, grain, view.columns, by_server=False)
    return _grouped(rows, SHOWN[grain], grain, view.columns, by_server=True)


def _grouped(rows: pa.Table, names: Sequence[str], grain: str, columns: int, *, by_server: bool) -> Iterator[str]:
    """Lay out the rows under headings with their sums: of a type, or of a server and type."""
    from pyarrow import compute  # takes a while to import

    def group(server: str, kind: str | None) -> tuple[str, int, str]:
        word = kind or "" if grain == "model" else ""
        return server if by_server else "", _TYPES.index(word) if word in _TYPES else len(_TYPES), word

    numbers, distinct = numbered(rows.select(["server", "type"]))
    groups = [*starmap(group, cells(distinct, ("server", "type")))]
    ranks = {each: rank for rank, each in enumerate(sorted(set(groups)))}
    if len(ranks) == 1 and not by_server:
        yield from _table(rows, names, grain, columns, optional=True)
        return
    ranked = integers(ranks[each] for each in groups).take(numbers)
    rows = rows.take(compute.array_sort_indices(ranked))  # a stable sort
    heads, parts = _laid_out(rows, names, grain, columns, _INDENT, optional=True)
    lines = pa.concat_arrays([*parts])
    numbers_by_rank = Counter(ranked.to_pylist())
    begin = 0
    for (server, _, kind), rank in ranks.items():
        own = rows.slice(begin, numbers_by_rank[rank])
        moment = values(own.slice(0, 1), "as_of")[0] if by_server else None
        as_of = f" (as of {_time(moment)})" if moment else ""
        sums = _sums(own, grain, own.num_rows, kind)
        title = f"{escape_controls(server)}{as_of}: {sums}" if by_server else sums
        bold = _lines(style(line, bold=True) for line in wrap(title, columns))
        yield "\n" + bold + ("" if begin else _lines(heads)) + text_of(lines.slice(begin, own.num_rows))
        begin += own.num_rows


def _table(rows: pa.Table, names: Sequence[str], grain: str, columns: int, *, optional: bool = False) -> Iterator[str]:
    heads, parts = _laid_out(rows, names, grain, columns, "", optional=optional)
    yield "\n" + _lines(heads)
    yield from map(text_of, parts)


def _laid_out(
    rows: pa.Table, names: Sequence[str], grain: str, columns: int, indent: str, *, optional: bool
) -> tuple[list[str], Iterator[pa.Array]]:
    """Return the lines of the heads and the texts of the rows; optional columns give way."""
    return column_table(
        _cells(rows, names, grain),
        _sides(names, grain),
        [*map(heading, names)],
        indent=indent,
        room=columns,
        optional=[names.index(name) for name in _OPTIONAL if optional and name in names],
    )


def _totals(snapshot: RunTables, rows: pa.Table, grain: str, view: View) -> str:
    """Count the rows; a server that was not read has no models that could be counted."""
    if not snapshot.anything_read:
        return "Nothing is known"
    shown = rows.num_rows
    total = f"{shown:,} of " if view.total is not None else ""
    servers = len(rows.column("server").unique())
    where = f" on {count(servers, 'server')}" if servers else ""
    limited = f"; shown: the first {view.limit:,}" if view.limit and view.limit < shown else ""
    return f"{total}{_sums(rows, grain, shown if view.total is None else view.total)}{where}{limited}"


def _sums(rows: pa.Table, grain: str, number: int, kind: str | None = None) -> str:
    """Count rows, and sum their sizes and loaded instances: 5 LLMs, 48.42 GB, 3 loaded."""
    if grain == "instance":
        return count(number, "loaded instance")
    sizes = [size for size in values(rows, "size_bytes") if size is not None]
    loaded = sum(loaded or 0 for loaded in values(rows, "loaded_instance_count"))
    counts = count(number, "model") if kind is None else _count_of_type(number, kind)
    return f"{counts}, {size(sum(sizes)) if sizes or not rows.num_rows else 'size not reported'}, {loaded:,} loaded"


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
    return "".join(">" if is_number(column) else "<" for column in _columns(names, grain))


def _cells(rows: pa.Table, names: Sequence[str], grain: str) -> list[pa.DictionaryArray]:
    return [text_column(rows, [column.name], partial(_cell, column)) for column in _columns(names, grain)]


def _cell(column: schema.Column, value: Any) -> str:
    if column.name == "as_of":
        return _time(value) if value else ""
    return escape_controls(format_value(value, column.unit, "-"))


def _time(moment: datetime) -> str:
    return local_text(moment, minutes=True)
