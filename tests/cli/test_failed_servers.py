"""Many servers that fail, as people see it: grouped, each with -v, and within the terminal."""

import os
import pty
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from click import unstyle
from support.cli_runner import COMMAND, clean, run

from inventory.stub_server import StubServer, inventory_before


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of five servers that nobody runs."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(5)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        ports = [free.getsockname()[1] for free in sockets]
    lines = [f"down{number}=http://127.0.0.1:{port}\n" for number, port in enumerate(ports)]
    (tmp_path / "hosts").write_text("".join(lines))
    return tmp_path / "hosts"


@pytest.mark.long
def test_check_groups_them_and_ends_with_a_sum(listed: Path, tmp_path: Path) -> None:
    """--failed, -v and JSON give each; without --failed the others stand there too."""
    with StubServer(inventory_before()) as server:
        listed.write_text(listed.read_text() + f"up={server.url}\n")
        done = run("check", "--servers-from", listed, cwd=tmp_path)
        assert done.code == 3
        assert "\n5 servers unreachable (connection refused)\n  down0, down1, down2 and 2 more\n" in done.out
        assert done.out.count("lms server start") == 1
        assert "\n  ok   6 models" in done.out
        assert done.out.endswith("\n1 of 6 servers ok; 5 unreachable\n")
        each = run("check", "--servers-from", listed, "-v", cwd=tmp_path)
        assert each.out.count("lms server start") == 5
        failed = run("check", "--servers-from", listed, "--failed", cwd=tmp_path)
        assert failed.out.count("lms server start") == 5
        assert "Settings" not in failed.out
        assert "6 models" not in failed.out
        rows = run("check", "--servers-from", listed, "--failed", "--json", cwd=tmp_path).data["servers"]
        assert [row["server"] for row in rows] == [f"down{number}" for number in range(5)]


@pytest.mark.long
def test_snapshot_groups_them_on_stderr(listed: Path, tmp_path: Path) -> None:
    """One line for all with the advice once; -v a line each; nothing that was not read is counted."""
    done = run("snapshot", "--servers-from", listed, "--history", tmp_path / "h", cwd=tmp_path).later
    assert done.err.startswith(
        "lms-inventory: 5 servers unreachable (connection refused): down0, down1, down2 and 2 more."
    )
    assert done.err.count("\n") == 1
    assert "No server was read, so this run knows of no models" in done.out
    each = run("snapshot", "-q", "-v", "--servers-from", listed, "--history", tmp_path / "h", cwd=tmp_path)
    assert each.err.count("lms-inventory: down") == 5
    assert "+0 -0" not in run("diff", "--history", tmp_path / "h").out


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_everything_fits(columns: int, listed: Path, tmp_path: Path) -> None:
    """The width is the terminal's own, on stdout and on stderr."""
    leader, follower = pty.openpty()
    os.set_blocking(leader, True)
    subprocess.run(["stty", "cols", str(columns)], stdin=follower, check=True)
    arguments = ["snapshot", "--servers-from", str(listed), "--no-history"]
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=follower, stdout=follower, stderr=follower, cwd=tmp_path, env=clean(NO_COLOR="1")
    )
    os.close(follower)
    chunks = []
    while True:
        try:
            chunks.append(os.read(leader, 65536))
        except OSError:  # The terminal is closed when the process has ended.
            break
        if not chunks[-1]:
            break
    assert process.wait(60) == 3
    os.close(leader)
    lines = b"".join(chunks).decode().replace("\r\n", "\n").split("\n")
    printed = [unstyle(line.rpartition("\r")[2]) for line in lines]
    assert any("5 servers unreachable" in line for line in printed)
    assert max(map(len, printed)) <= columns
