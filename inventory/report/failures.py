"""The servers that were not read: those that failed alike are one group, with what to do about it said once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from inventory.tables import Row
from inventory.text import count, local_text

if TYPE_CHECKING:
    from inventory.report.change_lines import NotCompared

_FEW = 2  # servers that failed alike and are still listed one by one
_NAMED = 3  # servers that a group names
_LISTED = 5  # servers that were not compared for the same reason and are still listed one by one
_ADDRESS = "\0"
_WORDS = {"timeout": "timed out", "too_old": "too old", "not_lm_studio": "not LM Studio"}


@dataclass(frozen=True)
class FailureGroup:
    """Servers that were not read for the same reason.

    Attributes:
        status: their status, a word of ``schema.STATUSES``.
        servers: their names.
        reason: why they were not read; of a single server what happened, with its address.
        advice: what to do about it; may be empty.
    """

    status: str
    servers: tuple[str, ...]
    reason: str
    advice: str

    @property
    def title(self) -> str:
        """Say how many they are and why: 9 servers unreachable (connection refused)."""
        return f"{count(len(self.servers), 'server')} {status_words(self.status)} ({self.reason})"

    @property
    def names(self) -> str:
        """Name the first of them: a, b, c and 6 more."""
        return first_names(self.servers)

    @property
    def text(self) -> str:
        """Say all of it in one line."""
        if len(self.servers) == 1:
            return f"{self.servers[0]}: {self.reason}"
        return f"{self.title}: {self.names}" + (f". {self.advice}" if self.advice else "")


def first_names(names: Sequence[str]) -> str:
    """Name the first of some servers and count the others: a, b, c and 6 more."""
    more = len(names) - _NAMED
    return ", ".join(names if more <= 1 else names[:_NAMED]) + (f" and {more:,} more" if more > 1 else "")


def not_compared_lines(servers: Sequence["NotCompared"]) -> list[tuple[str, str]]:
    """Say which servers were not compared: the name and why, or of many for one reason their number and their names."""
    alike: dict[str, list[NotCompared]] = {}
    for server in servers:
        alike.setdefault(server.reason, []).append(server)
    lines = []
    for reason, members in alike.items():
        if len(members) <= _LISTED:
            lines += [(f"{server.server}: {server.text}", "") for server in members]
        else:
            since = _last_read([server.last_read for server in members if server.last_read])
            names = first_names([server.server for server in members])
            lines.append((f"{count(len(members), 'server')} {reason}{since}", names))
    return lines


def failure_groups(servers: Sequence[Row], *, each: bool = False) -> list[FailureGroup]:
    """Group the servers that were not read by what happened and what to do, in the order of the first of each group.

    Args:
        servers: rows of the observations.
        each: make a group of each server.
    """
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in servers:
        if row["status"] != "ok":
            alike.setdefault((row["status"], _without_address(row)), []).append(row)
    groups = []
    for (status, error), rows in alike.items():
        if each or len(rows) <= _FEW:
            groups += [FailureGroup(status, (row["server"],), row["error"] or status_words(status), "") for row in rows]
        else:
            what, _, advice = error.partition(". ")
            groups.append(FailureGroup(status, tuple(row["server"] for row in rows), _reason(what, status), advice))
    return groups


def read_text(servers: Sequence[Row]) -> str:
    """Say how many servers were read, and how many were not by status: 11 of 12 servers ok; 1 unauthorized.

    Args:
        servers: rows of the observations.
    """
    statuses = [row["status"] for row in servers]
    others = [f"{statuses.count(status):,} {status_words(status)}" for status in dict.fromkeys(statuses)]
    parts = [text for text, status in zip(others, dict.fromkeys(statuses), strict=True) if status != "ok"]
    total = f"{statuses.count('ok'):,} of {count(len(servers), 'server')} ok"
    return "; ".join([total, *([", ".join(parts)] if parts else [])])


def status_words(status: str) -> str:
    """Return a status in words: not LM Studio for not_lm_studio."""
    return _WORDS.get(status, status.replace("_", " "))


def _last_read(moments: Sequence[datetime]) -> str:
    """Say between which times servers were read last; nothing if none ever was."""
    times = list(dict.fromkeys(local_text(moment, minutes=True) for moment in sorted(moments)))
    return f", last read {' to '.join([times[0], *times[1:][-1:]])}" if times else ""


def _without_address(row: Row) -> str:
    """Return an error without the server's own address or file, so that equal failures have equal texts."""
    error, address = row["error"] or "", row["url"] or ""
    for text in (address, address.removeprefix("file:")):
        error = error.replace(text, _ADDRESS) if text else error
    return error


def _reason(what: str, status: str) -> str:
    """Reduce what happened to the reason: connection refused, of: could not reach ADDRESS: connection refused."""
    if match := re.search(f"{_ADDRESS}[^:]*: (.+)", what):
        return match[1].replace(_ADDRESS, "it")
    return re.sub(f" (?:at|from|of|to) {_ADDRESS}", "", what).replace(_ADDRESS, "it") or status_words(status)
