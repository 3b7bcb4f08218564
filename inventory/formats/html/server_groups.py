"""The rows of a table, a group for each server, with the columns in the order in which people read them."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.columns import integers, joined, numbered, parts_of, text_column, text_of
from inventory.formats.html.fragments import Cell, cells_of, page_cell, table_of_cells, table_of_lines, value_cell
from inventory.formats.html.page import Markup
from inventory.report.row_tables import RowTable, WholeTable, is_number
from inventory.schema.headings import heading
from inventory.tables import is_known, values
from inventory.text import count, integer, size, utc_text

Row = dict[str, Any]

_FIRST = (
    *("status", "size_bytes", "server", "instance_id", "config_context_length", "params_string", "quantization_name"),
    *("loaded_instance_count", "max_context_length", "as_of", "model_count", "instance_count", "type", "format"),
    *("publisher", "architecture"),
)
_LAST = ("capabilities_reasoning_allowed_options", "variants", "selected_variant", "description", "extra")
_OPEN = 100
"""Rows of a table whose groups are shown open; where there are more, the reader opens the servers that matter."""


@dataclass(frozen=True)
class Group:
    """The rows of one server.

    Attributes:
        name: the server.
        note: what is in it, in words.
        table: its rows as HTML; None if there are none.
        is_open: whether they are shown before the reader asks for them.
    """

    name: str
    note: str
    table: Markup | None = None
    is_open: bool = False


def table_of(content: RowTable) -> Markup:
    """Render a table whose rows are models, instances or servers: name and key in one cell, then what people look for.

    On a telephone there is room for the name and the size: the size comes first.
    """
    columns = _ordered(content.columns)
    cells = [
        cells_of([(row["key"], row["display_name"]) for row in content.rows], lambda names: _name(*names))
        if column.name == "key"
        else cells_of([row[column.name] for row in content.rows], partial(value_cell, column))
        for column in columns
    ]
    body = (("", line) for line in zip(*cells, strict=True))
    return Markup(table_of_cells([*map(_head, columns)], body))


def group_rows(content: WholeTable, servers: Sequence[Row], limit: int) -> tuple[list[Group], int]:
    """Group the rows of a table by server.

    Args:
        content: the table.
        servers: rows of the observations: a server without rows is named too, and why it has none.
        limit: how many rows are shown: those of the first servers, as far as all of a server are among so many.

    Returns:
        The groups, and how many rows are in them.
    """
    from pyarrow import compute  # takes a while to import

    known = {row["server"]: is_known(row) for row in servers}
    numbers, distinct = numbered(content.content.select(["server"]))
    names = values(distinct, "server")
    order = {server: rank for rank, server in enumerate(dict.fromkeys([*known, *names]))}
    counted = dict(zip(names, compute.value_counts(numbers).field("counts").to_pylist(), strict=True))
    ends = [*accumulate(counted.get(server, 0) for server in order)]
    ends = ends[: max(bisect_right(ends, limit), 1)]
    ranks = integers(order[name] for name in names).take(numbers)
    rows = content.content.take(compute.array_sort_indices(ranks)).slice(0, ends[-1])  # a stable sort
    columns = _ordered(column for column in content.columns if column.name not in ("server", "as_of"))
    heads, lines = [*map(_head, columns)], _row_lines(columns, rows)
    groups: list[Group] = []
    for server, begin, end in zip(order, [0, *ends], ends, strict=False):
        if begin < end:
            own = rows.slice(begin, end - begin)
            table = Markup(table_of_lines(heads, text_of(lines.slice(begin, end - begin))))
            groups.append(Group(server, _note(content, own), table, rows.num_rows <= _OPEN))
        else:
            groups.append(Group(server, f"no {content.title}" if known[server] else "never read"))
    return groups, rows.num_rows


def _note(content: WholeTable, rows: pa.Table) -> str:
    """Say what the rows of a server add up to, and how old they are if they are older than those of others."""
    parts = [count(rows.num_rows, content.title.removesuffix("s"))]
    if content.name == schema.MODELS.name:
        sizes = [value for value in values(rows, "size_bytes") if value is not None]
        parts += [size(sum(sizes))] if sizes else []
        loaded = sum(number or 0 for number in values(rows, "loaded_instance_count"))
        parts += [f"{integer(loaded)} loaded"] if loaded else []
    as_of = values(rows.slice(0, 1), "as_of")[0]
    parts += [f"as of {utc_text(as_of, minutes=True)}"] if as_of else []
    return ", ".join(parts)


def _ordered(columns: Iterable[schema.Column]) -> list[schema.Column]:
    """Order columns as people read them: what a row is about first; a model's name is in the cell of its key."""
    shown = [column for column in columns if column.name != "display_name"]
    subject = "key" if any(column.name == "key" for column in shown) else "server"

    def place(column: schema.Column) -> int:
        if column.name == subject:
            return -1
        if column.name in _FIRST:
            return _FIRST.index(column.name)
        return len(_FIRST) + (_LAST.index(column.name) + 1 if column.name in _LAST else 0)

    return sorted(shown, key=place)


def _row_lines(columns: Sequence[schema.Column], rows: pa.Table) -> pa.Array:
    """Make each row in HTML."""

    def cells(column: schema.Column) -> pa.DictionaryArray:
        begin, end = "<tr>" * (column is columns[0]), "</tr>\n" * (column is columns[-1])
        names = ["key", "display_name"] if column.name == "key" else [column.name]
        cell_of = _name if column.name == "key" else partial(value_cell, column)
        return text_column(rows, names, lambda *own: f"{begin}{page_cell(cell_of(*own))}{end}")

    return pa.concat_arrays([joined(part) for part in parts_of([*map(cells, columns)])])


def _head(column: schema.Column) -> Cell:
    name = heading("display_name" if column.name == "key" else column.name)
    utc = " (UTC)" if column.kind == schema.TIME else ""
    # A number with a letter that scales it, such as 7B, is sorted as one.
    return Cell(f"{name}{utc}", "n" if is_number(column) else "p" if column.name == "params_string" else "t")


def _name(key: str, name: str | None) -> Cell:
    return Cell(key, tag="code", above=name if name and name != key else "")
