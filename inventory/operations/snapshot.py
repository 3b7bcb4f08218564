"""Take a snapshot: query the servers, judge the responses, record the run, compare it with the one before, report it.

The functions stand in that order. The command line selects the servers first, and prints and writes the result.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from inventory.collection.collector import CONCURRENCY, Progress, query_servers
from inventory.collection.repeats import KnownAnswers
from inventory.config.servers import Server
from inventory.diff.changes import ChangeSet
from inventory.errors import FileError
from inventory.history import run_log
from inventory.history.answers import expected
from inventory.history.reader import RunHistory
from inventory.history.recorder import next_moment, record
from inventory.history.storage.absence import home_of, no_runs
from inventory.operations.history_facts import history_reader
from inventory.report.coverage import STALE_AFTER
from inventory.report.facts import Report
from inventory.run_ids import new_run_id, time_of, utc_now
from inventory.tables import RunTables, rows


@dataclass(frozen=True)
class SnapshotResult:
    """The outcome of one run.

    Attributes:
        snapshot: the tables of the run.
        changes: since the run before; None for the first run, or if the history could not be used.
        since: start of the run before.
        failure: why the run could not be recorded or compared.
    """

    snapshot: RunTables
    changes: ChangeSet | None = None
    since: datetime | None = None
    failure: FileError | None = None


def starts_history(history: RunHistory, *, existing_only: bool = False) -> bool:
    """Return whether a run would be the first one of its history.

    Raises:
        FileError: it would be, although an existing history is required or the folder is a part of another history.
    """
    try:
        if history.store.run_ids():
            return False
    except FileError:
        return False  # It exists and cannot be read, which is reported when the run is recorded.
    if existing_only or home_of(history.store.folder):
        raise no_runs(history.store.folder)
    return True


def take_snapshot(
    history: RunHistory | None,
    servers: Sequence[Server],
    *,
    timeout: float,
    recheck: float = 5.0,
    accept_suspect: bool = False,
    concurrency: int = CONCURRENCY,
    progress: Progress | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> SnapshotResult:
    """Query the servers, judge their responses, record them, and compare them with the run before.

    Args:
        history: where the run is recorded; None only queries.
        servers: the servers to query.
        timeout: seconds that each server has for its complete response.
        recheck: seconds before a response that lost most of its models is requested again.
        accept_suspect: accept such a response at once.
        concurrency: number of servers queried at the same time.
        progress: called as each server is done, as ``collector.Progress`` says.
        clock: returns the time in UTC. If it was set back by less than an hour since the runs before, all times of
            this run are moved by that difference, so that what is observed later is dated later.

    Returns:
        The outcome; a history that cannot be used is a failure in it, since the servers were queried all the same.
    """
    if history is None:
        return SnapshotResult(
            query_servers(servers, timeout=timeout, clock=clock, concurrency=concurrency, progress=progress)
        )
    failure = None
    start = now = clock()
    history = history.seen_at(now)
    try:
        start = history.store.retry_if_changed(partial(next_moment, history, now))
        names = [server.name for server in servers]
        previous, known = history.store.retry_if_changed(partial(expected, history, names))
    except FileError as error:
        failure, previous, known = error, {}, KnownAnswers()
    snapshot = query_servers(
        servers,
        timeout=timeout,
        clock=lambda: max(start, clock() + (start - now)),
        run_id=new_run_id(start),
        expected={} if accept_suspect else previous,
        known=known,
        recheck=recheck,
        concurrency=concurrency,
        progress=progress,
        ignore=history.ignore,
    )
    del previous, known  # of a large fleet they are as large as the run itself
    return SnapshotResult(snapshot, failure=failure) if failure else _record_and_compare(history, snapshot, start)


def _record_and_compare(history: RunHistory, snapshot: RunTables, start: datetime) -> SnapshotResult:
    try:
        snapshot = record(history, snapshot)
        history = history.seen_at(snapshot.observed_at or start)
        earlier = [run_id for run_id in history.dated() if run_id < snapshot.run_id]
        if not earlier:
            return SnapshotResult(snapshot)
        return SnapshotResult(snapshot, history.diff(earlier[-1], snapshot.run_id), time_of(earlier[-1]))
    except FileError as error:
        return SnapshotResult(snapshot, failure=error)


def state_after(result: SnapshotResult, history: RunHistory | None) -> RunTables:
    """Return the state after a run, or what the run itself read if it is in no history."""
    if history is None or result.failure:
        return result.snapshot
    run_id = result.snapshot.run_id
    return history.seen_at(result.snapshot.observed_at or time_of(run_id)).state(run_id)


def report_on_run(
    result: SnapshotResult,
    history: RunHistory | None,
    zone: tzinfo | None,
    stale_after: timedelta = STALE_AFTER,
    *,
    trend: bool = True,
    this_run: bool = False,
) -> Report:
    """Build the report of a run: the state after it, and what changed since the run before.

    Args:
        result: the run.
        history: where it is recorded; None for a report of the run alone.
        zone: the reader's time zone.
        stale_after: how old the last complete answer of a server may be.
        trend: read the earlier runs too.
        this_run: show only what the run itself read.
    """
    listed, timeline = history.runs_and_changes() if history and trend and not result.failure else (None, None)
    runs = [row for row in rows(listed) if row["status"] != "misdated"] if listed else []
    since = f"{result.since:%Y-%m-%d %H:%M:%S} UTC" if result.since else ""
    sizes = history.sizes_after([row["run_id"] for row in runs]) if history and runs else {}
    now = history.clock() if history else None
    snapshot = result.snapshot if this_run else state_after(result, history)
    old_run = runs[-2]["run_id"] if result.changes and len(runs) > 1 else None
    read_history = history_reader(history, result.snapshot.run_id, old_run, timeline) if runs else None
    return Report(snapshot, result.changes, since, runs, zone, sizes, now, stale_after, read_history=read_history)


def log_run(
    history: RunHistory,
    result: SnapshotResult,
    seconds: float,
    exit_code: int,
    failures: Sequence[FileError],
    audit: Mapping[str, Any] | None = None,
    notices: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Append a run to the run log of its history.

    Args:
        history: the history.
        result: the run.
        seconds: how long the run took.
        exit_code: what the command ends with.
        failures: the files that could not be written.
        audit: the counts of its findings and the SHA-256 of the rules; None without rules.
        notices: what became of each notice.

    Raises:
        FileError: the log could not be written.
    """
    recorded = result.snapshot.run_id in history.store.run_ids()
    messages = [failure.what for failure in failures]
    entry = run_log.entry_of(result.snapshot, result.changes, seconds, exit_code, messages, recorded=recorded)
    more: dict[str, Any] = {"audit": dict(audit)} if audit is not None else {}
    more |= {"notices": list(notices)} if notices else {}
    more |= {"collector": history.collector} if history.collector else {}
    run_log.append(history.store.folder, {**entry, **more})
