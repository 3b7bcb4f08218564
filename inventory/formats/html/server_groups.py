"""The rows of a table, a group for each server, with the columns in the order in which people read them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from inventory import schema
from inventory.formats.html.fragments import Cell, cells_of, table_of_cells, value_cell
from inventory.formats.html.page import Markup
from inventory.report.row_tables import RowTable, is_number
from inventory.schema.headings import heading
from inventory.tables import is_known
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
    return _table(columns, _lines(columns, content.rows))


def group_rows(content: RowTable, servers: Sequence[Row]) -> list[Group]:
    """Group the rows of a table by server.

    Args:
        content: the table.
        servers: rows of the observations: a server without rows is named too, and why it has none.
    """
    columns = _ordered(column for column in content.columns if column.name not in ("server", "as_of"))
    rows: dict[str, list[Row]] = defaultdict(list)
    lines: dict[str, list[Sequence[str]]] = defaultdict(list)
    for row, line in zip(content.rows, _lines(columns, content.rows), strict=True):
        rows[row["server"]].append(row)
        lines[row["server"]].append(line)
    known = {row["server"]: is_known(row) for row in servers}
    is_open = len(content.rows) <= _OPEN
    groups = []
    for server in [*known, *(name for name in rows if name not in known)]:
        if server in rows:
            groups.append(Group(server, _note(content, rows[server]), _table(columns, lines[server]), is_open))
        else:
            groups.append(Group(server, f"no {content.title}" if known[server] else "never read"))
    return groups


def _note(content: RowTable, rows: Sequence[Row]) -> str:
    """Say what the rows of a server add up to, and how old they are if they are older than those of others."""
    word = content.title.removesuffix("s")
    parts = [count(len(rows), word)]
    sizes = [row["size_bytes"] for row in rows if row["size_bytes"] is not None]
    if content.name == schema.MODELS.name:
        parts += [size(sum(sizes))] if sizes else []
        loaded = sum(row["loaded_instance_count"] or 0 for row in rows)
        parts += [f"{integer(loaded)} loaded"] if loaded else []
    as_of = rows[0]["as_of"]
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


def _table(columns: Sequence[schema.Column], lines: Iterable[Sequence[str]]) -> Markup:
    return Markup(table_of_cells([_head(column) for column in columns], (("", line) for line in lines)))


def _lines(columns: Sequence[schema.Column], rows: Sequence[Row]) -> Iterator[Sequence[str]]:
    """Make the cells of each row in HTML."""
    cells = [
        cells_of([(row["key"], row.get("display_name")) for row in rows], _name)
        if column.name == "key"
        else cells_of([row[column.name] for row in rows], partial(value_cell, column))
        for column in columns
    ]
    return zip(*cells, strict=True)


def _head(column: schema.Column) -> Cell:
    name = heading("display_name" if column.name == "key" else column.name)
    utc = " (UTC)" if column.kind == schema.TIME else ""
    # A number with a letter that scales it, such as 7B, is sorted as one.
    return Cell(f"{name}{utc}", "n" if is_number(column) else "p" if column.name == "params_string" else "t")


def _name(names: tuple[str, str | None]) -> Cell:
    key, name = names
    return Cell(key, tag="code", above=name if name and name != key else "")
