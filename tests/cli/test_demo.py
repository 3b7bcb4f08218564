"""``lms-inventory demo`` as people run it."""

import http.client
import json
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from support.cli_runner import COMMAND, clean, run

import inventory


def test_demo_shows_everything(tmp_path: Path) -> None:
    """It ends in 0, shows two snapshots and what changed, and writes the three formats."""
    done = run("demo", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    for text in ("Added (1)", "Removed (1)", "Reconfigured (2)", "ibm/granite-4-h-tiny", "models +1 -1 ~1"):
        assert text in done.out
    assert max(map(len, done.out.splitlines())) <= 88
    assert [line.split()[:2] for line in done.out.splitlines()[-4:]] == [
        ["Next:"],
        ["lms-inventory", "init"],
        ["lms-inventory", "snapshot"],
        ["lms-inventory", "help"],
    ]
    for suffix in ("csv", "parquet", "xlsx"):
        read = inventory.read(tmp_path / "lms-inventory-demo" / f"inventory.{suffix}")
        assert (len(read.models), len(read.instances)) == (6, 3)


def test_demo_without_a_place_to_write(tmp_path: Path) -> None:
    """A file where its folder should be ends in 4 with one line."""
    (tmp_path / "lms-inventory-demo").write_text("")
    done = run("demo", cwd=tmp_path)
    assert (done.code, done.err.count("\n")) == (4, 1)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_serve_answers_until_it_is_stopped(number: int, code: int) -> None:
    """--serve answers like LM Studio, says where, and stops in good order."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [*COMMAND, "demo", "--serve", "--port", str(port)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean(),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == f"Serving GET http://127.0.0.1:{port}/api/v1/models; stop with Ctrl-C\n"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/api/v1/models")
        assert len(json.load(connection.getresponse())["models"]) == 6
        connection.close()
        process.send_signal(number)
        _, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert "Traceback" not in err


def test_a_busy_port_is_told() -> None:
    """A port in use ends in 2 with one line that says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        done = run("demo", "--serve", "--port", str(busy.getsockname()[1]))
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "Choose another port with --port" in done.err
