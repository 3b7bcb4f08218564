"""The journal: one line a run."""

import json
import os
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.history_builders import collected, day, made, model

import inventory
from inventory.errors import FileError
from inventory.history.run_log import append, entry_of, newest_first, read
from inventory.history.storage.metadata import RUN_LOG
from inventory.history.storage.store import Store
from inventory.history.verify import prove
from inventory.tables import rows

LINES = st.dictionaries(st.text(), st.one_of(st.none(), st.integers(), st.text(), st.booleans()), max_size=4)


def test_a_line_says_how_the_run_went(tmp_path: Path) -> None:
    """Times, statuses, changes of models and instances together, exit code, failures and version."""
    history, _ = made(tmp_path, {"a": [model("x", "x1"), model("y")], "b": None}, {"a": [model("x", "x2")], "b": None})
    snapshot = history.load("latest")
    entry = entry_of(snapshot, history.diff(), 1.23456, 3, ["a.csv could not be written"])
    assert entry == {
        "recorded": True,
        "began": "2026-11-02T06:00:00.000Z",
        "ended": "2026-11-02T06:00:01.234Z",
        "seconds": 1.235,
        "run_id": snapshot.run_id,
        "statuses": {"ok": 1, "unreachable": 1},
        "unread": ["b"],
        "changes": {"added": 0, "removed": 1, "renamed": 0, "reconfigured": 0, "loaded": 1, "unloaded": 1,
                    "reported": 0, "unreported": 0},
        "exit_code": 3,
        "failures": ["a.csv could not be written"],
        "version": inventory.__version__,
    }  # fmt: skip


def test_the_log_is_an_interface(tmp_path: Path) -> None:
    """inventory.read_run_log takes a path or a text, reads nothing as empty, and says which lines are damaged."""
    assert inventory.read_run_log(tmp_path) == ([], [])
    for number in range(3):
        append(tmp_path, {"run_id": str(number), "exit_code": number})
    log = inventory.read_run_log(str(tmp_path))
    assert [entry["exit_code"] for entry in log.entries] == [0, 1, 2]
    assert [entry["run_id"] for entry in newest_first(tmp_path)] == ["2", "1", "0"]
    path = tmp_path / RUN_LOG
    path.write_bytes(path.read_bytes().replace(b'"exit_code": 1', b'"exit_code": 0'))
    log = inventory.read_run_log(tmp_path)
    assert ([entry["exit_code"] for entry in log.entries], log.damaged) == ([0, 2], [2])
    assert [entry["run_id"] for entry in newest_first(tmp_path)] == ["2", "0"]
    with pytest.raises(inventory.ConfigurationError, match="must be a local or mounted folder"):
        inventory.read_run_log("s3://bucket/history")
    with pytest.raises(inventory.ConfigurationError, match="the folder of a history"):
        inventory.read_run_log(7)  # type: ignore[arg-type]


def test_a_first_run_was_compared_with_nothing(tmp_path: Path) -> None:
    """No changes is not the same as nothing to compare with."""
    assert entry_of(collected(tmp_path / "a", {"a": []}, day(0)), None, 0, 0, [])["changes"] is None


def test_a_run_that_read_nothing_compared_nothing(tmp_path: Path) -> None:
    """It has no counts, which are not counts of 0."""
    history, _ = made(tmp_path, {"a": [model("x")]}, {"a": None})
    entry = entry_of(history.load("latest"), history.diff(), 0, 3, [])
    assert (entry["changes"], entry["unread"]) == (None, ["a"])


@given(st.lists(LINES, min_size=1, max_size=5))
def test_lines_come_back(tmp_path_factory: pytest.TempPathFactory, entries: list[dict[str, Any]]) -> None:
    """What is appended is read, in its order; each is one line with sorted keys."""
    folder = tmp_path_factory.mktemp("journal")
    for entry in entries:
        append(folder, entry)
    assert read(folder) == (entries, [])
    lines = (folder / RUN_LOG).read_bytes().splitlines()
    proofs = [sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest() for entry in entries]
    told = [{**entry, "sha256": proof} for entry, proof in zip(entries, proofs, strict=True)]
    assert lines == [json.dumps(entry, sort_keys=True).encode() for entry in told]


@given(st.integers(min_value=0, max_value=240))
def test_a_torn_line_is_left_and_skipped(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """Wherever a crash cut the file, whole lines before it and the next one after it are read."""
    folder = tmp_path_factory.mktemp("journal")
    first, second, third = ({"run": number, "text": "\u00e9\n{}"} for number in range(3))
    append(folder, first)
    append(folder, second)
    whole = (folder / RUN_LOG).read_bytes()
    kept = whole[: max(len(whole) - cut, 0)]
    (folder / RUN_LOG).write_bytes(kept)
    append(folder, third)
    complete = [one for one, end in ((first, len(whole) // 2 - 1), (second, len(whole) - 1)) if len(kept) >= end]
    assert read(folder) == ([*complete, third], [])
    assert (folder / RUN_LOG).read_bytes().startswith(kept)


@given(st.lists(LINES, min_size=1, max_size=4), st.data())
def test_damage_is_told(tmp_path_factory: pytest.TempPathFactory, entries: list[dict[str, Any]], data: Any) -> None:
    """Wherever one bit is flipped, or bytes are lost, the line is told, and what it said is not believed."""
    folder = tmp_path_factory.mktemp("journal")
    for entry in entries:
        append(folder, entry)
    whole = (folder / RUN_LOG).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    flip = data.draw(st.integers(0, 7))
    (folder / RUN_LOG).write_bytes(whole[:at] + bytes([whole[at] ^ 1 << flip]) + whole[at + 1 :])
    found = read(folder)
    assert found.damaged
    assert found.damaged[0] == whole[:at].count(b"\n") + 1
    assert all(entry in entries for entry in found.entries)
    (folder / RUN_LOG).write_bytes(whole[:at])
    assert bool(read(folder).damaged) == (at == 0 or (whole[at - 1 : at] != b"\n" and whole[at : at + 1] != b"\n"))
    (folder / RUN_LOG).write_bytes(whole[:at] + whole[at + 1 :])
    assert read(folder).damaged or at == len(whole) - 1


@pytest.mark.parametrize("rubbish", [b"\xff\xfe\n", b"[1]\n", b"null\n", b"\n\n", b'{"a":\n', b'"', b"\0" * 40])
def test_rubbish_is_skipped(rubbish: bytes, tmp_path: Path) -> None:
    """Whatever else is in the file, the runs are read; what is no line that was begun is told."""
    (tmp_path / RUN_LOG).write_bytes(rubbish)
    append(tmp_path, {"a": 1})
    assert read(tmp_path) == ([{"a": 1}], [*range(1, rubbish.count(b"\n") + 1)])


def test_no_journal_has_no_lines(tmp_path: Path) -> None:
    """A history whose runs were never journalled has none."""
    assert read(tmp_path) == ([], [])


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    """Its permissions are those of the history's other files."""
    append(tmp_path, {})
    assert stat.S_IMODE((tmp_path / RUN_LOG).stat().st_mode) == 0o600


@pytest.mark.long
def test_runs_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    """8 processes that append 50 long lines each leave 400 whole lines, after a torn one too."""
    (tmp_path / RUN_LOG).write_bytes(b'{"torn')
    code = (
        "import sys; from pathlib import Path; from inventory.history.run_log import append\n"
        "for number in range(50): append(Path(sys.argv[1]), {'who': sys.argv[2], 'number': number, 'long': 'x' * 9000})"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(who)]) for who in range(8)]
    assert [process.wait(timeout=60) for process in running] == [0] * 8
    found = {(entry["who"], entry["number"]) for entry in read(tmp_path).entries}
    assert found == {(str(who), number) for who in range(8) for number in range(50)}
    assert len(read(tmp_path).entries) == 400


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A folder in its place, or none to write into, ends in one sentence; so does one that cannot be read."""
    with pytest.raises(FileError, match=r"runs.jsonl could not be written: No such file .* run itself is recorded"):
        append(tmp_path / "none", {})
    (tmp_path / RUN_LOG).mkdir()
    with pytest.raises(FileError, match="could not be written: it is a folder"):
        append(tmp_path, {})
    with pytest.raises(FileError, match="could not be read: it is a folder"):
        read(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """No space is an error, and not silence."""
    (tmp_path / RUN_LOG).symlink_to("/dev/full")
    with pytest.raises(FileError, match="could not be written: "):
        append(tmp_path, {})


def test_half_a_line_is_told_and_left(tmp_path: Path) -> None:
    """When only the beginning of a line fits, that is an error; the next line begins on its own."""
    resource = pytest.importorskip("resource", reason="no limits on files here")
    assert resource
    append(tmp_path, {"first": 1})
    code = (
        "import resource, sys; from pathlib import Path; from inventory.history.run_log import append\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (130, 130)); append(Path(sys.argv[1]), {'second': 'x' * 99})"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "runs.jsonl could not be written: No space left on device" in done.stderr
    assert (tmp_path / RUN_LOG).stat().st_size == 130
    append(tmp_path, {"third": 3})
    assert read(tmp_path) == ([{"first": 1}, {"third": 3}], [])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    """A named pipe in its place is an error at once."""
    os.mkfifo(tmp_path / RUN_LOG)
    with pytest.raises(FileError, match="could not be written: "):
        append(tmp_path, {})


def test_the_proof_names_damage(tmp_path: Path) -> None:
    """``verify`` knows each line, and says which are damaged; no reading depends on them."""
    history, runs = made(tmp_path, {"a": [model("x")]})
    for number in range(4):
        append(history.store.folder, {"a": number})
    assert prove(Store(history.store.folder)).problems.num_rows == 0
    path = history.store.folder / RUN_LOG
    path.write_bytes(path.read_bytes().replace(b'"a": 2', b'"a": 3'))
    [problem] = rows(prove(Store(history.store.folder)).problems)
    assert problem == {"file": RUN_LOG, "problem": "is damaged or cut off in line 3", "holds": "the run log"}
    path.write_bytes(path.read_bytes()[:-9])
    [problem] = rows(prove(Store(history.store.folder)).problems)
    assert problem["problem"] == "is damaged or cut off in line 3 and in 1 more"
    assert history.store.run_ids() == runs
