"""The compared fields of a row: lists as sets, unknown fields by path, null as nothing."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from inventory import schema
from inventory.diff.extras import IGNORED, leaves, short_extra
from inventory.diff.matching import Row, to_json
from inventory.normalize.ticking import matches, without_ticking


def compared(
    row: Row, table: schema.Table, ignore: Sequence[str], unkept: Sequence[str] = (), *, extra_as_one: bool = False
) -> Row:
    """The compared fields of a row that have a value; lists as sorted lists, unknown fields by path.

    Args:
        row: a row of the table.
        table: its schema.
        ignore: fields that are not compared; globs.
        unkept: globs of unknown fields that a history has left out of one of the rows.
        extra_as_one: take all its unknown fields as one.
    """
    fields: Row = {}
    ignored = tuple(ignore)
    for column in table.columns:
        value = row[column.name]
        if value is None or column.key or not column.compared:
            continue
        if column.kind == schema.OBJECT:
            steady = without_ticking(value, (*ignored, *unkept))
            if steady is not None and not extra_as_one:
                fields |= leaves(column.name, json.loads(steady))
            elif steady is not None and not matches(column.name, ignored) and _has_a_value(steady):
                fields[column.name] = json.loads(short_extra(steady))
        elif matches(column.name, ignored):
            continue
        else:
            fields[column.name] = sorted(set(json.loads(value))) if column.kind == schema.LIST else value
    return fields


def _has_a_value(extra: str) -> bool:
    """Whether any unknown field of a row has a value: nulls alone are nothing, taken as one or one by one."""
    return any(True for _ in leaves("extra", json.loads(extra)))


def ignored_in(names: Iterable[str]) -> tuple[str, ...]:
    """The globs of unknown fields that an answer was stored without, out of the names of its fields."""
    return tuple(sorted({name.removeprefix(IGNORED) for name in names if name.startswith(IGNORED)}))


def value_text(value: Any, field: str, kinds: dict[str, str]) -> str | None:
    """A value as the changes table holds it: the text of a text column as it is, everything else as JSON."""
    if value is None:
        return None
    return str(value) if kinds.get(field) == schema.TEXT else to_json(value)
