"""References to runs: ``latest``, ``previous``, ``latest~N``, a run id or its prefix, a date or a time.

Also misdated runs: those dated more than an hour ahead of the clock. No word and no date refers to one of them.
Dates, and times that name no zone, are those of the system's time zone, which is the reader's.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from inventory.errors import ConfigurationError
from inventory.run_ids import misdated, time_of

_TIME = re.compile(
    r"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?)"
    r"(?P<offset>Z|[+-][0-9]{2}(:?[0-9]{2})?)?( (?P<name>[A-Za-z0-9+-]{1,10}))?"
)
_MICROSECOND = timedelta(microseconds=1)
_PRECISION = (
    timedelta(days=1) - _MICROSECOND,
    timedelta(minutes=1) - _MICROSECOND,
    timedelta(seconds=1) - _MICROSECOND,
    timedelta(),
)
"""How long a date, a minute, a second and a fraction of one last, by the colons in its text."""

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


def resolve(text: str, run_ids: Sequence[str], now: datetime) -> str:
    """Resolve a reference to a run.

    Args:
        text: a reference.
        run_ids: all runs, oldest first.
        now: the present time, by which a run may be misdated, and from which ages are counted back.

    Raises:
        ConfigurationError: it matches no run, or several; the error says how a date is written and which runs exist.
    """
    if (run_id := _by_id(text, run_ids)) is not None:
        return run_id
    ahead = set(misdated(run_ids, now))
    dated = [run_id for run_id in run_ids if run_id not in ahead]
    back = {"latest": 0, "previous": 1, "first": len(dated) - 1}.get(text)
    if match := _BACK.fullmatch(text):
        back = int(match[1])
    if back is not None:
        if 0 <= back < len(dated):
            return dated[-1 - back]
        raise _unknown(text, dated, len(ahead))
    moment = _parse_moment(text, now)
    earlier = [run_id for run_id in dated if moment is not None and time_of(run_id) <= moment]
    if not earlier:
        raise _unknown(text, dated, len(ahead))
    return earlier[-1]


def resolve_dated(text: str, run_ids: Sequence[str], now: datetime) -> str:
    """Resolve a reference to a run that is not misdated, as a misdated one is no part of any state.

    Raises:
        ConfigurationError: it matches no run, several, or a misdated one.
    """
    run_id = resolve(text, run_ids, now)
    if misdated([run_id], now):
        raise ConfigurationError(
            f"the run {run_id} is misdated: its clock was ahead, so it cannot be compared",
            f"Show what it read: lms-inventory show {run_id}; or remove it: lms-inventory prune --run {run_id}",
        )
    return run_id


def run_named(text: str, run_ids: Sequence[str]) -> str:
    """Return the run with an id or a prefix of it; words and dates match none.

    Raises:
        ConfigurationError: there is none, or there are several.
    """
    if (run_id := _by_id(text, run_ids)) is not None:
        return run_id
    near = get_close_matches(text, run_ids, 3)
    advice = f"The nearest: {', '.join(near)}" if near else "See the ids: lms-inventory history --json"
    raise ConfigurationError(f"there is no run with the id {text!r}", advice)


def moment_of(text: str, now: datetime | None = None) -> datetime:
    """Parse a moment from which on something is wanted: of a date, a month or yesterday the beginning.

    Args:
        text: a date, a month, a time, ``yesterday``, or an age such as ``7d``.
        now: the present time, from which ages are counted back; without it they are unknown.

    Raises:
        ConfigurationError: the text is none of these.
    """
    if _AGO.fullmatch(text):
        moment = _parse_moment(text, now)
    else:
        moment = _parse_time(f"{text}-01" if _MONTH.fullmatch(text) else _day(text, now), end=False)
    if moment is None:
        raise ConfigurationError(
            f"{text!r} is neither a date nor a time",
            f"Write 2026-11-23, 2026-11, 2026-11-23T06:00Z, yesterday or 7d{_suggestion(text)}",
        )
    return moment


def span_of(text: str) -> tuple[datetime, datetime]:
    """Parse a month, a day, a minute, a second or a finer time: when it begins, and when the next one does.

    Args:
        text: such as ``2026-11``, ``2026-11-28`` or, as it is printed, ``2026-11-28 07:00 CET``.

    Raises:
        ConfigurationError: the text is none of these.
    """
    last = _parse_moment(text)
    if last is None:
        raise ConfigurationError(f"{text!r} is not a time", f"Write 2026-11-28 or 2026-11-28 07:00{_suggestion(text)}")
    return moment_of(text), last + _MICROSECOND


def _by_id(text: str, run_ids: Sequence[str]) -> str | None:
    matches = [run_id for run_id in run_ids if len(text) >= 4 and run_id.startswith(text)]
    if len(matches) > 1:
        raise ConfigurationError(f"{text!r} matches {len(matches)} runs", f"Use a longer prefix: {_abridged(matches)}")
    return matches[0] if matches else None


def _parse_moment(text: str, now: datetime | None = None) -> datetime | None:
    """Parse a date or a month (its end), a time, or an age such as ``7d``, counted back from now."""
    try:
        if now is not None and (ago := _AGO.fullmatch(text)):
            number = int(ago[1])
            if ago[2] != "mo":
                return now - timedelta(days=number * {"d": 1, "w": 7}[ago[2]])
            local = now.astimezone()
            first = _months_later(local, -number)
            last_day = (_months_later(first, 1) - timedelta(days=1)).day
            return first.replace(day=min(local.day, last_day)).astimezone(UTC)
        if _MONTH.fullmatch(text):
            last = _months_later(datetime.fromisoformat(f"{text}-01"), 1) - timedelta(days=1)
            return _parse_time(f"{last.date()}")
    except (ValueError, OverflowError):
        return None
    return _parse_time(_day(text, now))


def _day(text: str, now: datetime | None) -> str:
    """Return the date of yesterday, and any other text as it is."""
    return f"{now.astimezone().date() - timedelta(days=1)}" if now and text == "yesterday" else text


def _months_later(moment: datetime, number: int) -> datetime:
    months = moment.year * 12 + moment.month - 1 + number
    return moment.replace(year=months // 12, month=months % 12 + 1, day=1)


def _parse_time(text: str, *, end: bool = True) -> datetime | None:
    """Parse a date or a time: its end, so that what is printed without fractions means the run of that second.

    Args:
        text: such as ``2026-11-28``, ``2026-11-28T07:00Z`` or, as it is printed, ``2026-11-28 07:00:04 CET``.
        end: whether the end is meant: of the day, the minute or the second.
    """
    if not (match := _TIME.fullmatch(text)):
        return None
    try:
        moment = datetime.fromisoformat(match["time"] + (match["offset"] or ""))
        if end:
            moment += _PRECISION[match["time"].count(":") if "." not in match["time"] else 3]
        if match["name"]:
            return _named_zone(moment, match["name"])
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _named_zone(moment: datetime, name: str) -> datetime | None:
    """Return a time whose zone is an abbreviation: UTC, or the name of the zone at that time, in either fold."""
    if name in ("UTC", "GMT"):
        return moment.replace(tzinfo=UTC)
    for fold in (0, 1):
        local = moment.replace(fold=fold).astimezone()
        if local.tzname() == name:
            return local.astimezone(UTC)
    return None


def _unknown(text: str, dated: Sequence[str], misdated: int = 0) -> ConfigurationError:
    """Return the error for an unknown reference: how one is written, the range of the history, and the nearest runs."""
    besides = f" besides {misdated} misdated" if misdated else ""
    if not dated:
        return ConfigurationError(
            f"there is no run {text!r}: the history is empty{besides}", "Record one: lms-inventory snapshot"
        )
    first, last = (f"{time_of(run_id):%Y-%m-%dT%H:%M:%SZ}" for run_id in (dated[0], dated[-1]))
    near = ", ".join(get_close_matches(text, [*_WORDS, *dated], 3))
    advice = (
        f"There are {len(dated)}{besides}: {_abridged(dated)}; or use latest, previous, latest~N or a date. "
        f"The history begins {first} and ends {last}{f'. The nearest: {near}' if near else ''}"
    )
    if _looks_like_a_date(text) and _parse_moment(text) is None:
        return ConfigurationError(f"{text!r} is not a date", f"{_HOW}{_suggestion(text) or '.'} {advice}")
    return ConfigurationError(f"there is no run {text!r}", advice)


def _looks_like_a_date(text: str) -> bool:
    """Return whether a text may be meant as a date: numbers between dots, slashes, dashes or spaces."""
    return bool(_NUMBERS.match(text) or _DATE.match(text) or re.fullmatch(r"[0-9]{4}-[0-9]{1,2}", text))


def _suggestion(text: str) -> str:
    """Suggest the date that was meant, as it is written here; 3/4/2026 may be two."""
    dates = []
    for form in _FORMS:
        try:
            dates.append(f"{datetime.strptime(text[:10], form):%Y-%m-%d}")  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    return f": did you mean {' or '.join(dict.fromkeys(dates))}?" if dates else ""


def _abridged(run_ids: Sequence[str]) -> str:
    return ", ".join(run_ids) if len(run_ids) <= 6 else ", ".join([*run_ids[:2], "...", *run_ids[-3:]])
