"""What ``sql/state.py`` asks for a state or a difference, answered in Python where few observations are read.

To load an engine would take longer than everything else that a cold command does with one server, or with ten.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from inventory.history.sql.state import EITHER, RESPONSE, Until
from inventory.history.states.retirement import Retirement
from inventory.schema import TEXT, TIME
from inventory.tables import column_of

Row = dict[str, Any]

FEW = 2_000
"""Rows up to which Python is faster than loading an engine."""

FEW_RUNS = 4
"""Runs up to which their observations are read as a whole, to leave out those of servers that are the same in all."""

_ANSWER = ("digest", "stored_in", "observed_at")
COLUMNS = ["server", "run_id", "status", *_ANSWER]
"""The columns of the observations that are needed."""


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


def differing_states(observed: Sequence[Row], old: Until, new: Until) -> list[Row]:
    """Return what the query of this name returns."""
    after, before = (
        _last_ok(observed, until, {row["server"] for row in observed if _is_read(row, begin, until.run_id)})
        for until, begin in ((new, old.run_id), (old, old.run_id))
    )
    result = []
    for server, row in sorted(after.items()):
        earlier = before.get(server, {})
        if earlier.get("digest") != row["digest"]:
            answers = {name: row[name] for name in _ANSWER} | {f"old_{name}": earlier.get(name) for name in _ANSWER}
            result.append({"server": server, **answers})
    return result


def not_read(observed: Iterable[Row], old: str, new: str) -> list[Row]:
    """Return what the query of this name returns."""
    attempts: dict[str, list[Row]] = {}
    for row in observed:
        if old < row["run_id"] <= new if old < new else row["run_id"] == new:
            attempts.setdefault(row["server"], []).append(row)
    return [
        {"server": server, "status": max(rows, key=_moment)["status"]}
        for server, rows in sorted(attempts.items())
        if all(row["status"] != "ok" for row in rows)
    ]


def state_rows(
    observed: Sequence[Row], until: Until, retirement: Retirement, servers: Collection[str] | None = None
) -> list[Row]:
    """Return what the query of this name returns.

    Args:
        observed: all observations.
        until: the run, and the latest time that counts.
        retirement: which servers leave the state.
        servers: only these.
    """
    counting = [row for row in observed if row["run_id"] <= until.run_id and row["observed_at"] <= until.moment]
    attempts: dict[str, Row] = {}
    for row in counting:
        attempts[row["server"]] = max(attempts.get(row["server"], row), row, key=_moment)
    responses = _last_ok(counting, until, attempts.keys())
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


def _is_read(row: Row, first: str, last: str) -> bool:
    return bool(row["status"] == "ok") and first <= row["run_id"] <= last


def _last_ok(observed: Iterable[Row], until: Until, servers: Collection[str]) -> dict[str, Row]:
    last: dict[str, Row] = {}
    for row in observed:
        server = row["server"]
        if server in servers and _is_read(row, "", until.run_id) and row["observed_at"] <= until.moment:
            last[server] = max(last.get(server, row), row, key=_moment)
    return last


def _moment(row: Row) -> tuple[Any, str]:
    return row["observed_at"], row["run_id"]
