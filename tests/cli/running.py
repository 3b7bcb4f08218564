"""The command as a process of its own, in a clean environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import inventory

COMMAND = [sys.executable, "-m", "inventory"]
TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"


class Done(NamedTuple):
    """What became of it."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The data of the JSON object on stdout."""
        return json.loads(self.out)["data"]


def clean(**more: str) -> dict[str, str]:
    """The environment without what would change the outcome, and with what is given.

    The home, and with it the user's own history, is the one that ``conftest.py`` gives each test. The package is the
    one that the tests import, also where another checkout is installed beside this Python.
    """
    kept = ("PATH", "HOME", "SYSTEMROOT", "TMPDIR", "TEMP", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "LMS_INVENTORY_HISTORY")
    ours = {"PYTHONWARNINGS": "error", "PYTHONPATH": str(Path(inventory.__file__).parents[1])}
    return {name: os.environ[name] for name in kept if name in os.environ} | ours | more


def run(*arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, **more: Any) -> Done:
    """Run it to its end."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=clean() if env is None else env,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        **({"capture_output": True} | more),
    )
    return Done(done.returncode, done.stdout or "", done.stderr or "")
