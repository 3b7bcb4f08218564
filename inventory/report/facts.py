"""The report of a state or run: every section is an attribute, established when a form first asks for it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from functools import cached_property

import pyarrow as pa

from inventory import schema
from inventory.columns import rows_where
from inventory.config.spec import BOM_VERSIONS
from inventory.diff.changes import ChangeSet
from inventory.report.breakdowns import BREAKDOWNS, SpaceSection, break_down, space_section
from inventory.report.change_lines import ChangeSection, describe_changes
from inventory.report.change_words import ChangeLines
from inventory.report.coverage import STALE_AFTER, Coverage, coverage_of
from inventory.report.figures import KeyFigure, Totals, count_totals, key_figures
from inventory.report.findings import FindingsSection, findings_section
from inventory.report.history_facts import HistoryFacts, servers_of
from inventory.report.period import PeriodSection
from inventory.report.row_tables import LARGEST_COLUMNS, RowTable, largest_models, row_table, server_table, with_ages
from inventory.report.trend import TrendSection, trend_section
from inventory.rules.evaluate import Judgement
from inventory.tables import Row, RunTables, is_known, rows, values
from inventory.text import count, moment_text, utc_text

TITLE = "LM Studio model inventory"

SECTIONS = ("What changed", "Largest models", "Where the space goes", "Trend", "Evidence")
"""The sections that Markdown, HTML and the workbook show, under these titles; with rules, Findings before them."""

FACT_COLUMNS = {"models": (*LARGEST_COLUMNS, "type", *BREAKDOWNS.values()), "instances": ("server",)}
"""The columns that a report is made of, but for the rows themselves."""

_NAMED = 3  # servers that the banner names; of more it gives the number


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended, known only to the run itself: its duration in seconds, and its exit code."""

    seconds: float
    exit_code: int


@dataclass(frozen=True)
class Report:
    """A state, or what one run read, and what is known around it.

    Attributes:
        snapshot: the tables of the state or run.
        changes: what changed since the run before, or since whatever it is compared with; None if with nothing.
        since: what it is compared with, in words: a time, or a file's name; empty without ``changes``.
        runs: the runs of the history up to this one, oldest first: rows of ``derived.RUNS``; empty without a history.
        zone: the reader's time zone, shown beside UTC; None for UTC alone.
        sizes: the size and counts of the state after each of these runs, by the run's id: rows of ``derived.PANEL``.
        now: the present time, where it is about the state of now; None for one of the past.
        stale_after: how old the last complete answer of a server may be.
        period: what only the report of a period has; None for any other.
        title: its title.
        selection: the condition that its rows meet, where not all rows are in it.
        all_fields: whether fields that follow from another change have lines of their own.
        read_history: reads what the history tells about these models, servers and changes; called when a form first
            asks for it. None without a history.
        judgement: what an audit by the rules of the configuration found; None without rules.
        outcome: how the run ended; None for a report that is not written by the run itself.
        metric_labels: the labels of servers that metrics have, with their names there.
        bom_version: the version of CycloneDX that a bill of materials is written in.
    """

    snapshot: RunTables
    changes: ChangeSet | None = None
    since: str = ""
    runs: Sequence[Row] = ()
    zone: tzinfo | None = None
    sizes: Mapping[str, Row] = field(default_factory=dict)
    now: datetime | None = None
    stale_after: timedelta = STALE_AFTER
    period: PeriodSection | None = None
    title: str = TITLE
    selection: str = ""
    all_fields: bool = False
    read_history: Callable[[], HistoryFacts] | None = None
    judgement: Judgement | None = None
    outcome: RunOutcome | None = None
    metric_labels: Mapping[str, str] = field(default_factory=dict)
    bom_version: str = BOM_VERSIONS[0]

    @cached_property
    def servers(self) -> list[Row]:
        """The rows of the observations."""
        return rows(self.snapshot.tables["observations"])

    @cached_property
    def server_names(self) -> list[str]:
        """The names of the servers."""
        return values(self.snapshot.tables["observations"], "server")

    @property
    def models(self) -> pa.Table:
        """The models."""
        return self.snapshot.tables["models"]

    @cached_property
    def several(self) -> bool:
        """True if it is about several servers, so that each row names its own."""
        return len(self.server_names) > 1 or len({*self.what_changed.lines.servers}) > 1

    @cached_property
    def coverage(self) -> Coverage:
        """How much was read, and which servers are as of earlier."""
        return coverage_of(self.snapshot, self.now, self.zone, self.stale_after)

    @cached_property
    def status(self) -> Coverage:
        """The same, with the findings and the number of warnings; as bad as the worse of what was read and found."""
        number, levels = len(self.warnings), ("good", "warn", "bad")
        remarks = [f"{self.findings.text} (see Findings)"] if self.findings else []
        remarks += [f"{count(number, 'warning')} (see Evidence)"] if number else []
        level = max(self.coverage.level, self.findings.tone if self.findings else "good", key=levels.index)
        return replace(self.coverage, level=level, details=(*self.coverage.details, *remarks))

    @cached_property
    def banner(self) -> list[tuple[str, str]]:
        """The servers, the time and what the run is compared with: our words, and a text that may be from elsewhere."""
        names = self.server_names
        where = ", ".join(names) if len(names) <= _NAMED else count(len(names), "server")
        if len(names) == 1:
            where = values(self.snapshot.tables["observations"], "url")[0] or where
        is_read = self.snapshot.anything_read
        if self.snapshot.state_at:
            moment = ("state at", moment_text(self.snapshot.state_at, self.zone))
        else:
            moment = ("collected" if is_read else "attempted", moment_text(self.snapshot.observed_at, self.zone))
        parts = [("", where), *([("period", self.period.name)] if self.period else []), moment]
        parts += [("only rows with", self.selection)] if self.selection else []
        last_read = [run["collected_at"] for run in self.runs if run["status"] in ("ok", "partial")]
        if self.what_changed.since:
            parts.append(("compared with", self.what_changed.since))
        elif not is_read and last_read:
            parts.append(("last read", utc_text(last_read[-1], minutes=True)))
        return parts

    @cached_property
    def totals(self) -> Totals | None:
        """The totals; None if no server was read."""
        if not self.snapshot.anything_read:
            return None
        return count_totals(self.models, self.snapshot.tables["instances"].num_rows)

    @cached_property
    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The six figures of the run."""
        not_compared = "not compared" if self.selection else "no earlier snapshot"
        return key_figures(self.totals, self.all_changes, self.coverage, not_compared)

    @cached_property
    def all_changes(self) -> ChangeSection | None:
        """The changes in words; None if the run is not compared."""
        if self.changes is None:
            return None
        return describe_changes(self.changes, self.server_names, all_fields=self.all_fields)

    @cached_property
    def what_changed(self) -> ChangeSection:
        """The changes that a report shows, or why there are none."""
        section = self.all_changes or ChangeSection()
        if not self.snapshot.anything_read:
            return replace(section, lines=ChangeLines(), note="Not compared: the collection failed")
        if self.all_changes is not None:
            return replace(section, since=self.since)
        if self.selection:
            return replace(section, note="Not compared: not all rows are in this report")
        first = "This is the first run; there is nothing to compare it with"
        return replace(section, note=first if len(self.runs) == 1 else "No earlier snapshot to compare with")

    @cached_property
    def findings(self) -> FindingsSection | None:
        """The findings; None without rules."""
        if self.judgement is None:
            return None
        return findings_section(self.judgement)

    @cached_property
    def largest(self) -> RowTable | None:
        """The models by size; None if there are none."""
        if not self.models.num_rows:
            return None
        return largest_models(self.models, several=self.several, older=self._older)

    @cached_property
    def breakdown(self) -> list[Row]:
        """The models and bytes of each publisher, quantization and so on: rows of ``derived.BREAKDOWN``."""
        return break_down(self.models)

    @cached_property
    def space(self) -> SpaceSection | None:
        """The breakdowns of the space; None if no server was read."""
        return (
            space_section(self.breakdown, several=len(self.server_names) > 1) if self.snapshot.anything_read else None
        )

    @cached_property
    def trend(self) -> TrendSection:
        """The development over the runs."""
        trend = trend_section(self.runs, self.sizes)
        return replace(trend, note="No trend: not all rows are in this report") if self.selection else trend

    @cached_property
    def row_tables(self) -> list[RowTable]:
        """All models and all loaded instances, as far as the run holds them."""
        without = () if len(self.server_names) > 1 else ("server",)
        names = {"model": "models", "instance": "loaded instances"}
        return [
            row_table(table, with_ages(self.snapshot.tables[table.name], self._older), names[grain], without)
            for grain, table in schema.GRAIN_TABLES.items()
            if grain in self.snapshot.grains and self.snapshot.anything_read
        ]

    @cached_property
    def evidence(self) -> RowTable:
        """The servers with their statuses, errors and warnings."""
        return server_table(self.snapshot.tables["observations"])

    @cached_property
    def history_facts(self) -> HistoryFacts:
        """What the history tells about these models, servers and changes; nothing without a history."""
        return self.read_history() if self.read_history else HistoryFacts()

    @cached_property
    def server_rows(self) -> list[Row]:
        """The servers with their last complete answers and how often they were read: rows of ``derived.SERVERS``."""
        return servers_of(self.servers, self.history_facts, self.now or self.snapshot.observed_at)

    @cached_property
    def failures(self) -> list[tuple[str, str, str]]:
        """The servers that were not read: name, status in words, error, and how old its rows are if there are any."""
        observations = self.snapshot.tables["observations"]
        failed = observations.filter(rows_where(observations, "status", lambda status: status != "ok"))
        return [(row["server"], row["status"].replace("_", " "), _reason(row)) for row in rows(failed)]

    @cached_property
    def warnings(self) -> list[tuple[str, str]]:
        """The warnings about the responses: the server and a sentence each."""
        observations = self.snapshot.tables["observations"]
        odd = observations.filter(observations["warnings"].is_valid()).select(["server", "warnings"])
        return [(row["server"], sentence) for row in rows(odd) for sentence in json.loads(row["warnings"] or "[]")]

    @cached_property
    def _older(self) -> set[str]:
        """The servers whose rows are older than those of others."""
        return {*self.coverage.unread, *self.coverage.stale} if self.snapshot.state_of else set()


def _reason(observation: Row) -> str:
    error = observation["error"] or ""
    if not is_known(observation):
        return error
    return f"{error.rstrip('.')}. Its rows are as of {utc_text(observation['as_of'], minutes=True)}".removeprefix(". ")
