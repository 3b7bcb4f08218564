"""Ctrl-C and SIGTERM in the middle of a run, in processes of their own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from histories import files
from hostile import LEGAL, Hostile, answer, drip, silence

from cli.running import COMMAND, clean, run
from inventory import History
from inventory.verify import verify

CODES = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
SAID = {130: "lms-inventory: interrupted. Nothing was half-written\n", 143: ""}


@contextlib.contextmanager
def begun(*arguments: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """The command, begun and, if need be, killed at the end."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean(),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(servers: list[Hostile]) -> None:
    """Wait until all these servers were asked."""
    deadline = time.monotonic() + 30
    while not all(server.requests for server in servers) and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize(("number", "code"), CODES)
def test_in_the_middle_of_a_collection(number: int, code: int, tmp_path: Path) -> None:
    """Some servers have answered, others are slow: nothing is recorded or written, and the next run finds no rest."""
    history, target = tmp_path / "history", tmp_path / "models.csv"
    with contextlib.ExitStack() as stack:
        fast = [stack.enter_context(Hostile(answer(LEGAL))) for _ in range(5)]
        slow = [stack.enter_context(Hostile(one)) for one in (silence, drip(b"HTTP/1.1 200 OK\r\n\r\n")) * 5]
        addresses = [word for n, one in enumerate([*fast, *slow]) for word in ("--server", f"s{n}={one.url}")]
        with begun("snapshot", *addresses, "--history", history, "-o", target, "--timeout", "60") as process:
            until([*fast, *slow])
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (code, "", SAID[code])
        assert not target.exists()
        assert History(history).store.run_ids() == []
        assert run("snapshot", *addresses[:10], "--history", history, "-o", target).code == 0
    assert verify(History(history).store).num_rows == 0
    assert [path.name for path in tmp_path.iterdir()] == ["history", "models.csv"] or target.exists()
    assert {path.stem for path in files(History(history)) if path.suffix == ".parquet"} == {
        *History(history).store.run_ids()
    }


@pytest.mark.parametrize("rounds", [2, pytest.param(30, marks=pytest.mark.full)])
@pytest.mark.parametrize(("number", "code"), CODES)
def test_in_the_middle_of_recording(number: int, code: int, rounds: int, tmp_path: Path) -> None:
    """Whenever the signal comes, a run is recorded as a whole or not at all, and the next one leaves no rest."""
    history = History(tmp_path / "history")
    answers = tmp_path / "answer.json"
    for turn in range(rounds):
        answers.write_text(json.dumps({"models": [{"key": f"m{turn}-{n}"} for n in range(300)]}))
        known, signs = set(history.store.run_ids()), set(history.store.workshop.glob("*.run"))
        with begun("snapshot", "-q", "--server", f"s=file:{answers}", "--history", history.store.folder) as process:
            deadline = time.monotonic() + 30  # a run that was interrupted just now has left its sign
            while not set(history.store.workshop.glob("*.run")) - signs and process.poll() is None:
                assert time.monotonic() < deadline
            time.sleep(0.02 * turn / rounds)
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        assert process.returncode in (code, 0), err
        assert out == ""
        assert err in ("", SAID[code])
        assert len(set(history.store.run_ids()) - known) <= 1
        assert verify(history.store).num_rows == 0
    for sign in history.store.workshop.glob("*.run"):
        os.utime(sign, (time.time() - 10,) * 2)  # younger than two seconds it would stay
    answers.write_bytes(LEGAL)
    assert run("snapshot", "-q", "--server", f"s=file:{answers}", "--history", history.store.folder).code == 0
    assert [*history.store.workshop.iterdir()] == []
    assert {path.stem for path in files(history) if path.suffix == ".parquet"} == set(history.store.run_ids())
    assert verify(history.store).num_rows == 0


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_second_signal_ends_it_at_once(number: int, code: int, tmp_path: Path) -> None:
    """Twice in a row: the documented code, no traceback, and nothing recorded."""
    history = tmp_path / "history"
    with (
        Hostile(silence) as server,
        begun("snapshot", "--server", server.url, "--history", history, "--timeout", "60") as process,
    ):
        until([server])
        process.send_signal(number)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (code, "")
    assert err in ("", SAID[code])
    assert History(history).store.run_ids() == []


def test_an_interrupt_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """Begun by a shell in the background, which ignores Ctrl-C for it, the command goes on."""
    release: list[bytes] = []

    def wait(connection: socket.socket, request: bytes) -> None:
        while not release:
            time.sleep(0.02)
        answer(LEGAL)(connection, request)

    with Hostile(wait) as server:
        process = subprocess.Popen(
            [*COMMAND, "snapshot", "-q", "--server", server.url, "--history", str(tmp_path), "--timeout", "60"],
            env=clean(),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )
        until([server])
        process.send_signal(signal.SIGINT)
        release.append(b"")
        assert process.wait(20) == 0
