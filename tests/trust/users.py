"""Commands as several users, one after the other: a program that root runs, as ``by_users`` does.

Other users may not be allowed to read where Python and the package are. So all that the commands import is imported
first, by the same commands of root in a folder of their own; then each is forked, and becomes its user's.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cli.nursery import SECONDS
from cli.running import clean


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
    done = subprocess.run(
        [sys.executable, "-m", "trust.users", asked],
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    codes: list[int] = json.loads(done.stdout.splitlines()[-1])
    return codes


def _serve(asked: str) -> None:
    wanted = json.loads(asked)
    folder = Path(wanted["folder"])
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        (Path(scratch) / "answer.json").write_bytes((folder / "answer.json").read_bytes())
        for _, _, arguments in wanted["steps"]:
            _code(arguments)
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


def _code(arguments: Sequence[str]) -> int:
    from inventory.cli import main

    try:
        main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


if __name__ == "__main__":
    _serve(sys.argv[1])
