"""The sections that only the report of a period has: how much of it was read, and what a reviewer signs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from inventory import schema
from inventory.report.row_tables import RowTable
from inventory.schema.derived import COVERAGE
from inventory.text import count, format_value

Row = dict[str, Any]

_TEXTS = ("days_read", "runs_read")
_SHOWN = tuple(
    replace(column, kind=schema.TEXT, unit="") if column.name in _TEXTS else column
    for column in COVERAGE.columns
    if column.name not in ("days", "runs_asked")
)
_SILENT = 2.0
"""Days without an answer after which a server is named: a night or a day off is no news."""


@dataclass(frozen=True)
class PeriodSection:
    """A period that is reported.

    Attributes:
        name: what people call it, such as ``November 2026``.
        coverage: how much was read of each server: rows of ``derived.COVERAGE``.
        run_id: the last run of the period, whose state is reported.
        digest: SHA-256 of that run's file of observations, which names the digests of its other files.
        proof: what the verification of the history found, in words.
    """

    name: str
    coverage: Sequence[Row] = ()
    run_id: str = ""
    digest: str = ""
    proof: str = ""

    title = "Coverage"
    sign_off_title = "Sign-off"

    @property
    def summary(self) -> tuple[str, str]:
        """How much of the period was read, in one sentence: our words, and the name of a server at its end or none."""
        if not self.coverage:
            return "No server was asked", ""
        complete = sum(row["days_read"] == row["days"] for row in self.coverage)
        sentence = f"{complete:,} of {count(len(self.coverage), 'server')} read on every day"
        if complete == len(self.coverage):
            return sentence, ""
        worst = max(self.coverage, key=lambda row: row["longest_silence"])
        if worst["longest_silence"] < _SILENT:
            return sentence, ""
        days = format_value(worst["longest_silence"], "days")
        return f"{sentence}; the longest silence was {days} days, of", worst["server"]

    @property
    def table(self) -> RowTable:
        """The servers, those that were read least first."""
        rows = sorted(self.coverage, key=lambda row: (row["days_read"] - row["days"], row["server"]))
        shown = [
            {
                **row,
                "days_read": f"{row['days_read']:,} of {row['days']:,}",
                "runs_read": f"{row['runs_read']:,} of {row['runs_asked']:,}",
            }
            for row in rows
        ]
        return RowTable("coverage", "", _SHOWN, shown)

    @property
    def sign_off(self) -> tuple[tuple[str, str], ...]:
        """The lines of the block that a reviewer signs; empty values are filled in by hand."""
        return (
            ("Period", self.name),
            ("State after run", self.run_id),
            ("SHA-256 of its observations", self.digest),
            ("Verification of the history", self.proof),
            ("Prepared by, date", ""),
            ("Reviewed by, date", ""),
        )
