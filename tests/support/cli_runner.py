"""The command as a process of its own, in a clean environment."""

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import inventory
from support.forkserver import SECONDS

COMMAND = [sys.executable, "-m", "inventory"]
BEGINNING = "lms-inventory: this run starts a new history in "
TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"


class Done(NamedTuple):
    """What became of it."""

    code: int
    out: str
    err: str

    @property
    def later(self) -> "Done":
        """What became of it, without the line that a run starts a new history."""
        lines = [line for line in self.err.splitlines(keepends=True) if not line.startswith(BEGINNING)]
        return self._replace(err="".join(lines))

    @property
    def data(self) -> Any:
        """The data of the JSON object on stdout."""
        return json.loads(self.out)["data"]


def clean(**more: str) -> dict[str, str]:
    """The environment without what would change the outcome, and with what is given.

    The home, and with it the user's own history, is the one that ``conftest.py`` gives each test. The package is the
    one that the tests import, also where another checkout is installed beside this Python.
    """
    inherited = (
        "PATH",
        "HOME",
        "SYSTEMROOT",
        "TMPDIR",
        "TEMP",
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "LMS_INVENTORY_HISTORY",
    )
    own_end = {"PYTHONWARNINGS": "error", "PYTHONPATH": str(Path(inventory.__file__).parents[1])}
    return {name: os.environ[name] for name in inherited if name in os.environ} | own_end | more


def run(*arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, **more: Any) -> Done:
    """Run it to its end: forked where that is possible, and nothing is said about its streams or to Python itself."""
    env = clean() if env is None else env
    to_python = {name for name in env if name.startswith(("PYTHON", "LC_", "LANG"))}
    if not more and to_python == {"PYTHONPATH", "PYTHONWARNINGS"} and hasattr(os, "fork"):
        return _run_forked([*map(str, arguments)], cwd or Path.cwd(), env)
    options: dict[str, Any] = {"capture_output": True, "text": True, "encoding": "utf-8", **more}
    done = subprocess.run([*COMMAND, *map(str, arguments)], cwd=cwd, env=env, timeout=SECONDS, check=False, **options)
    return Done(done.returncode, done.stdout or "", done.stderr or "")


def _run_forked(arguments: list[str], cwd: Path, env: dict[str, str]) -> Done:
    lines = _forkserver()
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        request = {"arguments": arguments, "cwd": str(cwd), "env": env, "out": out.name, "err": err.name}
        lines.write(json.dumps(request) + "\n")
        lines.flush()
        code = json.loads(lines.readline())
        return Done(code, *(Path(file.name).read_bytes().decode() for file in (out, err)))


@cache
def _forkserver() -> TextIO:
    """The process that forks, one for each worker of the tests; it ends when the worker does."""
    own_end, child_end = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("forkserver.py"), str(child_end.fileno())],
        env=clean(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[child_end.fileno()],
    )
    child_end.close()
    lines = own_end.makefile("rw", encoding="utf-8")
    own_end.close()  # now the lines alone hold it open

    def end() -> None:
        lines.close()
        process.wait(timeout=SECONDS)

    atexit.register(end)
    return lines
