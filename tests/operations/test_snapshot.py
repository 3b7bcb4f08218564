"""A snapshot from beginning to end: queried, judged, recorded, compared, reported, logged."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from support.history_builders import day, made, model, run

from inventory import History
from inventory.config.servers import Server
from inventory.errors import FileError
from inventory.history import run_log
from inventory.operations.snapshot import log_run, report_on_run, starts_history, take_snapshot
from inventory.run_ids import time_of
from inventory.tables import rows


def test_a_run_is_compared_with_the_run_before_it(tmp_path: Path) -> None:
    """Also when a later run was recorded while its servers were asked."""
    history, [first] = made(tmp_path, {"s": [model("x")]})
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"models": [model("y")]}))
    ticks = iter(["id", "answer"])

    def clock() -> datetime:
        if next(ticks) == "answer":
            run(history, {"s": [model("z")]}, day(9))
        return day(1)

    taken = take_snapshot(history, [Server(f"file:{path}", "s")], timeout=5, clock=clock)
    assert history.store.run_ids()[1] == taken.snapshot.run_id
    assert taken.changes is not None
    assert {row["key"] for row in rows(taken.changes.table)} == {"x", "y"}
    assert taken.since == time_of(first)


def test_a_history_that_cannot_be_used_loses_no_answer(tmp_path: Path) -> None:
    """The servers are asked and the snapshot is there, with the failure beside it."""
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"models": [model("y")]}))
    (tmp_path / "file").write_text("")
    taken = take_snapshot(History(tmp_path / "file"), [Server(f"file:{path}", "s")], timeout=5)
    assert isinstance(taken.failure, FileError)
    assert taken.snapshot.complete
    assert taken.changes is None
    assert (tmp_path / "file").read_text() == ""


def test_without_a_history_the_servers_are_only_queried(tmp_path: Path) -> None:
    """There is nothing to compare with, and nothing is written."""
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"models": [model("y")]}))
    result = take_snapshot(None, [Server(f"file:{path}", "s")], timeout=5)
    assert (result.snapshot.complete, result.changes, result.since, result.failure) == (True, None, None, None)
    assert report_on_run(result, None, None).runs == []
    assert list(tmp_path.iterdir()) == [path]


def test_only_the_first_run_starts_a_history(tmp_path: Path) -> None:
    """A folder without runs is refused where an existing history is required, and inside of another one."""
    history, _ = made(tmp_path, {"s": [model("x")]})
    assert not starts_history(history, existing_only=True)
    new = History(tmp_path / "new")
    assert starts_history(new)
    with pytest.raises(FileError, match="there is no history at"):
        starts_history(new, existing_only=True)
    with pytest.raises(FileError, match="is part of the history"):
        starts_history(History(history.store.folder / "observations"))


def test_a_run_is_reported_with_those_before_it_and_logged(tmp_path: Path) -> None:
    """The report has the trend and what the run was compared with; the log has the exit code and the failures."""
    history, [first] = made(tmp_path, {"s": [model("x")]})
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"models": [model("y")]}))
    result = take_snapshot(history, [Server(f"file:{path}", "s")], timeout=5, clock=lambda: day(1))
    report = report_on_run(result, history, None)
    assert [row["run_id"] for row in report.runs] == [first, result.snapshot.run_id]
    assert report.since == f"{time_of(first):%Y-%m-%d %H:%M:%S} UTC"
    log_run(history, result, 1.5, 4, [FileError("a.csv could not be written")])
    entry = run_log.read(history.store.folder).entries[-1]
    assert (entry["run_id"], entry["exit_code"]) == (result.snapshot.run_id, 4)
    assert (entry["recorded"], entry["failures"]) == (True, ["a.csv could not be written"])
