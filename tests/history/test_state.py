"""What is known after a run, also where runs overlap: the later of two answers is the one that was given later."""

import json
import re
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from support.history_builders import day, made, model, opened, run, slow_run, told
from support.hostile_servers import Hostile, answer

import inventory
from inventory import History
from inventory.config.servers import Server
from inventory.history.retention import RetentionPlan, carry_out
from inventory.history.states.states import NEAR
from inventory.operations.snapshot import SnapshotResult, take_snapshot
from inventory.tables import rows, values

A, AB, ABC = [model("a")], [model("a"), model("b")], [model("a"), model("b"), model("c")]


def known(history: History, run_id: str) -> dict[str, list[str]]:
    """The keys of each server in the state after a run."""
    state = history.state(run_id)
    found: dict[str, list[str]] = {server: [] for server in values(state.tables["observations"], "server")}
    for row in rows(state.tables["models"]):
        found[row["server"]].append(row["key"])
    return found


def steps(history: History) -> list[tuple[str, str, str, str | None]]:
    """What the state after each run has that the one before had not, run by run."""
    return [
        (new, str(row["server"]), str(row["change"]), row["key"])
        for old, new in pairwise(history.dated())
        for row in rows(history.diff(old, new).table)
    ]


def test_a_slow_run_that_others_overtook(tmp_path: Path) -> None:
    """A model that came once, and was first seen by the run that began earlier and read later, came once."""
    history = opened(tmp_path / "history")
    first = run(history, {"s": A}, day(0))
    quick = run(history, {"s": A}, day(2))
    slow = slow_run(history, day(1), {"s": (day(3), AB)})
    last = run(history, {"s": AB}, day(4))
    assert history.dated() == [first, slow, quick, last]
    assert [known(history, one)["s"] for one in history.dated()] == [["a"], ["a", "b"], ["a", "b"], ["a", "b"]]
    assert steps(history) == [(slow, "s", "added", "b")]
    [change] = rows(history.timeline_table())
    assert (change["run_id"], change["previous_run_id"], change["observed_at"]) == (slow, quick, day(3))
    assert history.runs_table()["added"].to_pylist() == [None, 1, 0, 0]
    life = history.lifecycle().set_index("key").loc["b"]
    assert (life["first_seen"], life["last_seen"], life["present"], life["runs_present"]) == (day(3), day(4), True, 2)
    assert history.diff(slow, quick).table.num_rows == history.diff(quick, slow).table.num_rows == 0


def test_what_a_slow_run_read_late_is_now(tmp_path: Path) -> None:
    """Also while it is not the newest run: what it read last is what there is, and a model that went is gone."""
    history = opened(tmp_path / "history")
    run(history, {"s": AB}, day(0))
    run(history, {"s": AB}, day(2))
    slow_run(history, day(1), {"s": (day(3), A)})
    assert known(history, "latest") == {"s": ["a"]}
    lives = history.lifecycle().set_index("key")
    assert lives["present"].to_dict() == {"a": True, "b": False}
    assert lives.loc["b", "last_changed"] == day(3)
    assert told(history.diff("first").table) == [("s", "removed", "b", None, None, None, None)]


def test_two_schedules_over_other_servers(tmp_path: Path) -> None:
    """Runs over different servers at the same time: each change is told once, by the run that saw it."""
    history = opened(tmp_path / "history")
    ids = []
    for number, models in enumerate((A, AB, ABC)):
        began = day(number)
        slow = slow_run(history, began, {"s": (day(number + 0.5), models), "t": (day(number + 0.1), A)})
        ids += [slow, slow_run(history, day(number + 0.2), {"u": (day(number + 0.3), models)})]
    assert steps(history) == [
        (ids[2], "s", "added", "b"),
        (ids[3], "u", "added", "b"),
        (ids[4], "s", "added", "c"),
        (ids[5], "u", "added", "c"),
    ]
    assert known(history, ids[4]) == {"s": ["a", "b", "c"], "t": ["a"], "u": ["a", "b"]}
    assert Counter(values(history.diff(ids[0], ids[5]).table, "server")) == {"s": 2}, "u was not known then"
    assert history.diff(ids[0], ids[5]).not_compared == {"u": "seen for the first time: a baseline"}
    assert Counter(values(history.diff(ids[1], ids[5]).table, "server")) == {"s": 2, "u": 2}
    assert history.diff(ids[1], ids[5]).not_compared == {}


def test_an_answer_between_two_that_overlap(tmp_path: Path) -> None:
    """A server that the older run did not read is known from the run that read it last, not from one that overlaps."""
    history = opened(tmp_path / "history")
    slow_run(history, day(0), {"s": (day(0.1), A), "t": (day(3), A)})
    slow_run(history, day(1), {"s": (day(1.1), AB)})
    old = slow_run(history, day(2), {"s": (day(2.1), None), "t": (day(2.2), A)})
    new = run(history, {"s": AB, "t": A}, day(4))
    assert known(history, old)["s"] == ["a", "b"]
    assert history.diff(old, new).table.num_rows == 0
    assert history.diff(old, new).not_compared == {}
    assert history.diff(new, old).not_compared == {"s": "not read now: unreachable"}


@pytest.mark.parametrize("runs", [1, NEAR + 3])
def test_a_server_that_is_asked_rarely(tmp_path: Path, runs: int) -> None:
    """However many runs over others came since, it is compared with its own last answer."""
    history = opened(tmp_path / "history")
    run(history, {"rare": AB}, day(0))
    for number in range(runs):
        run(history, {"s": A}, day(1 + number / 100))
    last = run(history, {"rare": A}, day(3))
    assert told(history.diff("previous", last).table) == [("rare", "removed", "b", None, None, None, None)]
    assert known(history, last) == {"rare": ["a"], "s": ["a"]}


def test_runs_of_a_version_that_did_not_note_when_they_were_answered(tmp_path: Path) -> None:
    """Their times are read out of their rows."""
    history, ids = made(tmp_path, {"s": A}, {"s": AB})
    store, body = history.store, history.store.read("observations", ids[1])
    about = {name: value for name, value in body.about.items() if name in ("files", "previous", "journal")}
    store.remove_file(store.path("observations", ids[1]))
    store.write("observations", ids[1], body.table(), **about)
    assert "span" not in store.read("observations", ids[1]).about
    run(history, {"s": AB}, day(2))
    assert steps(history) == [(ids[1], "s", "added", "b")]


def test_runs_that_really_overlap(tmp_path: Path) -> None:
    """Over HTTP, in threads: the slow run, the quick one and the next tell together what changed, once."""
    asked, go = threading.Event(), threading.Event()
    count = iter(range(1, 9))

    def behave(connection: object, request: bytes) -> None:
        number = next(count)
        if number == 2:
            asked.set()
            go.wait(30)
        answer(json.dumps({"models": AB if number in (2, 4) else A}).encode())(connection, request)  # type: ignore[arg-type]

    history = History(tmp_path / "history")
    taken: list[SnapshotResult] = []

    def take() -> None:
        servers = [Server(server.url, "s")]
        taken.append(take_snapshot(History(tmp_path / "history"), servers, timeout=60))

    with Hostile(behave) as server:
        take()
        slow = threading.Thread(target=take)
        slow.start()
        assert asked.wait(30)
        take()
        go.set()
        slow.join()
        take()
    assert [changed(one) for one in taken] == [None, [], [("added", "b")], []]
    assert [row.change for row in history.timeline().itertuples()] == ["added"]


def changed(taken: SnapshotResult) -> list[tuple[str, str | None]] | None:
    """What a run told of itself."""
    return None if taken.changes is None else [(row["change"], row["key"]) for row in rows(taken.changes.table)]


def test_what_is_left_after_a_pruning_is_told_the_same(tmp_path: Path) -> None:
    """Where the runs between are gone the timeline is that of the runs that are left, in the order of the answers."""
    history = opened(tmp_path / "history")
    first = run(history, {"s": A}, day(0))
    slow = slow_run(history, day(1), {"s": (day(5), AB)})
    between = run(history, {"s": ABC}, day(2))
    carry_out(history.store, RetentionPlan((first, slow), (between,), ()))
    assert steps(history) == [(slow, "s", "added", "b")]
    assert values(history.timeline_table(), "key") == ["b"]


def test_sizes_over_time_where_nothing_was_ever_read(tmp_path: Path) -> None:
    """Models have no groups where no answer is stored."""
    history, _ = made(tmp_path, {"s": None}, {"s": None})
    assert history.panel_table([day(9)], "publisher").num_rows == 0


def test_the_manuals_sql_gives_the_state(tmp_path: Path) -> None:
    """The query that the manual shows finds the rows of the state, in DuckDB alone and through the history."""
    history = opened(tmp_path / "history")
    run(history, {"old": A, "s": A, "t": A}, day(-40))
    run(history, {"s": AB, "t": None}, day(-5))
    run(history, {"t": None, "u": ABC}, day(-4))
    state = history.state()
    expected = sorted((row["server"], row["key"], row["as_of"]) for row in rows(state.tables["models"]))
    assert {server for server, _, _ in expected} == {"s", "t", "u"}
    page = (Path(inventory.__file__).parent / "manual" / "history.md").read_text()
    [text] = re.findall(r"```duckdb\n(.*?)```", page, re.DOTALL)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name in ("observations", "models"):
        source = f"read_parquet('{history.store.folder}/{name}/*/*.parquet', hive_partitioning = false)"
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")
    found = rows(connection.sql(text).to_arrow_table())
    assert sorted((row["server"], row["key"], row["as_of"]) for row in found) == expected
    assert sorted(history.sql("SELECT server, key, as_of FROM models").itertuples(index=False)) == expected
