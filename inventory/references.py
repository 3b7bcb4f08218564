"""Which run a text means: ``latest``, ``previous``, ``latest~N``, a run id or its beginning, a date or a time."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from inventory.errors import ConfigurationError

RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{4}")

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BACK = re.compile(r"latest~([0-9]{1,9})")


def resolve(text: str, run_ids: Sequence[str], zone: tzinfo | None = None) -> str:
    """The run that a text means.

    Args:
        text: a reference.
        run_ids: all runs, oldest first.
        zone: the zone of a time that names none; the system's by default.

    Raises:
        ConfigurationError: it means none, or more than one; the error lists what there is.
    """
    back = {"latest": 0, "previous": 1}.get(text)
    if found := _BACK.fullmatch(text):
        back = int(found[1])
    if back is not None:
        if back < len(run_ids):
            return run_ids[-1 - back]
        raise _unknown(text, run_ids)
    begun = [run_id for run_id in run_ids if len(text) >= 4 and run_id.startswith(text)]
    if len(begun) > 1:
        raise ConfigurationError(f"{text!r} is the beginning of {len(begun)} runs", f"Say more of it: {_some(begun)}")
    if begun:
        return begun[0]
    moment = _moment(text, zone)
    if moment is None:
        raise _unknown(text, run_ids)
    earlier = [run_id for run_id in run_ids if time_of(run_id) <= moment]
    if not earlier:
        raise _unknown(text, run_ids)
    return earlier[-1]


def time_of(run_id: str) -> datetime:
    """When a run began, in UTC."""
    return datetime.strptime(run_id[:23], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)


def moment_of(text: str, zone: tzinfo | None = None) -> datetime:
    """The time that a text means: a date (its beginning) or a time; without a zone it is local.

    Raises:
        ConfigurationError: it is neither.
    """
    moment = _moment(text, zone, end_of_day=False)
    if moment is None:
        raise ConfigurationError(f"{text!r} is neither a date nor a time", "Write 2026-11-23 or 2026-11-23T06:00Z")
    return moment


def _moment(text: str, zone: tzinfo | None, *, end_of_day: bool = True) -> datetime | None:
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if _DATE.fullmatch(text) and end_of_day:
            moment += timedelta(days=1) - timedelta(microseconds=1)
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _unknown(text: str, run_ids: Sequence[str]) -> ConfigurationError:
    if not run_ids:
        return ConfigurationError(f"there is no run {text!r}: the history is empty", "Take one: lms-inventory snapshot")
    return ConfigurationError(
        f"there is no run {text!r}",
        f"There are {len(run_ids)}: {_some(run_ids)}; or say latest, previous, latest~N or a date",
    )


def _some(run_ids: Sequence[str]) -> str:
    return ", ".join(run_ids) if len(run_ids) <= 6 else ", ".join([*run_ids[:2], "...", *run_ids[-3:]])
