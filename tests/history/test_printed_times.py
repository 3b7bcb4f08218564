"""Every time that is printed is a reference to the same run."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.zones import local_zone

from inventory.history.selectors import resolve
from inventory.run_ids import time_of
from inventory.text import local_text, run_times

ZONES = (
    "UTC",
    "Europe/Rome",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Asia/Tokyo",
)
NIGHTS = (  # the hours around the changes of clocks, and an ordinary one
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 11, 1, 4, tzinfo=UTC),
    datetime(2026, 4, 4, 14, tzinfo=UTC),
    datetime(2026, 11, 28, 5, tzinfo=UTC),
)
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def run_id(moment: datetime, number: int) -> str:
    """The id of a run that began at some time."""
    return f"{moment:%Y%m%dT%H%M%S.%fZ}-{number:04x}"


@given(
    st.sampled_from(ZONES),
    st.sampled_from(NIGHTS),
    st.lists(st.integers(0, 5 * 3600 * 10**6), min_size=1, max_size=8, unique=True),
    st.booleans(),
)
def test_a_printed_time_means_its_run(name: str, night: datetime, offsets: list[int], dense: bool) -> None:
    """Over zones and nights when clocks change, however close the runs lie."""
    step = 1 if dense else 10**6  # runs within one second, or seconds apart
    runs = sorted(
        {run_id(night + timedelta(microseconds=offset // step * step), n) for n, offset in enumerate(offsets)}
    )
    runs = [run for n, run in enumerate(runs) if n == 0 or time_of(run) != time_of(runs[n - 1])]
    with local_zone(name):
        for run, text in run_times(runs).items():
            assert resolve(text, runs, NOW) == run, text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-28 07:00:04 CET", datetime(2026, 11, 28, 6, 0, 4, tzinfo=UTC)),
        ("2026-07-28 07:00:04 CEST", datetime(2026, 7, 28, 5, 0, 4, tzinfo=UTC)),
        ("2026-10-25 02:30:00 CEST", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25 02:30:00 CET", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_local_times_have_their_zone(text: str, moment: datetime) -> None:
    """People read local time with the name of its zone, which tells the two hours of the night in autumn apart."""
    assert local_text(moment, ZoneInfo("Europe/Rome")) == text


def test_a_time_means_its_end() -> None:
    """A minute or a second without fractions means the newest run of it, as a date means its day."""
    runs = [
        run_id(datetime(2026, 11, 28, 7, 0, second, micro, tzinfo=UTC), 1)
        for second, micro in ((4, 5), (4, 9), (50, 0))
    ]
    with local_zone("UTC"):
        assert resolve("2026-11-28T07:00", runs, NOW) == runs[2]
        assert resolve("2026-11-28 07:00:04", runs, NOW) == runs[1]
        assert resolve("2026-11-28T07:00:04.000005Z", runs, NOW) == runs[0]
