"""What a file cannot tell: the columns that it lacks, who was asked, and whether a text was empty or not there.

A comparison says nothing about what one of its sides cannot tell.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inventory import schema

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory.tables import Snapshot

_NAMES = ("server", "key")
"""Columns whose empty text is a name like any other."""


@dataclass(frozen=True)
class Gaps:
    """What the file that a snapshot was read from does not tell.

    Attributes:
        columns: table and name of each column that the file lacks, or that was left aside because it is unknown.
        blanks: the file cannot tell an empty text from one that is not there.
        servers: the file names only servers that have rows; whether others were read is not known.
        notes: what a person should know about the file, one sentence each.
    """

    columns: frozenset[tuple[str, str]] = frozenset()
    blanks: bool = False
    servers: bool = False
    notes: tuple[str, ...] = ()

    def __or__(self, other: "Gaps") -> "Gaps":
        """What one of two does not tell."""
        return Gaps(
            self.columns | other.columns,
            self.blanks or other.blanks,
            self.servers or other.servers,
            tuple(dict.fromkeys((*self.notes, *other.notes))),
        )


def alike(old: "Snapshot", new: "Snapshot") -> tuple["Snapshot", "Snapshot"]:
    """Both snapshots without what one of them cannot tell."""
    gaps = old.gaps | new.gaps
    if not gaps.columns and not gaps.blanks:
        return old, new
    return _reduced(old, gaps), _reduced(new, gaps)


def _reduced(snapshot: "Snapshot", gaps: Gaps) -> "Snapshot":
    tables: dict[str, pa.Table] = dict(snapshot.tables)
    for table in schema.GRAIN_TABLES.values():
        hidden = {name for where, name in gaps.columns if where == table.name}
        if hidden or gaps.blanks:
            tables[table.name] = _reduced_table(tables[table.name], table, hidden, blanks=gaps.blanks)
    return replace(snapshot, tables=tables)


def _reduced_table(content: "pa.Table", table: schema.Table, hidden: set[str], *, blanks: bool) -> "pa.Table":
    """The rows with null for hidden columns, for unknown fields of their names, and, if so, for empty texts."""
    import pyarrow as pa
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
    """A JSON object without the fields that would be the columns of these names; None if nothing is left."""
    left = _pruned(json.loads(text), "", hidden)
    return json.dumps(left, ensure_ascii=False, sort_keys=True) if left else None


def _pruned(fields: Mapping[str, Any], path: str, hidden: set[str]) -> dict[str, Any]:
    left = {}
    for name, value in fields.items():
        column = f"{path}{name}"
        if column in hidden:
            continue
        inner = _pruned(value, f"{column}_", hidden) if isinstance(value, dict) else value
        if inner != {} or value == {}:
            left[name] = inner
    return left
