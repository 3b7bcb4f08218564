"""Sizes and counts of many states, by group: how a fleet grew, without a hole where a server was not read.

One query gives all moments: an observation belongs to the states from its own run up to the first run with a later one.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from inventory import schema
from inventory.errors import ConfigurationError
from inventory.history.sql import all_runs, state
from inventory.history.states.states import States
from inventory.run_ids import time_of
from inventory.schema.derived import PANEL
from inventory.tables import Row, concat, rows, table_of, total_of, values

_NUMBERS = ("servers", "model_count", "instance_count", "size_bytes")
_GROUPS = tuple(
    column.name for column in schema.MODELS.response_columns if column.kind in (schema.TEXT, schema.BOOLEAN)
)


def panel(states: States, moments: Sequence[datetime], by: str | None) -> pa.Table:
    """Count the models of the state at several moments, by group.

    Args:
        states: the states of the history.
        moments: times in UTC; each means the state after the last run by then, and has no rows before the first run.
        by: None for one group, ``server``, a column of the models such as ``publisher``, or ``label:NAME``.

    Returns:
        One row per moment and group, oldest first; columns of ``PANEL``.

    Raises:
        ConfigurationError: there is no such group.
    """
    last_runs = {f"{moment:%Y-%m-%dT%H:%M:%S.%f}": _last_run(states.run_ids, moment) for moment in moments}
    wanted = {moment: run_id for moment, run_id in last_runs.items() if run_id}
    if not wanted:
        return concat(PANEL, [])
    newest = max(wanted.values())
    until = states.bound(newest)
    engine = states.over([run_id for run_id in states.run_ids if run_id <= newest])
    engine.add("moments", states.retirement.moments(wanted))
    engine.add("retirements", states.retirement.table())
    label = by.removeprefix("label:") if by and by.startswith("label:") else None
    if by is None or by == "server" or label is not None:
        group = "labels" if label is not None else "server" if by else "CAST(NULL AS STRING)"
        result = rows(engine.query(state.panel(until, group, state.BY_SERVER)))
    elif by in _GROUPS:
        stored = values(engine.query(all_runs.holding(until, selected=False)), "stored_in")
        engine.open("models", states.store.checked("models", stored))
        result = rows(engine.query(state.panel(until, f"CAST({by} AS STRING)", state.BY_MODEL))) if stored else []
    else:
        raise ConfigurationError(
            f"there is no group {by!r}", f"Give server, label:NAME or one of: {', '.join(_GROUPS)}"
        )
    if label is not None:
        result = _by_label(result, label)
    return table_of(PANEL, [row | {"moment": datetime.fromisoformat(f"{row['moment']}+00:00")} for row in result])


def _by_label(groups: Sequence[Row], label: str) -> list[Row]:
    """Add up groups of servers with the same labels to groups with the same value of one label."""
    sums: dict[tuple[str, str | None], Row] = {}
    for row in groups:
        name = json.loads(row["name"] or "{}").get(label)
        total = sums.setdefault((row["moment"], name), row | {"name": name} | dict.fromkeys(_NUMBERS))
        for number in _NUMBERS:
            total[number] = total_of([value for value in (total[number], row[number]) if value is not None] or [None])
    return [sums[place] for place in sorted(sums, key=lambda place: (place[0], place[1] or ""))]


def _last_run(run_ids: Sequence[str], moment: datetime) -> str | None:
    last = bisect_right(run_ids, moment, key=time_of)
    return run_ids[last - 1] if last else None
