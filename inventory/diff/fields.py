"""The compared fields of a row: lists as sets, unknown fields by path, null as nothing."""

import json
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from inventory import schema
from inventory.diff.extras import IGNORED, leaves, path_step, short_extra
from inventory.diff.matching import Row, to_json

CLOCKS = tuple(f"*.{name}" for name in schema.CLOCKS)
"""Globs of the paths at which ``schema.CLOCKS`` stand among unknown fields."""


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
            elif steady is not None and not _matches(column.name, ignored) and _has_a_value(steady):
                fields[column.name] = json.loads(short_extra(steady))
        elif _matches(column.name, ignored):
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


def without_ticking(extra: str, ignore: Sequence[str] = ()) -> str | None:
    """The text of an ``extra`` cell without the fields that tick; None if nothing else is in it.

    Args:
        extra: a JSON object as text.
        ignore: globs of what ticks besides ``schema.CLOCKS``: paths, or what they stand in.
    """
    if not ignore and not any(name in extra for name in schema.CLOCKS):
        return extra
    fields = json.loads(extra)
    steady = _steady(fields, "extra", (*CLOCKS, *ignore))
    if steady == fields:
        return extra
    return json.dumps(steady, ensure_ascii=False, sort_keys=True) if steady else None


def _steady(value: Any, path: str, ignore: tuple[str, ...]) -> Any:
    """What is left of a value; objects in lists stand at the path of their list, and an emptied object goes too."""
    if isinstance(value, list):
        return [_steady(item, path, ignore) for item in value]
    if not isinstance(value, dict):
        return value
    left = {}
    for name, inner in value.items():
        inner_path = f"{path}.{path_step(name)}"
        if not _matches(inner_path, ignore):
            rest = _steady(inner, inner_path, ignore)
            if rest or not inner or not isinstance(inner, dict):
                left[name] = rest
    return left


def _matches(path: str, ignore: tuple[str, ...]) -> bool:
    """Whether a field, or what it stands in, is one of those that are ignored."""
    return any(fnmatchcase(path, glob) for pattern in ignore for glob in (pattern, f"{pattern}.*"))


def value_text(value: Any, field: str, kinds: dict[str, str]) -> str | None:
    """A value as the changes table holds it: the text of a text column as it is, everything else as JSON."""
    if value is None:
        return None
    return str(value) if kinds.get(field) == schema.TEXT else to_json(value)
