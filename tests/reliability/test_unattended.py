"""T15: unattended: no environment, no terminal, closed streams, signals in the middle, a clock that is changed."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.cli_runner import BEGINNING, COMMAND, clean, run
from support.history_builders import day, files, model, opened
from support.hostile_servers import LEGAL, Hostile, answer, drip, silence

import inventory
from inventory import History
from inventory.config.servers import Server
from inventory.history.verify import prove
from inventory.operations.snapshot import take_snapshot
from inventory.run_ids import time_of

CODES = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
SAID = {130: "lms-inventory: interrupted. Nothing was half-written\n", 143: ""}
NO_STREAMS = ">&- 2>&- <&-"
NAMES = '{"models": [{"key": "\u6a21\u578b/\u00e9", "display_name": "\u6a21\u578b \U0001f600"}]}'
ENVIRONMENTS = {
    "empty": {},
    "C": {"LC_ALL": "C"},
    "POSIX, no UTF-8": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "no home": {"HOME": "/dev/null", "TERM": "dumb"},
    "unknown locale": {"LANG": "xx_YY.UTF-16", "TERM": "nothing", "COLUMNS": "x", "TZ": "Nowhere/None"},
}
COMMANDS = {
    "snapshot": ("snapshot", "--server", "s=file:answer.json", "-o", "{date}-{run_id}.csv", "-o", "x.html"),
    "check": ("check", "--server", "s=file:answer.json"),
    "show": ("show",),
    "diff": ("diff", "-o", "x.md"),
    "history": ("history",),
    "life": ("history", "--model", "\u6a21\u578b/\u00e9"),
    "export": ("export", "-o", "x.xlsx"),
    "verify": ("verify",),
    "prune": ("prune", "--keep-last", "9"),
    "schedule": ("schedule", "cron", "--server", "127.0.0.1:9"),
}
"""What a scheduler may run; the names that come out of it are those of NAMES."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, not with an ASCII name, with an answer and a history of two runs."""
    folder = tmp_path_factory.mktemp("place") / "\u00e9"
    folder.mkdir()
    for models in ({"models": [model("old")]}, json.loads(NAMES)):
        (folder / "answer.json").write_text(json.dumps(models))
        take_snapshot(History(folder / "h"), [Server(f"file:{folder / 'answer.json'}", "s")], timeout=60)
    return folder


def _tier(environment: str, closed: str, name: str) -> pytest.MarkDecorator | tuple[()]:
    """Which run tries this: each takes a cold process."""
    if (environment, closed) in (("empty", NO_STREAMS), ("POSIX, no UTF-8", "")):
        return () if name == "snapshot" else pytest.mark.long
    return pytest.mark.long if name == "snapshot" else pytest.mark.full


@pytest.mark.parametrize(
    ("environment", "closed", "name"),
    [
        pytest.param(environment, closed, name, marks=_tier(environment, closed, name))
        for environment in ENVIRONMENTS
        for closed in ("", NO_STREAMS)
        for name in COMMANDS
    ],
)
def test_it_runs_unattended(environment: str, closed: str, name: str, place: Path) -> None:
    """With nothing in the environment, in any locale, without a terminal or streams: it does its work, or says why not.

    As under ``env -i setsid``: not even HOME is there.
    """
    history = [] if name in ("check", "schedule") else ["--history", str(place / "h")]
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m inventory "$@" {closed}', sys.executable, *COMMANDS[name], *history],
        cwd=place,
        env={"PYTHONPATH": clean()["PYTHONPATH"], **ENVIRONMENTS[environment]},
        capture_output=True,
        encoding="utf-8",
        start_new_session=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert done.stderr == "" or name == "schedule"
    assert bool(done.stdout) == (not closed)
    assert prove(History(place / "h").store).problems.num_rows == 0


def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    """Bytes that no text can hold, in a model's key or a folder's name, are refused in one line."""
    odd = os.fsdecode(b"x\xff")
    (tmp_path / "answer.json").write_text(NAMES)
    take_snapshot(History(tmp_path / "h"), [Server(f"file:{tmp_path / 'answer.json'}", "s")], timeout=60)
    for arguments, said in (
        (["history", "--model", odd, "--history", "h"], "no run has seen the model"),
        (["snapshot", "-q", "--server", "s=file:answer.json", "--history", odd], "its name is not UTF-8"),
        (["show", "--history", odd], "its name is not UTF-8"),
    ):
        done = run(*arguments, cwd=tmp_path)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert said in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"h", "answer.json"}


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_streams_change_nothing(closed: str, tmp_path: Path) -> None:
    """With its streams closed the command still writes its files, and nothing else goes into them."""
    command = f'exec "$0" -m inventory snapshot --server "$1" -o out.csv {closed}'
    with Hostile(answer(LEGAL)) as legal:
        done = subprocess.run(
            ["/bin/sh", "-c", command, sys.executable, legal.url],
            cwd=tmp_path, env=clean(), capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0
    assert re.fullmatch(rf"({re.escape(BEGINNING)}\S+\n)?", done.stderr)
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2
    assert inventory.read(tmp_path / "out.csv").models["key"].tolist() == ["a"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["check"], pytest.param(["snapshot"], marks=pytest.mark.long), ["snapshot", "--json"]],
    ids=str,
)
def test_a_full_disk_behind_stdout_is_an_error_of_a_file(arguments: list[str]) -> None:
    """Output that cannot be printed ends in 4 with one line."""
    with Hostile(answer(LEGAL)) as legal, Path("/dev/full").open("w") as full:
        more = ["--server", legal.url] if arguments != ["--help"] else []
        done = run(*arguments, *more, capture_output=False, stdout=full, stderr=subprocess.PIPE)
        line = "lms-inventory: the output could not be printed: No space left on device. Is the disk full?\n"
        assert (done.code, done.later.err) == (4, line)
        assert run(*arguments, *more, capture_output=False, stdout=full, stderr=full).code == 4


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["check"], pytest.param(["snapshot"], marks=pytest.mark.long), ["snapshot", "--json"]],
    ids=str,
)
def test_a_reader_that_has_gone_is_no_failure(arguments: list[str]) -> None:
    """Piped into something that ends early, the command ends in 0 and says nothing."""
    reads, writes = os.pipe()
    os.close(reads)
    with Hostile(answer(LEGAL)) as legal:
        more = ["--server", legal.url] if arguments != ["--help"] else []
        done = run(*arguments, *more, capture_output=False, stdout=writes, stderr=subprocess.PIPE)
    os.close(writes)
    assert (done.code, done.later.err) == (0, "")


def test_without_an_environment(tmp_path: Path) -> None:
    """Where there is no home it records where it is told, or says in one line where it cannot, and how to tell it."""
    (tmp_path / "answer.json").write_text(NAMES)
    bare = {"PYTHONPATH": clean()["PYTHONPATH"], "HOME": os.devnull}
    done = run("snapshot", "-q", "--server", "s=file:answer.json", env=bare, cwd=tmp_path)
    assert (done.code, done.out) == (4, "")
    assert re.fullmatch(r"lms-inventory: .+ could not be read: .+--history DIR\n", done.err)


@pytest.mark.parametrize(
    "changes", [[50, 10, 0], [0, 55, -4, 50, 50, 49, 51], None], ids=["back", "to and fro", "random"]
)
def test_ids_stay_in_order_when_the_clock_is_changed(changes: list[float] | None, tmp_path: Path) -> None:
    """Each run is later than those before it, and so are its answers: the newest is the newest in every reading."""
    chance = random.Random(15)
    history, path, ids = opened(tmp_path / "history"), tmp_path / "s.json", []
    minutes = [chance.uniform(0, 59) for _ in range(12)] if changes is None else changes
    latest = day(-9999)
    for number, moved in enumerate(minutes):
        path.write_text(json.dumps({"models": [model("x"), model(str(number))]}))
        asked = [Server(f"file:{path}", "s")]
        moment = day(moved / 24 / 60)
        taken = take_snapshot(history, asked, timeout=60, clock=lambda moment=moment: moment)  # type: ignore[misc]
        ids.append(taken.snapshot.run_id)
        assert time_of(ids[-1]) >= max(moment, latest + timedelta(microseconds=1))
        latest = time_of(ids[-1])
        assert (taken.changes is None) == (number == 0)
        if taken.changes:
            assert taken.changes.counts("model") | {"added": 1, "removed": 1} == taken.changes.counts("model")
    assert ids == sorted(ids) == history.store.run_ids() == history.runs()["run_id"].tolist()
    assert history.timeline()["change"].value_counts().to_dict() == {"added": len(ids) - 1, "removed": len(ids) - 1}
    assert history.timeline()["run_id"].is_monotonic_increasing
    lives = history.lifecycle().set_index("key")
    assert set(lives.index[lives["present"]]) == {"x", str(len(ids) - 1)}
    assert lives.loc["x", "last_seen"] == latest
    assert set(history.models()["key"]) == set(history.load().models["key"]) == {"x", str(len(ids) - 1)}
    assert prove(history.store).problems.num_rows == 0


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


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), CODES)
def test_in_the_middle_of_a_collection(number: int, code: int, tmp_path: Path) -> None:
    """Some servers have answered, others are slow: nothing is recorded or written, and the next run finds no rest."""
    history, target = tmp_path / "history", tmp_path / "models.csv"
    target.write_text("before")
    with contextlib.ExitStack() as stack:
        fast = [stack.enter_context(Hostile(answer(LEGAL))) for _ in range(5)]
        slow = [stack.enter_context(Hostile(one)) for one in (silence, drip(b"HTTP/1.1 200 OK\r\n\r\n")) * 5]
        addresses = [word for n, one in enumerate([*fast, *slow]) for word in ("--server", f"s{n}={one.url}")]
        outputs = ("-o", target, "-o", tmp_path / "new.xlsx")
        with begun("snapshot", *addresses, "--history", history, *outputs, "--timeout", "60") as process:
            until([*fast, *slow])
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (code, "", SAID[code])
        assert target.read_text() == "before"
        assert {path.name for path in tmp_path.iterdir()} <= {"history", "models.csv"}
        assert History(history).store.run_ids() == []
        assert run("snapshot", *addresses[:10], "--history", history, "-o", target).code == 0
    assert prove(History(history).store).problems.num_rows == 0
    assert {path.name for path in tmp_path.iterdir()} == {"history", "models.csv"}
    assert {path.stem for path in files(History(history)) if path.suffix == ".parquet"} == {
        *History(history).store.run_ids()
    }


@pytest.mark.parametrize(
    "rounds", [2, pytest.param(10, marks=pytest.mark.long), pytest.param(30, marks=pytest.mark.full)]
)
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
        assert prove(history.store).problems.num_rows == 0
    assert run("snapshot", "-q", "--server", f"s=file:{answers}", "--history", history.store.folder).code == 0
    assert [*history.store.workshop.iterdir()] == []
    assert {path.stem for path in files(history) if path.suffix == ".parquet"} == set(history.store.run_ids())
    assert prove(history.store).problems.num_rows == 0


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


@pytest.mark.skipif(os.name != "posix", reason="only there may arguments hold any bytes")
def test_a_server_that_no_name_can_be(tmp_path: Path) -> None:
    """A name that is not UTF-8 is no server's."""
    (tmp_path / "answer.json").write_text(NAMES)
    take_snapshot(History(tmp_path / "h"), [Server(f"file:{tmp_path / 'answer.json'}", "s")], timeout=60)
    arguments = [os.fsencode(word) for word in (*COMMAND, "history", "--history", f"{tmp_path}/h", "--server")]
    done = subprocess.run([*arguments, b"\xff"], capture_output=True, text=True, env=clean(), check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lms-inventory: there is no server ")
    assert done.stderr.count("\n") == 1
