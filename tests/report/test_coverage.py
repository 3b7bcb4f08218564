"""The sentence that says how much was read, in its three steps."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from inventory import schema
from inventory.report.coverage import run_coverage, state_coverage
from inventory.tables import table_of

NOW = datetime(2026, 11, 29, 11, 0, tzinfo=UTC)


def observation(server: str, status: str = "ok", age: timedelta | None = timedelta()) -> dict[str, Any]:
    """One row of a state: when the newest attempt was, and how old the answer is; None: never read."""
    as_of = None if age is None else NOW - age
    observed = as_of if status == "ok" else NOW
    return dict.fromkeys(schema.OBSERVATIONS.names) | {
        "server": server,
        "status": status,
        "observed_at": observed,
        "as_of": as_of,
    }


def table(*rows: dict[str, Any]) -> Any:
    """The observations of a state."""
    return table_of(schema.OBSERVATIONS, rows)


def test_everything_was_read() -> None:
    """Green: each server's newest attempt succeeded, whichever run made it."""
    coverage = state_coverage(table(observation("a"), observation("b", age=timedelta(days=6))), NOW)
    assert (coverage.level, coverage.text) == ("good", "2 of 2 servers read")
    assert coverage.unread == coverage.stale == ()


def test_a_server_that_sleeps_is_named_with_the_day_of_its_answer() -> None:
    """Amber: the other servers' figures are of now, this one's of the day that is named."""
    asleep = observation("rome-bob", "unreachable", timedelta(days=2))
    coverage = state_coverage(table(observation("a"), asleep), NOW)
    assert (coverage.level, coverage.text) == ("warn", "1 of 2 servers read now; rome-bob as of 27 Nov")
    assert coverage.unread == ("rome-bob",)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (observation("b", "timeout", timedelta(days=7, seconds=1)), "1 of 2 servers read now; b stale, as of 22 Nov"),
        (observation("b", "timeout", None), "1 of 2 servers read now; b never read"),
        (observation("b", age=timedelta(days=400)), "2 of 2 servers read now; b stale, as of 25 Oct 2025"),
    ],
)
def test_a_stale_server_or_one_never_read_is_bad(row: dict[str, Any], text: str) -> None:
    """Red: some server is stale, also where nobody asked it, or was never read; it is never 0 models."""
    coverage = state_coverage(table(observation("a"), row), NOW)
    assert (coverage.level, coverage.text, coverage.stale) == ("bad", text, ("b",))


def test_the_day_is_the_readers() -> None:
    """A day is told in the reader's time zone, and a time of today as a time."""
    late = observation("a", "timeout", timedelta(hours=11, minutes=30))
    assert state_coverage(table(late), NOW).text == "0 of 1 server read now; a as of 28 Nov"
    assert state_coverage(table(late), NOW, ZoneInfo("Europe/Rome")).text == "0 of 1 server read now; a as of 00:30"


def test_many_servers_are_counted() -> None:
    """Of many servers two are named and the others counted."""
    rows = [observation(f"s{number}", "timeout", timedelta(days=1)) for number in range(9)]
    assert state_coverage(table(*rows), NOW).text == "0 of 9 servers read now; s0, s1 and 7 more as of earlier"


def test_one_run_says_what_it_could_not_read() -> None:
    """Of a single run the statuses are told: it says nothing about earlier answers."""
    assert run_coverage(table(observation("a"))).text == "1 of 1 server read"
    partial = run_coverage(table(observation("a"), observation("b", "timeout", None)))
    assert (partial.level, partial.text) == ("warn", "1 of 2 servers read; b timeout")
    assert run_coverage(table(observation("b", "timeout", None))).level == "bad"


def test_nothing_is_known() -> None:
    """A state without servers is bad: nothing is not all is well."""
    assert state_coverage(table(), NOW).level == "bad"
