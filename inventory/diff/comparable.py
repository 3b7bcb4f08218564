"""Reduce two sets of tables to what both of them can tell: nothing else can be compared."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.schema.gaps import Gaps

if TYPE_CHECKING:
    from inventory.tables import RunTables

_NAMES = ("server", "key")
"""Columns in which an empty text is an ordinary name."""


def comparable(old: "RunTables", new: "RunTables") -> tuple["RunTables", "RunTables"]:
    """Return both without what one of them cannot tell, such as the columns that a file lacks."""
    gaps = old.gaps | new.gaps
    if not gaps.columns and not gaps.blanks:
        return old, new
    return _reduced(old, gaps), _reduced(new, gaps)


def _reduced(run: "RunTables", gaps: Gaps) -> "RunTables":
    tables = dict(run.tables)
    for table in schema.GRAIN_TABLES.values():
        hidden = {name for where, name in gaps.columns if where == table.name}
        if hidden or gaps.blanks:
            tables[table.name] = _reduced_table(tables[table.name], table, hidden, blanks=gaps.blanks)
    return replace(run, tables=tables)


def _reduced_table(content: pa.Table, table: schema.Table, hidden: set[str], *, blanks: bool) -> pa.Table:
    """Replace hidden columns, unknown fields of their names and, with ``blanks``, empty texts by null."""
    from pyarrow import compute

    columns = []
    for column in table.columns:
        cells = content.column(column.name)
        if column.name in hidden and column.compared and not column.key:
            cells = pa.nulls(len(cells), cells.type)
        elif column.kind == schema.OBJECT and hidden:
            texts = [text and _without(text, hidden) for text in cells.to_pylist()]
            cells = pa.array(texts, cells.type)
        elif column.kind == schema.TEXT and blanks and column.name not in _NAMES:
            cells = compute.if_else(compute.equal(cells, ""), pa.scalar(None, cells.type), cells)
        columns.append(cells)
    return pa.Table.from_arrays(columns, schema=content.schema)


def _without(text: str, hidden: set[str]) -> str | None:
    """Remove the fields that would be the columns of these names from a JSON object; None if nothing remains."""
    remaining = _pruned(json.loads(text), "", hidden)
    return json.dumps(remaining, ensure_ascii=False, sort_keys=True) if remaining else None


def _pruned(fields: Mapping[str, Any], path: str, hidden: set[str]) -> dict[str, Any]:
    remaining = {}
    for name, value in fields.items():
        column = f"{path}{name}"
        if column in hidden:
            continue
        inner = _pruned(value, f"{column}_", hidden) if isinstance(value, dict) else value
        if inner != {} or value == {}:
            remaining[name] = inner
    return remaining
