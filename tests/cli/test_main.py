"""What holds for every command: exit codes, streams, signals, environments."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import LEGAL, Hostile, answer, drip, silence

import inventory
from cli.running import COMMAND, clean, run

HEAVY = ("pandas", "pyarrow", "httpx", "numpy", "openpyxl", "duckdb", "asyncio", "http")
DEAD = "127.0.0.1:9"
COMMANDS = ("check", "demo", "diff", "export", "history", "prune", "schedule", "show", "snapshot", "verify")


@pytest.fixture
def legal() -> Iterator[Hostile]:
    """A server that answers as it should."""
    with Hostile(answer(LEGAL)) as server:
        yield server


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["--version"], 0), (["snapshot", "-h"], 0), ([], 2), (["bogus"], 2), (["check", "--bogus"], 2),
     (["snapshot", "--timeout", "0"], 2), (["snapshot", "--grain", "x"], 2), (["check", "--server", "a b"], 2),
     *(([name, "--help"], 0) for name in (*COMMANDS, "history baseline")),
     (["diff", "a", "b", "c"], 2), (["diff", "a", "b", "--baseline", "c"], 2), (["diff", "--fail-on", "x"], 2),
     (["snapshot", "--fail-on", "added,x"], 2), (["snapshot", "--fail-on", "any", "--no-history"], 2),
     (["history", "--model", "a", "--unused", "1"], 2), (["history", "bogus"], 2), (["history", "--unused", "0"], 2),
     (["prune", "--keep-last", "0"], 2), (["show", "--grain", "both"], 2), (["export"], 2)],
    ids=str,
)  # fmt: skip
def test_help_and_usage_errors_import_nothing_heavy(arguments: list[str], code: int) -> None:
    """What does not ask a server needs none of the large libraries."""
    script = (
        "import sys\nfrom inventory.cli import main\n"
        f"try: main({' '.join(arguments).split()!r})\n"
        "except SystemExit as end:\n"
        f"    heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    assert not heavy, heavy\n    raise"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=clean(), check=False)
    assert (done.returncode, "AssertionError" in done.stderr) == (code, False), done.stderr


def test_the_version_is_the_packages() -> None:
    """--version names the command and the one version."""
    assert run("--version").out == f"lms-inventory, version {inventory.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["bogus"], "lms-inventory: No such command 'bogus'. See lms-inventory --help\n"),
        (
            ["check", "--server", "a b"],
            (
                "lms-inventory: 'a b' is not the address of a server. Give HOST, HOST:PORT or http://HOST:PORT, or "
                "file:PATH for a saved answer\n"
            ),
        ),
        (
            ["check", "--timeout", "nan"],
            "lms-inventory: a timeout of nan seconds cannot be kept. Give a positive number of seconds\n",
        ),
    ],
)
def test_usage_errors_are_one_line(arguments: list[str], line: str) -> None:
    """Wrong usage ends in 2 with one line on stderr that says what to do, and nothing on stdout."""
    assert run(*arguments) == (2, "", line)


def test_debug_may_stand_anywhere(tmp_path: Path) -> None:
    """--debug shows the traceback of an error, and then its line."""
    for arguments in (["--debug", "check", "--server", "a b"], ["check", "--server", "a b", "--debug"]):
        done = run(*arguments, cwd=tmp_path)
        assert done.code == 2
        assert done.err.startswith("Traceback")
        assert done.err.splitlines()[-1].startswith("lms-inventory: 'a b' is not")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("behaviour", [silence, drip(b"HTTP/1.1 200 OK\r\n\r\n")], ids=["silent", "dripping"])
def test_signals_end_it_in_good_order(number: int, code: int, behaviour: object, tmp_path: Path) -> None:
    """Interrupted or terminated while a server is slow: the documented code, no traceback, no file touched."""
    kept = tmp_path / "kept.csv"
    kept.write_text("before")
    with (
        Hostile(behaviour) as server,  # type: ignore[arg-type]
        subprocess.Popen(
            [*COMMAND, "snapshot", "--server", server.url, "-o", str(kept), "-o", str(tmp_path / "new.xlsx")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean(),
        ) as process,
    ):
        deadline = time.monotonic() + 20
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert "Traceback" not in err
    assert err.strip() in ("", "lms-inventory: interrupted. Nothing was half-written")
    assert out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["kept.csv"]
    assert kept.read_text() == "before"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["check"], pytest.param(["snapshot"], marks=pytest.mark.full), ["snapshot", "--json"]],
    ids=str,
)
def test_a_full_disk_behind_stdout_is_an_error_of_a_file(arguments: list[str], legal: Hostile) -> None:
    """Output that cannot be printed ends in 4 with one line."""
    with Path("/dev/full").open("w") as full:
        more = ["--server", legal.url] if arguments != ["--help"] else []
        done = run(*arguments, *more, capture_output=False, stdout=full, stderr=subprocess.PIPE)
        line = "lms-inventory: the output could not be printed: No space left on device. Is the disk full?\n"
        assert (done.code, done.err) == (4, line)
        assert run(*arguments, *more, capture_output=False, stdout=full, stderr=full).code == 4


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["check"], pytest.param(["snapshot"], marks=pytest.mark.full), ["snapshot", "--json"]],
    ids=str,
)
def test_a_reader_that_has_gone_is_no_failure(arguments: list[str], legal: Hostile) -> None:
    """Piped into something that ends early, the command ends in 0 and says nothing."""
    reads, writes = os.pipe()
    os.close(reads)
    more = ["--server", legal.url] if arguments != ["--help"] else []
    done = run(*arguments, *more, capture_output=False, stdout=writes, stderr=subprocess.PIPE)
    os.close(writes)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_streams_change_nothing(closed: str, legal: Hostile, tmp_path: Path) -> None:
    """With its streams closed the command still writes its files, and nothing else goes into them."""
    command = f'exec "$0" -m inventory snapshot --server "$1" -o out.csv {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, legal.url],
        cwd=tmp_path, env=clean(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2


@pytest.mark.full
@pytest.mark.parametrize(
    "env",
    [{}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
     {"PYTHONIOENCODING": "ascii"}, {"HOME": "/dev/null", "TERM": "dumb"}],
    ids=str,
)  # fmt: skip
def test_it_runs_unattended(env: dict[str, str], tmp_path: Path) -> None:
    """An empty environment, the C locale, no home: any name can be printed, and nothing fails."""
    env |= {name: clean()[name] for name in ("PYTHONPATH", "LMS_INVENTORY_HISTORY")}
    body = '{"models": [{"key": "\u6a21\u578b/\u00e9", "display_name": "\u6a21\u578b \U0001f600"}]}'.encode()
    with Hostile(answer(body)) as server:
        done = run("snapshot", "--server", server.url, "-o", "{date}-{run_id}.csv", cwd=tmp_path, env=env)
        assert done.code == 0
        assert done.err == ""
        assert run("check", "--json", "--server", server.url, env=env).data["servers"][0]["status"] == "ok"


def _in_a_terminal(*arguments: str, **env: str) -> str:
    """What the command prints on a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=theirs, stderr=theirs, env=clean(TERM="xterm", **env)
    ) as process:
        os.close(theirs)
        text = b""
        try:
            while select.select([ours], [], [], 20)[0] and (some := os.read(ours, 65536)):
                text += some
        except OSError:  # Linux says so when the other side is closed
            pass
        process.wait(timeout=10)
    os.close(ours)
    return text.decode()


def test_colour_only_on_a_terminal_and_never_with_no_color(legal: Hostile) -> None:
    """Styles are for eyes: on a terminal, unless NO_COLOR is set, and never in a pipe."""
    assert "\x1b[" in _in_a_terminal("check", "--server", legal.url)
    assert "\x1b[" not in _in_a_terminal("check", "--server", legal.url, NO_COLOR="1")
    assert "\x1b[" not in run("check", "--server", legal.url).out


def test_python_m_and_the_command_are_the_same() -> None:
    """The installed command is the same program."""
    command = Path(sys.executable).with_name("lms-inventory")
    if not command.exists():
        pytest.skip("the command is not installed beside this Python")
    done = subprocess.run([command, "--help"], capture_output=True, text=True, env=clean(), check=True)
    assert done.stdout == run("--help").out
