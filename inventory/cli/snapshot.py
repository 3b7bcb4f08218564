"""``lms-inventory snapshot``."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from inventory import schema
from inventory.cli._command import Command
from inventory.cli._exit_codes import AUDIT_WORDS, FAIL_WORDS, change_exit_code, parse_fail_on, stale_words
from inventory.cli._history import history_at, stale_after
from inventory.cli._mirror import final_code, send_log, send_run, shared_history
from inventory.cli._notices import check_notices, tell_all
from inventory.cli._options import (
    accept_suspect_option,
    concurrency_option,
    existing_history_option,
    fail_on_option,
    files_option,
    grain_option,
    history_option,
    ignore_option,
    json_options,
    no_history_option,
    quiet_option,
    recheck_option,
    servers_option,
    this_run_option,
    timeout_option,
    verbose_option,
)
from inventory.cli._output import print_error, print_errors, print_json, print_json_lines, run_rows, terminal_width
from inventory.cli._progress import progress
from inventory.cli._rules import audit_entry, audit_fail_words, audit_side, check_fail_words, configured_rules
from inventory.cli._selection import select_servers, with_tokens
from inventory.cli._targets import check_targets, local_zone, metrics_of, reports_of, write_all, write_metrics
from inventory.errors import ConfigurationError, ExitCode, FileError

if TYPE_CHECKING:
    from inventory.formats import WrittenFile
    from inventory.history.reader import RunHistory
    from inventory.operations.notify import Outcome
    from inventory.operations.snapshot import SnapshotResult
    from inventory.report.facts import Report
    from inventory.rules.evaluate import Judgement
    from inventory.rules.model import RuleSet
    from inventory.tables import RunTables


_Value = TypeVar("_Value")


@click.command(
    cls=Command,
    short_help="Query the servers, record and write the result.",
    examples=(
        ("lms-inventory snapshot", "Query the configured servers, and show what changed since the last run"),
        ("lms-inventory snapshot -o inventory.xlsx -o models-{date}.csv", "Write a workbook and a dated CSV file too"),
        ("lms-inventory snapshot -q --fail-on removed", "Exit with 10 if a model is removed"),
    ),
)
@servers_option
@files_option(
    "Write to FILE; its suffix is the format: .csv, .parquet, .xlsx, .html, .md, .cdx.json or .prom. Repeatable. "
    "{date}, {month}, {week}, {time} and {run_id} are filled in. Missing folders below the working directory "
    "are created."
)
@grain_option
@this_run_option
@history_option
@no_history_option
@existing_history_option
@ignore_option
@fail_on_option(FAIL_WORDS)
@timeout_option
@concurrency_option
@recheck_option
@accept_suspect_option
@json_options
@quiet_option
@verbose_option
def snapshot(
    addresses: Sequence[str],
    list_path: str | None,
    allow_files: bool,
    where: Sequence[str],
    outputs: Sequence[str],
    csv_for: str | None,
    grain: str,
    this_run: bool,
    history_path: str | None,
    no_history: bool,
    existing_history: bool,
    ignore: Sequence[str],
    fail_on: str | None,
    recheck: float,
    accept_suspect: bool,
    timeout: float,
    concurrency: int,
    as_json: str | None,
    quiet: bool,
    verbose: bool,
) -> int:
    """Query the servers, record the result in the history and write the output files."""
    entries, fail_words = select_servers(addresses, list_path, where, allow_files), parse_fail_on(fail_on)
    rules = configured_rules()
    check_fail_words(fail_words, rules)
    _check_history_options(no_history, existing_history, fail_words)
    check_targets(outputs, grain)
    check_notices(quiet=quiet)
    servers = with_tokens(entries, quiet=quiet)
    history = None if no_history else history_at(history_path, ignore=ignore, records=True)
    from inventory.operations.snapshot import starts_history, state_after, take_snapshot

    is_new = history is not None and starts_history(history, existing_only=existing_history)
    started = time.perf_counter()
    with progress(len(servers), hidden=quiet or as_json is not None) as advance:
        result = take_snapshot(
            history,
            servers,
            timeout=timeout,
            recheck=recheck,
            accept_suspect=accept_suspect,
            concurrency=concurrency,
            progress=advance,
        )
    is_recorded = history is not None and not result.failure
    sent = send_run() if is_recorded else []
    result, report = _report(result, history if outputs else None, outputs, this_run=this_run)
    failures = [*sent, *([result.failure] if result.failure else [])]
    judgement = _read(lambda: _audit(result, history, rules), failures)
    report = replace(report, judgement=judgement)
    numbers = metrics_of(outputs)  # Written last, as they hold the exit code.
    files, unwritten = write_all(report, [output for output in outputs if output not in numbers], grain, csv_for)
    failures = [*unwritten, *failures]
    stale = _read(lambda: stale_words(fail_words, lambda: (state_after(result, history), None)), failures)
    audited = audit_fail_words(fail_words, judgement)
    code = change_exit_code(
        result.changes,
        fail_words,
        failures,
        incomplete=not result.snapshot.complete,
        stale=stale or frozenset(),
        audited=audited,
    )
    code = in_metrics = final_code(code)
    seconds = time.perf_counter() - started
    metrics, unwritten = write_metrics(report, numbers, seconds, code)
    files, failures, code = [*files, *metrics], [*failures, *unwritten], ExitCode.FILE if unwritten else code
    shared = shared_history()
    is_known = shared is None or shared.unreached is None
    if history and is_new and is_known and not result.failure:  # Even with -q: the user may expect an earlier one.
        print_error(f"this run starts a new history in {shared.address if shared else history.store.folder.absolute()}")
    _print_unread_servers(result.snapshot, each=verbose)
    _print_result(result, files, seconds, as_json, quiet, grain, judgement, is_first=is_new)
    print_errors(failures)
    if history and not result.failure and not (quiet and result.since):
        _warn_permissions(history, result.snapshot.run_id)
    findings = judgement.findings if judgement else ()
    outcomes = tell_all(result, history, code, files, failures, findings)
    audit = audit_entry(judgement, rules)
    ended = _log(history, result, time.perf_counter() - started, code, failures, audit, outcomes) if history else code
    if is_recorded:
        send_log(result.snapshot.run_id)
    if ended != in_metrics:
        write_metrics(report, [str(file.path) for file in metrics], seconds, ended)
    return ended


def _report(
    result: "SnapshotResult", history: "RunHistory | None", outputs: Sequence[str], *, this_run: bool
) -> "tuple[SnapshotResult, Report]":
    """Build the report of a run: of the run alone, and with the failure in its result, if the state cannot be read."""
    from inventory.operations.snapshot import report_on_run

    zone, trend = local_zone(result.snapshot), bool(reports_of(outputs))
    try:
        return result, report_on_run(result, history, zone, stale_after(), trend=trend, this_run=this_run)
    except FileError as error:
        result = replace(result, failure=error)
        return result, report_on_run(result, history, zone, stale_after(), trend=trend, this_run=this_run)


def _read(reading: Callable[[], _Value], failures: list[FileError]) -> _Value | None:
    """Return what a function reads of the history; None if it cannot be read, which is added to the failures."""
    try:
        return reading()
    except FileError as error:
        if error.what not in [failure.what for failure in failures]:
            failures.append(error)
        return None


def _audit(result: "SnapshotResult", history: "RunHistory | None", rules: "RuleSet") -> "Judgement | None":
    """Judge the state after the run, or only the run where it is in no history."""
    from inventory.operations.compare import ResolvedRef

    if history is None or result.failure:
        return audit_side(ResolvedRef("now", snapshot=result.snapshot), None, rules)
    history = history.seen_at(result.snapshot.observed_at or history.clock())
    return audit_side(ResolvedRef("now", result.snapshot.run_id), history, rules)


def _check_history_options(no_history: bool, existing_history: bool, fail_words: frozenset[str]) -> None:
    """Refuse options that need a history together with ``--no-history``."""
    if no_history and existing_history:
        raise ConfigurationError("--no-history and --existing-history exclude each other", "Give one of them")
    if no_history and fail_words - {"incomplete", *AUDIT_WORDS}:
        raise ConfigurationError("--fail-on needs a history to compare with", "Remove --no-history")


def _print_result(
    result: "SnapshotResult",
    files: "list[WrittenFile]",
    seconds: float,
    as_json: str | None,
    quiet: bool,
    grain: str,
    judgement: "Judgement | None",
    *,
    is_first: bool,
) -> None:
    """Print the result on stdout, and on stderr what was not written."""
    from inventory.report.facts import Report
    from inventory.report.findings import findings_section
    from inventory.terminal.findings import findings_text
    from inventory.terminal.snapshot import snapshot_text

    if as_json == "jsonl":
        tables = run_rows(result.snapshot)
        names = [table.name for each, table in schema.GRAIN_TABLES.items() if grain in (each, "both")]
        print_json_lines(row for name in names for row in tables[name])
    elif as_json:
        findings = {} if judgement is None else {"findings": list(judgement.findings)}
        print_json("snapshot", {"run_id": result.snapshot.run_id, **run_rows(result.snapshot), **findings})
    elif not quiet:
        report = Report(result.snapshot, result.changes)
        text = snapshot_text(report, seconds, files, terminal_width(), result.since, first=is_first)
        click.echo(text, nl=False)
        if judgement is not None:
            click.echo("\n" + findings_text(findings_section(judgement), "Audit", terminal_width()), nl=False)
    if as_json or quiet:
        print_errors(f"{file.path} was {file.skipped}" for file in files if file.skipped)


def _print_unread_servers(snapshot: "RunTables", *, each: bool) -> None:
    """Print on stderr which servers were not read: those that failed alike in one line, unless each is asked for."""
    from inventory.report.failures import failure_groups
    from inventory.tables import rows

    print_errors(group.text for group in failure_groups(rows(snapshot.tables["observations"]), each=each))


def _warn_permissions(history: "RunHistory", run_id: str) -> None:
    """Warn if other users can read the history because the file system sets the permissions itself."""
    from inventory.filesystem.rights import others_may_read

    if others_may_read(history.store.path("observations", run_id)):
        print_error(
            f"warning: other users can read the history {history.store.folder}: this file system sets the permissions "
            "itself. Move the history elsewhere if it must stay private"
        )


def _log(
    history: "RunHistory",
    result: "SnapshotResult",
    seconds: float,
    code: ExitCode,
    failures: Sequence[FileError],
    audit: "dict[str, Any] | None",
    outcomes: "Sequence[Outcome]",
) -> ExitCode:
    """Append the run to the run log; return the exit code, which is another one if that fails."""
    from inventory.operations.snapshot import log_run

    try:
        log_run(history, result, seconds, code, failures, audit, [outcome.entry for outcome in outcomes])
    except FileError as error:
        if not result.failure:  # Otherwise the whole history cannot be written, and that was printed.
            print_error(error)
        return ExitCode.FILE
    return code
