"""Read a history: single runs, states, differences between them, and tables over all runs.

The files are the business of ``history/storage/store.py``; the queries are SQL in ``history/sql/``, run by an engine.
Only the files that a query needs are opened, each after its checksum was verified.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from inventory import schema
from inventory.config.labels import composed, spellings
from inventory.diff.changes import ChangeSet
from inventory.diff.compare import compare_sides, with_unread_servers
from inventory.errors import ConfigurationError, wrong_type
from inventory.filesystem.names import local_folder
from inventory.history.delta import KINDS, StoredResponse, ignored_fields, load_changed_rows
from inventory.history.engines import Engine, open_engine
from inventory.history.selectors import resolve, resolve_dated
from inventory.history.sql import all_runs
from inventory.history.state import States
from inventory.history.storage.retry import steady
from inventory.history.storage.shared_rows import without_clocks
from inventory.history.storage.store import Store
from inventory.history.timeline import Timeline
from inventory.run_ids import limit_of, misdated
from inventory.tables import RunTables, arrow_schema, concat, conformed, rows, table_of, values

Row = dict[str, Any]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RunHistory:
    """The recorded runs of a folder.

    Args:
        path: the folder, or its ``file://`` address; one that is not there is an empty history.
        engine: what runs the queries: a word of ``engines.ENGINES``.
        clock: gives the present time: a run that is dated more than an hour later is misdated. It is listed by
            ``runs`` and left out of everything else.
        ignore: globs of fields that are not compared. Runs are recorded without those of them that no column holds.

    Raises:
        ConfigurationError: it is an address of another kind, such as ``s3://bucket/folder``.
        FileError: there is no folder at the address, or it could not be reached.
    """

    def __init__(
        self,
        path: str | Path,
        engine: str = "duckdb",
        clock: Callable[[], datetime] = _utc_now,
        *,
        ignore: Sequence[str] = (),
    ) -> None:
        if not isinstance(path, str | Path):
            raise wrong_type(path, "the folder of a history", "Give a text or a pathlib.Path")
        self.store = Store(local_folder(path))
        self.ignore = tuple(ignore)
        self._engine = engine
        self.clock = clock

    @steady
    def load(self, ref: str = "latest") -> RunTables:
        """Load what one run saw, failures included.

        Raises:
            ConfigurationError: there is no such run.
            FileError: a file of the history is missing or damaged.
        """
        observed = self.observed(self.resolve(ref))
        return self.snapshot(observed, [row for row in observed if row["digest"]])

    @steady
    def as_of(self, ref: str = "latest", servers: Iterable[str] = ()) -> RunTables:
        """Load the state after a run: of each server its last complete response, as ``history/state.py`` says.

        Args:
            ref: the run.
            servers: only these; by default all that were ever read.
        """
        recorded = self.store.run_ids()
        run_id = resolve_dated(ref, recorded, self.clock())
        known = self.states(recorded).known(run_id, set(servers) or None)
        return self.snapshot([known[server] for server in sorted(known)])

    @steady
    def diff(
        self, old: str = "previous", new: str = "latest", *, ignore: Sequence[str] = (), servers: Iterable[str] = ()
    ) -> ChangeSet:
        """Say what changed from the state after one run to the state after another.

        Servers are named beside the changes that the new run could not read, that no run has asked since the old one,
        and that the older of the two states does not know.

        Args:
            old: the earlier run.
            new: the later run.
            ignore: further fields that are not compared; globs.
            servers: only these; all by default.
        """
        recorded, now = self.store.run_ids(), self.clock()  # listed once: it is most of what a small diff takes
        before, after = (resolve_dated(ref, recorded, now) for ref in (old, new))
        states = self.states(recorded).difference(before, after, set(servers))
        both = states.old.keys() & states.new.keys()
        steps = {server: (_stored(states.old[server]), _stored(states.new[server])) for server in sorted(both)}
        older, newer = load_changed_rows(
            self.views([], {response.stored_in for step in steps.values() for response in step}, KINDS), steps
        )
        olds, news = (
            {server: ("ok", row["observed_at"]) for server, row in known.items()} for known in (states.old, states.new)
        )
        olds |= {server: ("ok", row["observed_at"]) for server, row in states.gone.items() if row}
        changes = compare_sides(replace(older, servers=olds), replace(newer, servers=news), (*self.ignore, *ignore))
        return with_unread_servers(changes, states.failed, states.known)

    def resolve(self, ref: str) -> str:
        """Resolve a reference to a run id.

        Raises:
            ConfigurationError: it matches no run, or more than one.
        """
        if not isinstance(ref, str):
            raise wrong_type(ref, "the name of a run", "Give a text: a run's id, a date such as 2026-11-28, or latest")
        return resolve(ref, self.store.run_ids(), now=self.clock())

    def seen_at(self, now: datetime) -> Self:
        """Return the same history with the clock at some time."""
        other = copy(self)
        other.clock = lambda: now
        return other

    def dated(self, run_ids: Sequence[str] | None = None) -> list[str]:
        """Return the ids of those runs, by default of all, that are not misdated, oldest first."""
        recorded = self.store.run_ids() if run_ids is None else run_ids
        ahead = set(self.misdated(recorded))
        return [run_id for run_id in recorded if run_id not in ahead]

    def misdated(self, run_ids: Sequence[str] | None = None) -> list[str]:
        """Return the ids of those runs, by default of all, that are dated more than an hour ahead of the clock."""
        return misdated(self.store.run_ids() if run_ids is None else run_ids, self.clock())

    @steady
    def runs_table(self, servers: Sequence[str] = (), since: datetime | None = None) -> pa.Table:
        """Build one row per run, oldest first, for the given servers (default all), since a time; ``derived.RUNS``."""
        return self._timeline(servers).runs(since)

    @steady
    def timeline_table(self, since: datetime | None = None) -> pa.Table:
        """Build one row per change in the history, oldest first; columns of ``derived.TIMELINE``."""
        return self._timeline().timeline(since)

    @steady
    def lifecycle_table(self) -> pa.Table:
        """Build one row per server and model: first_seen, last_seen, days_present and more; ``derived.LIFECYCLE``."""
        return self._timeline().lifecycle()

    @steady
    def model_history(
        self, key: str, servers: Sequence[str] = (), since: datetime | None = None
    ) -> tuple[pa.Table, pa.Table, dict[str, int]]:
        """Return one model's lifecycle and timeline rows, and the number of complete observations of each server.

        Raises:
            ConfigurationError: no complete observation has it.
        """
        timeline = self._timeline(servers, spellings(key))
        lives = timeline.lifecycle()
        if not lives.num_rows and not key.isascii():
            keys = values(self._timeline(servers).lifecycle(), "key")
            known = {candidate for candidate in keys if composed(candidate) == composed(key)}
            timeline = self._timeline(servers, sorted(known) or [key])
            lives = timeline.lifecycle()
        if not lives.num_rows:
            where = f" on {', '.join(servers)}" if servers else ""
            raise ConfigurationError(
                f"no run has seen the model {key!r}{where}", "See what there is: lms-inventory show"
            )
        return lives, timeline.timeline(since), timeline.complete_runs()

    @steady
    def complete_runs(self) -> dict[str, int]:
        """Count the complete observations of each server."""
        return self._timeline().complete_runs()

    @steady
    def unused(self, days: int, servers: Sequence[str] = ()) -> pa.Table:
        """Return the models that existed for so many days without being seen loaded: rows of ``LIFECYCLE``."""
        return self._timeline(servers).unused(days)

    def baseline(self, name: str) -> str:
        """Return the run that a baseline names.

        Raises:
            ConfigurationError: there is none.
        """
        known = self.store.baselines()
        if name not in known:
            raise ConfigurationError(
                f"there is no baseline {name!r}",
                f"There are: {', '.join(known) or 'none'}; freeze one: history baseline NAME [REF]",
            )
        return known[name]

    def save_baseline(self, name: str, ref: str = "latest") -> str:
        """Save a run as a baseline, for good, and return its id.

        Raises:
            ConfigurationError: the name cannot be one or is taken, or there is no such run.
            FileError: it could not be written, or the run was pruned meanwhile.
        """
        run_id = self.resolve(ref)
        self.store.save_baseline(name, run_id)
        return run_id

    @steady
    def observed(self, run_id: str) -> list[Row]:
        """Return the observations of one run."""
        return rows(self.store.read("observations", run_id).table())

    def states(self, run_ids: Sequence[str] | None = None) -> States:
        """Return the states after the runs of this history, whose ids may be given."""
        return States(self.store, self._engine, self.dated(run_ids), limit_of(self.clock()))

    def snapshot(self, observed: Sequence[Row], stored: Sequence[Row] | None = None) -> RunTables:
        """Build the tables of observations, with the model and instance rows of those in ``stored`` (default all)."""
        stored = observed if stored is None else stored
        tables = {"observations": table_of(schema.OBSERVATIONS, observed)}
        runs = {row["stored_in"] for row in stored}
        wanted = table_of(all_runs.WANTED, stored)
        engine = self.views([], runs, wanted=wanted)
        for table in schema.GRAIN_TABLES.values():
            stored_rows = engine.query(all_runs.rows(table)) if runs else concat(table, [])
            # Earlier versions stored the clocks of one server for all servers that share the row.
            tables[table.name] = without_clocks(conformed(stored_rows, arrow_schema(table)))
        return RunTables(tables)

    @steady
    def unstored(self, snapshot: RunTables) -> tuple[str, ...]:
        """Return the globs of unknown fields that rows of this history were stored without."""
        stored = [row for row in rows(snapshot.tables["observations"]) if row["digest"]]
        engine = self.views([], {row["stored_in"] for row in stored}, ["payloads"])
        return ignored_fields(engine, stored)

    def _timeline(self, servers: Sequence[str] = (), keys: Sequence[str] = ()) -> Timeline:
        return Timeline(self.store, self._engine, servers, keys, self.ignore, now=self.clock())

    def views(
        self,
        run_ids: Iterable[str],
        stored: Iterable[str] = (),
        kinds: Iterable[str] = tuple(all_runs.GRAIN_FILES),
        **tables: pa.Table,
    ) -> Engine:
        """Open an engine over the observations of runs, and over the files of some kinds that runs stored."""
        stored = list(stored)
        engine = open_engine(self._engine)
        engine.open("observations", self.store.checked("observations", run_ids))
        for kind in kinds:
            engine.open(kind, self.store.checked(kind, stored), KINDS[kind])
        for name, table in tables.items():
            engine.add(name, table)
        return engine


def _stored(row: Row) -> StoredResponse:
    return StoredResponse(row["digest"], row["stored_in"], row["observed_at"])
