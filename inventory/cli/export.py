"""``lms-inventory export``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory.cli._command import Command
from inventory.cli._completion import complete_ref
from inventory.cli._groups import select_part
from inventory.cli._history import optional_history, resolve_refs, stale_after
from inventory.cli._options import (
    files_option,
    filter_option,
    grain_option,
    history_option,
    known_servers_option,
    this_run_option,
)
from inventory.cli._rules import configured_rules, with_audit
from inventory.cli._targets import check_targets, finish, local_zone, metrics_of, refuse_large, reports_of, write_all

if TYPE_CHECKING:
    from inventory.errors import FileError


@click.command(
    cls=Command,
    short_help="Write the state, or what one run read, to files.",
    examples=(
        ("lms-inventory export -o inventory.xlsx", "All servers, as each was read last, as a workbook"),
        ("lms-inventory export previous -o models.parquet", "The models at the run before as Parquet"),
        ("lms-inventory export -o fleet.csv --grain both", "Write fleet.models.csv and fleet.instances.csv"),
    ),
)
@click.argument("ref", default="latest", shell_complete=complete_ref)
@known_servers_option
@filter_option
@files_option(
    "Write to FILE; its suffix is the format: .csv, .parquet, .xlsx, .html, .md, .cdx.json or .prom. Repeatable.",
    required=True,
)
@grain_option
@this_run_option
@history_option
def export(
    ref: str,
    servers: Sequence[str],
    where: Sequence[str],
    filters: Sequence[str],
    outputs: Sequence[str],
    csv_for: str | None,
    grain: str,
    this_run: bool,
    history_path: str | None,
) -> int:
    """Write the state at REF (default: latest) to files of any format.

    The state has of each server its last complete answer; --this-run writes only what one run read.

    REF is whatever show accepts. --filter is about models, with --grain instance about loaded instances; a report of
    filtered rows says so, and compares nothing.
    """
    check_targets(outputs, grain)
    rules = configured_rules()
    from inventory import formats
    from inventory.operations.compare import present_time, report_of, snapshot_of
    from inventory.report.facts import Report
    from inventory.tables import values

    history = optional_history(history_path)
    [side] = resolve_refs([ref], history)
    failures: list[FileError] = []
    if not (servers or where or filters):
        outputs, failures = refuse_large(outputs, side, history, this_run=this_run)
        if not outputs:
            return finish(failures)
    reading = history and history.reading(formats.needed_columns(outputs, filtered=bool(filters)))
    whole = snapshot_of(side, reading, this_run=this_run)
    part = select_part(whole, servers, where, filters, "instance" if grain == "instance" else "model")
    zone, old = local_zone(part), stale_after()
    if filters:  # What changed, the trend and the findings are known of whole servers only.
        now = present_time(part, history)
        report = Report(part, zone=zone, now=now, stale_after=old, selection=" and ".join(filters))
    elif reports_of(outputs) or metrics_of(outputs):
        names = values(part.tables["observations"], "server") if servers or where else ()
        report = report_of(side, history, zone, snapshot=whole, servers=names, this_run=this_run, stale_after=old)
        report = with_audit(report, side, history, rules)
    else:
        report = Report(part)
    files, others = write_all(report, outputs, grain, csv_for)
    failures += others
    return finish(failures, files)
