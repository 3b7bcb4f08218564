"""The progress bar of a run over several servers."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli_runner import COMMAND, clean, run
from support.hostile_servers import LEGAL, Hostile, answer, silence


def on_a_terminal(*arguments: str | Path) -> tuple[int, str]:
    """Run the command with a terminal as its stderr; the exit code, and what was shown there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=theirs, env=clean())
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # The other end is closed.
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return process.wait(30), shown.decode()


@pytest.mark.parametrize("command", ["snapshot", pytest.param("check", marks=pytest.mark.long)])
@pytest.mark.long
def test_a_terminal_shows_how_many_servers_are_done(command: str) -> None:
    """While a server is slow the bar is half full; it is full, with the failures, before these are printed."""
    with Hostile(answer(LEGAL)) as fast, Hostile(silence) as slow:
        code, shown = on_a_terminal(
            command, "--server", f"a={fast.url}", "--server", f"b={slow.url}", "--timeout", "1.5"
        )
    assert code == 3
    counts = re.findall(r"Querying servers  \[[#-]+\]  (\d)/2.*?(\d) failed", shown)
    assert counts == [("0", "0"), ("1", "0"), ("2", "1")]
    bar, _, after = shown.partition("\x1b[?25h\r\n")
    assert "no complete" not in bar
    assert "\x1b" not in after
    assert ("lms-inventory: b: no complete response" in after) == (command == "snapshot")


@pytest.mark.parametrize("more", [["-q"], ["--json"], []], ids=str)
def test_no_bar_where_nobody_wants_one(more: list[str]) -> None:
    """With -q or --json, and for a single server, the terminal gets errors only."""
    with Hostile(answer(LEGAL)) as first, Hostile(answer(LEGAL)) as second:
        servers = ["--server", f"a={first.url}", *(["--server", f"b={second.url}"] if more else [])]
        assert on_a_terminal("snapshot", "--no-history", *servers, *more) == (0, "")


@pytest.mark.long
def test_quiet_shows_no_bar_and_a_log_has_one_line_a_failure() -> None:
    """With -q the terminal, and without a terminal the log, get what failed and nothing else."""
    with Hostile(silence) as slow:
        servers = ["--server", f"b={slow.url}", "--server", f"c={slow.url}/c"]
        arguments = ["snapshot", "--no-history", *servers, "--timeout", "1.2"]
        code, shown = on_a_terminal(*arguments, "-q")
        assert (code, shown.count("lms-inventory: "), "[" in shown) == (3, 2, False)
        done = run(*arguments)
    assert done.code == 3
    assert [text.partition(": no complete")[0] for text in done.err.splitlines()] == [
        "lms-inventory: b",
        "lms-inventory: c",
    ]


_TERMINAL_GONE = """
import os, pty, sys
ours, theirs = pty.openpty()
sys.stderr = open(theirs, "w")
from inventory.cli._progress import progress
with progress(2) as advance:
    os.close(ours)
    advance({"status": "ok"}, 1, 2)
print("the run goes on")
sys.stdout.flush()
os._exit(0)
"""


def test_a_terminal_that_is_gone_stops_no_run() -> None:
    """What cannot be shown is not shown."""
    done = subprocess.run(
        [sys.executable, "-c", _TERMINAL_GONE],
        capture_output=True, text=True, env=clean(), check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "the run goes on\n"), done.stderr
