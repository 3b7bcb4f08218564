"""Unknown fields whose names are too many to be compared one by one: then those of a row are compared as one value.

Some servers have ids for names, others in each answer. Field by field, each answer would be as many changes as it has
names, and whoever reads a history would need the names of all answers.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from inventory.limits import UNKNOWN_FIELDS
from inventory.normalize.ticking import path_step

if TYPE_CHECKING:
    import pyarrow as pa

IGNORED = "ignored:"
"""What stands, among the fields of a stored answer, before a glob of unknown fields that its rows are kept without."""

_SHORT = 200  # characters up to which the unknown fields of a row stand for themselves when they are compared as one


def short_extra(text: str) -> str:
    """Return the JSON that stands for a row's unknown fields where they are compared as one."""
    if len(text) <= _SHORT:
        return text
    return f'"{len(text)} characters, SHA-256 {sha256(text.encode()).hexdigest()[:16]}"'


def leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Walk over the values in nested unknown fields, by path; a null is nothing, a list of texts is a set."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(f"{path}.{path_step(name)}", inner)
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        yield path, sorted(set(value))
    elif value is not None:
        yield path, value


def unknown_fields(texts: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Collect the unknown fields of an answer, as ``models.extra.name``; if they are too many, only ``models.extra``.

    Args:
        texts: the values of ``extra`` of its rows, by table.
    """
    names: set[str] = set()
    for table, extras in texts.items():
        for text in extras:
            for path, _ in leaves("extra", json.loads(text)):
                names.add(f"{table}.{path}")
                if len(names) > UNKNOWN_FIELDS:
                    return frozenset(f"{name}.extra" for name in texts if texts[name])
    return frozenset(names)


@lru_cache
def are_too_many(fields: frozenset[str]) -> bool:
    """Return whether a response has too many unknown fields to compare them one by one."""
    unknown = [name.split(".", 2) for name in fields if ".extra" in name and not name.startswith(IGNORED)]
    return len(unknown) > UNKNOWN_FIELDS or any(len(steps) == 2 for steps in unknown)


def as_one(fields: frozenset[str]) -> frozenset[str]:
    """Return the fields of an answer with the unknown ones of each table as one."""
    return frozenset(name if name.startswith(IGNORED) else ".".join(name.split(".", 2)[:2]) for name in fields)


def servers_with_too_many(tables: "Mapping[str, pa.Table]", servers: Collection[str]) -> set[str]:
    """Find the servers whose answers have too many unknown fields, in tables that hold all rows of these answers."""
    texts: dict[str, dict[str, list[str]]] = defaultdict(lambda: {name: [] for name in tables})
    for name, table in tables.items():
        columns = (table.column(column).to_pylist() for column in ("server", "extra"))
        for server, text in zip(*columns, strict=True):
            if text is not None and server in servers:
                texts[server][name].append(text)
    return {server for server, by_table in texts.items() if are_too_many(unknown_fields(by_table))}
