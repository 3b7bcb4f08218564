"""What ``snapshot`` writes into the journal of the history, whatever became of the run."""

import platform
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli_runner import run

from inventory import History
from inventory.history.run_log import read
from inventory.history.storage.metadata import RUN_LOG
from inventory.stub_server import StubServer, inventory_after, inventory_before

DEAD = "dead=127.0.0.1:9"


@pytest.fixture
def server() -> Iterator[StubServer]:
    """A stand-in that wants no token."""
    with StubServer(inventory_before()) as one:
        yield one


def take(server: StubServer, folder: Path, *more: str | Path) -> int:
    """Take a snapshot of a stand-in into a history beside other files; returns the exit code."""
    return run("snapshot", "-q", "--server", f"a={server.url}", "--history", folder / "h", *more, cwd=folder).code


@pytest.mark.long
def test_every_run_is_a_line(server: StubServer, tmp_path: Path) -> None:
    """Whole, changed, incomplete and with a file that failed: each run says so, and what it ended with."""
    (tmp_path / "taken.csv").mkdir()
    assert take(server, tmp_path) == 0
    server.models = inventory_after()
    assert take(server, tmp_path, "--fail-on", "any") == 10
    assert take(server, tmp_path, "--server", DEAD) == 3
    assert take(server, tmp_path, "-o", "taken.csv") == 4
    first, changed, incomplete, failed = read(tmp_path / "h").entries
    assert [entry["exit_code"] for entry in (first, changed, incomplete, failed)] == [0, 10, 3, 4]
    assert (first["statuses"], first["changes"], first["failures"]) == ({"ok": 1}, None, [])
    assert changed["changes"] == {"added": 1, "loaded": 0, "reconfigured": 2, "removed": 1, "renamed": 0, "reported": 0,
                                  "unloaded": 0, "unreported": 0}  # fmt: skip
    assert incomplete["statuses"] == {"ok": 1, "unreachable": 1}
    assert failed["failures"] == ["taken.csv could not be written: it is a folder, not a regular file"]
    assert [entry["run_id"] for entry in read(tmp_path / "h").entries] == History(tmp_path / "h").store.run_ids()


def test_a_line_is_for_machines(server: StubServer, tmp_path: Path) -> None:
    """One JSON object with sorted keys, times in UTC, readable by the owner only; its times surround the run."""
    take(server, tmp_path)
    path = tmp_path / "h" / RUN_LOG
    keys = re.findall(r'"(\w+)": ', re.sub(r"\{.*?\}", "{}", path.read_text().strip()[1:-1]))
    assert keys == [
        "began",
        "changes",
        "collector",
        "ended",
        "exit_code",
        "failures",
        "recorded",
        "run_id",
        "seconds",
        "sha256",
        "statuses",
        "unread",
        "version",
    ]
    (entry,) = read(tmp_path / "h").entries
    assert entry["collector"] == platform.node()
    assert re.fullmatch(r"....-..-..T..:..:..\....Z", entry["began"])
    assert entry["began"] < entry["ended"]
    assert 0 < entry["seconds"] < 60
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_history_there_is_no_journal(server: StubServer, tmp_path: Path) -> None:
    """--no-history writes nothing at all."""
    assert run("snapshot", "-q", "--no-history", "--server", server.url, cwd=tmp_path).code == 0
    assert not list(tmp_path.iterdir())


def test_a_run_that_could_not_be_recorded_is_a_line(server: StubServer, tmp_path: Path) -> None:
    """A damaged history ends in 4 and is said once; the journal has the reason."""
    take(server, tmp_path)
    (file,) = (tmp_path / "h").glob("observations/*/*.parquet")
    file.write_bytes(b"damaged")
    done = run("snapshot", "-q", "--server", f"a={server.url}", "--history", tmp_path / "h")
    assert (done.code, done.err.count("\n")) == (4, 1)
    last = read(tmp_path / "h").entries[-1]
    assert (last["exit_code"], last["changes"], last["statuses"]) == (4, None, {"ok": 1})
    assert "is damaged" in last["failures"][0]


def test_a_run_whose_state_cannot_be_read_is_a_line(server: StubServer, tmp_path: Path) -> None:
    """It is recorded, logged and said once; its files are of the run alone, and the metrics say how it ended."""
    take(server, tmp_path)
    (file,) = (tmp_path / "h").glob("models/*/*.parquet")
    file.write_bytes(b"damaged")
    targets = ("-o", "a.html", "-o", "a.prom", "--fail-on", "stale:7d")
    done = run("snapshot", "-q", "--server", f"a={server.url}", "--history", "h", *targets, cwd=tmp_path)
    assert (done.code, done.err.count("\n"), "is damaged" in done.err) == (4, 1, True)
    run_ids = History(tmp_path / "h").store.run_ids()
    last = read(tmp_path / "h").entries[-1]
    assert (len(run_ids), last["run_id"], last["exit_code"], last["recorded"]) == (2, run_ids[-1], 4, True)
    assert "\nlms_inventory_run_exit_code 4\n" in (tmp_path / "a.prom").read_text()
    assert (tmp_path / "a.html").exists()


def test_a_journal_that_cannot_be_written_ends_in_4(server: StubServer, tmp_path: Path) -> None:
    """One line says so, the run stays recorded, and the files are written."""
    (tmp_path / "h" / RUN_LOG).mkdir(parents=True)
    done = run("snapshot", "--server", f"a={server.url}", "--history", tmp_path / "h", "-o", "a.csv", cwd=tmp_path)
    assert (done.code, done.later.err.count("\n")) == (4, 1)
    assert "runs.jsonl could not be written: it is a folder, not a regular file. The run itself is recorded" in done.err
    assert len(History(tmp_path / "h").store.run_ids()) == 1
    assert (tmp_path / "a.csv").exists()


@pytest.mark.long
def test_the_proof_and_the_pruning_leave_it(server: StubServer, tmp_path: Path) -> None:
    """Verify finds no problem, and prune takes nothing out of it."""
    for _ in range(3):
        take(server, tmp_path)
    assert run("verify", "--history", tmp_path / "h").code == 0
    assert run("prune", "--keep-last", "1", "--history", tmp_path / "h").code == 0
    assert run("verify", "--history", tmp_path / "h").code == 0
    assert len(read(tmp_path / "h").entries) == 3
