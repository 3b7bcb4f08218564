"""Record the tables of a run: new responses once, one row for each server, the observations last."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.collection.repeats import with_observations
from inventory.history import run_log
from inventory.history.compaction import compact_many
from inventory.history.new_rows import new_files
from inventory.history.reader import RunHistory
from inventory.history.states.states import span
from inventory.history.storage.data_file import KINDS
from inventory.history.storage.store import Store
from inventory.run_ids import AHEAD, limit_of, time_of
from inventory.tables import RunTables, column_of, rows, span_of

_RECENT = 30  # runs searched for an answer that comes back: with all of them, each run would cost more than the last


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
    digests = observations.column("digest")
    with store.run_marker(run_id):  # guard: a run says that it is being written
        before, stored_in = store.retry_if_changed(lambda: _before(history, digests))
        files = {}
        if stored_in.null_count > digests.null_count:
            is_new = stored_in.is_null()
            new = rows(observations.filter(is_new).select(["digest", "server", "payload_digest"]))
            fresh = {row["digest"]: row for row in sorted(new, key=lambda row: row["digest"] or "") if row["digest"]}
            for kind, table in new_files(snapshot, fresh, run_id).items():
                files[kind] = store.write(kind, run_id, table)
            stored_in = _filled(stored_in, digests, dict.fromkeys(fresh, run_id))
        place = observations.column_names.index("stored_in")
        table = observations.set_column(place, observations.schema.field(place), stored_in)
        first_and_last = [f"{moment:%Y-%m-%dT%H:%M:%S.%f+00:00}" for moment in span_of(observations, "observed_at")]
        state = run_log.checkpoint(store.folder)
        about: dict[str, Any] = {"files": files, "previous": before, "journal": state, "span": first_and_last}
        if history.collector:
            about["collector"] = history.collector
        store.write("observations", run_id, table, **about)
    return table


def _before(history: RunHistory, digests: pa.ChunkedArray) -> tuple[dict[str, str] | None, pa.ChunkedArray]:
    """Return the previous run with the SHA-256 of its file, if any, and the run that holds the response of each digest.

    A response that no run holds is new, was last given long ago, or is no longer complete.
    """
    store = history.store
    runs = history.dated()
    if not runs:
        return None, pa.chunked_array([pa.nulls(len(digests), pa.string())])
    last = store.read("observations", runs[-1])
    known, stored_in = last.table(["digest", "stored_in"]).columns
    if not known.equals(digests):  # else nothing has to be imported to compare them
        from pyarrow import compute

        stored_in = stored_in.take(compute.index_in(digests, value_set=known.combine_chunks()))
    holding = set(stored_in.to_pylist()) - {None}
    if incomplete := holding - _whole(store, holding):
        from pyarrow import compute

        is_whole = compute.invert(
            compute.is_in(stored_in, value_set=column_of(schema.TEXT, incomplete).combine_chunks())
        )
        stored_in = compute.if_else(is_whole, stored_in, pa.nulls(1, pa.string())[0])
    # not those of pruned runs, even if they are still here: they may be about to go
    if stored_in.null_count > digests.null_count and (recent := sorted(_whole(store, runs) & set(runs))[-_RECENT:]):
        stored_in = _filled(stored_in, digests, _stored(store, digests.filter(stored_in.is_null()), recent))
    return {"run_id": runs[-1], "sha256": last.sha256}, stored_in


def _stored(store: Store, digests: pa.ChunkedArray, run_ids: Sequence[str]) -> dict[str, str]:
    """Return by digest the first of some runs that stored each response; without those that none of them stored."""
    from pyarrow import compute

    holders: dict[str, str] = {}
    wanted = digests.unique()
    for run_id, payloads in zip(run_ids, store.read_all("payloads", run_ids), strict=True):
        stored = payloads.table(["digest"]).column("digest")
        holders = dict.fromkeys(stored.filter(compute.is_in(stored, value_set=wanted)).to_pylist(), run_id) | holders
    return holders


def _filled(stored_in: pa.ChunkedArray, digests: pa.ChunkedArray, holders: Mapping[str, str]) -> pa.ChunkedArray:
    """Fill in the run that holds each response for which none was known."""
    from pyarrow import compute

    places = compute.index_in(digests, value_set=column_of(schema.TEXT, holders).combine_chunks())
    return compute.coalesce(stored_in, column_of(schema.TEXT, holders.values()).take(places))


def _whole(store: Store, run_ids: Collection[str]) -> set[str]:
    """Return those runs whose files of bodies and rows are all still there."""
    return set.intersection(*(set(store.where(kind, run_ids)) for kind in KINDS[1:]))
