"""Fields of a row that are compared: lists as sets, unknown fields by path, null as absent."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from inventory import schema
from inventory.diff.extras import IGNORED, leaves, short_extra
from inventory.diff.matching import Row, to_json
from inventory.normalize.ticking import matches, without_ticking

_TEXTS = {
    column.name for table in schema.GRAIN_TABLES.values() for column in table.columns if column.kind == schema.TEXT
}


def compared(
    row: Row, table: schema.Table, ignore: Sequence[str], unstored: Sequence[str] = (), *, extra_as_one: bool = False
) -> Row:
    """Return the compared fields of a row that have a value; lists as sorted lists, unknown fields by path.

    Args:
        row: a row of the table.
        table: its schema.
        ignore: globs of fields that are not compared.
        unstored: globs of unknown fields that one of the rows was stored without.
        extra_as_one: treat all its unknown fields as one field.
    """
    fields: Row = {}
    ignored = tuple(ignore)
    for column in compared_columns(table.name, ignored):
        value = row[column.name]
        if value is None:
            continue
        if column.kind == schema.OBJECT:
            steady = without_ticking(value, (*ignored, *unstored))
            if steady is not None and not extra_as_one:
                fields |= leaves(column.name, json.loads(steady))
            elif steady is not None and not matches(column.name, ignored) and _has_a_value(steady):
                fields[column.name] = json.loads(short_extra(steady))
        else:
            fields[column.name] = _as_set(value) if column.kind == schema.LIST else value
    return fields


@lru_cache
def compared_columns(name: str, ignored: tuple[str, ...]) -> tuple[schema.Column, ...]:
    """Return the columns whose values are compared; of unknown fields single ones may be ignored."""
    return tuple(
        column
        for column in schema.TABLES[name].columns
        if column.compared and not column.key and (column.kind == schema.OBJECT or not matches(column.name, ignored))
    )


@lru_cache(maxsize=10_000)
def _as_set(text: str) -> list[str]:
    """Return the texts of a list in their order, each once; many rows have the same list, which nobody changes."""
    return sorted(set(json.loads(text)))


def _has_a_value(extra: str) -> bool:
    """Return whether any unknown field of a row has a value; nulls count as absent."""
    return any(True for _ in leaves("extra", json.loads(extra)))


def ignored_in(names: Iterable[str]) -> tuple[str, ...]:
    """Return the globs of unknown fields that a response was stored without, from the names of its fields."""
    return tuple(sorted({name.removeprefix(IGNORED) for name in names if name.startswith(IGNORED)}))


def value_text(value: Any, field: str) -> str | None:
    """Format a value for the changes table: a text column as it is, everything else as JSON."""
    if value is None:
        return None
    return str(value) if field in _TEXTS else to_json(value)
