"""The result of a comparison: changes, hints, and servers that were not compared."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.tables import rows

UNREAD = "not read"
"""Beginning of the reason why a server was not compared whose response was not read or is suspect."""


@dataclass(frozen=True)
class ChangeSet:
    """The differences between two sets of tables.

    Attributes:
        table: one row per change; columns of ``schema.CHANGES``.
        skipped: one row per server that was not compared, or only an older response of it; columns of ``NOT_COMPARED``.
        hints: one row per change that has a remark; columns of ``HINTS``.
        grains: what was compared: models, instances or both.
    """

    table: pa.Table
    skipped: pa.Table
    hints: pa.Table
    grains: tuple[str, ...] = schema.GRAINS

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of the table."""
        return rows(self.table)

    @property
    def not_compared(self) -> dict[str, str]:
        """The reason why a server was not compared, by server name."""
        return {row["server"]: row["reason"] for row in rows(self.skipped)}

    @property
    def unread(self) -> list[str]:
        """The servers that were not compared because a response was not read or is suspect."""
        return [server for server, reason in self.not_compared.items() if reason.startswith(UNREAD)]

    def compared_nothing(self, servers: Iterable[str]) -> bool:
        """Return whether no server was compared, so that no changes does not mean that nothing changed.

        Args:
            servers: those that the newer side is about.
        """
        return not self.table.num_rows and set(servers) <= self.not_compared.keys()

    @cached_property
    def _counts(self) -> dict[tuple[str, str], int]:
        """The number of models or instances by grain and word."""
        touched: dict[tuple[str, str], set[tuple[Any, ...]]] = defaultdict(set)
        for row in self.rows:
            name = row["field"] if row["key"] is None else row["old"] if row["change"] == "renamed" else None
            touched[row["grain"], row["change"]].add((*_names_of(row), name))
        return {place: len(names) for place, names in touched.items()}

    def counts(self, grain: str) -> dict[str, int]:
        """Count the models or instances of each word of ``schema.CHANGES_WORDS``."""
        return {word: self._counts.get((grain, word), 0) for word in schema.CHANGES_WORDS}

    def word_counts(self, servers: Iterable[str]) -> dict[str, int] | None:
        """Count the models and instances of each word; None, not counts of 0, where no server was compared.

        Args:
            servers: those that the newer side is about.
        """
        if self.compared_nothing(servers):
            return None
        counts = [self.counts(grain) for grain in schema.GRAINS]
        return {word: sum(count[word] for count in counts) for word in schema.CHANGES_WORDS}


_names_of = itemgetter(*schema.INSTANCES.keys)


def size_difference(changes: ChangeSet) -> int:
    """Return the bytes that the changed models take more than before; unknown sizes count as no difference."""
    total = 0
    for change in changes.rows:
        if change["grain"] == "model" and change["change"] in ("added", "removed"):
            sign = 1 if change["change"] == "added" else -1
            total += sign * (json.loads(change["new"] or change["old"]).get("size_bytes") or 0)
        elif change["grain"] == "model" and change["field"] == "size_bytes" and change["change"] == "reconfigured":
            total += int(change["new"]) - int(change["old"]) if change["new"] and change["old"] else 0
    return total
