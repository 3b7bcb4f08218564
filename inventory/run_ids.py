"""Run ids: made, read, and compared with the clock. Their order as texts is the order of their times."""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{4}")
AHEAD = timedelta(hours=1)
"""How far a run's date may lie beyond the present clock: clocks are put back, and those of two machines differ."""


def utc_now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


def new_run_id(moment: datetime) -> str:
    """Make a run's id, which sorts by time and cannot collide, such as ``20261123T060004.123456Z-3f9a``."""
    return f"{begin_of(moment)}-{secrets.token_hex(2)}"


def time_of(run_id: str) -> datetime:
    """Return the time at which a run began, in UTC."""
    return datetime.fromisoformat(run_id[:23])


def misdated(run_ids: Sequence[str], now: datetime) -> list[str]:
    """Return the runs that are dated more than an hour ahead of the clock.

    Once its date has passed such a run counts as one of that date: whoever does not want that removes it before.

    Args:
        run_ids: all runs.
        now: the present time.
    """
    limit = f"{begin_of(limit_of(now))}~"
    return [run_id for run_id in run_ids if run_id > limit]


def begin_of(moment: datetime) -> str:
    """Return how the ids of runs begin that began at a time in UTC, so that ids can be compared with it as texts."""
    return f"{moment:%Y%m%dT%H%M%S.%fZ}"


def limit_of(now: datetime) -> datetime:
    """Return the latest date that is believed, in UTC."""
    return min(now.astimezone(UTC), datetime.max.replace(tzinfo=UTC) - AHEAD) + AHEAD
