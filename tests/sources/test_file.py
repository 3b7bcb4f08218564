"""Read saved responses."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli_runner import COMMAND, clean

import inventory
from inventory.config.servers import Server
from inventory.limits import SAVED_LIMIT
from inventory.tables import rows


def status(path: Path) -> tuple[str, str]:
    """Return the status of a saved response, and the error."""
    [row] = rows(inventory.collect([Server(f"file:{path}", "s")]).tables["observations"])
    return row["status"], row["error"]


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    """A file that is larger than any saved response is refused by its size, unread."""
    path = tmp_path / "answer.json"
    with path.open("wb") as file:
        file.truncate(SAVED_LIMIT + 1)  # without taking that room
    result = status(path)
    assert result[0] == "invalid"
    assert "is larger than 512 MiB" in result[1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    """A pipe does not block, and a folder is not read."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        result = status(path)
        assert result[0] == "invalid"
        assert "not a regular file" in result[1]
    assert status(tmp_path / "none")[0] == "unreachable"


_LEASE = """
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)  # who has the file does not give it back
fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print(flush=True)
signal.pause()
"""


@pytest.fixture
def leased(tmp_path: Path) -> Iterator[Path]:
    """A saved response under another process's lease: opening it blocks, as on a network drive that is away."""
    path = tmp_path / "answer.json"
    path.write_text('{"models": []}')
    with subprocess.Popen([sys.executable, "-c", _LEASE, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline(), "no lease"
        yield path
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file leases")
@pytest.mark.long
def test_a_file_that_cannot_be_read_in_time(leased: Path) -> None:
    """The deadline holds for saved responses too; others are read meanwhile, and the thread is abandoned."""
    servers = ["--server", f"good1=file:{leased.with_name('good1.json')}", "--server", f"slow=file:{leased}"]
    for number in range(1, 6):
        good = leased.with_name(f"good{number}.json")
        good.write_text('{"models": [{"key": "a"}]}')
        servers += ["--server", f"good{number}=file:{good}"] if number > 1 else []
    process = subprocess.run(
        [*COMMAND, "snapshot", "--no-history", "--timeout", "1", "--concurrency", "2", *servers],
        env=clean(), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert process.returncode == 3
    assert "could not be read within 1 s" in process.stdout + process.stderr
    assert "5 of 6" in process.stdout + process.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file leases")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_file_that_cannot_be_read(number: int, code: int, leased: Path) -> None:
    """Neither the signal nor the exit waits for the file."""
    process = subprocess.Popen(
        [*COMMAND, "snapshot", "--no-history", "--timeout", "40", "--server", f"s=file:{leased}"],
        env=clean(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while len(_threads(process.pid)) < 2:  # the one that reads
        assert process.poll() is None
    process.send_signal(number)
    try:
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == code
    assert "Traceback" not in err


def _threads(pid: int) -> list[Path]:
    return [*Path(f"/proc/{pid}/task").iterdir()]
