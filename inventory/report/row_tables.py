"""Tables for people: the columns that say something, under names that a person reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inventory import schema
from inventory.schema.headings import heading

Row = dict[str, Any]

_FIRST = ("server", "display_name", "key", "instance_id")
_FOR_MACHINES = {"ordinal", "instance_ordinal", "params_count", "run_id", "digest", "stored_in"}
"""Columns that are in the CSV, Parquet and Excel files only."""

_LARGEST = ("key", "server", "params_string", "quantization_name", "size_bytes", "max_context_length")


@dataclass(frozen=True)
class RowTable:
    """Rows with the columns that are shown of them.

    Attributes:
        name: identifies the table in its page.
        title: its heading; empty where a section has but one table.
        columns: the columns, in the order in which they are shown.
        rows: the values by column name.
    """

    name: str
    title: str
    columns: tuple[schema.Column, ...]
    rows: Sequence[Row]

    @property
    def heads(self) -> list[str]:
        """The names of the columns for people."""
        return [column_head(column, heading(column.name)) for column in self.columns]

    def heading(self, limit: int) -> str:
        """Return its heading where only so many rows are shown, which says of how many."""
        return f"{self.title} (of {len(self.rows):,})" if len(self.rows) > limit else self.title

    def first(self, limit: int) -> "RowTable":
        """Return the table with its first rows only."""
        return RowTable(self.name, self.title, self.columns, self.rows[:limit])


def column_head(column: schema.Column, name: str) -> str:
    """Return the head of a column: its name, and UTC where it holds times."""
    return f"{name} (UTC)" if column.kind == schema.TIME else name


def is_number(column: schema.Column) -> bool:
    """Return whether a column holds numbers, which stand at the right."""
    return column.kind in (schema.INTEGER, schema.NUMBER)


def row_table(table: schema.Table, rows: Sequence[Row], title: str = "", without: Sequence[str] = ()) -> RowTable:
    """Choose the columns that have a value in some row, those that name the row first.

    Args:
        table: the columns that there are.
        rows: the rows.
        title: as in ``RowTable``.
        without: further columns that are not shown.
    """
    hidden = _FOR_MACHINES | set(without)
    columns = [
        column
        for column in table.columns
        if column.name not in hidden and any(row[column.name] is not None for row in rows)
    ]
    columns.sort(key=lambda column: _FIRST.index(column.name) if column.name in _FIRST else len(_FIRST))
    return RowTable(table.name, title, tuple(columns), rows)


def largest_models(models: Sequence[Row], *, several: bool) -> RowTable:
    """List the models by size, the largest first.

    Args:
        models: rows of the models table.
        several: whether each row names its server.
    """
    names = [name for name in (*_LARGEST, "loaded_instance_count") if several or name != "server"]
    names += ["as_of"] if any(model["as_of"] for model in models) else []
    columns = tuple(column for name in names for column in schema.MODELS.columns if column.name == name)
    return RowTable("largest", "Largest models", columns, by_size(models))


def by_size(rows: Sequence[Row]) -> list[Row]:
    """Sort rows of models by size, the largest first; those that report none come last."""
    return sorted(rows, key=lambda row: (-(row["size_bytes"] or 0), row["server"], row["key"]))


def server_table(servers: Sequence[Row]) -> RowTable:
    """List the observations, with the warnings as sentences, and with the age of those answers that are older.

    Args:
        servers: rows of the observations.
    """
    texts = [
        {
            **row,
            "as_of": row["as_of"] if row["as_of"] != row["observed_at"] else None,
            "warnings": " ".join(json.loads(row["warnings"] or "[]")) or None,
        }
        for row in servers
    ]
    return row_table(schema.OBSERVATIONS, texts)
