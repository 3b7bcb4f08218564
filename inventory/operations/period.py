"""Report a period: the state at its end, what changed in it, how much of it was read, and what a reviewer signs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from inventory.errors import ConfigurationError
from inventory.history.periods import Period, parse_period, runs_in, span_text
from inventory.history.reader import RunHistory
from inventory.history.verify import prove
from inventory.operations.compare import ResolvedRef, changes_between, known_servers, report_of
from inventory.report.coverage import STALE_AFTER
from inventory.report.facts import Report
from inventory.report.period import PeriodSection
from inventory.run_ids import time_of
from inventory.text import count, local_text

_MICROSECOND = timedelta(microseconds=1)


def period_report(
    history: RunHistory, text: str | None, *, servers: Sequence[str] = (), stale_after: timedelta = STALE_AFTER
) -> Report:
    """Build the report of a period; days are those of the system's time zone.

    Args:
        history: the history, which has a run.
        text: the period; None for the time since the run before.
        servers: only these; all by default.
        stale_after: how old the last complete answer of a server may be.

    Raises:
        ConfigurationError: it is not a period, or no run was made in it, or a server is not known.
        FileError: a file of the history is missing or damaged.
    """
    servers = known_servers(history, servers)
    period, before, within = _runs(history, text)
    proof = _proof(history)  # before a fleet's state takes memory beside it
    first = before or (within[0] if len(within) > 1 else None)
    last = _side(within[-1])
    compared = None
    if first:
        compared = _side(first), changes_between(_side(first), last, history, servers=servers)
    report = report_of(last, history, compared=compared, servers=servers, stale_after=stale_after)
    if compared is None:  # Not the run before, which is none of the period.
        report = replace(report, changes=None, since="")
    section = PeriodSection(
        period.name,
        period.last_day,
        history.coverage_table(period, report.snapshot.tables["observations"]),
        last.run_id or "",
        sha256(history.store.where("observations", [within[-1]])[within[-1]].read_bytes()).hexdigest(),
        proof,
    )
    runs = [row for row in report.runs if row["run_id"] in set(within)]
    return replace(report, runs=runs, period=section)


def end_of(history: RunHistory, text: str | None) -> ResolvedRef:
    """Return the last run of a period; arguments and errors as ``period_report``."""
    return _side(_runs(history, text)[2][-1])


def _runs(history: RunHistory, text: str | None) -> tuple[Period, str | None, list[str]]:
    """Return a period, the last run before it, and the runs in it."""
    dated = history.dated()
    period = _period(history, text, dated)
    return period, *runs_in(period, dated)


def _period(history: RunHistory, text: str | None, dated: Sequence[str]) -> Period:
    if text is not None:
        try:
            return parse_period(text, history.clock(), lambda ref: time_of(history.resolve(ref)))
        except ConfigurationError as error:
            if "The history begins" in error.advice:  # An unknown run's error says so itself.
                raise
            raise ConfigurationError(error.what, f"{error.advice.rstrip('.')}. {span_text(dated)}") from error
    if len(dated) == 1:
        only = time_of(dated[0])
        return Period(f"the first run, {local_text(only)}", only, only, (only.astimezone().date(),))
    start, end = (time_of(run_id) for run_id in dated[-2:])
    return Period(f"since {local_text(start)}", start + _MICROSECOND, end, (end.astimezone().date(),))


def _proof(history: RunHistory) -> str:
    """Verify the history, and say what was found."""
    proof = prove(history.store, history.clock())
    problems = proof.problems.num_rows
    result = f"{count(problems, 'problem')}; see lms-inventory verify" if problems else "no problems"
    return f"{count(proof.runs, 'run')} verified, {result}"


def _side(run_id: str) -> ResolvedRef:
    return ResolvedRef(local_text(time_of(run_id)), run_id)
