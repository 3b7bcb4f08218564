"""Completion in the shells, as the manual says how to switch it on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli_runner import clean

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def command(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``lms-inventory`` is the package under test."""
    script = tmp_path / "lms-inventory"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m inventory "$@"\n')
    script.chmod(0o755)
    return clean(PATH=f"{tmp_path}:{os.environ['PATH']}")


def in_shell(shell: str, script: str, env: dict[str, str]) -> str:
    """What a shell prints, without its user's settings."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed: apt-get install {shell}")
    plain = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [shell, *plain, "-c", script], capture_output=True, text=True, env=env, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_takes_its_source(shell: str, command: dict[str, str]) -> None:
    """What the command prints for a shell is a script that the shell understands."""
    in_shell(
        shell, f"_LMS_INVENTORY_COMPLETE={shell}_source lms-inventory > $HOME/source; {shell} -n $HOME/source", command
    )
    assert "lms-inventory" in Path(command["HOME"], "source").read_text()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("lms-inventory sch", ["schedule"]),
        ("lms-inventory schedule ", ["cron", "systemd", "launchd", "windows"]),
        ("lms-inventory help st", ["statuses", "stand-in"]),
        ("lms-inventory help sn", ["snapshot"]),
        ("lms-inventory snapshot --gr", ["--grain"]),
        ("lms-inventory snapshot --grain b", ["both"]),
    ],
)
def test_bash_completes(line: str, found: list[str], command: dict[str, str]) -> None:
    """Commands, words and options are completed in bash itself."""
    words = line.split(" ")
    script = (
        'eval "$(_LMS_INVENTORY_COMPLETE=bash_source lms-inventory)" 2>/dev/null\n'
        f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; [ -n '{words[-1]}' ] || COMP_WORDS+=('')\n"
        "_lms_inventory_completion lms-inventory; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    assert in_shell("bash", script, command).split() == found


@pytest.mark.parametrize(
    ("line", "found"), [("lms-inventory sch", ["schedule"]), ("lms-inventory snapshot --grain b", ["both"])]
)
def test_fish_completes(line: str, found: list[str], command: dict[str, str]) -> None:
    """The same in fish."""
    script = f"_LMS_INVENTORY_COMPLETE=fish_source lms-inventory | source; complete --do-complete '{line}'"
    assert [one.split("\t")[0] for one in in_shell("fish", script, command).splitlines()] == found


def test_zsh_completes(command: dict[str, str]) -> None:
    """In zsh the function is registered for the command, and what it is answered is what it asked for."""
    script = (
        "autoload -Uz compinit && compinit -D -u; "
        'eval "$(_LMS_INVENTORY_COMPLETE=zsh_source lms-inventory)"; print $_comps[lms-inventory]'
    )
    assert in_shell("zsh", script, command) == "_lms_inventory_completion\n"
    env = command | {"_LMS_INVENTORY_COMPLETE": "zsh_complete", "COMP_WORDS": "lms-inventory sch", "COMP_CWORD": "1"}
    assert in_shell("zsh", "lms-inventory", env).split("\n")[:2] == ["plain", "schedule"]
