"""What ``sql/state.py`` asks for a state or a difference, answered in Python where few observations are read.

To load an engine would take longer than everything else that a cold command does with one server, or with ten.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import pyarrow as pa

from inventory.history.sql.state import EITHER, RESPONSE, Until
from inventory.history.states.difference import Responses, StoredResponse, response_of
from inventory.history.states.retirement import Retirement
from inventory.schema import TEXT, TIME
from inventory.tables import Row, column_of

FEW = 2_000
"""Observations up to which Python is faster than loading an engine."""

FEW_RUNS = 4
"""Runs up to which it is for a difference, from which the servers are left out that are the same in all of them."""

COLUMNS = ["server", "run_id", "status", *StoredResponse._fields]
"""The columns of the observations that tell what differs."""


def of_unlike_servers(observed: pa.Table, first: str, limit: datetime) -> pa.Table:
    """Leave out the servers of which every observation is complete and has the digest of that in the first run."""
    from pyarrow import compute  # takes a while to import

    run, ok, latest = (column_of(kind, [value])[0] for kind, value in ((TEXT, first), (TEXT, "ok"), (TIME, limit)))
    before = observed.filter(compute.equal(observed.column("run_id"), run))
    places = compute.index_in(observed.column("server"), value_set=before.column("server").combine_chunks())
    same = compute.equal(before.column("digest").take(places), observed.column("digest"))
    same = compute.and_(same, compute.equal(observed.column("status"), ok))
    same = compute.and_(same, compute.less_equal(observed.column("observed_at"), latest))
    unlike = observed.column("server").filter(compute.or_kleene(compute.invert(same), same.is_null()))
    return observed.filter(compute.is_in(observed.column("server"), value_set=unlike.combine_chunks()))


def differing_states(observed: Sequence[Row], old: Until, new: Until) -> tuple[Responses, Responses]:
    """Return by server the responses of the newer state that differ, and those of the older one where there are any."""
    later, earlier = (_last_read(observed, old.run_id, until) for until in (new, old))
    later = {
        server: response
        for server, response in later.items()
        if server not in earlier or earlier[server].digest != response.digest
    }
    return later, {server: earlier[server] for server in later if server in earlier}


def not_read(observed: Iterable[Row], old: str, new: str) -> list[Row]:
    """Return the servers that no run between two read, each with the status of its last attempt."""
    asked = [row for row in observed if (old < row["run_id"] <= new if old < new else row["run_id"] == new)]
    read = {row["server"] for row in asked if row["status"] == "ok"}
    unread = _latest(row for row in asked if row["server"] not in read)
    return [{"server": server, "status": row["status"]} for server, row in sorted(unread.items())]


def state_rows(
    observed: Sequence[Row], until: Until, retirement: Retirement, servers: Collection[str] | None = None
) -> list[Row]:
    """Return a row for each server of a state: its newest attempt, with its last complete response.

    Args:
        observed: all observations.
        until: the run, and the latest time that counts.
        retirement: which servers leave the state.
        servers: only these.
    """
    counting = [row for row in observed if row["run_id"] <= until.run_id and row["observed_at"] <= until.moment]
    attempts, responses = _latest(counting), _latest(row for row in counting if row["status"] == "ok")
    retired_before = retirement.before(until.run_id)
    result = []
    for server, attempt in sorted(attempts.items()):
        by_name = any(name == server and attempt["run_id"] <= run <= until.run_id for name, run in retirement.named)
        is_silent = retired_before is not None and attempt["observed_at"] < retired_before
        if by_name or is_silent or (servers is not None and server not in servers):
            continue
        response = responses.get(server)
        row = attempt | {name: response and response[name] for name in RESPONSE}
        row |= {name: response[name] for name in EITHER} if response else {}
        result.append(row | {"as_of": response and response["observed_at"]})
    return result


def _last_read(observed: Iterable[Row], first: str, until: Until) -> dict[str, StoredResponse]:
    """Return the last complete responses of the servers that a run or a later one read."""
    complete = [row for row in observed if row["status"] == "ok" and row["run_id"] <= until.run_id]
    read = {row["server"] for row in complete if row["run_id"] >= first}
    last = _latest(row for row in complete if row["server"] in read and row["observed_at"] <= until.moment)
    return {server: response_of(row) for server, row in last.items()}


def _latest(observed: Iterable[Row]) -> dict[str, Row]:
    """Return the last observation of each server."""
    latest: dict[str, Row] = {}
    for row in observed:
        known = latest.get(row["server"])
        if known is None or (known["observed_at"], known["run_id"]) < (row["observed_at"], row["run_id"]):
            latest[row["server"]] = row
    return latest
