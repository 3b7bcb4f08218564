"""States for the tests of formats and reports: servers that were read now, earlier, or never."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from inventory import Snapshot, schema
from inventory.tables import table_of

NOW = datetime(2026, 11, 29, 6, 0, 4, tzinfo=UTC)
BEFORE = NOW - timedelta(days=2)
RUN, EARLIER = "20261129T060004.000000Z-3f9a", "20261127T060004.000000Z-1b2c"
WHAT = "state at 2026-11-29T06:00:04Z"


def observation(server: str, status: str = "ok", as_of: datetime | None = NOW, run: str = RUN) -> dict[str, Any]:
    """What a state says of a server: the newest attempt, and the time of the answer that its rows come from."""
    return dict.fromkeys(schema.OBSERVATIONS.names) | {
        "run_id": run,
        "server": server,
        "url": f"http://{server}:1234",
        "observed_at": as_of if status == "ok" else NOW,
        "as_of": as_of,
        "status": status,
        "error": None if status == "ok" else f"{server} gave no answer",
        "model_count": None if as_of is None else 1,
    }


def model(server: str, as_of: datetime = NOW) -> dict[str, Any]:
    """One row of the models."""
    return dict.fromkeys(schema.MODELS.names) | {
        "server": server,
        "key": f"model-of-{server}",
        "ordinal": 0,
        "size_bytes": 10**9,
        "loaded_instance_count": 0,
        "as_of": as_of,
    }


def with_tables(snapshot: Snapshot, **rows: list[dict[str, Any]]) -> Snapshot:
    """A state with other rows in some of its tables."""
    tables = {name: table_of(schema.TABLES[name], content) for name, content in rows.items()}
    return Snapshot({**snapshot.tables, **tables}, state_of=snapshot.state_of)


def state(*more: dict[str, Any], state_of: str = RUN) -> Snapshot:
    """The state of a server that was read, one that sleeps, one in doubt and one of another schedule."""
    observations = [
        observation("asleep", "timeout", BEFORE),
        observation("awake"),
        observation("doubted", "suspect", BEFORE),
        observation("weekly", as_of=BEFORE, run=EARLIER),
        *more,
    ]
    models = [model(row["server"], row["as_of"]) for row in observations if row["as_of"]]
    tables = {
        "observations": table_of(schema.OBSERVATIONS, observations),
        "models": table_of(schema.MODELS, models),
        "instances": table_of(schema.INSTANCES, []),
    }
    return Snapshot(tables, state_of=state_of)


NEVER = observation("new", "unreachable", None)


def carried(runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The sizes of the states after some runs of the same servers: those that a run did not read are as they were."""
    sizes: dict[str, dict[str, Any]] = {}
    state: dict[str, Any] = dict.fromkeys(("model_count", "instance_count", "size_bytes"))
    for run in runs:
        state = state if run["size_bytes"] is None else {name: run.get(name) for name in state}
        sizes[run["run_id"]] = state
    return sizes
