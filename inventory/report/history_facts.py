"""What a history tells about the models, servers and changes of a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from inventory.columns import encoded, row_numbers
from inventory.schema import derived
from inventory.tables import Row, is_known

CHANGED = ("server", "grain", "key", "ordinal", "instance_id", "instance_ordinal", "field")
"""The columns by which a change is found again in the timeline."""

_COUNTS = ("model_count", "instance_count", "size_bytes")


@dataclass(frozen=True)
class HistoryFacts:
    """What a history tells.

    Attributes:
        lives: when each model was first seen and last loaded: columns of ``LIFECYCLE``; None without a history.
        servers: rows of ``derived.SERVERS``.
        seen: the changes that runs saw, the newest first, with ``CHANGED`` and ``run_id``; None if nothing is compared.
    """

    lives: pa.Table | None = None
    servers: Sequence[Row] = ()
    seen: pa.Table | None = None


def known_of(content: pa.Table, facts: pa.Table, names: Sequence[str], wanted: Sequence[str]) -> pa.Table:
    """Return what is known about each row of a table: some columns of the first row of others with the same names.

    Args:
        content: the rows.
        facts: the other rows.
        names: the columns that tell which row is about which.
        wanted: the columns that are returned; null where nothing is known.
    """
    from pyarrow import compute

    both = pa.concat_tables([encoded(facts.select(names)), encoded(content.select(names))])
    numbers = row_numbers(both.unify_dictionaries())
    places = compute.index_in(numbers.slice(facts.num_rows), value_set=numbers.slice(0, facts.num_rows))
    return facts.select(wanted).take(places)


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
