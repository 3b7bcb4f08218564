"""What a history says: compared with a small model in memory, over random fleets with failures between."""

import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from histories import Fleet, day, made, model, run, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.errors import ConfigurationError
from inventory.snapshot import rows
from inventory.verify import verify

Told = Counter[tuple[Any, ...]]
MIRROR = {
    "added": "removed",
    "removed": "added",
    "loaded": "unloaded",
    "unloaded": "loaded",
    "reconfigured": "reconfigured",
    "reported": "unreported",
    "unreported": "reported",
}

_models = st.lists(
    st.builds(
        lambda key, loaded, size: model(key, *loaded, size_bytes=size),
        st.sampled_from("abcd"),
        st.lists(st.sampled_from("ij"), unique=True),
        st.integers(1, 2),
    ),
    max_size=4,
    unique_by=lambda one: str(one["key"]),
)
FLEETS = st.lists(st.dictionaries(st.sampled_from("stu"), st.none() | _models, min_size=1), min_size=2, max_size=6)


def last(fleets: list[Fleet], number: int, server: str) -> list[dict[str, Any]] | None:
    """What a server said last, at or before a run."""
    answers = [models for fleet in fleets[: number + 1] if (models := fleet.get(server)) is not None]
    return answers[-1] if answers else None


def naive(server: str, old: list[dict[str, Any]] | None, new: list[dict[str, Any]] | None) -> Told:
    """The changes between two answers of a server, by sets of keys."""
    found: Told = Counter()
    if old is None or new is None:
        return found
    was, now = ({one["key"]: one for one in models} for models in (old, new))
    held, holds = ({(key, one["id"]) for key in side for one in side[key]["loaded_instances"]} for side in (was, now))
    found.update((server, "added", key, None, None, None, None) for key in now.keys() - was.keys())
    found.update((server, "removed", key, None, None, None, None) for key in was.keys() - now.keys())
    found.update((server, "loaded", *pair, None, None, None) for pair in holds - held)
    found.update((server, "unloaded", *pair, None, None, None) for pair in held - holds)
    found.update(
        (server, "reconfigured", key, None, "size_bytes", str(was[key]["size_bytes"]), str(now[key]["size_bytes"]))
        for key in was.keys() & now.keys()
        if was[key]["size_bytes"] != now[key]["size_bytes"]
    )
    return found


def lives(fleets: list[Fleet]) -> dict[tuple[str, str], dict[str, Any]]:
    """The lifecycle, counted run by run; runs are a day apart."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for server in {name for fleet in fleets for name in fleet}:
        seen = [(day(number), fleet[server]) for number, fleet in enumerate(fleets) if fleet.get(server) is not None]
        for key in {one["key"] for _, models in seen for one in models or []}:
            at = {moment: one for moment, models in seen for one in models or [] if one["key"] == key}
            loaded = [moment for moment, one in at.items() if one["loaded_instances"]]
            changed = [
                moment
                for (_, old), (moment, new) in pairwise(seen)
                if any(row[2] == key for row in naive(server, old, new))
            ]
            found[server, key] = {
                "first_seen": min(at),
                "last_seen": max(at),
                "present": max(at) == seen[-1][0],
                "days_present": len(at),
                "runs_present": len(at),
                "runs_loaded": len(loaded),
                "last_loaded": max(loaded, default=None),
                "last_changed": max(changed, default=min(at)),
                "size_bytes": at[max(at)]["size_bytes"],
            }
    return found


@given(FLEETS)
@settings(
    max_examples=settings().max_examples // 10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_random_fleets(fleets: list[Fleet]) -> None:
    """No false added, removed or reconfigured in any reading, whatever failed or was not asked between."""
    with tempfile.TemporaryDirectory() as folder:
        history, ids = made(Path(folder), *fleets)
        total: Told = Counter()
        for number in range(1, len(ids)):
            expected: Told = Counter()
            for server in fleets[number]:
                expected += naive(server, last(fleets, number - 1, server), last(fleets, number, server))
            changes = history.diff(ids[number - 1], ids[number])
            assert Counter(told(changes.table)) == expected
            total += expected
            for server, models in fleets[number].items():
                if models is None:
                    assert changes.not_compared[server] == "not read now: unreachable"
                elif last(fleets, number - 1, server) is None:
                    assert "baseline" in changes.not_compared[server]
                else:
                    assert server not in changes.not_compared
            for server in fleets[number - 1].keys() - fleets[number].keys():
                if last(fleets, number - 1, server) is not None:
                    assert changes.not_compared[server] == "no longer asked"
        assert Counter(told(history.timeline_table())) == total
        back, forth = (rows(history.diff(*pair).table) for pair in ((ids[-1], ids[0]), (ids[0], ids[-1])))
        assert Counter((row["key"], row["change"], row["field"], row["old"], row["new"]) for row in forth) == Counter(
            (row["key"], MIRROR[row["change"]], row["field"], row["new"], row["old"]) for row in back
        )
        assert all(history.diff(one, one).table.num_rows == 0 for one in (ids[0], ids[-1]))
        kept = {(row["server"], row["key"]): row for row in rows(history.lifecycle_table())}
        expected_lives = lives(fleets)
        assert kept.keys() == expected_lives.keys()
        for name, life in expected_lives.items():
            assert {field: kept[name][field] for field in life} == life
        counted = rows(history.runs_table())
        assert [row["run_id"] for row in counted] == ids
        assert [row["servers"] for row in counted] == [len(fleet) for fleet in fleets]
        assert [row["servers_ok"] for row in counted] == [
            sum(models is not None for models in fleet.values()) for fleet in fleets
        ]
        assert sum(row["added"] for row in counted) == sum(n for row, n in total.items() if row[1] == "added")
        assert verify(history.store).num_rows == 0


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
    """It is said to be asked no longer; asked again, it is compared with its own last answer, in both directions."""
    history, ids = made(
        tmp_path, {"a": [model("x")], "b": [model("x")]}, {"a": [model("x")]}, {"a": [model("x")], "b": [model("y")]}
    )
    assert history.diff(ids[0], ids[1]).not_compared == {"b": "no longer asked"}
    assert [row[1:3] for row in told(history.diff(ids[1], ids[2]).table)] == [("added", "y"), ("removed", "x")]
    assert [row[1:3] for row in told(history.diff(ids[2], ids[1]).table)] == [("added", "x"), ("removed", "y")]
    assert history.timeline()["change"].tolist() == ["added", "removed"]


def test_only_some_servers(tmp_path: Path) -> None:
    """Comparing one server says nothing of the others."""
    history, _ = made(tmp_path, {"a": [model("x")], "b": [model("x")]}, {"a": [model("y")], "b": [model("y")]})
    assert {row[0] for row in told(history.diff(servers=["b"]).table)} == {"b"}
    assert history.runs_table(["b"]).column("added").to_pylist() == [0, 1]
    assert history.diff(servers=["b"]).not_compared == {}


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
    own, changes, complete = history.life("x")
    assert [(row["server"], row["runs_present"], row["runs_loaded"]) for row in rows(own)] == [("a", 2, 1), ("b", 1, 0)]
    assert changes.column("change").to_pylist() == ["loaded", "added", "removed", "unloaded"]
    assert complete == history.complete_runs()
    assert history.life("x", ["b"])[1].num_rows == 1
    assert history.life("x", since=day(2))[1].column("change").to_pylist() == ["removed", "unloaded"]
    assert history.complete_runs() == {"a": 3, "b": 2}
    for arguments in (["nope"], ["x", ["c"]], ["nope", ["a"]]):
        with pytest.raises(ConfigurationError, match="no run has seen"):
            history.life(*arguments)


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
    assert list(history.timeline().columns)[:4] == ["run_id", "observed_at", "previous_run_id", "server"]
    assert repr(history).endswith(": 1 runs>")
    assert history.resolve("latest") == first


def test_a_run_of_nobody(tmp_path: Path) -> None:
    """Runs in which no server could be read have no counts, are failed, and are compared with nothing."""
    history, ids = made(tmp_path, {"s": None}, {"s": None})
    assert history.runs()["status"].tolist() == ["failed", "failed"]
    assert history.runs()["model_count"].isna().all()
    assert history.load().tables["models"].num_rows == 0
    assert history.as_of().tables["observations"].num_rows == 0
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
