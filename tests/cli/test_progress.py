"""The line that tells how far a run is."""

import os
import pty
import re
import subprocess
import time
from pathlib import Path

import pytest
from support.cli_runner import BEGINNING, COMMAND, clean, run
from support.hostile_servers import LEGAL, Hostile, answer, silence

from inventory.cli._progress import line


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ((0, 0, 0, 1.9), "asking ...   0:01"),
        ((0, 1, 0, 0), "[--------------------]  0 of 1 server   0 failed   0:00"),
        ((500, 1000, 3, 65.2), "[##########----------]  500 of 1,000 servers   3 failed   1:05"),
        ((999, 1000, 0, 3600), "[###################-]  999 of 1,000 servers   0 failed   60:00"),
        ((2, 2, 2, 5), "[####################]  2 of 2 servers   2 failed   0:05"),
    ],
)
def test_the_line(state: tuple[int, int, int, float], shown: str) -> None:
    """It tells servers done, all of them, those that failed and the time, and is full only at the end."""
    assert line(*state) == shown
    assert len(line(100_000, 100_000, 100_000, 86400)) < 80


def on_a_terminal(*arguments: str | Path) -> tuple[int, str]:
    """Run the command with a terminal as its stderr; the exit code, and what was shown there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=theirs, env=clean())
    os.close(theirs)
    shown = b""
    while True:
        try:
            some = os.read(ours, 4096)
        except OSError:  # nobody has the other end any more
            break
        if not some:
            break
        shown += some
    os.close(ours)
    return process.wait(30), shown.decode()


@pytest.mark.parametrize("command", ["snapshot", pytest.param("check", marks=pytest.mark.long)])
def test_a_terminal_shows_it_and_is_clean_afterwards(command: str) -> None:
    """While a server is slow the line is there, and it is gone before the failures are told."""
    with Hostile(answer(LEGAL)) as fast, Hostile(silence) as slow:
        code, shown = on_a_terminal(
            command, "--server", f"a={fast.url}", "--server", f"b={slow.url}", "--timeout", "1.5"
        )
    assert code == 3
    assert "\r[##########----------]  1 of 2 servers   0 failed   0:0" in shown
    assert "\x1b" not in shown
    after = re.sub(rf"^{re.escape(BEGINNING)}.*\r\n", "", re.split(r"\r +\r", shown)[-1])
    assert re.fullmatch(r"(lms-inventory: b: no complete response .*\r\n)?", after), repr(after)
    assert bool(after) == (command == "snapshot")


def test_quick_runs_show_nothing() -> None:
    """A run that is over in a moment leaves the terminal as it was."""
    with Hostile(answer(LEGAL)) as fast:
        assert on_a_terminal("snapshot", "-q", "--server", fast.url)[0] == 0  # begins the history, and says so
        assert on_a_terminal("snapshot", "--no-history", "--server", fast.url)[0] == 0
        code, shown = on_a_terminal("snapshot", "-q", "--server", fast.url)
    assert (code, shown) == (0, "")


@pytest.mark.long
def test_quiet_shows_no_line_and_a_log_has_one_line_a_failure() -> None:
    """With -q the terminal, and without a terminal the log, get what failed and nothing else."""
    with Hostile(silence) as slow:
        arguments = [
            "snapshot",
            "--no-history",
            "--server",
            f"b={slow.url}",
            "--server",
            f"c={slow.url}/c",
            "--timeout",
            "1.2",
        ]
        code, shown = on_a_terminal(*arguments, "-q")
        assert (code, shown.count("\n"), "[" in shown) == (3, 2, False)
        began = time.monotonic()
        done = run(*arguments)
        assert time.monotonic() - began > 1.2
    assert done.code == 3
    assert [text.partition(": no complete")[0] for text in done.err.splitlines()] == [
        "lms-inventory: b",
        "lms-inventory: c",
    ]
