"""Damage of every kind: named by the proof, and never read as if nothing had happened."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from histories import files, made, model

from inventory.contents import KINDS
from inventory.errors import FileError
from inventory.history import History
from inventory.prune import carry_out, plan
from inventory.snapshot import rows
from inventory.verify import verify

FLIPS = 150


def grown(folder: Path) -> tuple[History, list[str]]:
    """A history with changes, a failure, a baseline and pruned runs; the ids of the runs that are left."""
    one, two = [model("x", "i"), model("y")], [model("x", "i", "j"), model("z", description="d")]
    history, ids = made(folder, {"a": one, "b": one}, {"a": None, "b": two}, {"a": two, "b": two}, {"a": one})
    history.freeze("good", ids[2])
    carry_out(history.store, plan(history.store, {"last": 3}))
    return history, ids[1:]


def problems(history: History) -> list[str]:
    """The files that the proof names."""
    return [str(row["file"]) for row in rows(verify(history.store))]


def readings(ids: list[str]) -> list[Callable[[History], Any]]:
    """Every way to read it; each gives something that can be compared."""
    return [
        lambda one: [rows(table) for table in one.load().tables.values()],
        lambda one: rows(one.as_of(ids[0]).tables["models"]),
        lambda one: rows(one.diff(ids[0], ids[-1]).table),
        lambda one: rows(one.timeline_table()),
        lambda one: rows(one.lifecycle_table()),
        lambda one: rows(one.runs_table()),
        lambda one: one.baseline("good"),
    ]


def answered(reading: Callable[[History], Any], history: History) -> Any:
    """What a reading gives, or that it was refused."""
    try:
        return reading(History(history.store.folder))
    except FileError:
        return FileError


def test_a_whole_history_has_no_problems(tmp_path: Path) -> None:
    """Without damage the proof names nothing, also after a pruning."""
    history, _ = grown(tmp_path)
    assert problems(history) == []
    assert problems(History(tmp_path / "none")) == []


def test_flipped_bits(tmp_path: Path) -> None:
    """Each of many random flips, over all files, is named with its file, also when several files are damaged."""
    history, _ = grown(tmp_path)
    chance = random.Random(3)
    there = files(history)
    assert {path.relative_to(history.store.folder).parts[0] for path in there} == {*KINDS, "baselines", "pruned"}
    for _ in range(FLIPS // 10):
        harmed = {path: path.read_bytes() for path in chance.sample(there, min(10, len(there)))}
        for path, body in harmed.items():
            place, bit = chance.randrange(len(body)), chance.randrange(8)
            path.write_bytes(body[:place] + bytes([body[place] ^ 1 << bit]) + body[place + 1 :])
        assert {str(path.relative_to(history.store.folder)) for path in harmed} <= set(problems(history))
        for path, body in harmed.items():
            path.write_bytes(body)
    assert problems(history) == []


@pytest.mark.parametrize("turn", range(1))
def test_no_reading_uses_a_damaged_file(tmp_path: Path, turn: int) -> None:
    """Whatever happens to any one file: it is named, and a reading is refused or gives what it gave before."""
    history, ids = grown(tmp_path)
    ways = readings(ids)
    before = [answered(way, history) for way in ways]
    assert FileError not in before
    chance = random.Random(turn)
    there = files(history)
    for number, path in enumerate(there):
        harm = ("flip", "missing", "cut", "swap")[(number + turn) % 4]
        body = path.read_bytes()
        place = chance.randrange(len(body))
        if harm == "flip":
            path.write_bytes(body[:place] + bytes([body[place] ^ 1 << chance.randrange(8)]) + body[place + 1 :])
        elif harm == "cut":
            path.write_bytes(body[:place])
        elif harm == "swap":
            others = [one for one in there if one.suffix == path.suffix and one != path]
            if not others:
                continue  # nothing to swap it with
            path.write_bytes(chance.choice(others).read_bytes())
        else:
            path.unlink()
        refused = 0
        name = path.relative_to(history.store.folder)
        if harm != "missing" or name.parts[0] in KINDS[1:]:
            for way, was in zip(ways, before, strict=True):
                now = answered(way, history)
                refused += now is FileError
                assert now in (was, FileError), name
            assert refused or name.parts[0] in ("payloads", "pruned")
        if harm != "missing" or name.parts[0] != "baselines":
            newest = harm == "missing" and path.stem == ids[-1]
            found = problems(history)
            assert newest or str(name) in found or (name.parts[0] == "pruned" and found), name
        path.write_bytes(body)
    assert problems(history) == []


def test_a_damaged_file_written_by_somebody_else(tmp_path: Path) -> None:
    """A file with a whole seal that its run did not write is another file; a foreign file is none of the history's."""
    history, ids = grown(tmp_path)
    path = history.store.path("models", ids[0])
    table = history.store.read("models", ids[0]).table()
    path.unlink()
    history.store.write("models", ids[0], table.slice(1))
    (history.store.folder / "models" / "notes.txt").write_text("mine")
    found = {row["file"]: row["problem"] for row in rows(verify(history.store))}
    assert "no file of a history" in found["models/notes.txt"]
    assert set(found) == {"models/notes.txt", str(path.relative_to(history.store.folder))}


def test_damage_while_a_history_is_open(tmp_path: Path) -> None:
    """A history that was read before sees that a file was written to since."""
    history, ids = grown(tmp_path)
    before = len(history.timeline())
    assert before
    path = history.store.path("models", ids[0])
    body = path.read_bytes()
    path.write_bytes(body[:200] + bytes([body[200] ^ 1]) + body[201:])
    with pytest.raises(FileError, match="damaged"):
        history.timeline()


def test_a_damaged_history_is_not_added_to_silently(tmp_path: Path) -> None:
    """A run whose predecessor is damaged is refused, and the history stays as it was."""
    from histories import day, run

    history, ids = grown(tmp_path)
    path = history.store.path("observations", ids[-1])
    path.write_bytes(path.read_bytes()[:-1])
    there = files(history)
    with pytest.raises(FileError, match="verify"):
        run(history, {"a": [model("new")]}, day(9))
    assert files(history) == there


def test_what_a_damaged_file_held(tmp_path: Path) -> None:
    """The proof says of which run, and what, a damaged file held."""
    history, ids = grown(tmp_path)
    for kind in KINDS:
        path = history.store.path(kind, ids[0])
        path.write_bytes(b"x")
    found = {row["file"].split("/")[0]: row["holds"] for row in rows(verify(history.store))}
    assert set(found) == set(KINDS)
    assert all(ids[0] in holds for holds in found.values())
    assert "bodies as received" in found["payloads"]
