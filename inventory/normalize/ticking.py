"""Ignored and ticking fields (clocks, counters) inside ``extra``: their paths, and cells without them."""

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from inventory import schema

CLOCKS = tuple(f"*.{name}" for name in schema.CLOCKS)
"""Globs of the paths at which ``schema.CLOCKS`` stand among unknown fields."""


def without_ticking(extra: str, ignore: Sequence[str] = ()) -> str | None:
    """Remove the fields that tick from the text of an ``extra`` cell; None if nothing else is in it.

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
    """Remove ignored fields from a value; objects in lists have the path of their list, emptied objects go too."""
    if isinstance(value, list):
        return [_steady(item, path, ignore) for item in value]
    if not isinstance(value, dict):
        return value
    remaining = {}
    for name, inner in value.items():
        inner_path = f"{path}.{path_step(name)}"
        if not matches(inner_path, ignore):
            rest = _steady(inner, inner_path, ignore)
            if rest or not inner or not isinstance(inner, dict):
                remaining[name] = rest
    return remaining


def matches(path: str, ignore: tuple[str, ...]) -> bool:
    """Return whether a field, or an object around it, matches one of the ignored globs."""
    return any(fnmatchcase(path, glob) for pattern in ignore for glob in (pattern, f"{pattern}.*"))


def path_step(name: str) -> str:
    """Return a name as a step of a path, quoted where it could be taken for two steps."""
    return json.dumps(name, ensure_ascii=False) if "." in name or '"' in name else name
