"""The result of a comparison: changes, hints, and servers that were not compared."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.columns import numbered
from inventory.schema.derived import NOT_COMPARED
from inventory.tables import rows, table_of, values

Row = dict[str, Any]

_FEW = 2_000  # changes up to which working row by row is faster

UNREAD = "not read"
"""Beginning of the reason why a server was not compared whose response was not read or is suspect."""


@dataclass(frozen=True)
class ChangeKinds:
    """The changes without their servers and times, each once: in a fleet most of them happen on many servers.

    Attributes:
        rows: the kinds, as rows; only news about a whole server names it.
        numbers: the place of the kind of each change.
        servers: the server of each change.
    """

    rows: Sequence[Row]
    numbers: Sequence[int]
    servers: Sequence[str]


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
    def kinds(self) -> ChangeKinds:
        """The kinds of changes that there are, and which of them each change is."""
        names = [name for name in self.table.column_names if name not in ("server", "observed_at")]
        servers = values(self.table, "server")
        if self.table.num_rows > _FEW:
            from pyarrow import compute  # takes as long to import as few rows take without it

            is_news = self.table.column("key").is_null()
            named = compute.if_else(is_news, self.table.column("server"), pa.nulls(1, pa.string())[0])
            kinds, distinct = numbered(self.table.select(names).add_column(0, "server", named))
            return ChangeKinds(rows(distinct), kinds.to_pylist(), servers)
        columns = {name: values(self.table, name) for name in names}
        named = [server if key is None else None for server, key in zip(servers, columns["key"], strict=True)]
        places: dict[tuple[Any, ...], int] = {}
        numbers = [places.setdefault(kind, len(places)) for kind in zip(named, *columns.values(), strict=True)]
        return ChangeKinds([dict(zip(("server", *names), kind, strict=True)) for kind in places], numbers, servers)

    @cached_property
    def _counts(self) -> Mapping[tuple[str, str], int]:
        """The number of models or instances by grain and word."""
        subjects: dict[tuple[Any, ...], int] = {}
        numbers = []
        for row in self.kinds.rows:
            name = row["field"] if row["key"] is None else row["old"] if row["change"] == "renamed" else None
            subject = (row["grain"], row["change"], *_names_of(row), name)
            numbers.append(subjects.setdefault(subject, len(subjects)))
        touched = zip(self.kinds.servers, map(numbers.__getitem__, self.kinds.numbers), strict=True)
        words = [(grain, word) for grain, word, *_ in subjects]
        return Counter(words[number] for (_, number), _ in groupby(touched))  # what happened to one stands together

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


def with_unread_servers(changes: ChangeSet, failed: Sequence[Row], known: Mapping[str, Row | None]) -> ChangeSet:
    """Add the servers that could not be read to those that were not compared.

    Args:
        changes: the changes between the last complete responses.
        failed: the observations of the servers that were not read.
        known: the last complete observation of each server, or None.
    """
    skipped = {row["server"]: row for row in rows(changes.skipped)}
    for row in failed:
        last = known.get(row["server"])
        reason = f"{UNREAD} now: {row['status']}" if last else f"{UNREAD} now or before: {row['status']}"
        skipped[row["server"]] = _skipped(row["server"], reason, last)
    return replace(changes, skipped=table_of(NOT_COMPARED, [skipped[server] for server in sorted(skipped)]))


def with_retired_servers(
    changes: ChangeSet, retired: Sequence[str], returned: Sequence[str], known: Mapping[str, Row]
) -> ChangeSet:
    """Add the servers that are no longer in the state, or are in it again, to those that were not compared.

    Args:
        changes: the changes between the last complete responses.
        retired: the servers that left the state.
        returned: the servers that are in the state again.
        known: the last complete observation of each server, if there is one.
    """
    skipped = {row["server"]: row for row in rows(changes.skipped)}
    skipped |= {server: _skipped(server, "retired", known.get(server)) for server in retired}
    for server in returned:
        moment = skipped[server]["last_read"] if server in skipped else None
        skipped[server] = {"server": server, "reason": "was retired before: a baseline", "last_read": moment}
    return replace(changes, skipped=table_of(NOT_COMPARED, [skipped[server] for server in sorted(skipped)]))


def _skipped(server: str, reason: str, last: Row | None) -> Row:
    return {"server": server, "reason": reason, "last_read": last["observed_at"] if last else None}


_names_of = itemgetter(*schema.INSTANCES.keys)


def size_difference(changes: ChangeSet) -> int:
    """Return the bytes that the changed models take more than before; unknown sizes count as no difference."""
    total = 0
    for kind, number in Counter(changes.kinds.numbers).items():
        change = changes.kinds.rows[kind]
        if change["grain"] == "model" and change["change"] in ("added", "removed"):
            sign = 1 if change["change"] == "added" else -1
            total += number * sign * (json.loads(change["new"] or change["old"]).get("size_bytes") or 0)
        elif change["grain"] == "model" and change["field"] == "size_bytes" and change["change"] == "reconfigured":
            total += number * (int(change["new"]) - int(change["old"])) if change["new"] and change["old"] else 0
    return total
