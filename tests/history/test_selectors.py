"""Which run a text means."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.zones import local_zone

from inventory.errors import ConfigurationError
from inventory.history.selectors import moment_of, resolve, resolve_dated, run_named, span_of
from inventory.run_ids import limit_of, misdated, time_of

RUNS = [
    "20261120T060000.000000Z-0001",
    "20261121T060000.000000Z-0002",
    "20261121T180000.000000Z-0003",
    "20261123T060004.123456Z-3f9a",
    "20261123T060004.123456Z-3fff",
]
BERLIN = "CET-1"  # an hour ahead of UTC in each season
LATER = datetime(2031, 1, 1, tzinfo=UTC)  # later than each run


@pytest.fixture(autouse=True, scope="module")
def _zone() -> Iterator[None]:
    """Let the machine be in UTC, unless a test says otherwise."""
    with local_zone("UTC"):
        yield


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("latest", 4),
        ("previous", 3),
        ("latest~0", 4),
        ("latest~1", 3),
        ("latest~4", 0),
        (RUNS[2], 2),
        ("20261120", 0),
        ("20261121T18", 2),
        ("first", 0),
        ("20261123T060004.123456Z-3f9", 3),
        ("2026-11-20", 0),
        ("2026-11-21", 2),
        ("2026-11-22", 2),
        ("2030-01-01", 4),
        ("2026-11-21T06:00Z", 1),
        ("2026-11-21T05:59:59.999999Z", 0),
        ("2026-11-21T07:00+01:00", 1),
        ("2026-11-21 19:00", 2),
        ("2026-11-21 18:59", 1),
        ("2026-11-21 18:59:59.999999", 1),
    ],
)
def test_a_reference_means_one_run(text: str, number: int) -> None:
    """Words, ids, their beginnings, dates (to their end) and times, which are local without a zone."""
    with local_zone(BERLIN):
        assert resolve(text, RUNS, LATER) == RUNS[number]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "late",
        "latest~",
        "latest~5",
        "latest~-1",
        "latest~1x",
        "202",
        "20301",
        "2026-11-19",
        "2026-13-01",
        "x",
        "*",
        "2026-11-20T05:59Z",
        "0001-01-01",
        "2026-11-21T",
        "latest ",
        "Latest",
        "20261120T060000.000000Z-0001x",
    ],
)
def test_what_means_nothing_lists_what_there_is(text: str) -> None:
    """The error of a reference without a run names the first and the last runs, and the other ways to say one."""
    with pytest.raises(ConfigurationError) as caught:
        resolve(text, RUNS, LATER)
    assert repr(text) in str(caught.value)
    assert all(run in caught.value.advice for run in RUNS)
    assert "latest~N" in caught.value.advice


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("29.03.2026", "2026-03-29"),
        ("29.3.26", "2026-03-29"),
        ("2026/03/29", "2026-03-29"),
        ("03/29/2026", "2026-03-29"),
        ("3/4/2026", "2026-04-03 or 2026-03-04"),
        ("2026-3-9", "2026-03-09"),
        ("2026.03.29", "2026-03-29"),
        ("2026-13-45", ""),
        ("2026-02-30", ""),
        ("2026-11-21T25:00", ""),
        ("2026-13", ""),
    ],
)
def test_a_date_that_is_none_says_how_one_is_written(text: str, meant: str) -> None:
    """What is wrong is the date, not the history: how it is written, what may be meant, where the history reaches."""
    with pytest.raises(ConfigurationError, match="is not a date") as caught:
        resolve(text, RUNS, LATER)
    advice = caught.value.advice
    assert advice.startswith("A date is written 2026-03-29")
    assert (f"did you mean {meant}?" in advice) == bool(meant)
    assert "begins 2026-11-20T06:00:00Z and ends 2026-11-23T06:00:04Z" in advice
    with pytest.raises(ConfigurationError, match="neither a date nor a time"):
        moment_of(text)


@pytest.mark.parametrize(
    ("text", "near"), [("yesterdy", "yesterday"), ("lastest", "latest"), ("prevous", "previous"), ("frist", "first")]
)
def test_a_misspelt_word_names_the_nearest(text: str, near: str) -> None:
    """The words that are known and look like it."""
    with pytest.raises(ConfigurationError, match=rf"There are 5: .+ ends .+\. The nearest: .*{near}"):
        resolve(text, RUNS, LATER)


NEW_YEAR = datetime(2027, 1, 1, 3, tzinfo=UTC)  # still the old year in New York
YEAR = [
    f"2026{month:02d}{day}T220000.000000Z-0000"
    for month in range(1, 13)
    for day in ("01", "15", "30")[: 2 + (month != 2)]
]


@pytest.mark.parametrize(
    ("text", "zone", "run"),
    [
        ("first", "UTC", "20260101"),
        ("yesterday", "UTC", "20261230"),
        ("yesterday", "America/New_York", "20261230"),
        ("2026-11", "UTC", "20261130"),
        ("2026-02", "UTC", "20260215"),
        ("2026-11", "Asia/Tokyo", "20261115"),
        ("1d", "UTC", "20261230"),
        ("2d", "UTC", "20261215"),
        ("3w", "UTC", "20261201"),
        ("1mo", "UTC", "20261130"),
        ("10mo", "America/New_York", "20260215"),
        ("12mo", "UTC", ""),
        ("2026-12", "UTC", "20261230"),
        ("2026-01", "UTC", "20260130"),
        ("17d", "UTC", "20261201"),
        ("0d", "UTC", "20261230"),
        ("4w", "UTC", "20261201"),
        ("1mo", "Pacific/Kiritimati", "20261130"),
        ("11mo", "UTC", "20260130"),
        ("99999mo", "UTC", ""),
        ("99999w", "UTC", ""),
    ],
)
def test_what_is_ago(text: str, zone: str, run: str) -> None:
    """Days, weeks and months ago, yesterday and a month, each to its end, where the reader is."""
    with local_zone(zone):
        if run:
            assert resolve(text, YEAR, NEW_YEAR).startswith(run)
        else:
            with pytest.raises(ConfigurationError, match="there is no run"):
                resolve(text, YEAR, NEW_YEAR)


def test_an_ambiguous_beginning_lists_the_runs() -> None:
    """The beginning of several ids is refused, with those ids."""
    with pytest.raises(ConfigurationError, match="matches 2 runs") as caught:
        resolve("20261123", RUNS, LATER)
    assert caught.value.advice.count("20261123T") == 2


def test_an_empty_history_says_so() -> None:
    """Without any run the advice is to take one."""
    for text in ("latest", "previous", "2026-11-20", "2026"):
        with pytest.raises(ConfigurationError, match=r"empty.*snapshot"):
            resolve(text, [], LATER)


def test_a_long_list_is_cut_in_the_middle() -> None:
    """Of many runs the first and the last are named, and how many there are."""
    runs = [f"20261101T0600{number:02d}.000000Z-0000" for number in range(50)]
    with pytest.raises(ConfigurationError) as caught:
        resolve("nothing", runs, LATER)
    assert "There are 50" in caught.value.advice
    assert caught.value.advice.count("20261101T") == 5


@given(st.datetimes(datetime(2026, 11, 19), datetime(2026, 11, 25)), st.sampled_from([0, 1]))  # noqa: DTZ001
def test_a_time_means_the_newest_run_by_then(moment: datetime, hours: int) -> None:
    """For any time, in any zone, no later run is taken and no newer one is left aside."""
    text = moment.isoformat()
    early = [run for run in RUNS if time_of(run) <= moment.replace(tzinfo=UTC) - timedelta(hours=hours)]
    with local_zone(f"ABC-{hours}"):
        if early:
            assert resolve(text, RUNS, LATER) == early[-1]
        else:
            with pytest.raises(ConfigurationError):
                resolve(text, RUNS, LATER)


def test_the_end_of_a_day_is_its_last_microsecond() -> None:
    """A run a microsecond before midnight is of that day, where the reader is; one at midnight is of the next."""
    runs = ["20261121T225959.999999Z-0001", "20261121T230000.000000Z-0002"]
    with local_zone(BERLIN):
        assert resolve("2026-11-21", runs, LATER) == runs[0]
        assert resolve("2026-11-22", runs, LATER) == runs[1]
        assert resolve("yesterday", runs, datetime(2026, 11, 22, 12, tzinfo=UTC)) == runs[0]
        runs = ["20261130T225959.999999Z-0001", "20261130T230000.000000Z-0002"]
        assert resolve("2026-11", runs, LATER) == runs[0]


@pytest.mark.parametrize(
    ("now", "text", "ago"),
    [
        ("2026-03-31T12:00", "1mo", "2026-02-28T12:00"),
        ("2028-03-31T12:00", "1mo", "2028-02-29T12:00"),
        ("2026-05-31T12:00", "1mo", "2026-04-30T12:00"),
        ("2026-05-30T12:00", "1mo", "2026-04-30T12:00"),
        ("2026-01-15T12:00", "1mo", "2025-12-15T12:00"),
        ("2026-12-31T12:00", "12mo", "2025-12-31T12:00"),
        ("2026-03-01T12:00", "1d", "2026-02-28T12:00"),
        ("2026-03-15T12:00", "2w", "2026-03-01T12:00"),
        ("2026-03-31T23:30", "1mo", "2026-02-28T23:30"),  # in Berlin it is 1 April
    ],
)
def test_ago_is_counted_to_the_minute(now: str, text: str, ago: str) -> None:
    """A month ago is the same day and hour, or the last day of a month that is shorter, where the reader is."""
    moment = datetime.fromisoformat(f"{ago}+00:00")
    runs = [f"{moment + timedelta(microseconds=shift):%Y%m%dT%H%M%S.%f}Z-0000" for shift in (0, 1)]
    with local_zone(BERLIN):
        assert resolve(text, runs, datetime.fromisoformat(f"{now}+00:00")) == runs[0]


def test_runs_that_are_misdated() -> None:
    """Dated more than an hour later than it is, to the microsecond: no word and no date means them, an id does."""
    now = datetime(2026, 11, 23, 5, 0, 4, 123456, tzinfo=UTC)
    assert limit_of(now) == now + timedelta(hours=1)
    assert limit_of(now.astimezone(timezone(timedelta(hours=1)))) == limit_of(now)
    assert limit_of(datetime.max.replace(tzinfo=UTC)) == datetime.max.replace(tzinfo=UTC)
    assert misdated(RUNS, now) == []
    earlier = now - timedelta(microseconds=1)
    assert misdated(RUNS, earlier) == RUNS[3:]
    for text, run in (("latest", RUNS[2]), ("previous", RUNS[1]), ("first", RUNS[0]), ("2030-01-01", RUNS[2])):
        assert resolve(text, RUNS, earlier) == run
        assert resolve_dated(text, RUNS, earlier) == run
    assert resolve(RUNS[3], RUNS, earlier) == RUNS[3]
    with pytest.raises(ConfigurationError, match="is misdated"):
        resolve_dated(RUNS[3], RUNS, earlier)
    assert resolve_dated(RUNS[3], RUNS, now) == RUNS[3]
    for text in ("latest~9", "2020-01-01"):
        with pytest.raises(ConfigurationError) as caught:
            resolve(text, RUNS, earlier)
        assert "There are 3 besides 2 misdated" in caught.value.advice
        assert "begins 2026-11-20T06:00:00Z and ends 2026-11-21T18:00:00Z" in caught.value.advice
    with pytest.raises(ConfigurationError, match="is empty besides 5 misdated"):
        resolve("latest", RUNS, datetime(2026, 1, 1, tzinfo=UTC))


def test_an_id_by_name() -> None:
    """An id, or four and more letters of its beginning, means a run; words and dates do not."""
    assert run_named(RUNS[0], RUNS) == RUNS[0]
    assert run_named("20261120", RUNS) == RUNS[0]
    assert run_named("2026", RUNS[:1]) == resolve("2026", RUNS[:1], LATER) == RUNS[0]
    for text in ("latest", "2026-11-20", "202", RUNS[0] + "x"):
        with pytest.raises(ConfigurationError, match="no run with the id"):
            run_named(text, RUNS)
    with pytest.raises(ConfigurationError, match="matches 2 runs"):
        run_named("20261121", RUNS)


def test_words_of_time_need_the_time() -> None:
    """Without the present time nothing is ago."""
    for text in ("yesterday", "1d", "3mo"):
        for parse in (moment_of, span_of):
            with pytest.raises(ConfigurationError, match=r"not a time|neither a date nor a time"):
                parse(text)


@given(st.text(max_size=40))
def test_no_text_surprises(text: str) -> None:
    """Any text means a run or is refused."""
    with suppress(ConfigurationError):
        assert resolve(text, RUNS, NEW_YEAR) in RUNS


def test_the_beginning_of_a_date() -> None:
    """A date as a bound is its first moment; what is no time is refused."""
    with local_zone(BERLIN):
        assert moment_of("2026-11-21") == datetime(2026, 11, 20, 23, tzinfo=UTC)
    assert moment_of("2026-11-21T06:00Z") == datetime(2026, 11, 21, 6, tzinfo=UTC)
    for text in ("latest", "2026-02-30", "21.11.2026", ""):
        with pytest.raises(ConfigurationError, match="neither"):
            moment_of(text)


@pytest.mark.parametrize(
    ("text", "begin", "hours"),
    [
        ("2026-10-25", datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        ("2026-03-29", datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        ("2026-11", datetime(2026, 10, 31, 23, tzinfo=UTC), 30 * 24),
        ("2026-11-21 06:00 CET", datetime(2026, 11, 21, 5, tzinfo=UTC), 1 / 60),
        ("2026-11-21T06:00:04Z", datetime(2026, 11, 21, 6, 0, 4, tzinfo=UTC), 1 / 3600),
    ],
)
def test_how_long_a_time_lasts(text: str, begin: datetime, hours: float) -> None:
    """A day lasts until the next one begins, also where the clock is put back in it."""
    with local_zone("Europe/Berlin"):
        assert span_of(text) == (begin, begin + timedelta(hours=hours))
