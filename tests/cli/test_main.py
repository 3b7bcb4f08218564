"""What holds for every command: exit codes, usage errors, colours, the token."""

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli_runner import COMMAND, clean, run
from support.hostile_servers import LEGAL, Hostile, answer

import inventory

HEAVY = ("pandas", "pyarrow", "httpx", "numpy", "openpyxl", "duckdb", "asyncio", "http")
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
     *(([name, "--help"], 0) for name in (*COMMANDS, "baseline set")),
     (["diff", "a", "b", "c"], 2), (["diff", "--fail-on", "x"], 2),
     (["snapshot", "--fail-on", "added,x"], 2), (["snapshot", "--fail-on", "any", "--no-history"], 2),
     (["history", "--model", "a", "--by", "model"], 2), (["history", "bogus"], 2), (["unused", "0"], 2),
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
        (["bogus"], "lms-inventory: there is no command 'bogus'. See lms-inventory --help\n"),
        (
            ["check", "--server", "a b"],
            (
                "lms-inventory: 'a b' is not the address of a server. Give HOST, HOST:PORT or http://HOST:PORT, or "
                "file:PATH for a saved response\n"
            ),
        ),
        (
            ["check", "--timeout", "nan"],
            "lms-inventory: --timeout cannot be nan. Give a number of seconds, more than 0 and at most 86400\n",
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


@pytest.mark.parametrize("name", ["a\nb.csv", "a\x1b[31mb.csv", "a\u202eb.csv", "a\r\nlms-inventory: b.csv"])
def test_an_error_is_one_line_whatever_a_file_is_called(name: str, tmp_path: Path) -> None:
    """What a name holds can neither begin a line of its own nor act on the terminal."""
    done = run("diff", name, name, cwd=tmp_path)
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("lms-inventory: ")
    assert done.err.endswith("\n")
    assert done.err[:-1].isprintable()


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


_FAILING = """
import inventory.cli

def fails(*_, **__):
    raise {error}

inventory.cli.cli.main = fails
inventory.cli.main({arguments})
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ('PermissionError(13, "Permission denied", "a/b")', "a/b could not be used: Permission denied"),
        ('OSError(36, "File name too long", b"a/c")', "a/c could not be used: File name too long"),
        ('OSError(28, "No space left on device")', "the output could not be printed: No space left on device"),
        ("MemoryError", "there is not enough memory"),
    ],
    ids=["a path", "a path of bytes", "a stream", "memory"],
)
def test_what_the_system_refuses_is_one_line(error: str, said: str) -> None:
    """What no room has put into words ends in 4 and one line all the same; --debug shows where it came from."""
    for arguments in (["check"], ["check", "--debug"]):
        script = _FAILING.format(error=error, arguments=arguments)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=clean(), check=False)
        assert (done.returncode, done.stdout) == (4, "")
        assert f"lms-inventory: {said}. " in done.stderr
        assert ("Traceback" in done.stderr) == (done.stderr.count("\n") > 1) == ("--debug" in arguments)


_INTERRUPTED = """
import importlib.abc, os, signal, sys

class Interrupts(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "inventory.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
from inventory.__main__ import main
main()
"""


def test_interrupted_while_it_is_loaded() -> None:
    """Ctrl-C before the command has begun ends it without a traceback."""
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, env=clean(), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")
