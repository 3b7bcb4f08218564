"""A joint: two references -> Changes. A reference is a run of a history, ``live``, or a file that this tool wrote."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path

from inventory import formats, schema
from inventory.config.labels import spelt
from inventory.diff.changes import ChangeSet
from inventory.diff.compare import compare_tables, with_unread_servers
from inventory.errors import ConfigurationError
from inventory.history.reader import RunHistory
from inventory.report.facts import Report
from inventory.run_ids import time_of
from inventory.tables import RunTables, rows, table_of, values
from inventory.text import utc_text

LIVE = "live"


@dataclass(frozen=True)
class ResolvedRef:
    """One side of a comparison.

    Attributes:
        name: how a person knows it: a time, or a file.
        run_id: the run of the history, if it is one.
        snapshot: what is compared, if it is no run of the history or only one server of it.
        server: the server, if it is only one of a run.
        live: it was asked now.
    """

    name: str
    run_id: str | None = None
    snapshot: RunTables | None = None
    server: str | None = None
    live: bool = False


def is_recorded(ref: str) -> bool:
    """Whether a reference means a run of a history: neither the servers now nor a file."""
    return ref != LIVE and Path(ref).suffix.lower().removeprefix(".") not in formats.FORMATS


def side_of(ref: str, history: RunHistory, ask: Callable[[], RunTables]) -> ResolvedRef:
    """What a reference means.

    Args:
        ref: a run, ``RUN:SERVER``, ``live`` or a path.
        history: where the runs are.
        ask: asks the servers now.

    Raises:
        ConfigurationError: it means nothing; the error lists what there is.
        FileError: a file could not be read.
    """
    if ref == LIVE:
        taken = ask()
        return ResolvedRef(_moment(taken.observed_at), snapshot=taken, live=True)
    if not is_recorded(ref):
        return ResolvedRef(ref, snapshot=formats.read_file(ref))
    try:
        run_id = history.resolve(ref)
    except ConfigurationError as error:
        return _one_server(ref, history, error)
    return ResolvedRef(_moment(time_of(run_id)), run_id)


def changes_between(
    old: ResolvedRef, new: ResolvedRef, history: RunHistory, *, ignore: Sequence[str] = (), servers: Sequence[str] = ()
) -> ChangeSet:
    """What changed from one side to another.

    Args:
        old: the earlier side.
        new: the later side.
        history: where the runs are; what it ignores is not compared.
        ignore: further fields that are not compared; globs.
        servers: only these; all by default.

    Raises:
        ConfigurationError: a server that neither side knows.
    """
    if old.run_id and new.run_id and not old.server and not new.server:
        if servers:
            asked = {name for run_id in (old.run_id, new.run_id) for name in _asked(history, run_id)}
            servers = _known(servers, asked if asked >= set(servers) else asked | history.complete_runs().keys())
        return history.diff(old.run_id, new.run_id, ignore=ignore, servers=servers)
    before, after = (_as_of(side, history) for side in (old, new))
    if servers:
        there = {name for one in (before, after) for name in values(one.tables["observations"], "server")}
        servers = _known(servers, there)
        before, after = only(before, servers), only(after, servers)
    if old.server and new.server and old.server != new.server:  # one machine against another
        before = _renamed(before, new.server)
    return _not_now(compare_tables(before, after, (*history.ignore, *ignore)), new, after, history, servers)


def snapshot_of(side: ResolvedRef, history: RunHistory) -> RunTables:
    """What one side saw: of a run, what it saw itself, failures included."""
    return side.snapshot if side.snapshot is not None else history.load(side.run_id or "latest")


def overview_of(
    side: ResolvedRef,
    history: RunHistory,
    zone: tzinfo | None = None,
    *,
    compared: tuple[ResolvedRef, ChangeSet] | None = None,
    servers: Sequence[str] = (),
) -> Report:
    """What a report says of one side: what it saw, what changed, and the runs up to it.

    Args:
        side: what is reported.
        history: where the runs are.
        zone: the reader's time zone.
        compared: what it was compared with, and the changes since; by default the run before, if there is one.
        servers: only these; all by default.
    """
    dated = history.dated() if side.run_id else []
    before = [run_id for run_id in dated if side.run_id in dated and run_id < (side.run_id or "")]
    if compared is None and before and side.server is None:
        than = ResolvedRef(_moment(time_of(before[-1])), before[-1])
        compared = than, changes_between(than, side, history, servers=servers)
    snapshot = snapshot_of(side, history)
    runs = rows(history.runs_table(servers)) if side.run_id else []
    return Report(
        only(snapshot, servers) if servers else snapshot,
        compared[1] if compared else None,
        compared[0].name if compared else "",
        [row for row in runs if row["run_id"] in {*before, side.run_id}],
        zone,
    )


def known_servers(history: RunHistory, servers: Sequence[str]) -> Sequence[str]:
    """The servers as the history spells them.

    Those that no run has read and the newest did not ask are refused.

    Raises:
        ConfigurationError: there is one; the error lists those of the newest run.
    """
    runs = history.dated()
    if runs and servers:
        return _known(servers, history.complete_runs().keys() | set(_asked(history, runs[-1])))
    return servers


def only(snapshot: RunTables, servers: Iterable[str]) -> RunTables:
    """The part of a snapshot that is about some servers."""
    wanted = set(servers)
    return _mapped(snapshot, lambda name: name if name in wanted else None)


def _one_server(ref: str, history: RunHistory, unknown: ConfigurationError) -> ResolvedRef:
    """What ``RUN:SERVER`` means; both may hold colons.

    Raises:
        ConfigurationError: there is no such server in the run, or, as ``unknown`` says, no such run.
    """
    for at in sorted((at for at, character in enumerate(ref) if character == ":"), reverse=True):
        try:
            run_id, server = history.resolve(ref[:at]), ref[at + 1 :]
        except ConfigurationError:
            continue
        asked = _asked(history, run_id)
        if (server := spelt(server, asked)) in asked:
            read = history.as_of(run_id, [server])
            if not read.tables["observations"].num_rows:  # it never answered; the run says why
                read = only(history.load(run_id), [server])
            return ResolvedRef(f"{_moment(time_of(run_id))} {server}", run_id, read, server)
        unknown = _no_server(server, set(asked))
    raise unknown


def _asked(history: RunHistory, run_id: str) -> list[str]:
    return [str(row["server"]) for row in history.observed(run_id)]


def _known(servers: Iterable[str], there: set[str]) -> list[str]:
    """The servers as they are spelt where they are known."""
    names = [spelt(server, there) for server in servers]
    for name in names:
        if name not in there:
            raise _no_server(name, there)
    return names


def _no_server(server: str, there: set[str]) -> ConfigurationError:
    return ConfigurationError(f"there is no server {server!r}", f"There are: {', '.join(sorted(there)) or 'none'}")


def _not_now(
    changes: ChangeSet, new: ResolvedRef, after: RunTables, history: RunHistory, servers: Sequence[str]
) -> ChangeSet:
    """The changes, with the servers named that the new run did not read: of them an older answer was compared."""
    if new.run_id is None:
        return changes
    wanted = {new.server} if new.server else set(servers)
    failed = [
        row for row in history.observed(new.run_id) if row["status"] != "ok" and (not wanted or row["server"] in wanted)
    ]
    known = {row["server"]: row for row in rows(after.tables["observations"]) if row["status"] == "ok"}
    return with_unread_servers(changes, failed, known)


def _as_of(side: ResolvedRef, history: RunHistory) -> RunTables:
    snapshot = side.snapshot if side.snapshot is not None else history.as_of(side.run_id or "latest")
    return replace(snapshot, ignored=history.unstored(snapshot)) if side.run_id else snapshot


def _renamed(snapshot: RunTables, server: str) -> RunTables:
    return _mapped(snapshot, lambda _: server)


def _mapped(snapshot: RunTables, name_of: Callable[[str], str | None]) -> RunTables:
    """The snapshot with its servers called otherwise; those called None are left out."""
    tables = {}
    for name, table in snapshot.tables.items():
        kept = [{**row, "server": renamed} for row in rows(table) if (renamed := name_of(row["server"])) is not None]
        tables[name] = table_of(schema.TABLES[name], kept)
    return replace(snapshot, tables=tables)


def _moment(moment: datetime | None) -> str:
    return utc_text(moment) if moment else "now"
