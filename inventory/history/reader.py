"""Read a history: single runs, states, differences between them, and tables over all runs.

The files are the business of ``history/storage/store.py``; the queries are SQL in ``history/sql/``, run by an engine.
Only the files that a query needs are opened, each after its checksum was verified.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa

from inventory import schema
from inventory.config.labels import no_server_error, spellings, spelt
from inventory.diff.changes import ChangeSet, with_retired_servers, with_unread_servers
from inventory.diff.compare import compare_sides
from inventory.history.changed_rows import load_changed_rows
from inventory.history.loader import RunLoader, steady
from inventory.history.model_names import matching_keys
from inventory.history.periods import Period, runs_in
from inventory.history.states.coverage import coverage_rows
from inventory.history.states.panel import panel
from inventory.history.timeline import Compared, Timeline
from inventory.run_ids import time_of
from inventory.schema.derived import LIFECYCLE
from inventory.tables import Row, RunTables, cells, concat, rows, table_of, total_of, values


class RunHistory(RunLoader):
    """The recorded runs of a folder: the questions that people ask. Arguments and errors as ``RunLoader``."""

    _compared: Compared | None = None

    @steady
    def load(self, ref: str = "latest") -> RunTables:
        """Load what one run saw, failures included.

        Raises:
            ConfigurationError: there is no such run.
            FileError: a file of the history is missing or damaged.
        """
        # Earlier versions did not store the time of the response beside it.
        observed = [
            row | {"as_of": row["as_of"] or (row["digest"] and row["observed_at"])}
            for row in self.observed(self.resolve(ref))
        ]
        return self.snapshot(table_of(schema.OBSERVATIONS, observed))

    @steady
    def state(self, at: str = "latest", servers: Iterable[str] = ()) -> RunTables:
        """Load the state at a moment: of each server the last complete response by then, with its age.

        ``observations`` has one row per server: status and error of the newest attempt, ``as_of`` of the response that
        its rows come from. Retired servers are no part of it.

        Args:
            at: a run, or a moment whose last run it is.
            servers: only these; by default all that were ever asked.
        """
        recorded = self.store.run_ids()
        run_id = self._resolve_dated(at, recorded)
        observed = self.states(recorded).table(run_id, set(servers) or None)
        return replace(self.snapshot(observed), state_of=run_id)

    @steady
    def servers_table(self, at: str = "latest") -> pa.Table:
        """Build one row per server that any run asked by a moment, retired ones too; columns of ``derived.SERVERS``."""
        recorded, now = self.store.run_ids(), self.clock()
        run_id = self._resolve_dated(at, recorded)
        until = now if run_id == self.dated(recorded)[-1] else time_of(run_id)
        return self.states(recorded).servers(run_id, until)

    @steady
    def coverage_table(self, period: Period, state: pa.Table) -> pa.Table:
        """Build one row per server of the state at the end of a period: on how many days it was read, how long not.

        Args:
            period: the period.
            state: the observations of that state, of all servers or of some.

        Raises:
            ConfigurationError: the history has no run in the period.
        """
        recorded, now = self.store.run_ids(), self.clock()
        before, within = runs_in(period, self.dated(recorded))
        states = self.states(recorded)
        asked = states.coverage({run_id: f"{time_of(run_id).astimezone().date()}" for run_id in within})
        known_before = states.ever_asked(before) if before else set()
        servers = dict(cells(state, ["server", "as_of"]))
        return coverage_rows(servers, asked, known_before, period, now)

    @steady
    def panel_table(self, moments: Sequence[datetime], by: str | None = None) -> pa.Table:
        """Build sizes and counts of the state at several moments, by group; columns of ``derived.PANEL``.

        Args:
            moments: times in UTC.
            by: None for one group, ``server``, ``label:NAME``, or a column of the models such as ``publisher``.
        """
        return panel(self.states(), moments, by)

    def sizes_after(self, run_ids: Sequence[str], servers: Sequence[str] = ()) -> dict[str, Row]:
        """Return size and counts of the states after several runs, by run id: rows of ``derived.PANEL``.

        Args:
            run_ids: the runs; one after which nothing was known has no row.
            servers: only these; all by default.
        """
        run_at = {time_of(run_id): run_id for run_id in run_ids}
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in rows(self.panel_table([*run_at], "server" if servers else None)):
            if not servers or row["name"] in servers:
                groups[run_at[row["moment"]]].append(row)
        sums = ("servers", "model_count", "instance_count", "size_bytes")
        return {
            run_id: group[0] | {name: total_of([row[name] for row in group]) for name in sums}
            for run_id, group in groups.items()
        }

    @steady
    def answer(
        self,
        text: str,
        at: str = "latest",
        *,
        timeout: float | None = None,
        findings: Callable[[], pa.Table] | None = None,
    ) -> tuple[schema.Table, pa.Table]:
        """Answer one SELECT in DuckDB's SQL over the views in ``queries.views.VIEWS``; it can reach nothing else.

        Args:
            text: the query: the user's own code.
            at: the moment of the state.
            timeout: seconds after which it is interrupted; None for never.
            findings: computes the view ``findings``, which is empty without it.

        Returns:
            The columns of the result, and its rows.

        Raises:
            QueryError: it is not one SELECT, it is wrong, or it takes too long or too much memory.
        """
        from inventory.history.queries.answer import answer  # DuckDB for the user's own SQL, whatever the engine

        return answer(self, text, self._resolve_dated(at, self.store.run_ids()), timeout, findings)

    def retire(self, names: Sequence[str]) -> list[str]:
        """Retire servers from the state until they are asked again, and return the names as they were recorded.

        Raises:
            ConfigurationError: no run has asked such a server.
            FileError: it could not be written.
        """
        run_id = self.resolve("latest")
        known = set(values(self.servers_table(run_id), "server"))
        servers = [spelt(name, known) for name in names]
        for server in servers:
            if server not in known:
                raise no_server_error(server, known)
        self.store.record_retired(servers, run_id)
        return servers

    @steady
    def diff(
        self, old: str = "previous", new: str = "latest", *, ignore: Sequence[str] = (), servers: Iterable[str] = ()
    ) -> ChangeSet:
        """Say what changed from the state after one run to the state after another.

        Beside the changes stand the servers that were asked since the old run and not read, those that are retired
        from the new state, and those that the old state does not have. What nobody asked since is no news.

        Args:
            old: the earlier run.
            new: the later run.
            ignore: further fields that are not compared; globs.
            servers: only these; all by default.
        """
        recorded = self.store.run_ids()  # listed once: it is most of what a small diff takes
        before, after = (self._resolve_dated(ref, recorded) for ref in (old, new))
        difference = self.states(recorded).difference(before, after, set(servers))
        both = difference.old.keys() & difference.new.keys()
        steps = {server: (difference.old[server], difference.new[server]) for server in sorted(both)}
        sides = zip(load_changed_rows(self.store, steps), (difference.old, difference.new), strict=True)
        older, newer = (
            replace(side, servers={server: ("ok", response.observed_at) for server, response in responses.items()})
            for side, responses in sides
        )
        changes = compare_sides(older, newer, (*self.ignore, *ignore))
        if not ignore:
            self._compared = Compared(steps, changes.table)
        changes = with_unread_servers(changes, difference.unread, difference.known)
        return with_retired_servers(changes, difference.retired, difference.returned, difference.known)

    @steady
    def runs_table(self, servers: Sequence[str] = (), since: datetime | None = None) -> pa.Table:
        """Build one row per run, oldest first, for the given servers (default all), since a time; ``derived.RUNS``."""
        return self._timeline(servers).runs(since)

    @steady
    def timeline_table(self, since: datetime | None = None) -> pa.Table:
        """Build one row per change in the history, oldest first; columns of ``derived.TIMELINE``."""
        return self._timeline().timeline(since)

    @steady
    def runs_and_changes(self, servers: Sequence[str] = ()) -> tuple[pa.Table, pa.Table]:
        """Build ``runs_table`` and ``timeline_table`` for the given servers (default all)."""
        timeline = self._timeline(servers)
        return timeline.runs(), timeline.timeline()

    @steady
    def sightings_table(self) -> pa.Table:
        """Return when each model of each server was first seen, and last loaded: columns of ``LIFECYCLE``."""
        return self._timeline().sightings()

    @steady
    def lifecycle_table(self, last_run: str | None = None) -> pa.Table:
        """Build one row per server and model: first_seen, last_seen and more, by default of all runs; ``LIFECYCLE``."""
        return self._timeline(last_run=last_run).lifecycle()

    @steady
    def model_history(
        self, name: str, servers: Sequence[str] = (), since: datetime | None = None
    ) -> tuple[pa.Table, pa.Table, dict[str, int]]:
        """Return the lifecycle and timeline rows of a model, and the number of complete observations of each server.

        Args:
            name: its key, a part of it, or its display name; a pattern with ``*`` may mean several models.
            servers: only these; all by default.
            since: only changes from this time on.

        Raises:
            ConfigurationError: no complete observation has it, or several models are meant.
        """
        timeline = self._timeline(servers, spellings(name))
        lives = timeline.lifecycle()
        if not lives.num_rows:
            known = self._timeline(servers).lifecycle()
            names = dict(zip(values(known, "key"), values(known, "display_name"), strict=True))
            where = f" on {', '.join(servers)}" if servers else ""
            timeline = self._timeline(servers, matching_keys(name, names, where))
            lives = timeline.lifecycle()
        return lives, timeline.timeline(since), timeline.complete_runs()

    @steady
    def complete_runs(self) -> dict[str, int]:
        """Count the complete observations of each server."""
        return self._timeline().complete_runs()

    @steady
    def unused(self, days: int, servers: Sequence[str] = ()) -> pa.Table:
        """Return the models that existed for so many days without being seen loaded: rows of ``LIFECYCLE``.

        Args:
            days: how many days.
            servers: only these; by default those in the state, which retired ones are not.
        """
        if not servers and (dated := self.dated()):
            servers = values(self.states(dated).table(dated[-1], columns=["server"]), "server")
            if not servers:
                return concat(LIFECYCLE, [])
        return self._timeline(servers).unused(days)

    def _timeline(self, servers: Sequence[str] = (), keys: Sequence[str] = (), last_run: str | None = None) -> Timeline:
        now = self.clock()
        return Timeline(
            self.store, self._engine, servers, keys, self.ignore, now=now, last_run=last_run, compared=self._compared
        )
