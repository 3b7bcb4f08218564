"""Record the tables of a run: new responses once, one row for each server, the observations last."""

import json
from array import array
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.collection.repeats import rows_of, with_observations
from inventory.diff.extras import IGNORED, unknown_fields
from inventory.history import run_log
from inventory.history.compaction import compact_many
from inventory.history.engines import Engine, open_engine
from inventory.history.reader import RunHistory
from inventory.history.sql import all_runs
from inventory.history.states.states import span
from inventory.history.storage.data_file import ARROW, KINDS
from inventory.history.storage.shared_rows import without_clocks
from inventory.history.storage.store import Store
from inventory.normalize.ticking import CLOCKS
from inventory.run_ids import AHEAD, limit_of, time_of
from inventory.tables import RunTables, build, rows, values

_FRESH = schema.Table(
    "fresh", "a new answer", tuple(schema.Column(name, schema.TEXT, "", "") for name in ("server", "digest"))
)
_STORED_IN = schema.Table("stored_in", "a pointer", (schema.Column("stored_in", schema.TEXT, "", ""),))
_RECENT = 30  # runs searched for an answer that comes back: with all of them, each run would cost more than the last
_PAYLOADS = schema.Table(
    "payloads",
    "a body as received",
    tuple(schema.Column(name, schema.TEXT, "", "") for name in ("digest", "stored_in", "payload_digest", "fields")),
)


def next_moment(history: RunHistory, now: datetime) -> datetime:
    """Return a time for a new run, later than every recorded run and response, also if the clock was put back.

    A misdated run does not count: it would drag every later one to its date. Of the runs that are not, those that began
    within the last hour, and the newest, can have been answered later than it is now.
    """
    runs = history.dated()
    near = [run_id for run_id in runs if run_id is runs[-1] or time_of(run_id) > now - AHEAD]
    moments = [moment for run_id in near for moment in (time_of(run_id), span(history.store, run_id)[1])]
    return max([now, *(moment + timedelta(microseconds=1) for moment in moments if moment <= limit_of(now))])


def record(history: RunHistory, snapshot: RunTables) -> RunTables:
    """Write a snapshot into a history, failures included.

    Returns:
        The snapshot as recorded: ``stored_in`` names the runs that hold the unchanged answers.

    Raises:
        FileError: it could not be written; the history is as it was.
    """
    history.store.run_ids()  # raises, before anything is touched, if a newer version records here
    history.store.clean_up()
    table = _put(history, snapshot)
    compact_many(history.store, history.clock())
    return replace(snapshot, tables=with_observations(snapshot.tables, table))


def _put(history: RunHistory, snapshot: RunTables) -> pa.Table:
    """Write the files of a run and return its observations as they are recorded."""
    store, run_id = history.store, snapshot.run_id
    observations = snapshot.tables["observations"]
    with store.run_marker(run_id):  # guard: a run says that it is being written
        digests = dict(zip(values(observations, "server"), values(observations, "digest"), strict=True))
        before, stored_in = store.retry_if_changed(
            lambda: _before(history, {digest for digest in digests.values() if digest})
        )
        fresh = {digest: server for server, digest in digests.items() if digest and digest not in stored_in}
        files = {}
        if fresh:
            for kind, table in _new_rows(snapshot, fresh, run_id).items():
                files[kind] = store.write(kind, run_id, table)
        table = _pointing(
            observations, [stored_in.get(digest, run_id) if digest else None for digest in digests.values()]
        )
        moments = values(observations, "observed_at")
        first_and_last = [f"{moment:%Y-%m-%dT%H:%M:%S.%f+00:00}" for moment in (min(moments), max(moments))]
        state = run_log.checkpoint(store.folder)
        about: dict[str, Any] = {"files": files, "previous": before, "journal": state, "span": first_and_last}
        if history.collector:
            about["collector"] = history.collector
        store.write("observations", run_id, table, **about)
    return table


def _before(history: RunHistory, digests: set[str]) -> tuple[dict[str, str] | None, dict[str, str]]:
    """Return the previous run with the SHA-256 of its file, if any, and the runs that hold responses, by digest.

    A response that is not among those is new, was last given long ago, or is no longer complete.
    """
    store = history.store
    runs = history.dated()
    if not runs:
        return None, {}
    last = store.read("observations", runs[-1])
    pointers = last.table(["digest", "stored_in"])
    columns = (values(pointers, name) for name in pointers.column_names)
    holders = {digest: run for digest, run in zip(*columns, strict=True) if run}
    whole = _whole(store, set(holders.values()))
    holders = {digest: run for digest, run in holders.items() if run in whole}
    # not those of pruned runs, even if they are still here: they may be about to go
    if (new := digests - holders.keys()) and (holding := sorted(_whole(store, runs) & set(runs))[-_RECENT:]):
        holders |= _stored(store, new, holding)
    return {"run_id": runs[-1], "sha256": last.sha256}, holders


def _stored(store: Store, digests: set[str], run_ids: Sequence[str]) -> dict[str, str]:
    """Return the first of some runs that stored each of some responses, for those that any of them stored."""
    holders: dict[str, str] = {}
    for run_id, payloads in zip(run_ids, store.read_all("payloads", run_ids), strict=True):
        holders = dict.fromkeys(digests.intersection(values(payloads.table(["digest"]), "digest")), run_id) | holders
    return holders


def _whole(store: Store, run_ids: Collection[str]) -> set[str]:
    """Return those runs that still have each file of what they stored."""
    return set.intersection(*(set(store.where(kind, run_ids)) for kind in KINDS[1:]))


def _pointing(observations: pa.Table, stored_in: list[str | None]) -> pa.Table:
    """Let each observation point at the run that holds its response."""
    place = observations.column_names.index("stored_in")
    column = build(_STORED_IN, {"stored_in": stored_in}).column("stored_in")
    return observations.set_column(place, observations.schema.field(place), column)


def _new_rows(snapshot: RunTables, fresh: dict[str, str], run_id: str) -> dict[str, pa.Table]:
    """Build the payloads, models and instances files of the responses that are stored now."""
    asked = build(_FRESH, {"server": list(fresh.values()), "digest": list(fresh)})
    engine = open_engine("duckdb")
    engine.add("fresh", asked)
    engine.add("observations", snapshot.tables["observations"])
    for name, table in rows_of(snapshot.tables, list(fresh.values())).items():
        engine.add(name, without_clocks(table, snapshot.ignored))
    tables = {table.name: engine.query(all_runs.stored_rows(table, run_id)) for table in schema.GRAIN_TABLES.values()}
    return {"payloads": _payloads(engine, snapshot, run_id), **tables}


def _payloads(engine: Engine, snapshot: RunTables, run_id: str) -> pa.Table:
    """Build the table of bodies, with the fields that have a value in their rows and those stored without."""
    fresh = rows(engine.query(all_runs.FRESH))
    unstored = {f"{IGNORED}{pattern}" for pattern in (*CLOCKS, *snapshot.ignored)}
    fields: dict[str, set[str]] = {row["digest"]: set(unstored) for row in fresh}
    extras: dict[str, dict[str, list[str]]] = {digest: {name: [] for name in all_runs.GRAIN_FILES} for digest in fields}
    for table in schema.GRAIN_TABLES.values():
        for row in rows(engine.query(all_runs.field_counts(table))):
            fields[row.pop("digest")] |= {f"{table.name}.{name}" for name, count in row.items() if count}
        for row in rows(engine.query(all_runs.extras(table))):
            extras[row["digest"]][table.name].append(row["extra"])
    for digest, texts in extras.items():
        fields[digest] |= unknown_fields(texts)
    texts = build(
        _PAYLOADS,
        {
            "digest": [row["digest"] for row in fresh],
            "stored_in": [run_id] * len(fresh),
            "payload_digest": [row["payload_digest"] for row in fresh],
            "fields": [json.dumps(sorted(fields[row["digest"]])) for row in fresh],
        },
    )
    bodies = [snapshot.payloads[row["server"]] for row in fresh]
    offsets = array("q", accumulate(map(len, bodies), initial=0))
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(bodies))]
    body = pa.Array.from_buffers(pa.large_binary(), len(bodies), buffers)
    return texts.append_column("body", body).select(ARROW["payloads"].names)
