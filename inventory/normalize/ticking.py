"""Unknown fields that tick, such as clocks and counters: where they stand in ``extra``, and rows without them."""

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from inventory import schema

CLOCKS = tuple(f"*.{name}" for name in schema.CLOCKS)
"""Globs of the paths at which ``schema.CLOCKS`` stand among unknown fields."""


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
        if not matches(inner_path, ignore):
            rest = _steady(inner, inner_path, ignore)
            if rest or not inner or not isinstance(inner, dict):
                left[name] = rest
    return left


def matches(path: str, ignore: tuple[str, ...]) -> bool:
    """Whether a field, or what it stands in, is one of those that are ignored."""
    return any(fnmatchcase(path, glob) for pattern in ignore for glob in (pattern, f"{pattern}.*"))


def path_step(name: str) -> str:
    """Return a name as a step of a path, quoted where it could be taken for two."""
    return json.dumps(name, ensure_ascii=False) if "." in name or '"' in name else name
