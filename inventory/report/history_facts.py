"""What a history tells about the models, servers and changes of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from inventory.schema import derived
from inventory.tables import is_known

Row = dict[str, Any]

CHANGED = ("server", "grain", "key", "ordinal", "instance_id", "instance_ordinal", "field")
"""The columns by which a change is found again in the timeline."""

_COUNTS = ("model_count", "instance_count", "size_bytes")


@dataclass(frozen=True)
class HistoryFacts:
    """What a history tells.

    Attributes:
        lives: when each model, by server and key, was first seen and last seen loaded (UTC; None if never).
        servers: rows of ``derived.SERVERS``.
        seen_in: the run that saw each change last, by the values of ``CHANGED``.
    """

    lives: Mapping[tuple[str, str], tuple[datetime | None, datetime | None]] = field(default_factory=dict)
    servers: Sequence[Row] = ()
    seen_in: Mapping[tuple[Any, ...], str] = field(default_factory=dict)


def servers_of(observations: Sequence[Row], facts: HistoryFacts, now: datetime | None) -> list[Row]:
    """Make a row for each server; what only a history can tell is null without one.

    Args:
        observations: the observations of the report.
        facts: what the history tells.
        now: the time from which days of silence are counted; None if it is not known.

    Returns:
        Rows of ``derived.SERVERS``, in the order of the observations.
    """
    known = {row["server"]: row for row in facts.servers}
    return [known.get(row["server"]) or _server(row, now) for row in observations]


def _server(observation: Row, now: datetime | None) -> Row:
    """Make the row of a server out of its observation alone."""
    last_read = (observation["as_of"] or observation["observed_at"]) if is_known(observation) else None
    row = dict.fromkeys(derived.SERVERS.names) | {name: observation[name] for name in ("server", "url", "labels")}
    row |= {"status": observation["status"], "error": observation["error"], "last_read": last_read}
    row |= {"last_asked": observation["observed_at"]}
    if last_read and now:
        row["days_silent"] = round((now - last_read) / timedelta(days=1), 3)
    return row | ({name: observation[name] for name in _COUNTS} if is_known(observation) else {})
