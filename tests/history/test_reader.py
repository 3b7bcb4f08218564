"""What a history says. Random fleets with failures between are in reliability/test_random_fleets.py."""

from pathlib import Path

import pytest
from support.history_builders import Fleet, day, made, model, run, told

from inventory.errors import ConfigurationError
from inventory.tables import rows


def test_a_server_that_failed_is_unchanged(tmp_path: Path) -> None:
    """As of a run in which a server failed, it has what it had; only what really changed is told, once."""
    one, two = [model("x"), model("y")], [model("x")]
    history, ids = made(tmp_path, {"a": one, "b": one}, {"a": None, "b": one}, {"a": two, "b": one})
    assert len(history.models(ids[1])) == 4
    assert history.diff(ids[0], ids[1]).table.num_rows == 0
    assert history.diff(ids[0], ids[1]).not_compared == {"a": "not read now: unreachable"}
    assert told(history.diff(ids[1], ids[2]).table) == [("a", "removed", "y", None, None, None, None)]
    assert history.runs()["status"].tolist() == ["ok", "partial", "ok"]


def test_a_server_that_was_not_asked_for_a_while(tmp_path: Path) -> None:
    """What nobody asked is no news; asked again, it is compared with its own last answer, in both directions."""
    history, ids = made(
        tmp_path, {"a": [model("x")], "b": [model("x")]}, {"a": [model("x")]}, {"a": [model("x")], "b": [model("y")]}
    )
    assert history.diff(ids[0], ids[1]).not_compared == {}
    assert [row[1:3] for row in told(history.diff(ids[1], ids[2]).table)] == [("added", "y"), ("removed", "x")]
    assert [row[1:3] for row in told(history.diff(ids[2], ids[1]).table)] == [("added", "x"), ("removed", "y")]
    assert history.timeline()["change"].tolist() == ["added", "removed"]


def test_only_some_servers(tmp_path: Path) -> None:
    """Comparing one server says nothing of the others."""
    history, _ = made(tmp_path, {"a": [model("x")], "b": [model("x")]}, {"a": [model("y")], "b": [model("y")]})
    assert {row[0] for row in told(history.diff(servers=["b"]).table)} == {"b"}
    assert history.runs_table(["b"]).column("added").to_pylist() == [None, 1]
    assert history.diff(servers=["b"]).not_compared == {}


def test_what_was_compared_is_not_compared_again(tmp_path: Path) -> None:
    """After any diff, the timeline is what it is without one, also where a server was as it is now before."""
    x, y = [model("x"), model("z", "i")], [model("y"), model("z")]
    history, ids = made(tmp_path, *({"a": a, "b": b} for a, b in ((x, x), (y, x), (x, y), (y, y), (y, None), (x, y))))
    timeline = history.timeline_table()
    assert timeline.num_rows == 15
    for old, new in ((0, 1), (0, 5), (3, 2)):
        history.diff(ids[old], ids[new], ignore=["loaded_instance_count"] if old else [])
        assert history.timeline_table().equals(timeline)


def test_unused_models(tmp_path: Path) -> None:
    """A model that is there, has been for so many days, and was not loaded in them."""
    fleets: list[Fleet] = [{"s": [model("never"), model("once", "i"), model("often", "i"), model("gone")]}]
    fleets += [{"s": [model("never"), model("once"), model("often", "i")]}] * 9
    fleets += [{"s": [model("never"), model("once"), model("often", "i"), model("new")]}]
    history, _ = made(tmp_path, *fleets)
    for days, keys in ((10, ["never", "once"]), (11, []), (0, ["never", "new", "often", "once"])):
        assert [row["key"] for row in rows(history.unused(days))] == keys
    assert [row["key"] for row in rows(history.unused(10, ["other"]))] == []


def test_one_models_life(tmp_path: Path) -> None:
    """One model's lifecycle and changes on the servers that had it; an unknown key is refused."""
    history, _ = made(tmp_path, {"a": [model("x")], "b": []}, {"a": [model("x", "i")], "b": [model("x")]}, {"a": []})
    own, changes, complete = history.model_history("x")
    assert [(row["server"], row["runs_present"], row["runs_loaded"]) for row in rows(own)] == [("a", 2, 1), ("b", 1, 0)]
    assert changes.column("change").to_pylist() == ["loaded", "added", "removed", "unloaded"]
    assert complete == history.complete_runs()
    assert history.model_history("x", ["b"])[1].num_rows == 1
    assert history.model_history("x", since=day(2))[1].column("change").to_pylist() == ["removed", "unloaded"]
    assert history.complete_runs() == {"a": 3, "b": 2}
    for arguments in (["nope"], ["x", ["c"]], ["nope", ["a"]]):
        with pytest.raises(ConfigurationError, match="no run has seen"):
            history.model_history(*arguments)


def test_since(tmp_path: Path) -> None:
    """From a time on there are the runs and changes that were seen then or later."""
    history, ids = made(tmp_path, {"s": [model("x")]}, {"s": [model("y")]}, {"s": [model("z")]})
    assert history.runs_table(since=day(1)).column("run_id").to_pylist() == ids[1:]
    assert set(history.timeline(since=day(2))["key"]) == {"y", "z"}


def test_frames_have_the_types_of_the_schema(tmp_path: Path) -> None:
    """Integers stay integers and times have their zone, also when a column is empty."""
    history, [first] = made(tmp_path, {"s": [model("x")]})
    life = history.lifecycle()
    assert str(life["days_present"].dtype) == "Int64"
    assert str(life["last_loaded"].dtype) == "datetime64[us, UTC]"
    assert list(history.runs().columns)[:2] == ["run_id", "collected_at"]
    assert list(history.timeline().columns)[:3] == ["run_id", "previous_run_id", "server"]
    assert str(history.timeline()["observed_at"].dtype) == "datetime64[us, UTC]"
    assert repr(history).endswith(": 1 runs>")
    assert history.resolve("latest") == first


def test_a_run_of_nobody(tmp_path: Path) -> None:
    """Runs in which no server could be read have no counts, are failed, and are compared with nothing."""
    history, ids = made(tmp_path, {"s": None}, {"s": None})
    assert history.runs()["status"].tolist() == ["failed", "failed"]
    assert history.runs()["model_count"].isna().all()
    assert history.load().tables["models"].num_rows == 0
    assert history.state().observations["as_of"].isna().all()
    assert history.state().tables["models"].num_rows == 0
    assert history.diff().table.num_rows == 0
    assert history.lifecycle().empty
    later = run(history, {"s": [model("x")]}, day(5))
    assert "baseline" in history.diff(ids[1], later).not_compared["s"]


def test_sizes_that_no_column_can_hold(tmp_path: Path) -> None:
    """What adds up to more than 64 bits is told as unknown, not as another number, and hides nothing else."""
    huge = [model("x", size_bytes=2**62), model("x", size_bytes=2**62)]
    history, _ = made(tmp_path, {"a": huge, "b": [model("y", size_bytes=2**62)], "c": [model("z", size_bytes=2**62)]})
    run_row = history.runs().iloc[0]
    assert (run_row["model_count"], run_row["status"]) == (4, "ok")
    assert {row["key"]: row["size_bytes"] for row in rows(history.lifecycle_table())} == {
        "x": None, "y": 2**62, "z": 2**62
    }  # fmt: skip
