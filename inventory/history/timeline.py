"""Queries over all runs: run list, timeline of changes, lifecycles.

One engine reads the observations of all runs; stored responses are opened once, and only those that a query needs.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import pyarrow as pa

from inventory import schema
from inventory.diff.compare import compare_sides
from inventory.history.changed_rows import Step, load_changed_rows
from inventory.history.engines import open_engine
from inventory.history.sql import all_runs
from inventory.history.sql import runs as run_sql
from inventory.history.sql.state import Until
from inventory.history.states.difference import StoredResponse
from inventory.history.storage.store import Store
from inventory.run_ids import limit_of, misdated
from inventory.schema import derived
from inventory.tables import Row, arrow_schema, column_of, concat, conformed, rows, texts_table, values

_CENTURY = 36_500  # days: longer than any history


class Compared(NamedTuple):
    """Responses that were compared before; their digests tell that others are the same.

    Attributes:
        steps: the responses of each server.
        changes: what changed between them: rows of ``schema.CHANGES``.
    """

    steps: Mapping[str, Step]
    changes: pa.Table


class Timeline:
    """All runs of a history.

    Args:
        store: the files.
        engine: what runs the queries: a word of ``engines.ENGINES``.
        servers: only these; all by default.
        keys: only the models with one of these keys; all by default.
        ignore: fields that are not compared; globs.
        now: the current time: misdated runs are listed, and left out of everything else.
        last_run: only the runs up to this one; all by default.
        compared: responses that need not be compared again.
    """

    def __init__(
        self,
        store: Store,
        engine: str,
        servers: Sequence[str] = (),
        keys: Sequence[str] = (),
        ignore: Sequence[str] = (),
        *,
        now: datetime,
        last_run: str | None = None,
        compared: Compared | None = None,
    ) -> None:
        self._store = store
        self._ignore = ignore
        self._servers = servers
        self._keys = keys
        self._compared = compared
        self._all: pa.Table | None = None
        self._run_ids = [run_id for run_id in store.run_ids() if last_run is None or run_id <= last_run]
        ahead = set(misdated(self._run_ids, now))
        dated = [run_id for run_id in self._run_ids if run_id not in ahead]
        self._until = Until(dated[-1] if dated else "", limit_of(now))
        self._engine = open_engine(engine, store.address)
        self._engine.open("observations", store.checked("observations", self._run_ids))
        self._engine.add("wanted", texts_table(server=servers))
        self._engine.add("keys", texts_table(key=keys))

    def runs(self, since: datetime | None = None) -> pa.Table:
        """Return one row per run, from some time on: ``derived.RUNS``."""
        if not self._run_ids:
            return concat(derived.RUNS, [])
        selected, unread = bool(self._servers), defaultdict(list)
        for row in self._rows(run_sql.unread(selected=selected)):
            unread[row["run_id"]].append(row["server"])
        texts = [json.dumps(servers, ensure_ascii=False) for servers in unread.values()]
        self._engine.add("unread", texts_table(run_id=unread, unread=texts))
        self._engine.add("changes", self.timeline(since))
        result = self._engine.query(run_sql.runs(self._until, since, selected=selected))
        return conformed(result, arrow_schema(derived.RUNS))

    def lifecycle(self, idle_since: datetime | None = None) -> pa.Table:
        """Return one row per server and model: ``derived.LIFECYCLE``.

        Args:
            idle_since: only the models that are there, and were there and not loaded from then on; all by default.
        """
        if not self._open_all():
            return concat(derived.LIFECYCLE, [])
        self._engine.add("changes", self.timeline())
        sql = all_runs.lives(self._until, servers=bool(self._servers), keys=bool(self._keys), idle_since=idle_since)
        return conformed(self._engine.query(sql), arrow_schema(derived.LIFECYCLE))

    def sightings(self) -> pa.Table:
        """Return when each model of all servers was first seen, and last loaded: columns of ``derived.LIFECYCLE``."""
        if not self._open_all():
            return concat(derived.LIFECYCLE, [])
        return self._engine.query(all_runs.sightings(self._until))

    def unused(self, days: int) -> pa.Table:
        """Return the lifecycles of models that have existed for so many days without being loaded in them."""
        newest = self._rows(all_runs.newest(self._until))
        since = newest[0]["collected_at"] - timedelta(days=min(days, _CENTURY)) if newest else None
        if since and self._servers:  # no model has existed for longer than its server was read
            self._engine.add("wanted", self._engine.query(all_runs.read_by(self._until, since)))
        return self.lifecycle(since)

    def complete_runs(self) -> dict[str, int]:
        """Return the number of complete observations of each server."""
        return {row["server"]: row["runs"] for row in self._rows(all_runs.complete(self._until))}

    def timeline(self, since: datetime | None = None) -> pa.Table:
        """Return one row per change, from some time on, oldest first: ``derived.TIMELINE``."""
        if self._all is not None:
            if since is None:
                return self._all
            from pyarrow import compute

            [first] = column_of(schema.TIME, [since])
            return self._all.filter(compute.greater_equal(self._all.column("observed_at"), first))
        question = all_runs.transitions(self._until, since, selected=bool(self._servers))
        transitions = self._engine.query(question) if self._run_ids else None
        if transitions is None or not transitions.num_rows:
            return concat(derived.TIMELINE, [])
        changes = self._changes(transitions)
        seen = transitions.take(changes.column("server").cast(pa.int64()))
        cells = {name: changes.column(name) for name in changes.column_names}
        cells |= {name: seen.column(name) for name in ("server", "run_id", "previous_run_id", "observed_at")}
        target = arrow_schema(derived.TIMELINE)
        timeline = conformed(pa.table([cells[name] for name in target.names], target.names), target)
        timeline = timeline.take(self._about_keys(timeline)) if self._keys else timeline
        self._all = timeline if since is None else None
        return timeline

    def _changes(self, transitions: pa.Table) -> pa.Table:
        """Return what changed in each transition, under its number in place of the server."""
        steps: dict[str, Step] = {}
        known: dict[str, str] = {}
        for number, row in enumerate(rows(transitions)):
            step = (
                StoredResponse(row["old_digest"], row["old_stored_in"], row["observed_at"]),
                StoredResponse(row["digest"], row["stored_in"], row["observed_at"]),
            )
            was = self._compared.steps.get(row["server"], ()) if self._compared else ()
            if row["server"] not in known and [old[:2] for old in was] == [new[:2] for new in step]:
                known[row["server"]] = f"{number:09d}"
            else:
                steps[f"{number:09d}"] = step
        changes = None
        if steps:
            changes = compare_sides(*load_changed_rows(self._store, steps, self._keys), self._ignore).table
        return _with_known(changes, self._compared.changes, known) if self._compared and known else changes

    def _about_keys(self, timeline: pa.Table) -> pa.ChunkedArray:
        """Return the places of the changes of the models that are asked about; a renamed one has two keys."""
        names = zip(*(values(timeline, name) for name in ("key", "change", "old")), strict=True)
        keys = {*self._keys}
        places = [n for n, (key, word, old) in enumerate(names) if key in keys or (word == "renamed" and old in keys)]
        return column_of(schema.INTEGER, places)

    def _open_all(self) -> bool:
        """Open the models of all complete responses of the servers; return whether there is such a response."""
        question = all_runs.holding(self._until, selected=bool(self._servers))
        stored = [row["stored_in"] for row in self._rows(question)]
        if stored:
            self._engine.open("models", self._store.checked("models", stored))
        return bool(stored)

    def _rows(self, sql: str) -> list[Row]:
        return rows(self._engine.query(sql)) if self._run_ids else []


def _with_known(changes: pa.Table | None, compared: pa.Table, numbers: Mapping[str, str]) -> pa.Table:
    """Add what is known about some servers, which stand in it under their numbers, to other changes."""
    from pyarrow import compute

    names, texts = (column_of(schema.TEXT, column).chunk(0) for column in (numbers, numbers.values()))
    servers = texts.take(compute.index_in(compared.column("server"), value_set=names))
    known = compared.set_column(0, compared.schema.field("server"), servers).filter(servers.is_valid())
    changes = known if changes is None else pa.concat_tables([changes, known])
    return changes.take(compute.sort_indices(changes.column("server")))
