"""Where the space goes: the models and bytes that share a publisher, a quantization and so on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa

from inventory.columns import grouped, numbered, sums
from inventory.tables import Row, total_of, values

BREAKDOWNS = {
    "publisher": "publisher",
    "quantization": "quantization_name",
    "architecture": "architecture",
    "format": "format",
    "server": "server",
}
"""The words in ``by``, with the column of the models that each one groups."""


@dataclass(frozen=True)
class Breakdown:
    """The groups of one field, the largest first.

    Attributes:
        by: a word of ``BREAKDOWNS``.
        rows: rows of ``derived.BREAKDOWN``.
    """

    by: str
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """The title of a chart or table of it."""
        return f"Size by {self.by}"

    @property
    def sized(self) -> list[Row]:
        """The groups whose size is known."""
        return [row for row in self.rows if row["size_bytes"] is not None]


@dataclass(frozen=True)
class SpaceSection:
    """The breakdowns that are shown, or a note in their place."""

    breakdowns: tuple[Breakdown, ...]
    note: str = ""

    title = "Where the space goes"


def break_down(models: pa.Table) -> list[Row]:
    """Count the models and bytes of each group of each field.

    Args:
        models: the models table.

    Returns:
        Rows of ``derived.BREAKDOWN``, the largest first.
    """
    fields = [column for column in BREAKDOWNS.values() if column != "server"]  # of these there are few different rows
    groups_of = _groups(models, fields) | _groups(models, ["server"])
    groups_of_all: list[Row] = []
    for by, column in BREAKDOWNS.items():
        whole = sum(total or 0 for _, total in groups_of[column].values())
        groups = [
            {
                "by": by,
                "name": name,
                "model_count": number,
                "size_bytes": (size := total_of([total])),
                "share": None if size is None or not whole else size / whole,
            }
            for name, (number, total) in groups_of[column].items()
        ]
        groups_of_all += sorted(
            groups, key=lambda row: (-(row["size_bytes"] or 0), -row["model_count"], row["name"] or "")
        )
    return groups_of_all


def _groups(models: pa.Table, columns: Sequence[str]) -> dict[str, dict[str | None, tuple[int, int | None]]]:
    """Return the number of models with each value of some columns, and their size; None if no model reports one."""
    numbers, distinct = numbered(models.select(columns))
    order, bounds = grouped(numbers)
    sizes = sums(models["size_bytes"].take(order), bounds)
    groups_of: dict[str, dict[str | None, tuple[int, int | None]]] = {}
    for column in columns:
        groups = groups_of.setdefault(column, {})
        for name, size, (begin, end) in zip(values(distinct, column), sizes, pairwise(bounds), strict=True):
            number, total = groups.get(name, (0, None))
            groups[name] = number + end - begin, total if size is None else (total or 0) + size
    return groups_of


def space_section(breakdown: Sequence[Row], *, several: bool) -> SpaceSection:
    """Choose the breakdowns that a report shows: of several servers also those by server and architecture.

    Args:
        breakdown: rows of ``derived.BREAKDOWN``.
        several: whether there are several servers.
    """
    if not any(row["size_bytes"] for row in breakdown):
        return SpaceSection((), "No model reports its size" if breakdown else "No models")
    fields = ("publisher", "quantization", *(("server", "architecture") if several else ()))
    return SpaceSection(tuple(Breakdown(by, tuple(row for row in breakdown if row["by"] == by)) for by in fields))


def group_label(name: str | None) -> str:
    """Name a group for people: a blank name stands in quotes, or it could not be seen."""
    return "(not reported)" if name is None else name if name.strip() else json.dumps(name)
