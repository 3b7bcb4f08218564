"""How a command ends: with its exit code, whatever would go wrong while Python takes itself apart."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli_runner import COMMAND, clean
from support.history_builders import made, model

ABORTING = """
import os
class Last:
    def __del__(self, abort=os.abort): abort()
sys_keeps_it = Last()  # goes when the modules go, as the threads of a library do when they are left
"""
COUNTING = """
import sys
from pathlib import Path
from inventory import read
from inventory.history.storage.data_file import KINDS
from inventory import History
def threads():
    names = [(task / "comm").read_text() for task in Path("/proc/self/task").iterdir()]
    return sum(not name.startswith("jemalloc") for name in names)  # the allocator's own come when they like
history, exported = History(sys.argv[1]), sys.argv[2:]
first = history.store.run_ids()[0]
before = threads()
for kind in KINDS:
    history.store.read(kind, first).table()
for path in exported:
    read(path)
print(threads() - before)
"""


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A history of two runs."""
    return made(tmp_path, {"a": [model("x")]}, {"a": [model("y")]})[0].store.folder


def ended(*arguments: str | Path, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a Python of its own, which is ended by Python's own way to end."""
    (cwd / "sitecustomize.py").write_text(ABORTING)
    env = clean(PYTHONPATH=f"{cwd}:{clean()['PYTHONPATH']}", **more)
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["bogus"], 2),
        (["history", "--history", "history"], 0),
        (["diff", "--history", "history", "--json"], 0),
        (["diff", "--history", "history", "--fail-on", "added"], 10),
        (["diff", "missing.csv", "latest", "--history", "history"], 4),
        (["snapshot", "--server", "file:missing.json", "--history", "history"], 3),
    ],
    ids=str,
)
def test_nothing_after_the_work(history: Path, arguments: list[str], code: int) -> None:
    """The output is all there and the code is the documented one, though an ordinary end would be an abort."""
    done = ended(*arguments, cwd=history.parent)
    assert done.returncode == code, done.stderr
    assert bool(done.stdout) == (code in (0, 3, 10))
    if "--json" in arguments:
        assert {row["change"] for row in json.loads(done.stdout)["data"]["changes"]} == {"added", "removed"}


def test_the_trap_is_one(tmp_path: Path) -> None:
    """An ordinary end is an abort there, so that the tests above say something."""
    (tmp_path / "sitecustomize.py").write_text(ABORTING)
    done = subprocess.run([sys.executable, "-c", "pass"], env=clean(PYTHONPATH=str(tmp_path)), check=False)
    assert done.returncode == -6


def test_a_long_output_into_a_pipe(history: Path) -> None:
    """What is still in Python's own buffers goes out first."""
    done = ended("--help", cwd=history.parent, PYTHONUNBUFFERED="")
    assert "Commands:" in done.stdout
    assert done.stdout.endswith("\n")


@pytest.mark.long
def test_files_are_read_without_threads(history: Path, tmp_path: Path) -> None:
    """No thread is begun that could let go of Python's bytes after Python has ended: in whatever program reads them.

    Of a CSV file Arrow's threads hold only what is their own, as they open it themselves.
    """
    from inventory import History

    targets = [tmp_path / f"x.{suffix}" for suffix in ("parquet", "xlsx")]
    for target in targets:
        History(history).load().write(target)
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, str(history), *map(str, targets)],
        env=clean(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
