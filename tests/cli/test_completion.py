"""Completion in the shells, as the manual says how to switch it on."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli_runner import clean, run

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


REFS = ["latest", "previous", "first", "yesterday", "live", "baseline:good", "2026-11-13", "2026-11-12", "2026-11-11"]
FILES = ["inventory.toml", "inventory.xlsx"]
LINES = [
    ("lms-inventory sch", ["schedule"]),
    ("lms-inventory schedule ", ["cron", "systemd", "launchd", "windows"]),
    ("lms-inventory help st", ["statuses", "stand-in"]),
    ("lms-inventory help sn", ["snapshot"]),
    ("lms-inventory snapshot --gr", ["--grain"]),
    ("lms-inventory snapshot --grain b", ["both"]),
    ("lms-inventory baseline re", ["remove"]),
    ("lms-inventory baseline remove ", ["good"]),
    ("lms-inventory show ", [*REFS, "2026-11-10"]),
    ("lms-inventory show --history h 2026-11-1", ["2026-11-13", "2026-11-12", "2026-11-11", "2026-11-10"]),
    ("lms-inventory diff latest live latest ", []),
    ("lms-inventory diff --server l", ["laptop"]),
    ("lms-inventory servers retire des", ["desktop"]),
    ("lms-inventory show --columns server,ke", ["server,key"]),
    ("lms-inventory show --grain instance --sort rem", ["remaining_ttl_seconds"]),
    ("lms-inventory diff --fail-on added,rec", ["added,reconfigured"]),
    ("lms-inventory diff --fail-on hi", []),
    ("lms-inventory snapshot --fail-on hi", ["high"]),
    ("lms-inventory audit --fail-on ", ["low", "medium", "high", "unknown"]),
    ("lms-inventory audit --rule ", ["approved"]),
    ("lms-inventory audit lat", ["latest"]),
    ("lms-inventory query --at baseline:", ["good"]),
    ("lms-inventory report 2026-11-13", ["2026-11-13"]),
    ("lms-inventory report m", ["month"]),
    ("lms-inventory diff --ignore quantization_n", ["quantization_name"]),
    ("lms-inventory history --model mic", ["microsoft/phi-4"]),
    ("lms-inventory history --by ", ["model", "server", "site"]),
    ("lms-inventory export -o inventory.x", ["inventory.xlsx"]),
    ("lms-inventory show --config inv", FILES),
    ("lms-inventory snapshot --servers-from inventory.t", ["inventory.toml"]),
    ("lms-inventory diff inventory.x", ["inventory.xlsx"]),
    ("lms-inventory show --history ", ["h/"]),
]
"""A line, and what it is completed to in a folder with a history, a configuration and a workbook."""


@pytest.fixture
def folder(past: Path, tmp_path: Path, command: dict[str, str]) -> Path:
    """A folder with a history, a baseline, a configuration with labels, and a workbook."""
    shutil.copytree(past, tmp_path / "h")
    run("baseline", "set", "good", "--history", tmp_path / "h")
    server = "[[server]]\nname = 'rome bob'\nurl = 'http://10.0.0.7:1234'\nlabels = { site = \"Rome\" }\n"
    (tmp_path / "inventory.toml").write_text(f"[history]\npath = 'h'\n{server}[[rule]]\nname = 'approved'\n")
    (tmp_path / "inventory.xlsx").touch()
    command.pop("LMS_INVENTORY_HISTORY")
    return tmp_path


def in_bash(line: str, folder: Path, command: dict[str, str]) -> list[str]:
    """What bash offers for a line, file names as its ``compopt`` asks for them."""
    script = (
        'eval "$(_LMS_INVENTORY_COMPLETE=bash_source lms-inventory)"\n'
        "compopt() { options+=($2); }\n"
        f"COMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}; word=${{COMP_LINE##* }}\n"
        "_lms_inventory_completion lms-inventory\n"
        '[[ ${#COMPREPLY[@]} == 0 && $options == default ]] && COMPREPLY=($(compgen -f -- "$word"))\n'
        '[[ ${#COMPREPLY[@]} == 0 && $options == dirnames ]] && COMPREPLY=($(compgen -d -S / -- "$word"))\n'
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    return in_shell("bash", f"cd {folder}; {script}", command).splitlines()


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_bash_completes(line: str, expected: list[str], folder: Path, command: dict[str, str]) -> None:
    """Commands, options, words, names of the history and of files are completed in bash itself."""
    offered = [word for word in in_bash(line, folder, command) if word]
    assert (sorted(offered) if expected == FILES else offered) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lms-inventory diff baseline:", ["good"]),
        ("lms-inventory diff --where site=", ["Rome"]),
        ("lms-inventory snapshot --server ", [r"rome\ bob=http://10.0.0.7:1234"]),
        ("lms-inventory diff --server ro", [r"rome\ bob"]),
        ("lms-inventory diff --server 'ro", ["rome bob"]),
        ("lms-inventory diff --server=ro", [r"rome\ bob"]),
        ("lms-inventory diff --where=site=R", ["Rome"]),
    ],
)
def test_bash_gets_what_it_inserts(line: str, expected: list[str], folder: Path, command: dict[str, str]) -> None:
    """Bash replaces what stands after its last break of a word, and quotes nothing."""
    assert in_bash(line, folder, command) == expected


def test_every_prefix_of_a_line_is_completed_without_a_word_on_stderr(folder: Path, command: dict[str, str]) -> None:
    """Whatever stands on the line, in whatever state the history is: exit 0, nothing on stderr."""
    (folder / "inventory.toml").write_text("[[[")
    for path in (folder / "h").rglob("*.parquet"):
        path.chmod(0o600)
        path.write_bytes(b"no")
    lines = ["lms-inventory diff --server ", "lms-inventory history --model x", "lms-inventory nope --x '", "", "x \\"]
    for line in lines:
        for shell in ("bash", "zsh", "fish"):
            words = {"COMP_LINE": line, "COMP_WORDS": line, "COMP_CWORD": "1" if shell == "zsh" else ""}
            env = command | words | {"_LMS_INVENTORY_COMPLETE": f"{shell}_complete"}
            done = run(cwd=folder, env=env)
            assert (done.code, done.err) == (0, ""), (shell, line)
    for word in ("bash_complete", "nope_complete"):
        assert run(cwd=folder, env=clean(_LMS_INVENTORY_COMPLETE=word)) == (0, "", "")


def test_an_unknown_shell_is_an_error() -> None:
    """A script that does not exist is told, with those that do."""
    done = run(env=clean(_LMS_INVENTORY_COMPLETE="ksh_source"))
    assert (done.code, done.out) == (2, "")
    assert (
        done.err == "lms-inventory: there is no completion 'ksh_source'. Use bash_source, zsh_source or fish_source\n"
    )


@pytest.mark.parametrize(
    ("line", "imported"), [("lms-inventory sch", set()), ("lms-inventory show ", set()), ("lms-inventory --", set())]
)
def test_words_and_references_import_nothing_heavy(line: str, imported: set[str], folder: Path) -> None:
    """Only names of servers, labels and models open files of the history."""
    script = (
        "import sys\nfrom inventory.cli import main\ntry: main()\nexcept SystemExit: pass\n"
        "print(*{'pyarrow', 'duckdb', 'pandas', 'httpx'} & {*sys.modules}, file=sys.stderr)"
    )
    env = clean(_LMS_INVENTORY_COMPLETE="bash_complete", COMP_LINE=line)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=env, cwd=folder, check=True
    )
    assert set(done.stderr.split()) == imported
    assert done.stdout.strip()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lms-inventory sch", ["schedule"]),
        ("lms-inventory snapshot --grain b", ["both"]),
        ("lms-inventory diff baseline:", ["baseline:good"]),
        ("lms-inventory show --columns server,ke", ["server,key"]),
        ("lms-inventory show --server=ro", ["--server=rome bob"]),
        ("lms-inventory export -o inventory.x", ["inventory.xlsx"]),
    ],
)
def test_fish_completes(line: str, expected: list[str], folder: Path, command: dict[str, str]) -> None:
    """The same in fish."""
    script = f"_LMS_INVENTORY_COMPLETE=fish_source lms-inventory | source; complete --do-complete '{line}'"
    offered = in_shell("fish", f"cd {folder}; {script}", command).splitlines()
    assert [choice.split("\t")[0] for choice in offered] == expected


@pytest.mark.long
def test_zsh_completes(command: dict[str, str]) -> None:
    """In zsh the function is registered for the command, and what it is answered is what it asked for."""
    script = (
        "autoload -Uz compinit && compinit -D -u; "
        'eval "$(_LMS_INVENTORY_COMPLETE=zsh_source lms-inventory)"; print $_comps[lms-inventory]'
    )
    assert in_shell("zsh", script, command) == "_lms_inventory_completion\n"
    env = command | {"_LMS_INVENTORY_COMPLETE": "zsh_complete", "COMP_WORDS": "lms-inventory sch", "COMP_CWORD": "1"}
    assert in_shell("zsh", "lms-inventory", env).split("\n")[:2] == ["plain", "schedule"]
    env["COMP_WORDS"], env["COMP_CWORD"] = "lms-inventory show --format=c", "2"
    assert in_shell("zsh", "lms-inventory", env).split("\n")[:2] == ["plain", "--format=csv"]
