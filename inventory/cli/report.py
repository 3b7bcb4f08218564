"""``lms-inventory report``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from inventory.cli._command import Command
from inventory.cli._completion import complete_period
from inventory.cli._groups import selected_servers
from inventory.cli._history import history_at, require_runs, stale_after
from inventory.cli._options import files_option, history_option, known_servers_option, quiet_option
from inventory.cli._rules import configured_rules, with_audit
from inventory.cli._targets import check_targets, finish, local_zone, refuse_large, report_targets, write_all

if TYPE_CHECKING:
    from inventory.errors import FileError


@click.command(
    cls=Command,
    short_help="Report a month, a week or any period.",
    examples=(
        ("lms-inventory report month -o reports/{month}.xlsx", "The last whole month, in a file of its name"),
        ("lms-inventory report 2026-11 -o november.html", "One month, as a page"),
        ("lms-inventory report 2026-11-01..2026-11-15 -o half.md", "From one day to another, both whole"),
    ),
)
@click.argument("period", required=False, shell_complete=complete_period)
@known_servers_option
@files_option(
    "Write to FILE: .xlsx, .html, .md or .cdx.json. Repeatable. {date}, {week} and {month} are those of the period's "
    "last day. Default: [report] output in inventory.toml."
)
@history_option
@quiet_option
def report(
    period: str | None,
    servers: Sequence[str],
    where: Sequence[str],
    outputs: Sequence[str],
    csv_for: str | None,
    history_path: str | None,
    quiet: bool,
) -> int:
    """Report a PERIOD for people: the state at its end, what changed in it, and how much of it was read.

    PERIOD is day, week or month (the last whole one), a day, week, month or year such as 2026-11-28, 2026-W47, 2026-11
    or 2026, or FROM..TO; default: since the run before. Days, weeks and months are local. FROM and TO are dates, meant
    whole, or whatever show accepts.

    The report ends with a block to sign: the run, its SHA-256, and what the verification of the history found.
    """
    outputs = report_targets(outputs)
    check_targets(outputs)
    rules = configured_rules()
    from inventory import formats
    from inventory.operations.compare import ResolvedRef
    from inventory.operations.period import end_of, period_report

    history = require_runs(history_at(history_path))
    selected = selected_servers(history, servers, where)
    failures: list[FileError] = []
    if not selected:
        outputs, failures = refuse_large(outputs, end_of(history, period), history)
        if not outputs:
            return finish(failures)
    reading = history.reading(formats.needed_columns(outputs))
    report = period_report(reading, period, servers=selected, stale_after=stale_after())
    report = replace(report, zone=local_zone(report.snapshot))
    report = with_audit(report, ResolvedRef("", report.snapshot.state_of), history, rules)
    files, others = write_all(report, outputs, csv_for=csv_for, day=report.period.last_day if report.period else None)
    failures += others
    return finish(failures, files, quiet=quiet)
