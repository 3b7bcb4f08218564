"""Fields that tick: no change, no new digest, and in no row that servers and runs share; the bodies keep them."""

import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from diff.test_compare import changes
from hypothesis import given, settings
from hypothesis import strategies as st
from support.history_builders import day

import inventory
from inventory import History, Snapshot, schema
from inventory.config.servers import Server
from inventory.diff.fields import compared
from inventory.history.recorder import record
from inventory.history.verify import prove
from inventory.normalize.fingerprint import digest
from inventory.normalize.flatten import flatten
from inventory.normalize.ticking import without_ticking
from inventory.run_ids import new_run_id
from inventory.tables import rows

GOLDEN = Path(__file__).parent.parent / "golden" / "history-with-clocks"
"""A history of two runs of two servers, written by a version that took a TTL that is no whole number for any field."""

CLOCK = "remaining_ttl_seconds"
TTLS = [None, 0, 3600, 3599.42, "3599", "59m", {"left": 5}, [5, 4], [{"in": 5}], True, -1]


def model(key: str = "m", *instances: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A model as LM Studio sends it."""
    return {"key": key, "type": "llm", "size_bytes": 10, **fields, "loaded_instances": list(instances)}


def loaded(**fields: Any) -> dict[str, Any]:
    """An instance as LM Studio sends it."""
    return {"id": "i", "config": {"context_length": 4096}, **fields}


def taken(folder: Path, moment: float, ignore: tuple[str, ...] = (), **models: list[dict[str, Any]]) -> Snapshot:
    """What a run sees."""
    for name, answer in models.items():
        (folder / f"{name}.json").write_text(json.dumps({"models": answer}))
    servers = [Server(f"file:{folder / name}.json", name) for name in models]
    return inventory.collect(servers, clock=lambda: day(moment), run_id=new_run_id(day(moment)), ignore=ignore)


def places(ttl: Any) -> list[dict[str, Any]]:
    """A model in which the clock stands wherever it might."""
    instance = loaded(**{CLOCK: ttl}, nested={CLOCK: ttl, "steady": 1}, slots=[{CLOCK: ttl, "steady": 1}])
    instance["config"] |= {CLOCK: ttl}
    return [model("m", instance, **{CLOCK: ttl}, state={"deep": {CLOCK: ttl}})]


@pytest.mark.parametrize("ttl", TTLS, ids=repr)
def test_a_clock_of_any_type_at_any_place_is_no_change(ttl: Any) -> None:
    """Two answers that differ only in it have one digest and no changes, also where it came or went."""
    for other in TTLS:
        assert digest(flatten(places(ttl))) == digest(flatten(places(other)))
        assert changes(places(ttl), places(other)).table.num_rows == 0


def test_what_is_beside_a_clock_is_compared() -> None:
    """Only the clock itself is left out, not what has a like name or stands in the same object."""
    old, new = (model("m", loaded(nested={CLOCK: n, "x": n}, **{f"my_{CLOCK}": n})) for n in (1, 2))
    found = [row["field"] for row in rows(changes([old], [new]).table)]
    assert found == [f"extra.my_{CLOCK}", "extra.nested.x"]


def test_no_stored_row_tells_a_clock(tmp_path: Path) -> None:
    """Servers and runs share rows, so none holds it; the run itself shows what each server said."""
    history = History(tmp_path / "h")
    for number, ttl in enumerate((3599.42, 17, "5s")):
        snapshot = taken(tmp_path, number, a=places(ttl), b=places(9))
        assert rows(snapshot.tables["instances"])[1][CLOCK] == 9
        assert CLOCK in rows(snapshot.tables["models"])[0]["extra"]
        record(history, snapshot)
    for kind in ("models", "instances"):
        tables = [history.store.read(kind, run).table() for run in history.store.where(kind)]
        stored = [row for table in tables for row in rows(table)]
        assert len(stored) == 1  # all six answers are one
        assert CLOCK not in (stored[0]["extra"] or "")
        assert stored[0].get(CLOCK) is None
    shown = history.state("latest").tables["instances"]
    assert [row[CLOCK] for row in rows(shown)] == [None, None]
    proof = prove(history.store)
    assert (proof.problems.num_rows, proof.runs, proof.answers, proof.equal_answers) == (
        0,
        3,
        6,
        3,
    )  # the body of b is kept


def test_a_history_with_clocks_stays_readable() -> None:
    """It is proven as it was written, tells no clock, and no change that only a clock made."""
    history = History(GOLDEN)
    proof = prove(history.store)
    assert (proof.problems.num_rows, proof.runs) == (0, 2)
    told = [(row["server"], row["field"]) for row in rows(history.diff().table)]
    assert told == [("a", "extra.last_used_at")]
    assert History(GOLDEN, ignore=["extra.last_used_at"]).diff().table.num_rows == 0
    for ref in ("previous", "latest"):
        for snapshot in (history.state(ref), history.load(ref)):
            found = rows(snapshot.tables["instances"])
            assert {row[CLOCK] for row in found} == {None}
            assert not any(CLOCK in (row["extra"] or "") for row in found)


def test_an_ignored_field_costs_nothing(tmp_path: Path) -> None:
    """Ten answers that differ only in what is ignored are stored once; nothing is told of them in any reading."""
    history = History(tmp_path / "h", ignore=["extra.used*", "extra.nested.at"])
    for number in range(10):
        answer = [model("m", loaded(used_at=number, used={"by": number}, nested={"at": number, "x": 1}))]
        snapshot = taken(tmp_path, number, history.ignore, a=answer)
        assert f'"used_at": {number}' in rows(snapshot.tables["instances"])[0]["extra"]
        record(history, snapshot)
    assert len(history.store.where("models")) == 1
    assert sum(row["reconfigured"] or 0 for row in rows(history.runs_table())) == 0
    assert history.timeline_table().num_rows == 0
    assert rows(history.state().tables["instances"])[0]["extra"] == '{"nested": {"x": 1}}'
    assert prove(history.store).problems.num_rows == 0


def test_an_ignored_column_is_stored_and_not_compared(tmp_path: Path) -> None:
    """What a column holds is exported as it is now, whatever is ignored; it is only not told."""
    history = History(tmp_path / "h", ignore=["size_bytes"])
    for number in range(3):
        record(history, taken(tmp_path, number, history.ignore, a=[model(size_bytes=number)]))
    assert rows(history.state().tables["models"])[0]["size_bytes"] == 2
    assert history.timeline_table().num_rows == 0
    assert [row["field"] for row in rows(History(tmp_path / "h").diff().table)] == ["size_bytes"]


LISTS: list[tuple[str, ...]] = [(), ("extra.x",), ("extra.*",), ("extra.y", "size_bytes"), ("*",)]


@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(LISTS), st.integers(1, 2)), min_size=2, max_size=5))
def test_another_list_of_ignored_fields_is_no_change(runs: list[tuple[tuple[str, ...], int]]) -> None:
    """Whatever each run ignored, only what both kept is compared, with whatever is ignored now; each is proven."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        history = History(folder / "h")
        for number, (ignore, value) in enumerate(runs):
            answer = [model(key, loaded(x=value, y=1), x=value, y=1) for key in "abc"]
            record(history, taken(folder, number, ignore, a=answer))
        assert prove(history.store).problems.num_rows == 0
        steps = pairwise(zip(history.store.run_ids(), runs, strict=True))
        for (before, (old_list, old)), (after, (new_list, new)) in steps:
            told = {(row["change"], row["field"]) for row in rows(history.diff(before, after).table)}
            kept = not {"extra.x", "extra.*", "*"} & {*old_list, *new_list}
            assert told == ({("reconfigured", "extra.x")} if kept and old != new else set())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "a.b", CLOCK]), inner),
    max_leaves=8,
)


@settings(max_examples=settings().max_examples, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["a", "b", CLOCK]), JSON, min_size=1),
    st.lists(st.sampled_from(["extra.a", "extra.a.b", "*b", "extra.b.*", "*.a"]), max_size=2),
)
def test_stripped_rows_compare_as_whole_ones(extra: dict[str, Any], ignore: list[str]) -> None:
    """What a history leaves out is what a comparison leaves out, and leaving it out twice changes nothing."""
    text = json.dumps(extra, ensure_ascii=False, sort_keys=True)
    stripped = without_ticking(text, ignore)
    row: dict[str, Any] = dict.fromkeys(schema.INSTANCES.names)
    whole, left = (compared({**row, "extra": one}, schema.INSTANCES, ignore) for one in (text, stripped))
    assert whole == left
    assert stripped is None or without_ticking(stripped, ignore) == stripped
    assert CLOCK not in (stripped or "")
