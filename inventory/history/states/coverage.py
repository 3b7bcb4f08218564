"""How much of a period was read of each server: on how many days, and how long it was silent."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from inventory.history.periods import Period
from inventory.schema.derived import COVERAGE
from inventory.tables import Row, table_of


def coverage_rows(
    servers: Mapping[str, datetime | None],
    asked: Mapping[str, Row],
    known_before: Collection[str],
    period: Period,
    now: datetime,
) -> pa.Table:
    """Build one row per server of the state at the end of a period; columns of ``derived.COVERAGE``.

    Args:
        servers: when each of those servers was read last.
        asked: what the runs of the period say of them, by server; a server that none of them asked has no row.
        known_before: the servers that were asked before the period.
        period: the period.
        now: the present time: a period that is not over ends here.
    """
    end = min(period.end, now)
    rows = []
    for name, last_read in servers.items():
        counts = asked.get(name, {})
        start, first_day = period.start, period.days[0]
        if counts and name not in known_before:
            start, first_day = counts["first_asked"], date.fromisoformat(counts["first_day"])
        rows.append(
            {
                "server": name,
                "days": max((period.last_day - first_day).days + 1, 0),
                "days_read": counts.get("days_read", 0),
                "runs_asked": counts.get("runs_asked", 0),
                "runs_read": counts.get("runs_read", 0),
                "longest_silence": round(_longest_silence(counts, start, end) / timedelta(days=1), 3),
                "last_read": last_read,
            }
        )
    return table_of(COVERAGE, rows)


def _longest_silence(counts: Mapping[str, Any], start: datetime, end: datetime) -> timedelta:
    """Return the longest time without a complete answer, counted from the beginning and to the end of the period."""
    if not counts.get("first_read"):
        return max(end - start, timedelta())
    gaps: list[timedelta] = [counts["first_read"] - start, end - counts["last_read"]]
    if counts["gap_start"]:
        gaps.append(counts["gap_end"] - counts["gap_start"])
    return max(*gaps, timedelta())
