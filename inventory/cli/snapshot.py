"""``lms-inventory snapshot``."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

import inventory
from inventory.cli._files import check_targets, grain_option, local_zone, output_option, report_among, write_all
from inventory.cli._history import fail_on_option, failing, history_at, history_option, words
from inventory.cli._shared import (
    INCOMPLETE,
    json_option,
    print_json,
    say,
    servers_option,
    tables,
    terminal_width,
    timeout_option,
    token,
)
from inventory.errors import ConfigurationError, FileError
from inventory.servers import Server, choose

if TYPE_CHECKING:
    from inventory.overview import Overview
    from inventory.recording import Taken
    from inventory.snapshot import Snapshot, Written


@click.command()
@servers_option
@output_option(
    "Write to FILE; .csv, .parquet, .xlsx, .html or .md is the format. Repeatable. "
    "{date}, {time} and {run_id} are filled in."
)
@grain_option
@history_option
@click.option("--no-history", is_flag=True, help="Do not record it, and compare it with nothing.")
@fail_on_option
@click.option(
    "--recheck",
    metavar="SECONDS",
    type=click.FloatRange(min=0, max=3600),
    default=5.0,
    show_default=True,
    help="Pause before an answer that lost most of its models is asked for once more.",
)
@click.option("--accept-suspect", is_flag=True, help="Believe an answer that lost most of its models at once.")
@timeout_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def snapshot(
    addresses: Sequence[str],
    outputs: Sequence[str],
    grain: str,
    folder: str | None,
    no_history: bool,
    fail_on: str | None,
    recheck: float,
    accept_suspect: bool,
    timeout: float,
    as_json: bool,
    quiet: bool,
) -> int:
    """Ask the servers for their models, record what they say, and write it."""
    servers, fatal = choose(addresses, token()), words(fail_on)
    if fatal and no_history:
        raise ConfigurationError("--fail-on needs a history to compare with", "Leave --no-history out")
    check_targets(outputs, grain)
    began = time.perf_counter()
    taken = _take(servers, None if no_history else folder or "", timeout, recheck, accept_suspect)
    files, failures = write_all(_overview(taken, outputs, None if no_history else folder or ""), outputs, grain)
    failures += [taken.failure] if taken.failure else []
    _tell(taken, files, time.perf_counter() - began, as_json, quiet)
    for failure in failures:
        say(failure)
    if failures:
        return FileError.exit_code
    if not taken.snapshot.complete:
        return INCOMPLETE
    return failing(taken.changes, fatal) if taken.changes else 0


def _take(servers: list[Server], folder: str | None, timeout: float, recheck: float, accept_suspect: bool) -> "Taken":
    """Ask and, unless ``folder`` is None, record."""
    from inventory.recording import Taken, take

    if folder is None:
        return Taken(inventory.collect(servers, timeout=timeout))
    return take(history_at(folder), servers, timeout=timeout, recheck=recheck, accept_suspect=accept_suspect)


def _overview(taken: "Taken", outputs: Sequence[str], folder: str | None) -> "Overview":
    """What the files say; the runs before are needed by reports only."""
    from inventory.overview import Overview
    from inventory.snapshot import rows

    recorded = report_among(outputs) and folder is not None and taken.failure is None
    runs = rows(history_at(folder).runs_table()) if recorded else []
    since = f"{taken.since:%Y-%m-%d %H:%M:%S} UTC" if taken.since else ""
    return Overview(taken.snapshot, taken.changes, since, runs, local_zone(taken.snapshot))


def _tell(taken: "Taken", files: "list[Written]", seconds: float, as_json: bool, quiet: bool) -> None:
    """Print the result, and on stderr who was not read."""
    from inventory.report import snapshot_text

    if as_json:
        print_json("snapshot", {"run_id": taken.snapshot.run_id, **tables(taken.snapshot)})
    elif not quiet:
        text = snapshot_text(taken.snapshot, seconds, files, terminal_width(), taken.changes, taken.since)
        click.echo(text, nl=False)
    if as_json or quiet:
        for file in files:
            if file.skipped:
                say(f"{file.path} was {file.skipped}")
    _say_failures(taken.snapshot)


def _say_failures(taken: "Snapshot") -> None:
    from inventory.snapshot import rows

    for row in rows(taken.tables["observations"]):
        if row["status"] != "ok":
            say(f"{row['server']}: {row['error']}")
