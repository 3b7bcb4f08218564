"""A history on disk: what was there, what changed. Written by ``record``, read by everything else.

Which files there are and how they are kept whole is ``store.py``; the questions are SQL in ``queries.py``, run by an
engine. Only the files that a question needs are opened, each after its seal was checked.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import queries, schema
from inventory.diff import Changes, compare, left_out
from inventory.engines import Engine, open_engine
from inventory.errors import ConfigurationError
from inventory.references import resolve
from inventory.snapshot import Snapshot, arrow_schema, concat, frame, rows, table_of, values
from inventory.store import Store

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


class History:
    """The recorded runs of a folder.

    Args:
        path: the folder; one that is not there is an empty history.
        engine: what runs the queries: a word of ``engines.ENGINES``.
    """

    def __init__(self, path: str | Path, engine: str = "duckdb") -> None:
        self.store = Store(Path(path))
        self._engine = engine

    def __repr__(self) -> str:
        return f"<History {self.store.folder}: {len(self.store.run_ids())} runs>"

    def runs(self) -> "pd.DataFrame":
        """One row per run, oldest first: status, counts, size and how much changed; columns of ``queries.RUNS``."""
        return frame(self.runs_table())

    def timeline(self, since: datetime | None = None) -> "pd.DataFrame":
        """Every change there ever was, oldest first; columns of ``schema.CHANGES`` and the run that saw it."""
        return frame(self.timeline_table(since))

    def lifecycle(self) -> "pd.DataFrame":
        """One row per server and model: first_seen, last_seen, days_present, runs_loaded and so on."""
        return frame(self.lifecycle_table())

    def models(self, at: str = "latest") -> "pd.DataFrame":
        """The models as of a run: for each server its last complete answer at or before it."""
        return self.as_of(at).models

    def load(self, ref: str = "latest") -> Snapshot:
        """What one run saw, failures included.

        Raises:
            ConfigurationError: there is no such run.
            FileError: a file of the history is missing or damaged.
        """
        observed = self.observed(self.resolve(ref))
        return self.snapshot(observed, [row for row in observed if row["digest"]])

    def as_of(self, ref: str = "latest") -> Snapshot:
        """What was known after one run: of each server that it asked, the last complete answer."""
        known = [row for row in self._known(self.resolve(ref)).values() if row]
        return self.snapshot(known, known)

    def diff(
        self, old: str = "previous", new: str = "latest", *, ignore: Sequence[str] = (), servers: Iterable[str] = ()
    ) -> Changes:
        """What changed from one run to another, server by server, each with its own last complete answer.

        Args:
            old: the earlier run.
            new: the later run.
            ignore: fields that are not compared; globs.
            servers: only these; all by default.
        """
        before_run, after_run = self.resolve(old), self.resolve(new)
        only = set(servers)
        asked = {row["server"] for row in self.observed(max(before_run, after_run))}
        before, after = (
            {server: row for server, row in self._known(run_id, asked).items() if not only or server in only}
            for run_id in (before_run, after_run)
        )
        other = {
            server
            for server in before.keys() & after.keys()
            if (was := before[server]) and (now := after[server]) and was["digest"] != now["digest"]
        }
        sides = [
            self.snapshot(
                [row for row in known.values() if row],
                [row for server, row in known.items() if row and server in other],
            )
            for known in (before, after)
        ]
        changes = compare(sides[0], sides[1], ignore)
        failed = [
            row for row in self.observed(after_run) if row["status"] != "ok" and (not only or row["server"] in only)
        ]
        return left_out(changes, failed, after)

    def resolve(self, ref: str) -> str:
        """The id of the run that a reference means.

        Raises:
            ConfigurationError: it means none, or more than one.
        """
        return resolve(ref, self.store.run_ids())

    def runs_table(self, servers: Sequence[str] = (), since: datetime | None = None) -> pa.Table:
        """``runs`` as an Arrow table, of some servers and from some time on."""
        runs = self.store.run_ids()
        wanted = table_of(
            queries.WANTED, [{"server": server, "digest": None, "stored_in": None} for server in set(servers)]
        )
        counted = rows(self.views(runs, wanted=wanted).query(queries.run_counts(some=bool(servers)))) if runs else []
        counted = [row for row in counted if since is None or row["collected_at"] >= since]
        touched: dict[tuple[str, str], set[Any]] = defaultdict(set)
        for row in rows(self.timeline_table(since)):
            if servers and row["server"] not in servers:
                continue
            if row["key"] is not None and (row["grain"] == "model" or row["change"] == "reconfigured"):
                touched[row["run_id"], row["change"]].add(tuple(row[key] for key in (*schema.INSTANCES.keys, "grain")))
        for row in counted:
            read, asked = row["servers_ok"], row["servers"]
            row["status"] = (
                "ok" if read == asked else "suspect" if row["servers_suspect"] else "partial" if read else "failed"
            )
            row |= {word: len(touched[row["run_id"], word]) for word in ("added", "removed", "reconfigured")}
        return table_of(queries.RUNS, counted)

    def timeline_table(self, since: datetime | None = None) -> pa.Table:
        """``timeline`` as an Arrow table."""
        runs = self.store.run_ids()
        steps = rows(self.views(runs).query(queries.TRANSITIONS)) if runs else []
        steps = [step for step in steps if since is None or step["observed_at"] >= since]
        names = [f"{number:09d}" for number in range(len(steps))]  # each step is compared as a server of its own
        sides = [
            self.snapshot(
                [
                    {
                        **dict.fromkeys(schema.OBSERVATIONS.names),
                        "server": name,
                        "status": "ok",
                        "run_id": "",
                        "digest": step[digest],
                        "stored_in": step[stored],
                    }
                    for name, step in zip(names, steps, strict=True)
                ]
            )
            for digest, stored in (("old_digest", "old_stored_in"), ("digest", "stored_in"))
        ]
        found = []
        for row in rows(compare(sides[0], sides[1]).table):
            step = steps[int(row["server"])]
            found.append(
                {
                    **row,
                    "server": step["server"],
                    "run_id": step["run_id"],
                    "observed_at": step["observed_at"],
                    "previous_run_id": step["old_run"],
                }
            )
        return table_of(queries.TIMELINE, found)

    def lifecycle_table(self) -> pa.Table:
        """``lifecycle`` as an Arrow table."""
        runs = self.store.run_ids()
        if not runs:
            return concat(queries.LIFECYCLE, [])
        stored = values(self.views(runs).query(queries.HOLDING), "stored_in")
        lives = rows(self.views(runs, stored).query(queries.LIVES)) if stored else []
        changed: dict[tuple[str, str], datetime] = {}
        for row in rows(self.timeline_table()):
            changed[row["server"], row["key"]] = row["observed_at"]
        for life in lives:
            life["last_changed"] = changed.get((life["server"], life["key"]), life["first_seen"])
        return table_of(queries.LIFECYCLE, lives)

    def life(self, key: str, servers: Sequence[str] = (), since: datetime | None = None) -> tuple[pa.Table, pa.Table]:
        """One model's rows of the lifecycle and of the timeline.

        Raises:
            ConfigurationError: no complete observation has it.
        """
        lives = [row for row in rows(self.lifecycle_table()) if row["key"] == key]
        if not lives:
            raise ConfigurationError(f"no run has seen the model {key!r}", "See what there is: lms-inventory show")
        changes = [row for row in rows(self.timeline_table(since)) if row["key"] == key]
        lives, changes = ([row for row in some if not servers or row["server"] in servers] for some in (lives, changes))
        return table_of(queries.LIFECYCLE, lives), table_of(queries.TIMELINE, changes)

    def complete_runs(self) -> dict[str, int]:
        """How many complete observations there are of each server."""
        runs = self.store.run_ids()
        found = rows(self.views(runs).query(queries.COMPLETE)) if runs else []
        return {row["server"]: row["runs"] for row in found}

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

    def freeze(self, name: str, ref: str = "latest") -> str:
        """Freeze a run under a name, for good; returns its id."""
        run_id = self.resolve(ref)
        self.store.freeze(name, run_id)
        return run_id

    def unused(self, days: int, servers: Sequence[str] = ()) -> pa.Table:
        """The models that have been there for so many days and were not seen loaded in them: ``LIFECYCLE`` rows."""
        runs = self.store.run_ids()
        lives = [row for row in rows(self.lifecycle_table()) if not servers or row["server"] in servers]
        if runs:
            newest = max(row["observed_at"] for row in self.observed(runs[-1]))
            limit = newest - timedelta(days=days)
            lives = [
                life
                for life in lives
                if life["present"]
                and life["first_seen"] <= limit
                and (life["last_loaded"] is None or life["last_loaded"] <= limit)
            ]
        return table_of(queries.LIFECYCLE, lives)

    def observed(self, run_id: str) -> list[Row]:
        """The observations of one run."""
        return rows(self.store.read("observations", run_id).table().cast(arrow_schema(schema.OBSERVATIONS)))

    def _known(self, run_id: str, asked: Iterable[str] = ()) -> dict[str, Row | None]:
        """Of each server that a run asked, or that is in ``asked``: its last complete observation by then, or None."""
        known: dict[str, Row | None] = dict.fromkeys(asked)
        known |= {row["server"]: row if row["status"] == "ok" else None for row in self.observed(run_id)}
        if None in known.values():
            earlier = [one for one in self.store.run_ids() if one < run_id]
            if earlier:
                for row in rows(self.views(earlier).query(queries.last_ok())):
                    if row["server"] in known and known[row["server"]] is None:
                        known[row["server"]] = row
        return known

    def snapshot(self, observed: Sequence[Row], stored: Sequence[Row] | None = None) -> Snapshot:
        """A snapshot of observations, with the rows of those in ``stored`` (all of them by default)."""
        stored = observed if stored is None else stored
        tables = {"observations": table_of(schema.OBSERVATIONS, observed)}
        runs = {row["stored_in"] for row in stored}
        wanted = table_of(queries.WANTED, stored)
        engine = self.views([], runs, wanted=wanted)
        for table in schema.GRAIN_TABLES.values():
            tables[table.name] = (
                engine.query(queries.rows(table)).cast(arrow_schema(table)) if runs else concat(table, [])
            )
        return Snapshot(tables)

    def views(self, run_ids: Iterable[str], stored: Iterable[str] = (), **tables: pa.Table) -> Engine:
        """An engine over the observations of some runs and the rows stored in some runs."""
        stored = list(stored)
        files: Mapping[str, list[Path]] = {
            "observations": self.store.checked("observations", run_ids),
            **{name: self.store.checked(name, stored) for name in queries.GRAIN_FILES},
        }
        return open_engine(self._engine, files, tables)
