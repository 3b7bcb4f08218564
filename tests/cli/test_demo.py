"""``lms-inventory demo`` as people run it."""

import http.client
import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.cli_runner import COMMAND, clean, run

import inventory
from inventory.stub_server import SCENARIOS


def test_demo_shows_everything(tmp_path: Path) -> None:
    """It ends in 0, shows two snapshots and what changed, and writes the three formats."""
    done = run("demo", cwd=tmp_path, env=clean(COLUMNS="80"))
    assert (done.code, done.err) == (0, "")
    for text in ("Added (1)", "Removed (1)", "Reconfigured (2)", "ibm/granite-4-h-tiny", "models +1 -1 ~1"):
        assert text in done.out
    assert max(map(len, done.out.splitlines())) <= 80
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


class Serving(NamedTuple):
    """A stand-in that runs: its process, its port, and the file with what it prints."""

    process: "subprocess.Popen[str]"
    port: int
    out: Path

    def stop(self, number: int = signal.SIGTERM) -> str:
        """Send it a signal; return what it printed on stderr."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=10)[1]


@contextmanager
def serving(folder: Path, *options: str | Path, **variables: str) -> Iterator[Serving]:
    """Run the stand-in at a free port, in a terminal of 80 columns."""
    command = [*COMMAND, "demo", "--serve", "--port", "0", *options]
    out, environment = folder / "out.txt", clean(COLUMNS="80", **variables)
    with (
        out.open("w") as file,
        subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE, text=True, env=environment) as process,
    ):
        try:
            while not (found := re.search(r":(\d+); stop it with Ctrl-C\n", out.read_text())):
                assert process.poll() is None, process.communicate()
                time.sleep(0.02)
            yield Serving(process, int(found[1]), out)
        finally:
            process.kill()


def get(port: int, path: str = "/api/v1/models", token: str = "") -> tuple[int, Any]:
    """Return the status and the content of a response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    response = connection.getresponse()
    result = response.status, json.load(response)
    connection.close()
    return result


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_serve_answers_until_it_is_stopped(number: int, code: int, tmp_path: Path) -> None:
    """--serve answers like LM Studio, says where and which paths, prints each request, and stops in good order."""
    with serving(tmp_path) as server:
        status, content = get(server.port)
        assert (status, len(content["models"])) == (200, 6)
        get(server.port, "/api/v1/models/none?x=y")
        err = server.stop(number)
    address, *paths, first, second = server.out.read_text().splitlines()
    assert address == f"A stand-in for LM Studio runs at http://127.0.0.1:{server.port}; stop it with Ctrl-C"
    assert [line.split()[:2] for line in paths] == [
        ["GET", "/api/v1/models"],
        ["GET", "/api/v0/models"],
        ["GET", "/v1/models"],
        ["GET", "/lmstudio-greeting"],
        ["POST", "/api/v1/models/load"],
        ["POST", "/api/v1/models/unload"],
    ]
    assert re.fullmatch(r"\d\d:\d\d:\d\d  GET   /api/v1/models  200  [\d,]+ bytes", first)
    assert re.fullmatch(r"\d\d:\d\d:\d\d  GET   /api/v1/models/none  404  [\d,]+ bytes", second)
    assert (server.process.returncode, err.count("\n")) == (code, number == signal.SIGINT)


@pytest.mark.parametrize("by_flag", [True, False], ids=["flag", "variable"])
def test_serve_asks_for_a_token_and_never_prints_it(by_flag: bool, tmp_path: Path) -> None:
    """That of --token, else of LM_API_TOKEN."""
    token = "sk-lm-abcdefgh:ABCDEFGHIJ0123456789"
    options, variables = (["--token", token], {}) if by_flag else ([], {"LM_API_TOKEN": token})
    with serving(tmp_path, "--scenario", "two-instances", *options, **variables) as server:
        assert get(server.port)[0] == 401
        assert get(server.port, f"/api/v1/models?token={token}", token)[0] == 200
        assert get(server.port, f"/{token}", token)[0] == 200
        err = server.stop()
    out = server.out.read_text()
    assert max(map(len, out.splitlines())) <= 80
    assert "It requires an API token\n" in out
    assert "Scenario two-instances: it has one instance of a model" in out
    assert token not in out + err


def test_serve_sends_bodies(tmp_path: Path) -> None:
    """The documented one, and files in a loop."""
    (tmp_path / "a.json").write_text('{"models": []}')
    options = ("--body", "documented", "--body", tmp_path / "a.json", "--loop", "--latency", "0.01")
    with serving(tmp_path, *options) as server:
        counts = [len(get(server.port)[1]["models"]) for _ in range(4)]
    assert counts == [3, 0, 3, 0]


def test_nobody_reads_what_serve_prints() -> None:
    """It answers on when its output was closed."""
    with subprocess.Popen(
        [*COMMAND, "demo", "--serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=clean(),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        port = re.search(r":(\d+);", process.stdout.readline())
        process.stdout.close()
        assert port is not None
        assert [get(int(port[1]))[0] for _ in range(3)] == [200] * 3
        process.kill()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--scenario", "slow"], 2, "--scenario is for --serve. Add --serve"),
        (["--body", "x"], 2, "--body is for --serve. Add --serve"),
        (["--serve", "--scenario", "Slow"], 2, "Did you mean 'slow'?"),
        (["--serve", "--scenario", "slow", "--body", "documented"], 2, "Give one of them"),
        (["--serve", "--body", "none.json"], 4, "none.json could not be read: No such file"),
        (["--serve", "--latency", "-1"], 2, "--latency"),
    ],
)
def test_wrong_options(options: list[str], code: int, message: str) -> None:
    """One line says what is wrong and what to do."""
    done = run("demo", *options)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_each_scenario_is_in_the_help() -> None:
    """The help page names every one."""
    text = " ".join(run("demo", "--help").out.split()).replace("- ", "-")
    assert all(name in text for name in SCENARIOS)


def test_a_busy_port_is_told() -> None:
    """A port in use ends in 2 with one line that says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        done = run("demo", "--serve", "--port", str(busy.getsockname()[1]))
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "Choose another port with --port" in done.err
