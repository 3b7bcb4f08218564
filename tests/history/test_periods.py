"""Periods: what people write for a day, a week, a month, or a time between two moments."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.history_builders import day, made, model, opened, run, slow_run
from support.zones import local_zone

from inventory.errors import ConfigurationError
from inventory.history.periods import Period, parse_period, runs_in
from inventory.history.reader import RunHistory
from inventory.run_ids import new_run_id, time_of
from inventory.tables import Row, rows

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
A_RUN = datetime(2026, 11, 10, 5, 30, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def _zone() -> Iterator[None]:
    """Let the machine be in Berlin, unless a test says otherwise."""
    with local_zone("Europe/Berlin"):
        yield


def parsed(text: str, now: datetime = NOW) -> Period:
    """A period, in a history whose every reference means one run."""
    return parse_period(text, now, lambda ref: A_RUN if ref != "latest" else NOW)


def coverage_of(history: RunHistory, period: Period) -> dict[str, Row]:
    """How much of a period was read of each server of the newest state."""
    state = history.state().tables["observations"]
    return {row["server"]: row for row in rows(history.coverage_table(period, state))}


def local(text: str) -> datetime:
    """A time in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "name", "first", "after"),
    [
        ("day", "2026-11-28", "2026-11-28", "2026-11-29"),
        ("week", "2026-W47 (16 Nov to 22 Nov 2026)", "2026-11-16", "2026-11-23"),
        ("month", "October 2026", "2026-10-01", "2026-11-01"),
        ("2026-11", "November 2026", "2026-11-01", "2026-12-01"),
        ("2026-W01", "2026-W01 (29 Dec to 4 Jan 2026)", "2025-12-29", "2026-01-05"),
        ("2026W1", "2026-W01 (29 Dec to 4 Jan 2026)", "2025-12-29", "2026-01-05"),
        ("2024-02", "February 2024", "2024-02-01", "2024-03-01"),
        ("2026-10-25", "2026-10-25", "2026-10-25", "2026-10-26"),
        ("2025", "2025", "2025-01-01", "2026-01-01"),
        ("2026-11-01..2026-11-15", "2026-11-01 to 2026-11-15", "2026-11-01", "2026-11-16"),
        ("2026-W46..2026-11", "2026-W46 to 2026-11", "2026-11-09", "2026-12-01"),
    ],
)
def test_calendar(text: str, name: str, first: str, after: str) -> None:
    """Days, weeks and months are those of the reader, whole, on nights of 23 and 25 hours too."""
    period = parsed(text)
    assert (period.name, period.start) == (name, local(first))
    assert period.end == local(after) - timedelta(microseconds=1)
    last = min(date.fromisoformat(after) - timedelta(days=1), date(2026, 11, 29))
    assert (period.days[0], period.days[-1]) == (date.fromisoformat(first), last)
    assert len(period.days) == (last - period.days[0]).days + 1


def test_between_runs() -> None:
    """A run at the beginning is what the period is compared with; what is missing is the first or the newest run."""
    period = parsed("7d..latest")
    assert (period.start, period.end) == (A_RUN + timedelta(microseconds=1), NOW)
    assert parsed("2026-11-20..").end == NOW
    assert parsed("..2026-11-20").start == A_RUN + timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    ["", "year", "2026-13", "2026-W54", "2026-02-30", "1/11/2026", "Month", "2026-1-1-1", "0001", "9999-12-31"],
)
def test_what_is_no_period(text: str) -> None:
    """The error says how one is written."""
    with pytest.raises(ConfigurationError, match="is not a period") as caught:
        parsed(text)
    assert "2026-W47" in caught.value.advice


@pytest.mark.parametrize("text", ["2026-12", "2027", "2026-11-30", "2026-11-20..2026-11-10", "2026-12-01..2026-12-05"])
def test_what_cannot_be_reported(text: str) -> None:
    """A period that has not begun, or ends before it begins."""
    with pytest.raises(ConfigurationError, match=r"has not begun|ends before it begins"):
        parsed(text)


def test_between_a_run_and_itself() -> None:
    """In a history of one run, the first is the newest too."""
    with pytest.raises(ConfigurationError, match="begins and ends with the same run"):
        parsed("2w..7d")


@pytest.mark.parametrize("text", ["0001..latest", "..9999", "..9999-12-31"])
def test_where_the_calendar_ends(text: str) -> None:
    """Years of which a midnight lies before or after all times are left to references, of which they are none."""

    def no_run(ref: str) -> datetime:
        if ref in ("first", "latest"):
            return A_RUN
        raise ConfigurationError(f"no run {ref}")

    with local_zone("ABC-9"), pytest.raises(ConfigurationError, match="no run"):
        parse_period(text, NOW, no_run)


@given(
    st.integers(946684800, 2840140800).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from(
        ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca"]
    ),
)
def test_the_last_whole_one(now: datetime, word: str, zone: str) -> None:
    """It is over, the one after it is not, and its days are those between its ends."""
    place = ZoneInfo(zone)
    with local_zone(zone):
        period = parsed(word, now)
        following = parsed(f"{period.last_day + timedelta(days=1)}", now + timedelta(days=40))
    assert period.end < now
    assert following.start == period.end + timedelta(microseconds=1)
    assert len(period.days) == {"day": 1, "week": 7}.get(word, len(period.days))
    lengths = {"day": 2, "week": 8, "month": 32}
    assert now - period.start < timedelta(days=2 * lengths[word] + 1)
    assert {moment.astimezone(place).date() for moment in (period.start, period.end)} == {
        period.days[0],
        period.days[-1],
    }


def test_the_runs_of_a_period() -> None:
    """Those within it, and the last one before; a period without a run is an error that says where the history is."""
    run_ids = [new_run_id(local(f"2026-11-{number:02} 07:00")) for number in (3, 10, 17, 24)]
    assert runs_in(parsed("2026-W46"), run_ids) == (run_ids[0], [run_ids[1]])
    assert runs_in(parsed("2026-11"), run_ids) == (None, run_ids)
    with pytest.raises(ConfigurationError, match="no run was made in the period October 2026") as caught:
        runs_in(parsed("month"), run_ids)
    assert "The history begins 2026-11-03" in caught.value.advice


def test_how_much_was_read(tmp_path: Path) -> None:
    """Days read of days since the server was first asked, and the longest silence, to the end of the period too."""
    models = [model("x")]
    plan: dict[str, list[Any]] = {
        "always": [models] * 10,
        "holiday": [models, models, None, None, None, models, models, models, models, models],
        "late": [False] * 6 + [models] * 4,
        "never": [None] * 10,
        "quiet": [models] * 6 + [False] * 4,
    }
    history = opened(tmp_path / "history")
    for number in range(10):
        run(
            history,
            {name: answers[number] for name, answers in plan.items() if answers[number] is not False},
            day(number),
        )
    with local_zone("UTC"):
        period = parse_period("2026-11-01..2026-11-10", day(5000), lambda _: day(0))
        coverage = coverage_of(history, period)
    assert {
        name: (row["days_read"], row["days"], row["runs_read"], row["runs_asked"]) for name, row in coverage.items()
    } == {
        "always": (10, 10, 10, 10),
        "holiday": (7, 10, 7, 10),
        "late": (4, 4, 4, 4),
        "never": (0, 10, 0, 10),
        "quiet": (6, 10, 6, 6),
    }
    assert {name: round(row["longest_silence"], 2) for name, row in coverage.items()} == {
        "always": 1.0,
        "holiday": 4.0,
        "late": 1.0,
        "never": 9.75,
        "quiet": 4.75,
    }
    assert coverage["quiet"]["last_read"] == day(5)


def test_coverage_after_the_beginning(tmp_path: Path) -> None:
    """A server that was known before the period is expected on each of its days, even where nobody asked it."""
    models = [model("x")]
    history, ids = made(tmp_path, {"a": models, "b": models}, {"a": models}, {"a": models})
    with local_zone("UTC"):
        period = parse_period("2026-11-02..2026-11-03", day(5000), lambda ref: time_of(history.resolve(ref)))
        coverage = coverage_of(history, period)
    assert [(coverage[name]["days_read"], coverage[name]["days"]) for name in "ab"] == [(2, 2), (0, 2)]
    assert coverage["b"]["last_read"] == time_of(ids[0])


def test_the_day_of_a_run_that_ends_after_midnight(tmp_path: Path) -> None:
    """A run counts for the day on which it began: a server is never read on more days than it was expected."""
    history = opened(tmp_path / "history")
    for number in (0.74, 1):
        slow_run(history, day(number), {"a": (day(number + 0.02), [model("x")])})
    with local_zone("UTC"):
        period = parse_period("2026-11-01..2026-11-02", day(5000), lambda _: day(0))
        row = coverage_of(history, period)["a"]
    assert (row["days_read"], row["days"]) == (2, 2)
