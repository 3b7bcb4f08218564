"""The responses that differ from the one before: the query says what a walk over all observations says."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from inventory.history.engines import open_engine
from inventory.history.sql import all_runs
from inventory.history.sql.state import Until
from inventory.schema import OBSERVATIONS
from inventory.tables import rows, table_of, texts_table

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = Until("r7", FIRST + timedelta(hours=6))
_ANSWERS = st.lists(
    st.tuples(
        st.sampled_from("aab"),
        st.sampled_from("xxyz"),
        st.sampled_from(["ok", "ok", "ok", "timeout"]),
        st.integers(-2, 0),
        st.sampled_from(["r0", "r0", "r1"]),
    ),
    min_size=3,
    max_size=12,
)


def observations(answers: list[tuple[str, str, str, int, str]]) -> list[dict[str, Any]]:
    """Return the observations of runs an hour apart, of which some overlap."""
    return [
        {
            "server": server,
            "run_id": f"r{number}",
            "observed_at": FIRST + timedelta(hours=number + late),
            "digest": digest,
            "stored_in": holder,
            "status": status,
        }
        for number, (server, digest, status, late, holder) in enumerate(answers)
    ]


def walked(observed: list[dict[str, Any]], since: datetime | None, server: str | None) -> list[dict[str, Any]]:
    """Put the complete observations of each server in order, and compare each with the one before."""
    differing = []
    for name in "ab":
        own = [row for row in observed if row["server"] == name == (server or name) and row["status"] == "ok"]
        own = [row for row in own if row["run_id"] <= UNTIL.run_id and row["observed_at"] <= UNTIL.moment]
        for old, new in pairwise(sorted(own, key=lambda row: (row["observed_at"], row["run_id"]))):
            if old["digest"] != new["digest"] and (since is None or new["observed_at"] >= since):
                before = {f"old_{field}": old[field] for field in ("digest", "stored_in")}
                differing.append({**new, **before, "previous_run_id": old["run_id"]})
    return sorted(differing, key=lambda row: (row["observed_at"], row["run_id"], row["server"]))


@example([("a", digest, "ok", late, "r0") for digest, late in zip("xxyxy", (0, 0, 0, -1, 0), strict=True)], None, None)
@settings(max_examples=20)
@given(_ANSWERS, st.sampled_from([None, FIRST + timedelta(hours=3)]), st.sampled_from([None, "a"]))
def test_each_response_that_differs(
    answers: list[tuple[str, str, str, int, str]], since: datetime | None, server: str | None
) -> None:
    """Also where a response comes back, runs overlap, and two observations were made at the same moment."""
    observed = observations(answers)
    engine = open_engine("duckdb")
    full = [dict.fromkeys(OBSERVATIONS.names) | row for row in observed]
    engine.add("observations", table_of(OBSERVATIONS, full))
    engine.add("wanted", texts_table(server=[server] if server else []))
    actual = rows(engine.query(all_runs.transitions(UNTIL, since, selected=server is not None)))
    names = [*actual[0]] if actual else []
    assert actual == [{name: row[name] for name in names} for row in walked(observed, since, server)]
