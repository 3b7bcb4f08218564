"""The compared fields of a row: lists as sets, unknown fields by path, null as nothing."""

import fnmatch
import json
from collections.abc import Sequence
from typing import Any

from inventory import schema
from inventory.extras import leaves, short_extra
from inventory.pairing import Row, to_json


def compared(row: Row, table: schema.Table, ignore: Sequence[str], *, extra_as_one: bool = False) -> Row:
    """The compared fields of a row that have a value; lists as sorted lists, unknown fields by path.

    Args:
        row: the row.
        table: what it is a row of.
        ignore: patterns of fields that are left out.
        extra_as_one: take all its unknown fields as one.
    """
    fields: Row = {}
    for column in table.columns:
        value = row[column.name]
        if value is None or column.key or not column.compared:
            continue
        if column.kind == schema.LIST:
            fields[column.name] = sorted(set(json.loads(value)))
        elif column.kind == schema.OBJECT:
            text = short_extra(value) if extra_as_one else value
            fields |= {column.name: json.loads(text)} if extra_as_one else leaves(column.name, json.loads(text))
        else:
            fields[column.name] = value
    if not ignore:
        return fields
    return {
        field: value
        for field, value in fields.items()
        if not any(fnmatch.fnmatchcase(field, way) for pattern in ignore for way in (pattern, f"{pattern}.*"))
    }


def value_text(value: Any, field: str, kinds: dict[str, str]) -> str | None:
    """A value as the changes table holds it: the text of a text column as it is, everything else as JSON."""
    if value is None:
        return None
    return str(value) if kinds.get(field) == schema.TEXT else to_json(value)
