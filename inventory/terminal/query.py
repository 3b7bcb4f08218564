"""The answer of a query -> text for a terminal: keys are never cut, and rows that are not shown are counted."""

from collections.abc import Sequence
from typing import Any

from inventory import schema
from inventory.report.row_tables import is_number
from inventory.tables import Row
from inventory.terminal.layout import table
from inventory.text import COLUMNS, count, escape_controls, format_value, truncate, wrap

_NEVER_CUT = ("key", "server", "rule", "run_id", "_id", "digest")
"""Endings of names of columns whose values are identifiers."""

_ROOM = 40
_TYPES = {
    schema.INTEGER: "BIGINT",
    schema.NUMBER: "DOUBLE",
    schema.BOOLEAN: "BOOLEAN",
    schema.TIME: "TIMESTAMP",
    schema.LIST: "JSON list",
    schema.OBJECT: "JSON",
}
"""What SQL calls a kind of column; VARCHAR for all others."""


def answer_text(
    definition: schema.Table, rows: Sequence[Row], total: int, columns: int = COLUMNS, *, whole: bool = False
) -> str:
    """Show the rows of an answer in columns under the names that the query gives them.

    Args:
        definition: the columns of the answer.
        rows: the rows that are shown.
        total: how many there are.
        columns: columns of the terminal.
        whole: show texts whole that no key is, as for a file; else they are cut after 40 columns.
    """
    sides = "".join(">" if is_number(column) else "<" for column in definition.columns)
    cells = [[_cell(row[column.name], column, whole=whole) for column in definition.columns] for row in rows]
    heads = [escape_controls(name) for name in definition.names]
    note = count(total, "row")
    if len(rows) < total:
        note = f"{len(rows):,} of {total:,} rows; -o all.csv for all"
    return "\n".join([*table(cells, sides, heads, columns=columns), "", note]) + "\n"


def views_text(views: Sequence[tuple[schema.Table, str]], columns: int) -> str:
    """List views with what they hold, and their columns with their meanings.

    Args:
        views: each view with what it holds.
        columns: columns of the terminal.
    """
    lines: list[str] = []
    for definition, about in views:
        lines += [*([""] if lines else []), f"{definition.name}: {about}"]
        room = max(len(column.name) for column in definition.columns)
        for column in definition.columns:
            meaning = wrap(f"{column.meaning}{_unit(column)}", columns, " " * (room + 15))
            kind = _TYPES.get(column.kind, "VARCHAR")
            lines.append(f"  {column.name:{room}}  {kind:9}  " + "\n".join(meaning).lstrip())
    return "\n".join(lines) + "\n"


def _unit(column: schema.Column) -> str:
    return f" ({column.unit})" if column.unit and column.unit not in column.meaning.lower() else ""


def _cell(value: Any, column: schema.Column, *, whole: bool) -> str:
    text = escape_controls(format_value(value, "", "-"))
    return text if whole or column.name.lower().endswith(_NEVER_CUT) else truncate(text, _ROOM)
