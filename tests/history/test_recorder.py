"""Runs into a history: unchanged, failed, at the same time, and with any text."""

import errno
import os
import time
from pathlib import Path

import pytest
from support.history_builders import collected, day, files, made, model, run

from inventory import History
from inventory.filesystem.temporary_files import is_abandoned
from inventory.filesystem.write_once import create_marker
from inventory.history.recorder import record
from inventory.history.verify import prove
from inventory.tables import rows


def test_the_same_answer_stored_twice_is_not_doubled(tmp_path: Path) -> None:
    """Two runs that stored one answer at the same time: each finds its own rows, and so do those that come after."""
    history = History(tmp_path / "history")
    snapshots = [collected(tmp_path / "answers", {"s": [model("x", "i")]}, day(number)) for number in range(2)]
    other = History(tmp_path / "other")
    for one in (history, other):
        record(one, snapshots[one is other])
    for path in files(other):
        target = history.store.folder / path.relative_to(other.store.folder)
        target.write_bytes(path.read_bytes())
    assert len(history.store.run_ids()) == 2
    run(history, {"s": [model("y")]}, day(2))
    last = run(history, {"s": [model("x", "i")]}, day(3))
    assert rows(history.load().tables["observations"])[0]["stored_in"] == snapshots[0].run_id
    for ref in (snapshots[0].run_id, snapshots[1].run_id, last):
        assert (len(history.load(ref).models), len(history.load(ref).instances)) == (1, 1)
    assert history.diff(snapshots[0].run_id, snapshots[1].run_id).table.num_rows == 0
    assert history.lifecycle().set_index("key").loc["x", "runs_present"] == 3
    assert prove(history.store).problems.num_rows == 0


@pytest.mark.guard("a run that is being written is not swept")
def test_left_overs_are_swept(tmp_path: Path) -> None:
    """Temporary files, and signs of processes that have ended with their files, go at once; a living one's stay."""
    history, [first] = made(tmp_path, {"s": [model("x")]})
    dead, alive = "20261101T070000.000000Z-dead", "20261101T080000.000000Z-beef"
    kept = history.store.path("models", alive)
    gone = [history.store.path("payloads", dead), history.store.workshop / f"{dead}.run"]
    for path in [*gone, kept, history.store.workshop / "0123456789ab.tmp"]:
        path.write_bytes(b"")
    with create_marker(history.store.workshop / f"{alive}.run"):
        second = run(history, {"s": [model("x")]}, day(1))
        assert not any(path.exists() for path in gone)
        assert kept.exists()
        assert [path.name for path in history.store.workshop.iterdir()] == [f"{alive}.run"]
    assert history.store.run_ids() == [first, second]
    third = run(history, {"s": [model("x")]}, day(2))
    assert not kept.exists()
    assert [*history.store.workshop.iterdir()] == []
    assert history.store.run_ids() == [first, second, third]


def test_signs_where_files_cannot_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There, a sign is one of a living process until it is an hour old."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    path = tmp_path / "x.run"
    path.touch()
    for age, left in ((0, False), (3500, False), (3700, True)):
        os.utime(path, (time.time() - age,) * 2)
        assert is_abandoned(path) == left
    path.unlink()
    assert not is_abandoned(path)


def test_runs_of_one_moment(tmp_path: Path) -> None:
    """Runs of the same microsecond are all there, and each is compared with the one before it."""
    history = History(tmp_path / "history")
    ids = [
        run(history, {"s": [model(str(number))]}, day(0), f"20261101T060000.000000Z-000{number}") for number in "123"
    ]
    assert history.store.run_ids() == ids
    assert history.lifecycle().set_index("key")["present"].to_dict() == {"1": False, "2": False, "3": True}
    assert len(history.timeline()) == 4


@pytest.mark.parametrize(
    "text", ["\x00", "a\x00b", "\u2028", "🦙", "'; DROP TABLE models; --", "", " ", "[*?]", "\\", "é"]
)
def test_any_text_survives(tmp_path: Path, text: str) -> None:
    """Keys, ids and fields of any text come back as they were, and are told apart."""
    history, ids = made(
        tmp_path,
        {"s": [model(f"k{text}", f"i{text}", display_name=text, strange={text: [text]})]},
        {"s": [model(f"k{text}", f"i{text}", display_name=f"{text}2", strange={text: [text]})]},
    )
    loaded = history.load(ids[0])
    [row] = rows(loaded.tables["models"])
    assert (row["key"], row["display_name"]) == (f"k{text}", text)
    assert rows(loaded.tables["instances"])[0]["instance_id"] == f"i{text}"
    assert [row["field"] for row in rows(history.diff().table)] == ["display_name"]
    assert prove(history.store).problems.num_rows == 0
