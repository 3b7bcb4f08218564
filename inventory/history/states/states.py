"""The state after a run: the last complete response of each server.

The state after a run R holds, of all complete responses in R and the runs before it, for each server the one that was
*given* last (``observed_at``; at the same moment, that of the later run). Runs are in the order of their ids, so

- a run that began early and read a server late is not undone by what other runs read meanwhile;
- a change appears between the states after exactly one pair of neighbouring runs, however many runs overlap: it is
  never reported twice, taken back or lost;
- a server that R did not query, because it is on another schedule, is in the state as it was last read.

Misdated runs, and responses that are dated as far ahead, are no part of any state.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa

from inventory import schema
from inventory.collection.plausibility import DOUBTS
from inventory.history.engines import ENGINES, Engine, open_engine
from inventory.history.sql import coverage, state
from inventory.history.sql.state import Until
from inventory.history.states import few_rows
from inventory.history.states.difference import Difference, Responses, StoredResponse, response_of
from inventory.history.states.retirement import Retirement
from inventory.history.storage.store import Store
from inventory.run_ids import time_of
from inventory.schema import derived
from inventory.tables import (
    Row,
    arrow_schema,
    column_of,
    concat,
    conformed,
    rows,
    span_of,
    table_of,
    texts_table,
    values,
)

NEAR = 64
"""How many runs before a run are checked for overlapping it; a run that overlaps more is found only where all runs
are opened."""


@dataclass(frozen=True)
class States:
    """The states of a history.

    Attributes:
        store: the files.
        engine: what runs the queries: a word of ``engines.ENGINES``.
        run_ids: the runs that are not misdated, oldest first.
        limit: later observations do not count.
        retirement: which servers leave the state.
    """

    store: Store
    engine: str
    run_ids: Sequence[str]
    limit: datetime
    retirement: Retirement
    _spans: dict[str, tuple[datetime, datetime]] = field(default_factory=dict, init=False)

    def known(self, run_id: str, servers: Collection[str]) -> dict[str, Row]:
        """Return the last complete observations of some servers in the state after a run, by server."""
        return self._newest(self._until(run_id), servers, state.last_ok(self.bound(run_id), selected=True))

    def attempts(self, run_id: str, servers: Collection[str]) -> dict[str, Row]:
        """Return the newest attempts of some servers after a run, whatever their status, by server."""
        return self._newest(self._until(run_id), servers, state.last(self.bound(run_id), selected=True))

    def attempts_between(self, first: str, last: str) -> dict[str, Row]:
        """Return the newest attempts of the runs after one, up to another, by server; ``first`` may be empty."""
        return self._last([run_id for run_id in self._until(last) if run_id > first], state.last(self.bound(last)))

    def table(
        self, run_id: str, servers: Collection[str] | None = None, columns: Sequence[str] = schema.OBSERVATIONS.names
    ) -> pa.Table:
        """Return the state after a run as observations: the newest attempt of each server, with its last response.

        Args:
            run_id: the run.
            servers: only these.
            columns: only these.
        """
        if not (runs := self._until(run_id)):
            return concat(schema.OBSERVATIONS, []).select(columns)
        if (observed := self._few(runs)) is not None:
            few = few_rows.state_rows(rows(observed), self.bound(run_id), self.retirement, servers)
            return table_of(schema.OBSERVATIONS, few).select(columns)
        engine = self.over(runs, servers)
        engine.add("moments", self.retirement.moments({run_id: run_id}))
        engine.add("retirements", self.retirement.table())
        placed = engine.query(state.placed(self.bound(run_id), selected=servers is not None))
        opened = {run for name in ("attempt", "answer") for run in placed[name].unique().to_pylist() if run}
        engine = self.over(sorted(opened) or runs[-1:])
        engine.add("placed", placed)
        state_table = engine.query(f"SELECT {', '.join(columns)} FROM ({state.state_rows()}) s")  # noqa: S608 - our own columns
        target = arrow_schema(schema.OBSERVATIONS)
        return conformed(state_table, pa.schema([target.field(name) for name in columns], target.metadata))

    def servers(self, run_id: str, now: datetime) -> pa.Table:
        """Build one row per server that a run or one before asked, retired ones too; columns of ``derived.SERVERS``.

        Args:
            run_id: the run.
            now: the time from which days of silence are counted.
        """
        servers = self.over(self._until(run_id)).query(state.servers(self.bound(run_id)))
        silent = [read and round((now - read) / timedelta(days=1), 3) for read in values(servers, "last_read")]
        statuses = self.retirement.statuses(servers, run_id)
        new = {"status": statuses, "days_silent": column_of(schema.NUMBER, silent)}
        columns = dict(zip(servers.column_names, servers.columns, strict=True)) | new
        target = arrow_schema(derived.SERVERS)
        return conformed(pa.table({name: columns[name] for name in target.names}), target)

    def ever_asked(self, run_id: str) -> set[str]:
        """Return the servers that a run or one before asked."""
        return {row["server"] for row in self._query(self._until(run_id), state.asked(self.bound(run_id)))}

    def coverage(self, days: Mapping[str, str]) -> dict[str, Row]:
        """Return what the runs of a period say of each server that they asked: how often and when it was read.

        ``days`` holds the reader's date at the time of each run, oldest first.
        """
        engine = self.over([*days])
        engine.add("days", texts_table(run_id=days, day=days.values()))
        return {row["server"]: row for row in rows(engine.query(coverage.coverage(self.bound([*days][-1]))))}

    def last_observations(self) -> dict[str, Row]:
        """Return the last observation of each server, whatever its status."""
        return self._last(self.run_ids, state.last(self.bound(self.run_ids[-1]))) if self.run_ids else {}

    def doubted(self, run_id: str, servers: Collection[str]) -> dict[str, list[Row]]:
        """Return the suspect responses of servers since their last complete one, the last first, at most ``DOUBTS``.

        Failures between them do not count.
        """
        suspect: dict[str, list[Row]] = {server: [] for server in servers}
        ended: set[str] = set()
        runs, question = self._until(run_id), state.last_answers(self.bound(run_id), DOUBTS)
        for part in (runs[-NEAR:], runs):
            if open_ones := [server for server in servers if server not in ended]:
                suspect |= {server: [] for server in open_ones}
                for row in self._query(part, question, open_ones):
                    answers = suspect[row["server"]]
                    if row["status"] == "suspect" and row["server"] not in ended:
                        answers.append(row)
                    if row["status"] == "ok" or len(answers) == DOUBTS:
                        ended.add(row["server"])
        return suspect

    def newest(self, run_id: str, servers: Collection[str]) -> dict[str, Row]:
        """Return the complete observations of some servers in a run, none if another run overlaps it."""
        if self._overlapping(run_id, self._span(run_id)[0]):
            return {}
        table, names = self.store.read("observations", run_id).table(), set(servers)
        return {row["server"]: row for row in rows(table) if row["server"] in names and row["status"] == "ok"}

    def difference(self, old: str, new: str, servers: Collection[str] = ()) -> Difference:
        """Compare the states after two runs; ``new`` may be the earlier run.

        Digests are compared before any rows are loaded. The two runs are opened, those between them, those that overlap
        the first, and earlier ones only for servers that none of these has read, or that may be retired.
        """
        first, last = sorted((old, new))
        between = [run_id for run_id in self.run_ids if first <= run_id <= last]
        begin = min(self._span(run_id)[0] for run_id in between)
        only = set(servers)
        later, earlier, unread = self._differing([*self._overlapping(first, begin), *between], first, last, (old, new))
        if only:
            later, earlier = ({name: side[name] for name in side.keys() & only} for side in (later, earlier))
            unread = [row for row in unread if row["server"] in only]
        earlier |= {name: response_of(row) for name, row in self.known(first, later.keys() - earlier.keys()).items()}
        same = {name for name in later.keys() & earlier.keys() if later[name].digest == earlier[name].digest}
        candidates = self._perhaps_retired(first, last, between, earlier)
        candidates = candidates & only if only else candidates
        services = [self._service(run_id, candidates) for run_id in (first, last)]
        sides = [
            ({name: row for name, row in side.items() if name not in same | retired}, in_service, retired)
            for side, (in_service, retired) in zip((earlier, later), services, strict=True)
        ]
        (before, in_old, retired_old), (after, in_new, retired_new) = sides if old == first else reversed(sides)
        retired, returned = sorted(in_old & retired_new), sorted(retired_old & in_new)
        unread = [row for row in unread if row["server"] not in retired_new]
        known = self.known(new, {*(str(row["server"]) for row in unread), *retired})
        return Difference(before, after, unread, retired, returned, known)

    def _differing(
        self, run_ids: Sequence[str], first: str, last: str, order: tuple[str, str]
    ) -> tuple[Responses, Responses, list[Row]]:
        """Return the responses of the servers that differ between two states, after and before, and those not read."""
        bounds = self.bound(first), self.bound(last)
        few = self._few(run_ids)
        if few is None and self.engine == ENGINES[0] and len(run_ids) <= few_rows.FEW_RUNS:
            tables = (run.table(few_rows.COLUMNS) for run in self.store.read_all("observations", run_ids))
            few = few_rows.of_unlike_servers(pa.concat_tables(tables), first, self.limit)
        if few is not None:
            observed = rows(few.select(few_rows.COLUMNS))
            return *few_rows.differing_states(observed, *bounds), few_rows.not_read(observed, *order)
        engine = self.over(run_ids)
        differing = rows(engine.query(state.differing_states(*bounds)))
        later = {row["server"]: response_of(row) for row in differing}
        earlier = {row["server"]: response_of(row, "old_") for row in differing if row["old_digest"]}
        return later, earlier, rows(engine.query(state.not_read(*order)))

    def _few(self, run_ids: Sequence[str]) -> pa.Table | None:
        """Return the observations of some runs if they are few, and the engine is the one that is loaded for them."""
        large, table = self.store.checked("observations", run_ids)
        is_small = self.engine == ENGINES[0] and not large and table is not None and table.num_rows <= few_rows.FEW
        return table if is_small else None

    def _perhaps_retired(
        self, first: str, last: str, between: Sequence[str], earlier: Mapping[str, StoredResponse]
    ) -> set[str]:
        """Return the servers that may be retired from one of two states; most often there are none.

        Those that were asked just before the time since which a server must have been asked, and in none of the runs
        that are open since; those whose response is as old; and those that were retired by name.
        """
        candidates = self.retirement.by_name("", last)
        since_first, since_last = self.retirement.before(first), self.retirement.before(last)
        if since_first is None or since_last is None:
            return candidates
        candidates |= {server for server, response in earlier.items() if response.observed_at < since_first}
        if window := self.retirement.window(first, last, self.run_ids):
            recent = [run_id for run_id in between if time_of(run_id) >= since_last]
            candidates |= self._asked(window) - self._asked(recent)
        return candidates

    def _service(self, run_id: str, servers: Collection[str]) -> tuple[set[str], set[str]]:
        """Split the servers that were asked by a run or before: those in its state, and those that are retired."""
        if not servers:
            return set(), set()
        asked = self._last(self._until(run_id), state.last(self.bound(run_id))).keys() & set(servers)
        in_service = {str(row["server"]) for row in rows(self.table(run_id, servers, ["server"]))}
        return in_service, asked - in_service

    def _asked(self, run_ids: Sequence[str]) -> set[str]:
        tables = (segment.table(["server"]) for segment in self.store.read_all("observations", run_ids))
        return {server for table in tables for server in values(table, "server")}

    def _newest(self, runs: Sequence[str], servers: Collection[str], query: str) -> dict[str, Row]:
        """Search the newest runs first, as most servers are read regularly, and the others for what these lack."""
        observations: dict[str, Row] = {}
        for part in (runs[-NEAR:], runs[:-NEAR]):
            if missing := [server for server in servers if server not in observations]:
                observations |= self._last(part, query, missing)
        return observations

    def _overlapping(self, run_id: str, begin: datetime) -> list[str]:
        """Return the runs before a run that received a response at ``begin`` or later."""
        return [earlier for earlier in self._until(run_id)[-NEAR - 1 : -1] if self._span(earlier)[1] >= begin]

    def _span(self, run_id: str) -> tuple[datetime, datetime]:
        """Return when a run's first and last observation were made, read once."""
        if run_id not in self._spans:
            self._spans[run_id] = span(self.store, run_id)
        return self._spans[run_id]

    def _until(self, run_id: str) -> list[str]:
        return [earlier for earlier in self.run_ids if earlier <= run_id]

    def bound(self, run_id: str) -> Until:
        """Return which observations count in the state after a run."""
        return Until(run_id, self.limit)

    def _last(self, run_ids: Sequence[str], sql: str, servers: Collection[str] | None = None) -> dict[str, Row]:
        return {row["server"]: row for row in self._query(run_ids, sql, servers)}

    def _query(self, run_ids: Sequence[str], sql: str, servers: Collection[str] | None = None) -> list[Row]:
        return rows(self.over(run_ids, servers).query(sql)) if run_ids else []

    def over(self, run_ids: Sequence[str], servers: Collection[str] | None = None) -> Engine:
        """Open an engine over the observations of some runs; the view ``wanted`` has the servers that are asked for."""
        engine = open_engine(self.engine, self.store.address)
        engine.open("observations", self.store.checked("observations", run_ids))
        if servers is not None:
            engine.add("wanted", texts_table(server=sorted(servers)))
        return engine


def span(store: Store, run_id: str) -> tuple[datetime, datetime]:
    """Return when the first and the last observation of a run were made, in UTC.

    Raises:
        FileError: the run is missing or damaged.
    """
    observed = store.read("observations", run_id)
    if "span" in observed.about:
        first, last = map(datetime.fromisoformat, observed.about["span"])
        return first, last
    return span_of(observed.table(["observed_at"]), "observed_at")  # an older version did not record it
