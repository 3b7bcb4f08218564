"""Compare two references: each is a run of a history, ``live``, or a file that this tool wrote."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from inventory import formats, schema
from inventory.columns import rows_where
from inventory.config.labels import no_server_error, spelt
from inventory.diff.changes import ChangeSet, with_unread_servers
from inventory.diff.compare import compare_tables
from inventory.errors import ConfigurationError
from inventory.history.loader import BASELINE
from inventory.history.reader import RunHistory
from inventory.operations.history_facts import history_reader
from inventory.report.coverage import STALE_AFTER
from inventory.report.facts import Report
from inventory.run_ids import time_of
from inventory.tables import RunTables, is_known, rows, table_of, values
from inventory.text import local_text

LIVE = "live"


@dataclass(frozen=True)
class ResolvedRef:
    """A resolved reference: one side of a comparison.

    Attributes:
        name: its name for people: a time, or a file.
        run_id: the run of the history, if it is one.
        snapshot: its tables, unless it is a whole run of the history.
        server: the server, if it is only one of a run.
        live: the servers were queried now.
    """

    name: str
    run_id: str | None = None
    snapshot: RunTables | None = None
    server: str | None = None
    live: bool = False


def is_recorded(ref: str) -> bool:
    """Return whether a reference means a run of a history, not the servers now or a file."""
    return ref.startswith(BASELINE) or (ref != LIVE and not formats.suffix_of(ref))


def resolve_ref(ref: str, history: RunHistory | None, ask: Callable[[], RunTables]) -> ResolvedRef:
    """Resolve a reference.

    Args:
        ref: a run, ``RUN:SERVER``, ``live`` or a path.
        history: where the runs are; None if there is none, which only ``live`` and paths can do without.
        ask: queries the servers now.

    Raises:
        ConfigurationError: the reference means nothing; the error lists what exists.
        FileError: a file could not be read.
    """
    if ref == LIVE:
        snapshot = ask()
        return ResolvedRef(_moment(snapshot.observed_at), snapshot=snapshot, live=True)
    if not is_recorded(ref):
        return ResolvedRef(ref, snapshot=formats.read_file(ref))
    history = _required(history)
    try:
        run_id = history.resolve(ref)
    except ConfigurationError as error:
        return _one_server(ref, history, error)
    return ResolvedRef(_moment(time_of(run_id)), run_id)


def changes_between(
    old: ResolvedRef,
    new: ResolvedRef,
    history: RunHistory | None,
    *,
    ignore: Sequence[str] = (),
    servers: Sequence[str] = (),
) -> ChangeSet:
    """Compare two sides.

    Args:
        old: the earlier side.
        new: the later side.
        history: where the runs are, None if neither side is one; fields that it ignores are not compared.
        ignore: globs of further fields that are not compared.
        servers: only these; all by default.

    Raises:
        ConfigurationError: neither side knows a server.
    """
    if history and old.run_id and new.run_id and not old.server and not new.server:
        if servers:
            queried = {name for run_id in (old.run_id, new.run_id) for name in _queried(history, run_id)}
            servers = _known(servers, queried if queried >= set(servers) else queried | history.complete_runs().keys())
        return history.diff(old.run_id, new.run_id, ignore=ignore, servers=servers)
    before, after = (_as_of(side, history) for side in (old, new))
    if servers:
        known = {name for side in (before, after) for name in values(side.tables["observations"], "server")}
        servers = _known(servers, known)
        before, after = only(before, servers), only(after, servers)
    if old.server and new.server and old.server != new.server:  # One server is compared with another.
        before = _renamed(before, new.server)
    changes = compare_tables(before, after, (*(history.ignore if history else ()), *ignore))
    return _with_outdated_servers(changes, new, after, history, servers)


def snapshot_of(side: ResolvedRef, history: RunHistory | None, *, this_run: bool = False) -> RunTables:
    """Return the tables of a side; of a run the state after it, or exactly what it read.

    Args:
        side: the side.
        history: where the runs are; None if the side is not one.
        this_run: of a run only what it read itself, failures included.
    """
    if side.run_id and (this_run or _required(history).misdated([side.run_id])):  # A misdated run makes no state.
        run = _required(history).load(side.run_id)
        return only(run, [side.server] if side.server else ())
    return side.snapshot if side.snapshot is not None else _required(history).state(side.run_id or "latest")


def row_counts(side: ResolvedRef, history: RunHistory | None, *, this_run: bool = False) -> dict[str, int]:
    """Count the models and instances of a side as ``snapshot_of`` returns it, from the observations alone.

    Args:
        side: a run of the history, without a server.
        history: where the runs are.
        this_run: of a run only what it read itself.
    """
    history, run_id = _required(history), side.run_id or "latest"
    counts = {"models": "model_count", "instances": "instance_count"}
    if this_run or history.misdated([run_id]):
        observed = history.observed(run_id)
    else:
        states = history.states()
        observed = history.store.retry_if_changed(lambda: rows(states.table(run_id, columns=[*counts.values()])))
    return {name: sum(row[column] or 0 for row in observed) for name, column in counts.items()}


def present_time(snapshot: RunTables, history: RunHistory | None) -> datetime | None:
    """Return the present time if the tables are the newest state of a history; a state of the past has none."""
    if history and snapshot.state_of and [snapshot.state_of] == history.dated()[-1:]:
        return history.clock()
    return None


def report_of(
    side: ResolvedRef,
    history: RunHistory | None,
    zone: tzinfo | None = None,
    *,
    compared: tuple[ResolvedRef, ChangeSet] | None = None,
    snapshot: RunTables | None = None,
    servers: Sequence[str] = (),
    this_run: bool = False,
    stale_after: timedelta = STALE_AFTER,
) -> Report:
    """Build the report of a side: its tables, the changes, and the runs up to it.

    Args:
        side: the side to report.
        history: where the runs are; None if the side is not one.
        zone: the reader's time zone.
        compared: the side it was compared with, and the changes; by default the run before, if there is one.
        snapshot: its tables, if they were read before.
        servers: only these; all by default.
        this_run: show of a run only what it read itself, not the state after it.
        stale_after: how old the last complete answer of a server may be.
    """
    dated = history.dated() if history and side.run_id else []
    earlier = [run_id for run_id in dated if side.run_id in dated and run_id < (side.run_id or "")]
    if compared is None and earlier and side.server is None:
        previous = ResolvedRef(_moment(time_of(earlier[-1])), earlier[-1])
        compared = previous, changes_between(previous, side, history, servers=servers)
    snapshot = snapshot or snapshot_of(side, history, this_run=this_run)
    listed, timeline = history.runs_and_changes(servers) if history and side.run_id else (None, None)
    runs = [row for row in rows(listed) if row["run_id"] in {*earlier, side.run_id}] if listed else []
    return Report(
        only(snapshot, servers),
        compared[1] if compared else None,
        compared[0].name if compared else "",
        runs,
        zone,
        history.sizes_after([row["run_id"] for row in runs], servers) if history else {},
        present_time(snapshot, history),
        stale_after,
        read_history=history_reader(history, side.run_id, compared[0].run_id if compared else None, timeline),
    )


def known_servers(history: RunHistory, servers: Sequence[str]) -> Sequence[str]:
    """Return the servers as the history spells them.

    Raises:
        ConfigurationError: no run has read a server and the newest run did not query it; the error lists the known
            servers.
    """
    runs = history.dated()
    if runs and servers:
        return _known(servers, history.complete_runs().keys() | set(_queried(history, runs[-1])))
    return servers


def only(snapshot: RunTables, servers: Iterable[str]) -> RunTables:
    """Return the part of a snapshot that is about some servers; all of it without any."""
    if not (wanted := set(servers)):
        return snapshot
    tables = {
        name: table.filter(rows_where(table, "server", wanted.__contains__)) for name, table in snapshot.tables.items()
    }
    return replace(snapshot, tables=tables)


def _one_server(ref: str, history: RunHistory, unknown: ConfigurationError) -> ResolvedRef:
    """Resolve ``RUN:SERVER``; both may contain colons.

    Raises:
        ConfigurationError: the run has no such server, or there is no such run: the error ``unknown``.
    """
    colons = [index for index, character in enumerate(ref) if character == ":"]
    for colon in reversed(colons):
        try:
            run_id, server = history.resolve(ref[:colon]), ref[colon + 1 :]
        except ConfigurationError:
            continue
        known = set(values(history.servers_table(run_id), "server"))
        if (server := spelt(server, known)) in known:
            state = history.state(run_id, [server])
            return ResolvedRef(_name_of(server, state, time_of(run_id)), run_id, state, server)
        unknown = no_server_error(server, known)
    raise unknown


def _name_of(server: str, state: RunTables, moment: datetime) -> str:
    """Name one server of a run by its time, and say so where its last complete response is older."""
    [row] = rows(state.tables["observations"])
    is_older = row["status"] != "ok" and row["as_of"] is not None
    return f"{_moment(moment)} {server}" + (f" (as of {_moment(row['as_of'])})" if is_older else "")


def _required(history: RunHistory | None) -> RunHistory:
    if history is None:
        raise ConfigurationError("there is no history", "Give --history DIR")
    return history


def _queried(history: RunHistory, run_id: str) -> list[str]:
    return [str(row["server"]) for row in history.observed(run_id)]


def _known(servers: Iterable[str], known: set[str]) -> list[str]:
    """Return the servers as they are spelled among the known ones."""
    names = [spelt(server, known) for server in servers]
    for name in names:
        if name not in known:
            raise no_server_error(name, known)
    return names


def _with_outdated_servers(
    changes: ChangeSet, new: ResolvedRef, after: RunTables, history: RunHistory | None, servers: Sequence[str]
) -> ChangeSet:
    """Add the servers that the new run did not read, of which an earlier response was compared."""
    if new.run_id is None or history is None:
        return changes
    wanted = {new.server} if new.server else set(servers)
    failed = [
        row for row in history.observed(new.run_id) if row["status"] != "ok" and (not wanted or row["server"] in wanted)
    ]
    observations = rows(after.tables["observations"])
    known = {row["server"]: {**row, "observed_at": row["as_of"]} for row in observations if is_known(row)}
    return with_unread_servers(changes, failed, known)


def _renamed(snapshot: RunTables, server: str) -> RunTables:
    tables = {
        name: table_of(schema.TABLES[name], [{**row, "server": server} for row in rows(table)])
        for name, table in snapshot.tables.items()
    }
    return replace(snapshot, tables=tables)


def _as_of(side: ResolvedRef, history: RunHistory | None) -> RunTables:
    """Return the state at a side: of each server its last complete response."""
    snapshot = snapshot_of(side, history)
    return replace(snapshot, ignored=_required(history).unstored(snapshot)) if side.run_id else snapshot


def _moment(moment: datetime | None) -> str:
    return local_text(moment) if moment else "now"
