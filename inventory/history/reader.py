"""A history on disk: what was there, what changed. Written by ``record``, read by everything else.

Which files there are and how they are kept whole is ``history/storage/store.py``; the questions are SQL in
``history/sql/all_runs.py``, run by an engine. Only the files that a question needs are opened, each after its seal was
checked.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.config.labels import composed, spellings
from inventory.diff.changes import Changes
from inventory.diff.compare import compare_sides, with_unread_servers
from inventory.errors import ConfigurationError, wrong_type
from inventory.filesystem.names import local_folder
from inventory.history.delta import KINDS, StoredResponse, ignored_fields, load_changed_rows
from inventory.history.engines import Engine, open_engine
from inventory.history.selectors import limit_of, misdated, resolve, resolve_dated
from inventory.history.sql import all_runs
from inventory.history.state import States
from inventory.history.storage.retry import steady
from inventory.history.storage.shared_rows import without_clocks
from inventory.history.storage.store import Store
from inventory.history.timeline import Timeline
from inventory.schema import derived
from inventory.tables import Snapshot, arrow_schema, concat, conformed, frame, rows, table_of, values

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class History:
    """The recorded runs of a folder.

    Args:
        path: the folder, or its ``file://`` address; one that is not there is an empty history.
        engine: what runs the queries: a word of ``engines.ENGINES``.
        clock: gives the present time: a run that is dated more than an hour later is misdated. It is listed by
            ``runs``, and no part of anything else.
        ignore: fields that no comparison looks at; globs. A run that is recorded here is stored without those of them
            that no column holds.

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

    def __repr__(self) -> str:
        return f"<History {self.store.folder}: {len(self.store.run_ids())} runs>"

    def _repr_html_(self) -> str:
        """The history in Jupyter: its newest runs."""
        from inventory.formats.html.fragments import runs_html

        return runs_html(repr(self)[1:-1], derived.RUNS, self.runs_table())

    def runs(self) -> "pd.DataFrame":
        """One row per run, oldest first: status, counts, size and how much changed; columns of ``derived.RUNS``."""
        return frame(self.runs_table())

    def timeline(self, since: datetime | None = None) -> "pd.DataFrame":
        """Every change there ever was, oldest first; columns of ``schema.CHANGES`` and the run that saw it."""
        return frame(self.timeline_table(since))

    def lifecycle(self) -> "pd.DataFrame":
        """One row per server and model: first_seen, last_seen, days_present, runs_loaded and so on."""
        return frame(self.lifecycle_table())

    def models(self, at: str = "latest") -> "pd.DataFrame":
        """The models of the state after a run: of each server its last complete answer by then."""
        return self.as_of(at).models

    @steady
    def load(self, ref: str = "latest") -> Snapshot:
        """What one run saw, failures included.

        Raises:
            ConfigurationError: there is no such run.
            FileError: a file of the history is missing or damaged.
        """
        observed = self.observed(self.resolve(ref))
        return self.snapshot(observed, [row for row in observed if row["digest"]])

    @steady
    def as_of(self, ref: str = "latest", servers: Iterable[str] = ()) -> Snapshot:
        """The state after a run: of each server its last complete answer, as ``history/state.py`` says.

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
    ) -> Changes:
        """What changed from the state after one run to the state after another.

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
        found = self.states(recorded).difference(before, after, set(servers))
        both = found.old.keys() & found.new.keys()
        steps = {server: (_stored(found.old[server]), _stored(found.new[server])) for server in sorted(both)}
        older, newer = load_changed_rows(
            self.views([], {one.stored_in for step in steps.values() for one in step}, KINDS), steps
        )
        olds, news = (
            {server: ("ok", row["observed_at"]) for server, row in known.items()} for known in (found.old, found.new)
        )
        olds |= {server: ("ok", row["observed_at"]) for server, row in found.gone.items() if row}
        changes = compare_sides(replace(older, servers=olds), replace(newer, servers=news), (*self.ignore, *ignore))
        return with_unread_servers(changes, found.failed, found.known)

    def resolve(self, ref: str) -> str:
        """The id of the run that a reference means.

        Raises:
            ConfigurationError: it means none, or more than one.
        """
        if not isinstance(ref, str):
            raise wrong_type(ref, "the name of a run", "Give a text: a run's id, a date such as 2026-11-28, or latest")
        return resolve(ref, self.store.run_ids(), now=self.clock())

    def seen_at(self, now: datetime) -> "History":
        """The same history, as it is at some time."""
        other = copy(self)
        other.clock = lambda: now
        return other

    def dated(self, run_ids: Sequence[str] | None = None) -> list[str]:
        """The ids of the runs, of some or of all, that are not misdated, oldest first."""
        recorded = self.store.run_ids() if run_ids is None else run_ids
        wrong = set(self.misdated(recorded))
        return [run_id for run_id in recorded if run_id not in wrong]

    def misdated(self, run_ids: Sequence[str] | None = None) -> list[str]:
        """The ids of the runs, of some or of all, that are dated more than an hour later than it is."""
        return misdated(self.store.run_ids() if run_ids is None else run_ids, self.clock())

    @steady
    def runs_table(self, servers: Sequence[str] = (), since: datetime | None = None) -> pa.Table:
        """``runs`` as an Arrow table, of some servers and from some time on."""
        return self._past(servers).runs(since)

    @steady
    def timeline_table(self, since: datetime | None = None) -> pa.Table:
        """``timeline`` as an Arrow table."""
        return self._past().timeline(since)

    @steady
    def lifecycle_table(self) -> pa.Table:
        """``lifecycle`` as an Arrow table."""
        return self._past().lifecycle()

    @steady
    def model_history(
        self, key: str, servers: Sequence[str] = (), since: datetime | None = None
    ) -> tuple[pa.Table, pa.Table, dict[str, int]]:
        """One model's rows of the lifecycle and of the timeline, and how many complete observations each server has.

        Raises:
            ConfigurationError: no complete observation has it.
        """
        past = self._past(servers, spellings(key))
        lives = past.lifecycle()
        if not lives.num_rows and not key.isascii():
            known = {one for one in values(self._past(servers).lifecycle(), "key") if composed(one) == composed(key)}
            past = self._past(servers, sorted(known) or [key])
            lives = past.lifecycle()
        if not lives.num_rows:
            where = f" on {', '.join(servers)}" if servers else ""
            raise ConfigurationError(
                f"no run has seen the model {key!r}{where}", "See what there is: lms-inventory show"
            )
        return lives, past.timeline(since), past.complete_runs()

    @steady
    def complete_runs(self) -> dict[str, int]:
        """How many complete observations there are of each server."""
        return self._past().complete_runs()

    @steady
    def unused(self, days: int, servers: Sequence[str] = ()) -> pa.Table:
        """The models that have been there for so many days and were not seen loaded in them: ``LIFECYCLE`` rows."""
        return self._past(servers).unused(days)

    def baseline(self, name: str) -> str:
        """The run that was frozen under a name.

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
        """Freeze a run under a name, for good; returns its id.

        Raises:
            ConfigurationError: the name cannot be one or is taken, or there is no such run.
            FileError: it could not be written, or the run was pruned meanwhile.
        """
        run_id = self.resolve(ref)
        self.store.save_baseline(name, run_id)
        return run_id

    @steady
    def observed(self, run_id: str) -> list[Row]:
        """The observations of one run."""
        return rows(self.store.read("observations", run_id).table())

    def states(self, run_ids: Sequence[str] | None = None) -> States:
        """The states after the runs, of which these are all."""
        return States(self.store, self._engine, self.dated(run_ids), limit_of(self.clock()))

    def snapshot(self, observed: Sequence[Row], stored: Sequence[Row] | None = None) -> Snapshot:
        """A snapshot of observations, with the rows of those in ``stored`` (all of them by default)."""
        stored = observed if stored is None else stored
        tables = {"observations": table_of(schema.OBSERVATIONS, observed)}
        runs = {row["stored_in"] for row in stored}
        wanted = table_of(all_runs.WANTED, stored)
        engine = self.views([], runs, wanted=wanted)
        for table in schema.GRAIN_TABLES.values():
            found = conformed(engine.query(all_runs.rows(table)), arrow_schema(table)) if runs else concat(table, [])
            tables[table.name] = without_clocks(found)  # earlier versions stored those of one server for all
        return Snapshot(tables)

    @steady
    def unkept(self, snapshot: Snapshot) -> tuple[str, ...]:
        """The globs of unknown fields that the rows of a snapshot out of this history were stored without."""
        stored = [row for row in rows(snapshot.tables["observations"]) if row["digest"]]
        engine = self.views([], {row["stored_in"] for row in stored}, ["payloads"])
        return ignored_fields(engine, stored)

    def _past(self, servers: Sequence[str] = (), keys: Sequence[str] = ()) -> Timeline:
        return Timeline(self.store, self._engine, servers, keys, self.ignore, now=self.clock())

    def views(
        self,
        run_ids: Iterable[str],
        stored: Iterable[str] = (),
        kinds: Iterable[str] = tuple(all_runs.GRAIN_FILES),
        **tables: pa.Table,
    ) -> Engine:
        """An engine over the observations of some runs, and over the files of some kinds that some runs stored."""
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
