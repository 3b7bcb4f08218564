"""Commands as several users, one after the other: a program that root runs, as ``by_users`` does.

Other users may not be allowed to read where Python and the package are. So all that the commands import is imported
first: what the same commands of root need in a folder of their own. Those are a process of their own, as threads that
a command begins would be missing in what is forked later. Then each command is forked, and becomes its user's.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from support.cli_runner import clean
from support.forkserver import SECONDS


class Step(NamedTuple):
    """A command, and who gives it: the number of a user and of a group that the user is in."""

    user: int
    group: int
    arguments: tuple[str, ...]


def by_users(folder: Path, umask: int, steps: Sequence[Step]) -> list[int]:
    """The exit codes of commands in a folder."""
    asked = json.dumps({"folder": str(folder), "umask": umask, "steps": steps})
    env = clean()
    env["PYTHONPATH"] += f"{os.pathsep}{Path(__file__).parents[1]}"
    with subprocess.Popen(
        [sys.executable, "-m", "support.users", asked],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            out, err = process.communicate(timeout=SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # with the command that does not end
            raise
    assert (process.returncode, "Traceback" in err) == (0, False), err
    codes: list[int] = json.loads(out.splitlines()[-1])
    return codes


def _serve(asked: str) -> None:
    wanted = json.loads(asked)
    folder = Path(wanted["folder"])
    for name in _needed(folder, [arguments for _, _, arguments in wanted["steps"]]):
        with contextlib.suppress(ImportError):  # a part that only its own package can load
            importlib.import_module(name)
    os.chdir(folder)
    os.umask(wanted["umask"])
    codes = []
    for user, group, arguments in wanted["steps"]:
        child = os.fork()
        if not child:
            os.setgroups([group])
            os.setgid(user)
            os.setuid(user)
            os._exit(_code(arguments))
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.stdout.write("\n" + json.dumps(codes) + "\n")


def _needed(folder: Path, commands: Sequence[Sequence[str]]) -> list[str]:
    """The modules that commands import, in the order in which they do."""
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "answer.json").write_bytes((folder / "answer.json").read_bytes())
        child = os.fork()
        if not child:
            os.chdir(scratch)
            for arguments in commands:
                _code(arguments)
            Path("modules").write_text("\n".join(sys.modules))
            os._exit(0)
        os.waitpid(child, 0)
        return (Path(scratch) / "modules").read_text().splitlines()


def _code(arguments: Sequence[str]) -> int:
    from inventory.cli import main

    try:
        main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


if __name__ == "__main__":
    _serve(sys.argv[1])
