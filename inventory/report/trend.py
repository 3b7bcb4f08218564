"""The trend of the size on disk and of the number of changes over the runs of a history.

Its sizes and counts are those of the state at each run: a server that a run did not read counts as it was last read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.tables import Row
from inventory.text import count, size

WORDS = ("added", "removed", "reconfigured")
"""The changes that are counted for each run."""

_OF_STATE = ("model_count", "instance_count", "size_bytes")


@dataclass(frozen=True)
class TrendRun:
    """One run.

    Attributes:
        collected_at: when its first server answered; None where that is not known.
        model_count: models of the state; None if nothing was known.
        size_bytes: the size of the models of the state; None if nothing was known.
        complete: whether every server was read.
        measured: whether some server was: only between such runs is the size known to have gone from one to the other.
        counts: how many changes there were, by the words of ``WORDS``.
    """

    collected_at: datetime | None
    model_count: int | None
    size_bytes: int | None
    complete: bool
    measured: bool
    counts: dict[str, int]


@dataclass(frozen=True)
class TrendSection:
    """The trend over some runs, oldest first.

    Attributes:
        runs: the runs.
        rows: the same as rows of ``derived.RUNS``, with the size and counts of the state.
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
    def unknown(self) -> int:
        """The number of runs at which no size was known."""
        return sum(run.size_bytes is None for run in self.runs)

    @property
    def incomplete(self) -> int:
        """The number of runs that did not read every server, so that a size is in part as of earlier."""
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


def trend_section(runs: Sequence[Row], sizes: Mapping[str, Row]) -> TrendSection:
    """Make the trend over runs.

    Args:
        runs: rows of ``derived.RUNS``, oldest first.
        sizes: the size and counts of the state after each run, by the run's id: rows of ``derived.PANEL``.
    """
    note = "" if len(runs) > 1 else "The trend begins with the second run in a history"
    unknown: Row = dict.fromkeys(_OF_STATE)
    states = [sizes.get(run["run_id"], unknown) for run in runs]
    rows = [run | {name: state[name] for name in _OF_STATE} for run, state in zip(runs, states, strict=True)]
    return TrendSection(tuple(map(_trend_run, rows)), rows, len(rows), note)


def _trend_run(row: Row) -> TrendRun:
    return TrendRun(
        row["collected_at"],
        row["model_count"],
        row["size_bytes"],
        row["servers_ok"] == row["servers"],
        row["servers_ok"] > 0,
        {word: row[word] or 0 for word in WORDS},
    )
