"""Unknown fields with ever other names: compared as one value, so that one odd server costs the others nothing."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.cli_runner import COMMAND, clean
from support.history_builders import Fleet, collected, day, made, model
from support.history_builders import run as record_run

from inventory import History, compare
from inventory.diff.extras import are_too_many, as_one, short_extra, unknown_fields
from inventory.history.storage.store import Store
from inventory.history.verify import prove
from inventory.limits import UNKNOWN_FIELDS
from inventory.tables import rows, values

GROWTH = 24 * 2**20
"""Bytes that the peak of a command may move by from one run of it to the next; the names took 70 MB more a run."""


def odd(run: int, models: int = 4, names: int = UNKNOWN_FIELDS) -> list[dict[str, Any]]:
    """Models with unknown fields whose names are others in each run."""
    return [
        model(f"k{number}", **{f"n{run}_{number}_{name}": 1 for name in range(names // models + 1)})
        for number in range(models)
    ]


def told(changes: Any) -> set[tuple[Any, ...]]:
    """server, change, key and field of each row of changes."""
    return {(row["server"], row["change"], row["key"], row["field"]) for row in rows(changes)}


def test_a_change_a_row(tmp_path: Path) -> None:
    """Of the odd server each row is one change, from one digest to another; the others are compared field by field."""
    plain = [model("x", more={"a": 1, "b": [1]}), model("y")]
    later = [model("x", more={"a": 2, "c": 3}), model("y")]
    history, ids = made(tmp_path, {"odd": odd(1), "plain": plain}, {"odd": odd(2), "plain": later})
    changes = history.diff(*ids).table
    assert told(changes) == {
        *(("odd", "reconfigured", f"k{number}", "extra") for number in range(4)),
        ("plain", "reconfigured", "x", "extra.more.a"),
        ("plain", "unreported", None, "extra.more.b"),
        ("plain", "reported", None, "extra.more.c"),
    }
    assert all(len(text) < 100 for row in rows(changes) for text in (row["old"], row["new"]) if text)
    assert history.diff(*ids, ignore=["extra"]).table.num_rows == 0
    whole = json.loads(history.load(ids[1]).models["extra"][0])
    assert len(whole) == UNKNOWN_FIELDS // 4 + 1, "nothing is lost"
    assert prove(history.store).problems.num_rows == 0


def test_the_limit(tmp_path: Path) -> None:
    """As many as the limit are told by name, one more and they are one; in an answer, not in a row."""
    for count, expected in ((UNKNOWN_FIELDS, 2 * UNKNOWN_FIELDS), (UNKNOWN_FIELDS + 1, 10)):
        each = [[{f"n{run}_{name}": 1 for name in range(number, count, 10)} for number in range(10)] for run in (1, 2)]
        fleets: list[Fleet] = [{"a": [model(f"k{n}", **names) for n, names in enumerate(run)]} for run in each]
        folder = tmp_path / str(count)
        folder.mkdir()
        history, ids = made(folder, *fleets)
        assert history.diff(*ids).table.num_rows == expected


def test_becoming_odd_and_plain_again(tmp_path: Path) -> None:
    """Names that appear for the first time, and that vanish, are one field that is reported or unreported."""
    fleets: list[Fleet] = [{"a": [model("k0")]}, {"a": odd(1, 1)}, {"a": [model("k0", own=1)]}, {"a": [model("k0")]}]
    history, ids = made(tmp_path, *fleets)
    steps = [told(history.diff(old, new).table) for old, new in pairwise(ids)]
    assert steps == [
        {("a", "reported", None, "extra")},
        {("a", "reconfigured", "k0", "extra")},
        {("a", "unreported", None, "extra.own")},
    ]


FIELDS = st.dictionaries(st.sampled_from("abc"), st.sampled_from([1, "x", None, ["b", "a"]]), max_size=3)
ANSWERS = st.lists(st.tuples(FIELDS, st.sampled_from([0, 3, UNKNOWN_FIELDS + 1]), st.integers(0, 2)), max_size=3)


@example([({}, UNKNOWN_FIELDS + 1, 0)], [({"a": None}, 0, 0)])  # nulls alone are nothing
@example([({"a": None}, 0, 0)], [({}, UNKNOWN_FIELDS + 1, 0), ({"a": None}, 0, 0)])
@settings(max_examples=settings().max_examples // 10)
@given(ANSWERS, ANSWERS)
def test_the_history_says_what_files_say(tmp_path_factory: pytest.TempPathFactory, old: Any, new: Any) -> None:
    """Two runs of a history, of which only some rows are read, differ as the two snapshots differ."""
    folder = tmp_path_factory.mktemp("made")
    fleets: list[Fleet] = [
        {
            "a": [
                model(f"k{n}", **plain, **{f"n{run}_{i}": 1 for i in range(many)})
                for n, (plain, many, run) in enumerate(one)
            ]
        }
        for one in (old, new)
    ]
    history, ids = made(folder, *fleets)
    before, after = (collected(folder / "answers", fleet, day(number)) for number, fleet in enumerate(fleets))
    assert history.diff(*ids).table == compare(before, after).table


def test_names_are_counted_no_further() -> None:
    """Of too many names none is held, and what is recorded of them does not grow with them."""
    texts = {"models": [json.dumps({f"n{row}_{name}": 1 for name in range(5000)}) for row in range(5)], "instances": []}
    fields = unknown_fields(texts)
    assert fields == {"models.extra"}
    assert are_too_many(fields)
    named = unknown_fields({"models": ['{"a": {"b.c": 1, "d": {}}, "e": null}'], "instances": ['{"a": [1]}']})
    assert named == {'models.extra.a."b.c"', "models.extra.a.d", "instances.extra.a"}
    assert not are_too_many(named | {"models.size_bytes"})
    assert as_one(named | {"models.size_bytes"}) == {"models.extra", "instances.extra", "models.size_bytes"}
    earlier = frozenset(f"models.extra.n{name}" for name in range(UNKNOWN_FIELDS + 1))
    assert are_too_many(earlier), "as an earlier version recorded them"
    assert short_extra('{"a": 1}') == '{"a": 1}'
    assert json.loads(short_extra('{"a": "%s"}' % ("é" * 300))).startswith("309 characters, SHA-256 ")


def peak(*arguments: str | Path) -> int:
    """The most memory that a command takes, in bytes."""
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
    )
    words = [sys.executable, "-c", script, *COMMAND, *map(str, arguments)]
    return int(subprocess.run(words, env=clean(), check=True, capture_output=True, text=True).stdout)


@pytest.mark.long
def test_memory_does_not_grow_with_earlier_names(tmp_path: Path) -> None:
    """`history` of five runs with 20,000 other names each takes what it takes of two, and so does a snapshot."""
    history = History(tmp_path / "history")
    answer = tmp_path / "answer.json"
    peaks: dict[str, list[int]] = {"history": [], "diff": [], "snapshot": []}
    for run in range(5):
        fleet: Fleet = {"s": odd(run, 20, 20_000), "other": [model("x", size_bytes=run)]}
        record_run(history, fleet, day(run))
        if run in (1, 4):
            answer.write_text(json.dumps({"models": odd(run + 100, 20, 20_000)}))
            peaks["history"].append(peak("history", "--history", history.store.folder))
            peaks["diff"].append(peak("diff", "--history", history.store.folder))
            copy = tmp_path / f"copy{run}"
            subprocess.run(["cp", "-r", history.store.folder, copy], check=True)
            peaks["snapshot"].append(peak("snapshot", "-q", "--server", f"s=file:{answer}", "--history", copy))
    for command, (few, many) in peaks.items():
        assert many - few < GROWTH, command
    store = Store(history.store.folder)
    for run_id in store.run_ids():
        assert max(len(text) for text in values(store.read("payloads", run_id).table(), "fields")) < 1000
    assert history.timeline_table().num_rows == 4 * 21
