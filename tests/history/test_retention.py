"""Which runs stay, and that what stays is whole: also when a pruning is interrupted."""

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli_runner import clean
from support.cli_runner import run as command
from support.history_builders import Fleet, collected, day, files, made, model, opened, run, slow_run, told
from support.zones import local_zone

from inventory import History
from inventory.errors import ConfigurationError, FileError
from inventory.history.recorder import record
from inventory.history.retention import RetentionPlan, carry_out, plan, retained_runs
from inventory.history.storage.data_file import KINDS, RunSegment
from inventory.history.storage.store import Store
from inventory.history.verify import prove
from inventory.run_ids import time_of
from inventory.tables import values

MOMENTS = st.datetimes(datetime(2024, 12, 20), datetime(2026, 2, 1))  # noqa: DTZ001 - made UTC below
RULES = st.dictionaries(st.sampled_from(["last", "daily", "weekly", "monthly"]), st.integers(1, 9), min_size=1)


def bucket(rule: str, moment: date) -> object:
    """The period of a rule that a time lies in, counted by hand: days, weeks from Monday, months."""
    monday = moment - timedelta(days=moment.weekday())
    return {"daily": moment, "weekly": monday, "monthly": (moment.year, moment.month)}[rule]


ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "Australia/Lord_Howe", "America/Santiago")


@given(st.lists(MOMENTS, max_size=40, unique=True), RULES, st.sampled_from(ZONES))
def test_keep_rules_are_restics(moments: list[datetime], rules: dict[str, int], name: str) -> None:
    """Of the last N days, weeks or months that have a run, the newest run each; of all runs, the last N.

    Days begin and end where the reader is, also on those on which clocks are changed.
    """
    zone = ZoneInfo(name)
    runs = sorted(f"{moment.replace(tzinfo=UTC):%Y%m%dT%H%M%S.%fZ}-0000" for moment in moments)
    expected = set(runs[-rules["last"] :]) if "last" in rules else set()
    for rule in rules.keys() - {"last"}:
        newest = {bucket(rule, time_of(run_id).astimezone(zone).date()): run_id for run_id in runs}
        expected |= set(sorted(newest.values())[-rules[rule] :])
    with local_zone(name):
        assert {run_id for run_id, _ in retained_runs(runs, rules)} == expected


NIGHTS = ("2025-03-28T00:00", "2025-03-29T00:00", "2025-03-30T00:00", "2025-03-30T23:00", "2025-03-31T23:00")
"""One in the morning in Berlin on five days, in UTC: in the night between the last two hours is an hour less."""


@pytest.mark.parametrize(
    ("zone", "days"), [("Europe/Berlin", 5), ("UTC", 4), ("America/New_York", 5), ("Asia/Tokyo", 5)]
)
def test_days_are_those_of_this_machine(tmp_path: Path, zone: str, days: int) -> None:
    """``prune --keep-daily`` counts the days of the machine's zone, as dates and schedules do."""
    history = History(tmp_path / "history")
    for number, night in enumerate(NIGHTS):
        run(history, {"s": [model(str(number))]}, datetime.fromisoformat(f"{night}:05+00:00"))
    arguments = ("prune", "--keep-daily", "30", "--dry-run", "--json", "--history", history.store.folder)
    assert len(command(*arguments, env=clean(TZ=zone)).data["kept"]) == days
    with local_zone(zone):
        assert len(plan(history.store, {"daily": 30}).keep) == days


A, B, C = [model("a")], [model("a"), model("b", "i")], [model("c", size_bytes=3)]
FLEETS: list[Fleet] = [{"s": A}, {"s": B}, {"s": A}, {"s": C}, {"s": A}, {"s": None}]


@pytest.mark.guard("what goes is noted first")
def test_what_kept_runs_point_at_survives(tmp_path: Path) -> None:
    """Answers stay as long as a kept run has them, the others go; readings of the kept runs stay as they were."""
    history, ids = made(tmp_path, *FLEETS)
    before = history.load(ids[4]).models
    what = plan(history.store, {"last": 2})
    assert (what.keep, what.drop, what.unreferenced) == (tuple(ids[4:]), tuple(ids[:4]), (ids[1], ids[3]))
    carry_out(history.store, what)
    assert history.store.run_ids() == ids[4:]
    assert {path.stem for path in files(history) if path.parent.parent.name == "models"} == {ids[0]}
    assert history.load(ids[4]).models.equals(before)
    assert prove(history.store).problems.num_rows == 0
    later = run(history, {"s": B}, day(6))
    assert told(history.diff("latest~2", later).table)[0][:3] == ("s", "added", "b")
    run(history, {"s": A}, day(7))
    assert history.load(ids[4]).models.equals(before)
    assert history.store.path("models", ids[0]).exists(), "not swept"
    assert prove(history.store).problems.num_rows == 0


def test_the_timeline_of_what_is_left(tmp_path: Path) -> None:
    """Between two kept runs the changes are those of the two, whatever was between them."""
    history, ids = made(tmp_path, *FLEETS[:5])
    carry_out(history.store, RetentionPlan((ids[1], ids[3]), (ids[0], ids[2], ids[4]), ()))
    assert sorted(told(history.timeline_table())) == sorted(told(history.diff(ids[1], ids[3]).table))
    assert set(history.timeline()["previous_run_id"]) == {ids[1]}
    assert prove(history.store).problems.num_rows == 0


def test_the_last_reading_of_each_server_stays(tmp_path: Path) -> None:
    """With a server that always fails no run is complete; what is known of the others stays all the same."""
    fleets: list[Fleet] = [{"s": A, "t": B, "dead": None}, {"s": A, "t": None, "dead": None}, {"s": None, "t": None}]
    history, ids = made(tmp_path, *fleets, {"s": None, "t": None, "dead": None})
    before = history.state().models
    what = plan(history.store, {"last": 1})
    assert what.keep == (ids[0], ids[1], ids[3])
    carry_out(history.store, what)
    assert history.state().models.equals(before)
    later = run(history, {"s": B, "t": B}, day(6))
    assert told(history.diff("previous", later).table)[0][:3] == ("s", "added", "b")


def test_the_newest_complete_run_is_never_removed(tmp_path: Path) -> None:
    """A run that failed does not push the last good one out; nor is a baseline removed."""
    history, ids = made(tmp_path, *FLEETS, {"s": None})
    assert plan(history.store, {"last": 1}).keep == (ids[4], ids[6])
    history.save_baseline("good", ids[1])
    assert plan(history.store, {"last": 1}).keep == (ids[1], ids[4], ids[6])
    with pytest.raises(ConfigurationError, match="no retention rule"):
        plan(history.store, {})


def test_the_newest_complete_run_stays_though_each_server_was_read_later(tmp_path: Path) -> None:
    """Later runs that each read another server do not take its place."""
    history, ids = made(tmp_path, {"s": A, "t": B}, {"s": A, "t": None}, {"s": None, "t": B}, {"s": None, "t": B})
    assert plan(history.store, {"last": 1}).keep == (ids[0], ids[1], ids[3])


def test_the_last_answer_of_servers_that_the_newest_run_did_not_ask(tmp_path: Path) -> None:
    """Two schedules, one history: what the other one read last stays, whichever run did, and a removal is told then."""
    history = opened(tmp_path / "history")
    fleets: list[Fleet] = [{"s": A, "t": A}, {"rare": B}, {"s": A, "t": None}, {"t": B}, {"s": B}, {"s": A}, {"s": A}]
    ids = [run(history, fleet, day(number)) for number, fleet in enumerate(fleets)]
    before = history.state().models
    what = plan(history.store, {"last": 1})
    assert what.keep == (ids[1], ids[3], ids[6])
    carry_out(history.store, what)
    assert history.state().models.equals(before)
    assert prove(history.store).problems.num_rows == 0
    later = run(history, {"rare": A, "t": B}, day(9))
    assert told(history.diff("previous", later).table)[0][:3] == ("rare", "removed", "b")
    assert history.timeline().query("server == 'rare'")["change"].tolist() == ["removed", "unloaded"]


def test_a_run_that_is_named_goes_whatever_the_rules_say(tmp_path: Path) -> None:
    """Beside a rule too, and though it holds the last answer of a server."""
    history, ids = made(tmp_path, {"a": [model("x")], "b": [model("y")]}, {"a": [model("x")]}, {"a": [model("z")]})
    retention = plan(history.store, {"last": 1}, drop=[ids[0]])
    assert (retention.keep, retention.drop) == ((ids[2],), (ids[0], ids[1]))
    assert set(retention.reasons) == {ids[2]}


def test_the_last_answer_is_the_one_given_last(tmp_path: Path) -> None:
    """Of overlapping runs the one stays that read a server last, not the one that began last."""
    history = opened(tmp_path / "history")
    run(history, {"s": A}, day(0))
    slow = slow_run(history, day(1), {"s": (day(4), B)})
    run(history, {"s": A}, day(2))
    last = run(history, {"t": A}, day(5))
    assert plan(history.store, {"last": 1}).keep == (slow, last)


def test_nothing_to_prune(tmp_path: Path) -> None:
    """A rule that keeps everything changes nothing, and writes nothing; an empty history can be pruned."""
    history, _ = made(tmp_path, *FLEETS)
    there = files(history)
    carry_out(history.store, plan(history.store, {"last": 99}))
    assert files(history) == there
    empty = History(tmp_path / "none").store
    carry_out(empty, plan(empty, {"daily": 1}))
    assert not (tmp_path / "none").exists()


@pytest.mark.long
def test_an_interrupted_pruning_is_finished_by_the_next(tmp_path: Path) -> None:
    """After any number of its removals the history is whole, grows on, and the next pruning ends it."""
    history, ids = made(tmp_path, *FLEETS)
    what = plan(history.store, {"last": 2})
    removals = [("observations", one) for one in what.drop] + [
        (kind, one) for one in what.unreferenced for kind in KINDS[1:]
    ]
    for done in range(len(removals) + 1):
        folder = tmp_path / str(done)
        folder.mkdir()
        shutil.copytree(history.store.folder, folder / "history")
        one = History(folder / "history")
        one.store.record_pruned({run_id: one.store.read("observations", run_id).sha256 for run_id in what.drop})
        for kind, run_id in removals[:done]:
            one.store.remove_file(one.store.path(kind, run_id))
        if done <= len(what.drop) or (done - len(what.drop)) % 3 == 0:
            assert prove(one.store).problems.num_rows == 0, removals[:done]
        recorded = set(one.store.run_ids())
        taken = record(one, collected(folder / "answers", {"s": C}, day(6)))
        last = taken.run_id
        assert set(values(taken.tables["observations"], "stored_in")) <= recorded | {last}, "others may be about to go"
        carry_out(one.store, plan(one.store, {"last": 3}))
        assert one.store.run_ids() == [*ids[4:], last]
        assert prove(one.store).problems.num_rows == 0
        holding = {path.stem for path in files(one) if path.parent.parent.name in KINDS[1:]}
        assert holding <= {ids[0], ids[3], last}
        assert one.load().models["key"].tolist() == ["c"]
        assert one.load(ids[4]).models["key"].tolist() == ["a"]


@pytest.mark.guard("answers of a run that came meanwhile stay")
def test_a_run_recorded_meanwhile_keeps_what_it_points_at(tmp_path: Path) -> None:
    """Answers stay if a run came, or is being written, after the plan was made; the next pruning takes them."""
    history, ids = made(tmp_path, *FLEETS)
    what = plan(history.store, {"last": 2})
    later = run(history, {"s": B}, day(6))
    carry_out(history.store, what)
    assert prove(history.store).problems.num_rows == 0
    assert history.load(later).models["key"].tolist() == ["a", "b"]
    what = plan(history.store, {"last": 1})
    with history.store.run_marker("20261201T000000.000000Z-0000"):
        carry_out(history.store, what)
        assert history.store.path("payloads", ids[3]).exists()
    carry_out(history.store, plan(history.store, {"last": 1}))
    assert not history.store.path("payloads", ids[3]).exists()
    assert history.store.run_ids() == [later]
    assert prove(history.store).problems.num_rows == 0


def test_read_while_it_is_pruned(tmp_path: Path) -> None:
    """A reading that was about to open what is pruned meanwhile is made again; what is missing for good is told."""
    history, ids = made(tmp_path, *FLEETS)
    looked: list[list[str]] = []

    def reading() -> list[str]:
        looked.append(history.store.run_ids())
        if len(looked) == 1:
            other = History(history.store.folder).store
            carry_out(other, plan(other, {"last": 1}))
        return [str(history.store.read("observations", run_id).about["run_id"]) for run_id in looked[-1]]

    assert history.store.retry_if_changed(reading) == history.store.run_ids()
    assert [len(one) for one in looked] == [len(ids), len(history.store.run_ids())]
    with pytest.raises(FileError, match="could not be read"):
        history.store.retry_if_changed(lambda: history.store.read("observations", ids[0]))


def test_recorded_while_it_is_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is about to look at the newest one is recorded also if that goes while another comes."""
    history, ids = made(tmp_path, *FLEETS)
    read = Store.read
    begun: list[str] = []

    def slowly(store: Store, kind: str, run_id: str) -> RunSegment:
        if not begun and store is history.store:
            begun.append(run_id)
            other = History(history.store.folder)
            run(other, FLEETS[-1], day(50))
            carry_out(other.store, plan(other.store, {"last": 1}))
        return read(store, kind, run_id)

    snapshot = collected(tmp_path / "answers", FLEETS[0], day(60))
    monkeypatch.setattr(Store, "read", slowly)
    record(history, snapshot)
    assert begun == [ids[-1]]
    assert ids[-1] not in history.store.run_ids()
    assert history.load(snapshot.run_id).complete
    assert prove(history.store).problems.num_rows == 0


@pytest.mark.guard("what is frozen while it is pruned")
def test_frozen_while_it_is_pruned(tmp_path: Path) -> None:
    """A run that was frozen since the plan was made stays with its answers; one that has gone cannot be frozen."""
    history, ids = made(tmp_path, *FLEETS)
    made_before = plan(history.store, {"last": 1})
    assert {ids[0], ids[1]} <= set(made_before.drop)
    history.save_baseline("approved", ids[0])
    carry_out(history.store, made_before)
    assert ids[0] in history.store.run_ids()
    assert ids[1] not in history.store.run_ids()
    assert history.load(history.baseline("approved")).models["key"].tolist()
    assert prove(history.store).problems.num_rows == 0
    with pytest.raises(FileError, match="has just been pruned"):
        history.store.save_baseline("gone", ids[1])
    assert history.store.baselines() == {"approved": ids[0]}
