"""The compared fields of a row: lists as sets, unknown fields by path, null as nothing."""

import fnmatch
import json
from collections.abc import Sequence
from typing import Any

from inventory import schema
from inventory.pairing import Row, to_json


def compared(row: Row, table: schema.Table, ignore: Sequence[str]) -> Row:
    """The compared fields of a row that have a value; lists as sorted lists, unknown fields by path."""
    fields: Row = {}
    for column in table.columns:
        value = row[column.name]
        if value is None or column.key or not column.compared:
            continue
        if column.kind == schema.LIST:
            fields[column.name] = sorted(set(json.loads(value)))
        elif column.kind == schema.OBJECT:
            fields |= leaves(column.name, json.loads(value))
        else:
            fields[column.name] = value
    if not ignore:
        return fields
    return {
        field: value
        for field, value in fields.items()
        if not any(fnmatch.fnmatchcase(field, way) for pattern in ignore for way in (pattern, f"{pattern}.*"))
    }


def leaves(path: str, value: Any) -> Row:
    """The values in nested unknown fields, by path; a null is the same as nothing, a list of texts is a set."""
    if isinstance(value, dict) and value:
        return {leaf: inner for name in value for leaf, inner in leaves(f"{path}.{_step(name)}", value[name]).items()}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {path: sorted(set(value))}
    return {} if value is None else {path: value}


def _step(name: str) -> str:
    """A name in a path, quoted where it could be taken for two."""
    return to_json(name) if "." in name or '"' in name else name


def value_text(value: Any, field: str, kinds: dict[str, str]) -> str | None:
    """A value as the changes table holds it: the text of a text column as it is, everything else as JSON."""
    if value is None:
        return None
    return str(value) if kinds.get(field) == schema.TEXT else to_json(value)
