"""Which run a text means: ``latest``, ``previous``, ``latest~N``, a run id or its beginning, a date or a time.

Also which runs are misdated: dated more than an hour later than it is. No word and no date means one of them.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches

from inventory.errors import ConfigurationError
from inventory.run_ids import misdated, time_of

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_BACK = re.compile(r"latest~([0-9]{1,9})")
_AGO = re.compile(r"([0-9]{1,5})(d|w|mo)")
_WORDS = ("latest", "previous", "first", "yesterday", "latest~1", "live")
_NUMBERS = re.compile(r"[0-9]{1,4}([./ -])[0-9]{1,2}\1[0-9]{1,4}")  # a date as people write it
_FORMS = (
    "%d.%m.%Y",
    "%d.%m.%y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d-%m-%Y",
    "%Y-%m-%d",
    "%d %m %Y",
    "%Y %m %d",
)
_HOW = "A date is written 2026-03-29, a time 2026-03-29T06:00"


def resolve(text: str, run_ids: Sequence[str], zone: tzinfo | None = None, now: datetime | None = None) -> str:
    """The run that a text means.

    Args:
        text: a reference.
        run_ids: all runs, oldest first.
        zone: the zone of a time that names none; the system's by default.
        now: the present time, by which a run may be misdated; without it every date is believed, and nothing is ago.

    Raises:
        ConfigurationError: it means none, or more than one; the error says how a date is written, and what there is.
    """
    if (run_id := _by_id(text, run_ids)) is not None:
        return run_id
    wrong = set(misdated(run_ids, now)) if now else set()
    dated = [run_id for run_id in run_ids if run_id not in wrong]
    back = {"latest": 0, "previous": 1, "first": len(dated) - 1}.get(text)
    if found := _BACK.fullmatch(text):
        back = int(found[1])
    if back is not None:
        if 0 <= back < len(dated):
            return dated[-1 - back]
        raise _unknown(text, dated, len(wrong))
    moment = _moment(text, zone, now)
    earlier = [run_id for run_id in dated if moment is not None and time_of(run_id) <= moment]
    if not earlier:
        raise _unknown(text, dated, len(wrong))
    return earlier[-1]


def resolve_dated(text: str, run_ids: Sequence[str], now: datetime) -> str:
    """The run that a text means, which is no misdated one: that is no part of any state.

    Raises:
        ConfigurationError: it means none, more than one, or one that is misdated.
    """
    run_id = resolve(text, run_ids, now=now)
    if misdated([run_id], now):
        raise ConfigurationError(
            f"the run {run_id} is misdated: its clock was ahead, so it is compared with nothing",
            f"See what it read: lms-inventory show {run_id}; or remove it: lms-inventory prune --run {run_id}",
        )
    return run_id


def run_named(text: str, run_ids: Sequence[str]) -> str:
    """The run with an id, or with an id that begins so; words and dates mean none.

    Raises:
        ConfigurationError: there is none, or more than one.
    """
    if (run_id := _by_id(text, run_ids)) is not None:
        return run_id
    near = get_close_matches(text, run_ids, 3)
    advice = f"The nearest: {', '.join(near)}" if near else "See the ids: lms-inventory history --json"
    raise ConfigurationError(f"there is no run with the id {text!r}", advice)


def moment_of(text: str, zone: tzinfo | None = None) -> datetime:
    """The time that a text means: a date (its beginning) or a time; without a zone it is local.

    Raises:
        ConfigurationError: it is neither.
    """
    moment = _written(text, zone, end_of_day=False)
    if moment is None:
        raise ConfigurationError(
            f"{text!r} is neither a date nor a time", f"Write 2026-11-23 or 2026-11-23T06:00Z{_meant(text)}"
        )
    return moment


def _by_id(text: str, run_ids: Sequence[str]) -> str | None:
    begun = [run_id for run_id in run_ids if len(text) >= 4 and run_id.startswith(text)]
    if len(begun) > 1:
        raise ConfigurationError(f"{text!r} is the beginning of {len(begun)} runs", f"Say more of it: {_some(begun)}")
    return begun[0] if begun else None


def _moment(text: str, zone: tzinfo | None, now: datetime | None) -> datetime | None:
    """The end of what a text means: of a date its day, of a month its last day; what is ago is counted from now."""
    try:
        if now is not None and text == "yesterday":
            return _written(f"{now.astimezone(zone).date() - timedelta(days=1)}", zone)
        if now is not None and (ago := _AGO.fullmatch(text)):
            number = int(ago[1])
            if ago[2] != "mo":
                return now - timedelta(days=number * {"d": 1, "w": 7}[ago[2]])
            local = now.astimezone(zone)
            first = _months_later(local, -number)
            last_day = (_months_later(first, 1) - timedelta(days=1)).day
            return first.replace(day=min(local.day, last_day)).astimezone(UTC)
        if _MONTH.fullmatch(text):
            last = _months_later(datetime.fromisoformat(f"{text}-01"), 1) - timedelta(days=1)
            return _written(f"{last.date()}", zone)
    except (ValueError, OverflowError):
        return None
    return _written(text, zone)


def _months_later(moment: datetime, number: int) -> datetime:
    months = moment.year * 12 + moment.month - 1 + number
    return moment.replace(year=months // 12, month=months % 12 + 1, day=1)


def _written(text: str, zone: tzinfo | None, *, end_of_day: bool = True) -> datetime | None:
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


def _unknown(text: str, dated: Sequence[str], misdated: int = 0) -> ConfigurationError:
    """What is wrong with a reference, how one is written, where the history begins and ends, and what is near."""
    besides = f" besides {misdated} misdated" if misdated else ""
    if not dated:
        return ConfigurationError(
            f"there is no run {text!r}: the history is empty{besides}", "Take one: lms-inventory snapshot"
        )
    first, last = (f"{time_of(run_id):%Y-%m-%dT%H:%M:%SZ}" for run_id in (dated[0], dated[-1]))
    near = ", ".join(get_close_matches(text, [*_WORDS, *dated], 3))
    there = (
        f"There are {len(dated)}{besides}: {_some(dated)}; or say latest, previous, latest~N or a date. "
        f"The history begins {first} and ends {last}{f'. The nearest: {near}' if near else ''}"
    )
    if _looks_like_a_date(text) and _moment(text, UTC, None) is None:
        return ConfigurationError(f"{text!r} is no date", f"{_HOW}{_meant(text) or '.'} {there}")
    return ConfigurationError(f"there is no run {text!r}", there)


def _looks_like_a_date(text: str) -> bool:
    """Whether somebody may have meant a date: numbers between dots, slashes, dashes or spaces."""
    return bool(_NUMBERS.match(text) or _DATE.match(text) or re.fullmatch(r"[0-9]{4}-[0-9]{1,2}", text))


def _meant(text: str) -> str:
    """The date that somebody may have meant, as it is written here; of 3/4/2026 there are two."""
    dates = []
    for form in _FORMS:
        try:
            dates.append(f"{datetime.strptime(text[:10], form):%Y-%m-%d}")  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    return f": did you mean {' or '.join(dict.fromkeys(dates))}?" if dates else ""


def _some(run_ids: Sequence[str]) -> str:
    return ", ".join(run_ids) if len(run_ids) <= 6 else ", ".join([*run_ids[:2], "...", *run_ids[-3:]])
