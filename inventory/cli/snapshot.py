"""``lms-inventory snapshot``."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from inventory.cli._context import chosen, ready
from inventory.cli._history import fail_on_option, history_at, history_option, ignore_option, outcome, parse_fail_on
from inventory.cli._output import (
    concurrency_option,
    json_option,
    print_error,
    print_json,
    recheck_option,
    servers_option,
    tables,
    terminal_width,
    timeout_option,
)
from inventory.cli._progress import progress
from inventory.cli._targets import (
    check_targets,
    csv_for_option,
    grain_option,
    local_zone,
    output_option,
    report_among,
    write_all,
)
from inventory.config.servers import Server
from inventory.errors import ConfigurationError, FileError

if TYPE_CHECKING:
    from inventory.formats import WrittenFile
    from inventory.history.reader import RunHistory
    from inventory.history.recorder import SnapshotResult
    from inventory.report.facts import Report
    from inventory.tables import RunTables


@click.command()
@servers_option
@output_option(
    "Write to FILE; .csv, .parquet, .xlsx, .html or .md is the format. Repeatable. "
    "{date}, {month}, {week}, {time} and {run_id} are filled in; missing folders below the working directory are made."
)
@csv_for_option
@grain_option
@history_option
@click.option("--no-history", is_flag=True, help="Do not record it, and compare it with nothing.")
@click.option(
    "--existing-history", is_flag=True, help="Ask nobody if there is no history yet, instead of beginning one."
)
@ignore_option
@fail_on_option
@recheck_option
@click.option("--accept-suspect", is_flag=True, help="Believe an answer that lost most of its models at once.")
@timeout_option
@concurrency_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def snapshot(
    addresses: Sequence[str],
    listing: str | None,
    allow_files: bool,
    where: Sequence[str],
    outputs: Sequence[str],
    csv_for: str | None,
    grain: str,
    folder: str | None,
    no_history: bool,
    existing_history: bool,
    ignore: Sequence[str],
    fail_on: str | None,
    recheck: float,
    accept_suspect: bool,
    timeout: float,
    concurrency: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """Ask the servers for their models, record what they say, and write it."""
    entries, fatal = chosen(addresses, listing, where, allow_files), parse_fail_on(fail_on)
    _check_one_history(no_history, existing_history, fatal)
    check_targets(outputs, grain)
    servers = ready(entries, quiet=quiet)
    history = None if no_history else history_at(folder, ignore=ignore)
    is_new = history is not None and _is_new(history, existing_history)
    began = time.perf_counter()
    with progress(quiet=quiet) as told:
        asking = {"timeout": timeout, "concurrency": concurrency, "progress": told}
        taken = _take(servers, history, recheck, accept_suspect, asking)
    files, failures = write_all(_overview(taken, outputs, history), outputs, grain, csv_for)
    failures += [taken.failure] if taken.failure else []
    if history and is_new and not taken.failure:  # said to whoever takes it for the history of before, and so always
        print_error(f"this run begins a new history in {history.store.folder.absolute()}")
    _tell(taken, files, time.perf_counter() - began, as_json, quiet)
    for failure in failures:
        print_error(failure)
    if history and not taken.failure and not (quiet and taken.since):
        _say_rights(history, taken.snapshot.run_id)
    code = _outcome(taken, failures, fatal)
    return _journalled(history, taken, time.perf_counter() - began, code, failures) if history else code


def _check_one_history(no_history: bool, existing_history: bool, fatal: frozenset[str]) -> None:
    """Refuse what cannot be without a history."""
    if no_history and existing_history:
        raise ConfigurationError("--no-history and --existing-history exclude each other", "Give one of them")
    if no_history and fatal - {"incomplete"}:
        raise ConfigurationError("--fail-on needs a history to compare with", "Leave --no-history out")


def _is_new(history: "RunHistory", existing_history: bool) -> bool:
    """Whether this run will be the first of a history.

    Raises:
        FileError: it would be, and one that exists is wanted, or the folder is a part of another history.
    """
    try:
        if history.store.run_ids():
            return False
    except FileError:
        return False  # it is there and cannot be read, which is said when the run is recorded
    from inventory.history.storage.absence import home_of, no_runs

    if existing_history or home_of(history.store.folder):
        raise no_runs(history.store.folder)
    return True


def _outcome(taken: "SnapshotResult", failures: Sequence[FileError], fatal: frozenset[str]) -> int:
    """The exit code of a run."""
    if failures:
        return FileError.exit_code
    return outcome(taken.changes, fatal, incomplete=not taken.snapshot.complete)


def _journalled(
    history: "RunHistory", taken: "SnapshotResult", seconds: float, code: int, failures: Sequence[FileError]
) -> int:
    """Add the run to the history's journal; the exit code then, if that cannot be done."""
    from inventory.history import run_log

    told = [failure.what for failure in failures]
    try:
        recorded = taken.snapshot.run_id in history.store.run_ids()
        entry = run_log.entry_of(taken.snapshot, taken.changes, seconds, code, told, recorded=recorded)
        run_log.append(history.store.folder, entry)
    except FileError as error:
        if not taken.failure:  # then the history as a whole cannot be written, and that was said
            print_error(error)
        return error.exit_code
    return code


def _take(
    servers: list[Server], history: "RunHistory | None", recheck: float, accept_suspect: bool, asking: dict[str, Any]
) -> "SnapshotResult":
    """Ask and, if there is a history, record."""
    from inventory.collection.collector import query_servers
    from inventory.history.recorder import SnapshotResult, take_snapshot

    if history is None:
        return SnapshotResult(query_servers(servers, **asking))
    return take_snapshot(history, servers, recheck=recheck, accept_suspect=accept_suspect, **asking)


def _overview(taken: "SnapshotResult", outputs: Sequence[str], history: "RunHistory | None") -> "Report":
    """What the files say; the runs before are needed by reports only."""
    from inventory.report.facts import Report
    from inventory.tables import rows
    from inventory.text import utc_text

    counted = rows(history.runs_table()) if history and report_among(outputs) and not taken.failure else []
    runs = [row for row in counted if row["status"] != "misdated"]
    since = utc_text(taken.since) if taken.since else ""
    return Report(taken.snapshot, taken.changes, since, runs, local_zone(taken.snapshot))


def _tell(taken: "SnapshotResult", files: "list[WrittenFile]", seconds: float, as_json: bool, quiet: bool) -> None:
    """Print the result, and on stderr who was not read."""
    from inventory.report.facts import Report
    from inventory.terminal.snapshot import snapshot_text

    if as_json:
        print_json("snapshot", {"run_id": taken.snapshot.run_id, **tables(taken.snapshot)})
    elif not quiet:
        report = Report(taken.snapshot, taken.changes)
        text = snapshot_text(report, seconds, files, terminal_width(), taken.since)
        click.echo(text, nl=False)
    if as_json or quiet:
        for file in files:
            if file.skipped:
                print_error(f"{file.path} was {file.skipped}")
    _say_failures(taken.snapshot)


def _say_rights(history: "RunHistory", run_id: str) -> None:
    """Say that others may read the history, where the file system has rights of its own; quietly only at its begin."""
    from inventory.filesystem.rights import others_may_read

    if others_may_read(history.store.path("observations", run_id)):
        print_error(
            f"warning: other users may read the history {history.store.folder}: this file system sets the permissions "
            "itself. Keep it elsewhere if nobody else may see it"
        )


def _say_failures(taken: "RunTables") -> None:
    from inventory.tables import rows

    for row in rows(taken.tables["observations"]):
        if row["status"] != "ok":
            print_error(f"{row['server']}: {row['error']}")
