"""The sections that only the report of a period has: how much of it was read, and what a reviewer signs."""

from dataclasses import dataclass, replace
from datetime import date
from operator import eq

import pyarrow as pa

from inventory import schema
from inventory.columns import text_column
from inventory.report.row_tables import RowTable
from inventory.schema.derived import COVERAGE
from inventory.tables import values
from inventory.text import count, format_value

_TEXTS = {"days_read": "days", "runs_read": "runs_asked"}
_SHOWN = tuple(
    replace(column, kind=schema.TEXT, unit="") if column.name in _TEXTS else column
    for column in COVERAGE.columns
    if column.name not in _TEXTS.values()
)
_SILENT = 2.0
"""Days without an answer after which a server is named: a night or a day off is no news."""


@dataclass(frozen=True)
class PeriodSection:
    """A period that is reported.

    Attributes:
        name: what people call it, such as ``November 2026``.
        last_day: the local date after which its files are named.
        coverage: how much was read of each server: rows of ``derived.COVERAGE``.
        run_id: the last run of the period, whose state is reported.
        digest: SHA-256 of that run's file of observations, which names the digests of its other files.
        proof: what the verification of the history found, in words.
    """

    name: str
    last_day: date
    coverage: pa.Table
    run_id: str
    digest: str
    proof: str

    title = "Coverage"
    sign_off_title = "Sign-off"

    @property
    def summary(self) -> tuple[str, str]:
        """How much of the period was read, in one sentence: our words, and the name of a server at its end or none."""
        names = ("server", "days", "days_read", "longest_silence")
        servers, days, days_read, silences = (values(self.coverage, name) for name in names)
        if not servers:
            return "No server was asked", ""
        complete = sum(map(eq, days, days_read))
        sentence = f"{complete:,} of {count(len(servers), 'server')} read on every day"
        longest = max(silences)
        if complete == len(servers) or longest < _SILENT:
            return sentence, ""
        text = format_value(longest, "days")
        return f"{sentence}; the longest silence was {text} days, of", servers[silences.index(longest)]

    @property
    def table(self) -> RowTable:
        """The servers, those that were read least first."""
        from pyarrow import compute  # takes a while to import

        missed = compute.subtract(self.coverage["days_read"], self.coverage["days"])
        order = [("missed", "ascending"), ("server", "ascending")]
        content = self.coverage.append_column("missed", missed).sort_by(order)
        for read, asked in _TEXTS.items():
            texts = text_column(content, [read, asked], lambda number, total: f"{number:,} of {total:,}")
            content = content.set_column(content.schema.get_field_index(read), read, texts)
        return RowTable("coverage", "", _SHOWN, content)

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
