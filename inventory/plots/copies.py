"""Rows of several servers: what each is called, and which of them are copies of one model."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from inventory.plots.figure import name
from inventory.tables import Row


def is_several(rows: Sequence[Row]) -> bool:
    """Return whether rows are of several servers, so that each names its own."""
    return len({row["server"] for row in rows}) > 1


def row_label(row: Row, several: bool, column: str = "display_name") -> str:
    """Name a row for people.

    Args:
        row: a model or an instance.
        several: whether to name its server.
        column: what it is called by; by its key where that is blank.
    """
    text = name(row[column] or row["key"])
    return f"{text}  ({name(row['server'], 16)})" if several else text


def copy_key(model: Row) -> tuple[Any, ...]:
    """Return what the copies of a model have in common: key, quantization, size and format."""
    return tuple(model[column] for column in ("key", "quantization_name", "size_bytes", "format"))


def copies(models: Sequence[Row]) -> tuple[list[Row], dict[tuple[Any, ...], str]]:
    """Take one of the copies of each model.

    Returns:
        The models, and by ``copy_key`` what each is called: with its server, or with the number of its servers.
    """
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for model in models:
        groups[copy_key(model)].append(model)
    several = is_several(models)
    labels = {}
    for key, group in groups.items():
        servers = len({model["server"] for model in group})
        of_all = f"{row_label(group[0], several=False)}  (on {servers:,} servers)"
        labels[key] = of_all if servers > 1 else row_label(group[0], several)
    return [group[0] for group in groups.values()], labels
