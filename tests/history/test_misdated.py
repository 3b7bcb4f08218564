"""Runs whose clock was ahead: listed as that, left out of everything else, and removed by their id."""

import json
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from support.cli_runner import run as command
from support.history_builders import collected, day, files, model, opened, run, slow_run, told

from inventory import History, Snapshot
from inventory.config.servers import Server
from inventory.errors import ConfigurationError
from inventory.history.recorder import next_moment
from inventory.history.retention import carry_out, plan
from inventory.history.storage.data_file import KINDS
from inventory.history.verify import prove
from inventory.operations.compare import report_of, resolve_ref
from inventory.operations.snapshot import take_snapshot
from inventory.report.facts import Report
from inventory.tables import rows

A, AB, ABC = [model("a")], [model("a"), model("b")], [model("a"), model("b"), model("c")]
AHEAD = 26000
"""Days: in the year 2098."""


@pytest.fixture
def jumped(tmp_path: Path) -> tuple[History, list[str]]:
    """Runs of four days of 2025, the third of which believed to be in 2098; and their ids, in the order of the runs."""
    history = History(tmp_path / "history", clock=lambda: day(-360))
    answers = [(-365, A), (-364, AB), (AHEAD, ABC), (-363, ABC), (-362, ABC)]
    return history, [run(history, {"s": models}, day(number)) for number, models in answers]


def nobody() -> Snapshot:
    """Nobody is asked."""
    raise AssertionError


def test_it_is_listed_and_left_out(jumped: tuple[History, list[str]]) -> None:
    """Words, dates, states, comparisons and lives are those of the other runs, each of its own day."""
    history, ids = jumped
    dated = [ids[0], ids[1], ids[3], ids[4]]
    assert history.dated() == dated
    assert history.misdated() == [ids[2]]
    assert [row.status for row in history.runs().itertuples()] == ["ok"] * 4 + ["misdated"]
    assert history.runs_table()["added"].to_pylist() == [None, 1, 1, 0, None]
    words = {"latest": 3, "previous": 2, "latest~3": 0, "first": 0, "2025-11-03": 2, "2098-01-01": 3, "2030-01": 3}
    assert {word: history.resolve(word) for word in words} == {word: dated[place] for word, place in words.items()}
    assert told(history.diff("2025-11-02", "2025-11-03").table)[0][:3] == ("s", "added", "c")
    assert history.diff().table.num_rows == 0
    assert [(row.run_id, row.key) for row in history.timeline().itertuples()] == [(ids[1], "b"), (ids[3], "c")]
    assert history.lifecycle().set_index("key").loc["c", "first_seen"] == day(-363)
    assert history.lifecycle()["runs_present"].tolist() == [4, 3, 2]
    assert history.models()["key"].tolist() == ["a", "b", "c"]
    assert len(history.unused(2)) == 2
    assert prove(history.store).problems.num_rows == 0


def test_it_can_be_looked_at_and_is_compared_with_nothing(jumped: tuple[History, list[str]]) -> None:
    """By its id it is shown and reported as it was read; a comparison and a state are refused, with what to do."""
    history, ids = jumped
    assert history.load(ids[2]).tables["models"].num_rows == 3
    side = resolve_ref(ids[2], history, nobody)
    overview = report_of(side, history)
    assert isinstance(overview, Report)
    assert overview.changes is None
    assert [row["run_id"] for row in report_of(resolve_ref("latest", history, nobody), history).runs] == history.dated()
    for refused in (
        lambda: history.diff("latest", ids[2]),
        lambda: history.diff(ids[2]),
        lambda: history.state(ids[2]),
    ):
        with pytest.raises(ConfigurationError, match="clock was ahead") as caught:
            refused()
        assert f"prune --run {ids[2]}" in caught.value.advice


@pytest.mark.parametrize(("ahead", "wrong"), [(3599.999, False), (3600, False), (3600.001, True)])
def test_more_than_an_hour(tmp_path: Path, ahead: float, wrong: bool) -> None:
    """Up to an hour it may be another machine's clock; then it counts, and the next run comes after it."""
    now = day(0)
    history = History(tmp_path / "history", clock=lambda: now)
    run(history, {"s": A}, day(-1))
    late = run(history, {"s": AB}, now + timedelta(seconds=ahead))
    assert history.misdated() == ([late] if wrong else [])
    after = next_moment(history, now)
    assert after == (now if wrong else now + timedelta(seconds=ahead, microseconds=1))
    history.clock = lambda: day(1)
    assert history.misdated() == [], "its time has come"


def test_runs_after_it_have_their_own_time(tmp_path: Path) -> None:
    """A run after one whose clock was ahead is dated as it is, compared with the run before that, and the newest."""
    history, path = History(tmp_path / "history"), tmp_path / "s.json"
    ids = []
    for number, keys in ((-9, "a"), (AHEAD, "ab"), (-8, "abc"), (-7, "abc")):
        path.write_text(json.dumps({"models": [model(key) for key in keys]}))
        server = Server(f"file:{path}", "s")
        taken = take_snapshot(history, [server], timeout=9, clock=partial(day, number))
        ids.append(taken.snapshot.run_id)
        assert taken.snapshot.observed_at == day(number)
        told_now = [] if taken.changes is None else [row["key"] for row in rows(taken.changes.table)]
        assert told_now == {-9: [], AHEAD: ["b"], -8: ["b", "c"], -7: []}[number]
    history.clock = lambda: day(-6)
    assert history.dated() == [ids[0], ids[2], ids[3]]
    assert history.resolve("2026-10-24") == ids[2]


def test_a_clock_that_jumps_within_a_run(tmp_path: Path) -> None:
    """An answer that is dated far ahead, in a run that is not, is no part of a state before its time comes."""
    history = History(tmp_path / "history", clock=lambda: day(9))
    run(history, {"s": A, "t": A}, day(0))
    slow_run(history, day(1), {"s": (day(AHEAD), AB), "t": (day(1), AB)})
    last = run(history, {"s": ABC, "t": ABC}, day(2))
    assert history.models()["key"].tolist() == ["a", "b", "c"] * 2
    assert [(row.server, row.key) for row in history.timeline().itertuples()] == [
        ("t", "b"), ("s", "b"), ("s", "c"), ("t", "c")
    ]  # fmt: skip
    assert history.diff("previous", last).table.num_rows == 3
    assert next_moment(history.seen_at(day(1.01)), day(1.01)) == day(1.01)


def test_what_it_stored_stays_for_those_that_point_at_it(tmp_path: Path) -> None:
    """Answers that were first given in it are pointed at by later runs; it goes, they stay."""
    history = opened(tmp_path / "history")
    first = run(history, {"s": A}, day(-365))
    wrong = run(history, {"s": AB}, day(AHEAD))
    assert history.clock() < day(AHEAD)
    later = slow_run(history.seen_at(day(AHEAD)), day(-364), {"s": (day(-364), AB)})
    assert rows(history.load(later).tables["observations"])[0]["stored_in"] == wrong
    carry_out(history.store, plan(history.store, {}, drop=[wrong], now=history.clock()))
    assert history.store.run_ids() == [first, later]
    assert {path.stem for path in files(history) if path.parent.parent.name in KINDS[1:]} == {first, wrong}
    assert history.models()["key"].tolist() == ["a", "b"]
    assert prove(history.store).problems.num_rows == 0


def test_keep_rules_do_not_count_it(jumped: tuple[History, list[str]]) -> None:
    """It is neither one of the last runs nor the run of a day, and no rule removes it."""
    history, ids = jumped
    for rules in ({"last": 2}, {"daily": 2}):
        what = plan(history.store, rules, now=history.clock())
        assert what.keep == (ids[3], ids[4], ids[2])
    assert plan(history.store, {"daily": 30}, now=history.clock()).drop == ()


@pytest.mark.long
def test_the_commands_say_so(jumped: tuple[History, list[str]]) -> None:
    """One line on stderr with its id and how to remove it; ``prune --run`` removes it, and then nobody speaks of it."""
    history, ids = jumped
    folder = history.store.folder
    for arguments in (
        ["history"],
        ["show"],
        ["diff"],
        ["history", "--by", "server"],
        ["verify"],
        ["prune", "--compact"],
    ):
        done = command(*arguments, "--history", folder)
        assert (done.code, done.err.count("\n")) == (0, 1), arguments
        assert f"prune --run {ids[2]}" in done.err
        assert ids[2] not in done.out
    assert "misdated" in command("history", "--history", folder).out
    assert [row["status"] for row in command("history", "--json", "--history", folder).data["runs"]][-1] == "misdated"
    done = command("prune", "--run", ids[2][:8], "--dry-run", "--history", folder)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(f"  {ids[2]}\n\n4 runs kept, 1 would be deleted\n")
    done = command("prune", "--run", ids[2], "--json", "--history", folder)
    assert done.data == {"kept": [*ids[:2], *ids[3:]], "removed": [ids[2]], "reasons": {}, "dry_run": False}
    done = command("verify", "--history", folder)
    assert (done.code, done.out.splitlines()[-1], done.err) == (0, "4 runs, 0 problems", "")
    assert command("diff", "--history", folder).err == ""


def test_runs_are_removed_by_name(jumped: tuple[History, list[str]]) -> None:
    """Several at once, whatever they hold, not those frozen as baselines; no word and no vague beginning names one."""
    history, ids = jumped
    folder = history.store.folder
    history.save_baseline("good", ids[1])
    for name, what in (
        (ids[1], "is a baseline"),
        ("2025", "matches 4 runs"),
        ("latest", "no run with the id"),
        ("20970101T", "no run with the id"),
        ("", "no run with the id"),
    ):
        done = command("prune", "--run", name, "--history", folder)
        assert (done.code, done.out) == (2, "")
        assert what in done.err
        assert len(history.store.run_ids()) == 5
    done = command("prune", "--run", ids[4], "--run", ids[0], "--run", ids[0], "--history", folder)
    assert (done.code, done.out) == (0, "3 runs kept, 2 deleted\n")
    assert history.dated() == [ids[1], ids[3]]
    assert prove(history.store).problems.num_rows == 0
    taken = collected(folder.parent / "answers", {"s": ABC}, day(-361))
    assert taken.complete


def test_a_misdated_run_closes_no_month(jumped: tuple[History, list[str]]) -> None:
    """The month of the newest run that is not misdated is not merged yet."""
    history, _ = jumped
    assert command("prune", "--compact", "--history", history.store.folder).out == "0 months compacted\n"
    run(history, {"s": A}, day(-320))
    done = command("prune", "--compact", "--history", history.store.folder)
    assert done.out.endswith("1 month compacted\n")
    assert command("history", "--history", history.store.folder).out.count("misdated") == 2
