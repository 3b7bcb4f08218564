"""Periods of a history: the last day, week or month, a month or a week by name, or from one moment to another.

Days, weeks and months are those of the system's time zone; a week begins on Monday, as ISO 8601 has it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta

from inventory.errors import ConfigurationError
from inventory.run_ids import time_of
from inventory.text import local_text

WORDS = ("day", "week", "month")
"""The last whole one of each."""

_WEEK = re.compile(r"([0-9]{4})-?W([0-9]{1,2})", re.IGNORECASE)
_MONTH = re.compile(r"([0-9]{4})-([0-9]{1,2})")
_YEAR = re.compile(r"[0-9]{4}")
_BETWEEN = ".."
_MICROSECOND = timedelta(microseconds=1)
_HOW = "A period is day, week or month (the last whole one), 2026-11, 2026-W47, 2026-11-28 or FROM..TO"


@dataclass(frozen=True)
class Period:
    """A period of time.

    Attributes:
        name: what people call it, such as ``November 2026`` or ``2026-11-01 to 2026-11-15``.
        start: when it begins, in UTC.
        end: its last moment, in UTC.
        days: its local dates, without those that have not begun.
    """

    name: str
    start: datetime
    end: datetime
    days: tuple[date, ...]

    @property
    def last_day(self) -> date:
        """The date after which its files are named."""
        return self.days[-1]


def parse_period(text: str, now: datetime, time_of_ref: Callable[[str], datetime]) -> Period:
    """Parse a period.

    Args:
        text: such as ``month``, ``2026-11``, ``2026-W47`` or ``FROM..TO``; both ends of the last are a date, a week or
            a month, which is meant whole, or any reference to a run.
        now: the present time, in UTC.
        time_of_ref: the time of the run that a reference means; raises ConfigurationError.

    Raises:
        ConfigurationError: it is not a period, or it ends before it begins.
    """
    today = now.astimezone().date()
    if _BETWEEN in text:
        first, _, last = text.partition(_BETWEEN)
        return _between(first.strip() or "first", last.strip() or "latest", now, time_of_ref)
    named = _last_whole(text, today) or _calendar(text)
    if named is None:
        raise ConfigurationError(f"{text!r} is not a period", _HOW)
    name, first_day, last_day = named
    if first_day > today:
        raise ConfigurationError(f"the period {text} has not begun", f"Today is {today}. {_HOW}")
    return _period(name, _midnight(first_day), _end(last_day), now)


def runs_in(period: Period, run_ids: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the last run before a period, if there is one, and the runs within it, oldest first.

    Raises:
        ConfigurationError: there is no run within it.
    """
    within = [run_id for run_id in run_ids if period.start <= time_of(run_id) <= period.end]
    if not within:
        raise ConfigurationError(f"no run was made in the period {period.name}", span_text(run_ids))
    before = [run_id for run_id in run_ids if time_of(run_id) < period.start]
    return (before[-1] if before else None), within


def span_text(run_ids: Sequence[str]) -> str:
    """Say when a history begins and ends."""
    if not run_ids:
        return "The history is empty"
    first, last = (local_text(time_of(run_ids[place]), minutes=True) for place in (0, -1))
    return f"The history begins {first} and ends {last}"


def _between(first: str, last: str, now: datetime, time_of_ref: Callable[[str], datetime]) -> Period:
    begin, end = _calendar(first), _calendar(last)
    # A run at the beginning is the older side of the comparison, and so not within the period.
    start = _midnight(begin[1]) if begin else time_of_ref(first) + _MICROSECOND
    stop = _end(end[2]) if end else time_of_ref(last)
    if not begin and not end and stop == start - _MICROSECOND:
        raise ConfigurationError(
            f"the period {first}..{last} begins and ends with the same run",
            "Name two runs, or a date such as 2026-11-28",
        )
    if stop < start:
        raise ConfigurationError(f"the period {first}..{last} ends before it begins", "Write the earlier moment first")
    if start > now:
        raise ConfigurationError(f"the period {first}..{last} has not begun", _HOW)
    return _period(f"{first} to {last}", start, stop, now)


def _period(name: str, start: datetime, end: datetime, now: datetime) -> Period:
    first = start.astimezone().date()
    last = min(end, max(now, start)).astimezone().date()
    days = tuple(first + timedelta(days=number) for number in range((last - first).days + 1))
    return Period(name, start, end, days)


def _last_whole(text: str, today: date) -> tuple[str, date, date] | None:
    """Return the name, first and last day of the last whole day, week or month."""
    if text == "day":
        return _calendar(f"{today - timedelta(days=1)}")
    if text == "week":
        year, week, _ = (today - timedelta(days=7)).isocalendar()
        return _calendar(f"{year}-W{week:02}")
    if text == "month":
        return _calendar(f"{today.replace(day=1) - timedelta(days=1):%Y-%m}")
    return None


def _calendar(text: str) -> tuple[str, date, date] | None:
    """Return the name, first and last day of a date, a week, a month or a year; None for anything else.

    The first and the last year have no midnight in some time zones.
    """
    named = _calendar_days(text)
    return named if named and named[1].year > MINYEAR and named[2].year < MAXYEAR else None


def _calendar_days(text: str) -> tuple[str, date, date] | None:
    try:
        if match := _WEEK.fullmatch(text):
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            sunday = monday + timedelta(days=6)
            return f"{match[1]}-W{int(match[2]):02} ({_days(monday, sunday)})", monday, sunday
        if match := _MONTH.fullmatch(text):
            first = date(int(match[1]), int(match[2]), 1)
            following = (first + timedelta(days=31)).replace(day=1)
            return f"{first:%B %Y}", first, following - timedelta(days=1)
        if _YEAR.fullmatch(text):
            return text, date(int(text), 1, 1), date(int(text), 12, 31)
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except (ValueError, OverflowError):
        return None
    return f"{day}", day, day


def _days(first: date, last: date) -> str:
    return f"{first.day} {first:%b} to {last.day} {last:%b %Y}"


def _midnight(day: date) -> datetime:
    """Return when a local day begins."""
    return datetime.combine(day, time()).astimezone(UTC)


def _end(day: date) -> datetime:
    """Return the last microsecond of a local day."""
    return _midnight(day + timedelta(days=1)) - _MICROSECOND
