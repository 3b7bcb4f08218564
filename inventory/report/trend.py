"""The trend of the size on disk and of the number of changes over the runs of a history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inventory.text import count, size

Row = dict[str, Any]

WORDS = ("added", "removed", "reconfigured")
"""The changes that are counted for each run."""


@dataclass(frozen=True)
class TrendRun:
    """One run.

    Attributes:
        collected_at: when its first server answered; None where that is not known.
        size_bytes: the size of all models; None if no server was read.
        complete: whether every server was read.
        servers_read: how many were: sizes of different numbers of servers do not form one line.
        counts: how many changes there were, by the words of ``WORDS``.
    """

    collected_at: datetime | None
    size_bytes: int | None
    complete: bool
    servers_read: int
    counts: dict[str, int]


@dataclass(frozen=True)
class TrendSection:
    """The trend over some runs, oldest first.

    Attributes:
        runs: the runs.
        rows: the same as rows of ``derived.RUNS``.
        total: the runs of the history.
        note: what to say in place of the trend; empty if there is one.
    """

    runs: tuple[TrendRun, ...]
    rows: Sequence[Row]
    total: int
    note: str = ""

    title = "Trend"

    def last(self, limit: int) -> "TrendSection":
        """Return the trend over the last runs only."""
        return TrendSection(self.runs[-limit:], self.rows[-limit:], self.total, self.note)

    @property
    def failed(self) -> int:
        """The number of runs in which no server was read."""
        return sum(run.size_bytes is None for run in self.runs)

    @property
    def incomplete(self) -> int:
        """The number of runs in which some servers were read, but not every one."""
        return sum(run.size_bytes is not None and not run.complete for run in self.runs)

    @property
    def period(self) -> str:
        """The runs in words."""
        shown = len(self.runs)
        return f"last {shown:,} of {count(self.total, 'run')}" if self.total > shown else count(shown, "run")

    @property
    def size_text(self) -> str:
        """The development of the size in words."""
        sizes = [run.size_bytes for run in self.runs if run.size_bytes is not None]
        return f"from {size(sizes[0])} to {size(sizes[-1])}" if sizes else "never read"

    @property
    def changes_text(self) -> str:
        """The changes of all its runs in words."""
        return ", ".join(f"{sum(run.counts[word] for run in self.runs):,} {word}" for word in WORDS)


def trend_section(runs: Sequence[Row]) -> TrendSection:
    """Make the trend over runs.

    Args:
        runs: rows of ``derived.RUNS``, oldest first.
    """
    note = "" if len(runs) > 1 else "The trend begins with the second run in a history"
    return TrendSection(tuple(map(_trend_run, runs)), runs, len(runs), note)


def _trend_run(row: Row) -> TrendRun:
    return TrendRun(
        row["collected_at"],
        row["size_bytes"] if row["servers_ok"] else None,
        row["servers_ok"] == row["servers"],
        row["servers_ok"],
        {word: row[word] or 0 for word in WORDS},
    )
