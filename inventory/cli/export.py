"""``lms-inventory export``."""

from collections.abc import Sequence

import click

from inventory.cli._files import check_targets, grain_option, output_option, write_all
from inventory.cli._history import history_at, history_option, live
from inventory.cli._shared import INCOMPLETE, say
from inventory.errors import FileError


@click.command()
@click.argument("ref", default="latest")
@output_option("Write to FILE; .csv, .parquet or .xlsx is the format. Repeatable.", required=True)
@grain_option
@history_option
def export(ref: str, outputs: Sequence[str], grain: str, folder: str | None) -> int:
    """Write any stored snapshot (default: latest) in any format."""
    check_targets(outputs, grain)
    from inventory.comparison import side_of, snapshot_of
    from inventory.report import files_text

    history = history_at(folder)
    snapshot = snapshot_of(side_of(ref, history, lambda: live(history)), history)
    files, failures = write_all(snapshot, outputs, grain)
    click.echo(files_text(files) if files else "", nl=False)
    for failure in failures:
        say(failure)
    if failures:
        return FileError.exit_code
    return INCOMPLETE if any(file.skipped for file in files) else 0
