"""``lms-inventory export``."""

from collections.abc import Sequence

import click

from inventory.cli._history import history_at, history_option, live, with_runs
from inventory.cli._output import INCOMPLETE, print_error
from inventory.cli._targets import (
    check_targets,
    csv_for_option,
    grain_option,
    local_zone,
    output_option,
    report_among,
    say_notes,
    write_all,
)
from inventory.errors import FileError


@click.command()
@click.argument("ref", default="latest")
@output_option("Write to FILE; .csv, .parquet, .xlsx, .html or .md is the format. Repeatable.", required=True)
@csv_for_option
@grain_option
@history_option
def export(ref: str, outputs: Sequence[str], csv_for: str | None, grain: str, folder: str | None) -> int:
    """Write any stored snapshot (default: latest) in any format."""
    check_targets(outputs, grain)
    from inventory.operations.compare import is_recorded, overview_of, side_of, snapshot_of
    from inventory.report.facts import Report
    from inventory.terminal.snapshot import files_text

    history = history_at(folder, needed=False)
    if is_recorded(ref):
        with_runs(history)
    side = side_of(ref, history, lambda: live(history))
    say_notes(side)
    snapshot = snapshot_of(side, history)
    overview = overview_of(side, history, local_zone(snapshot)) if report_among(outputs) else Report(snapshot)
    files, failures = write_all(overview, outputs, grain, csv_for)
    click.echo(files_text(files) if files else "", nl=False)
    for failure in failures:
        print_error(failure)
    if failures:
        return FileError.exit_code
    return INCOMPLETE if any(file.skipped for file in files) else 0
