"""``lms-inventory help``: the manual, wherever the package is installed."""

import os
import pty
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.cli_runner import clean, run

import inventory
from inventory.cli import cli
from inventory.cli.help import TOPICS

MANUAL = Path(inventory.__file__).parent / "manual"


def test_each_page_is_a_topic() -> None:
    """The topics are the pages in the folder of the manual."""
    assert sorted(TOPICS) == sorted(path.stem for path in MANUAL.iterdir())


def test_topics_are_listed() -> None:
    """Each topic has one line of at most 80 columns, which ends as a sentence does."""
    done = run("help")
    lines = done.out.splitlines()[3:]
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in lines] == list(TOPICS)
    assert all(len(line) <= 80 and line.endswith(".") for line in lines)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_shown(topic: str) -> None:
    """A page is printed to a pipe as text: every word of it, no mark of Markdown, code to the letter."""
    done = run("help", topic)
    page = (MANUAL / f"{topic}.md").read_text()
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(page.partition("\n")[0].removeprefix("# "))
    assert not re.search(r"^\||^#|^```|<!--|\]\(|\*\*|\x1b", re.sub(r"^ {4}.*", "", done.out, flags=re.MULTILINE))
    for block in re.findall(r"^```\w*\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        assert "".join(f"    {line}".rstrip() + "\n" for line in block.splitlines()) in done.out
    text = re.sub(r"^```.*?^```|<!-- .*? -->|\]\([^)]*\)", "", page, flags=re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"\w+", text)) <= set(re.findall(r"\w+", done.out))


def test_lines_are_as_wide_as_the_terminal() -> None:
    """Text is wrapped to the terminal's columns; only code and single words are wider."""
    for columns in (60, 100):
        for line in run("help", "history", env=clean(COLUMNS=str(columns))).out.splitlines():
            assert len(line) <= columns or line.startswith("    ") or " " not in line.strip()


def test_a_command_is_a_topic_too() -> None:
    """The name of a command shows its options; a page of the same name says where they are."""
    for name in ("snapshot", "verify"):
        assert run("help", name).out == run(name, "--help").out
    assert run("help", "history").out.endswith("\n\nThe options of this command: lms-inventory history --help\n")


@pytest.mark.parametrize(
    ("topic", "advice"),
    [
        ("histroy", "Did you mean 'history'?"),
        ("Snapshots", "Did you mean 'snapshot'?"),
        ("exit-code", "Did you mean 'exit-codes'?"),
        ("\x1b[31m", "See lms-inventory help"),
    ],
)
def test_unknown_topics(topic: str, advice: str) -> None:
    """A topic that does not exist is a usage error, with the nearest one that does."""
    done = run("help", topic)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("lms-inventory: there is no topic '")
    assert done.err.endswith(f"'. {advice}\n")
    assert "\x1b" not in done.err


def test_a_terminal_gets_a_pager(tmp_path: Path) -> None:
    """On a terminal a page goes through the user's pager."""
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\ncat > {tmp_path}/paged\n")
    pager.chmod(0o755)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "inventory", "help", "statuses"]
    env = clean(PAGER=str(pager), TERM="xterm")
    done = subprocess.run(
        command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=env, timeout=60, check=False
    )
    os.close(theirs)
    os.close(ours)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "not_lm_studio" in (tmp_path / "paged").read_text()


def test_a_zipped_package_has_its_manual(tmp_path: Path) -> None:
    """The pages are found where there is no folder: Python runs packages out of an archive."""
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in (path for path in MANUAL.parent.rglob("*") if path.suffix in (".py", ".md")):
            file.write(path, path.relative_to(MANUAL.parent.parent))
    code = f"import sys; sys.path.insert(0, {str(archive)!r}); from inventory.cli import main; main(['help', 'scale'])"
    env = {name: value for name, value in clean().items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=tmp_path, check=True
    )
    assert done.stdout == run("help", "scale").out


def test_no_topic_is_called_as_two_things() -> None:
    """A topic with the name of a command is about what that command shows."""
    assert {*TOPICS} & {*cli.commands} == {"history", "query", "schedule", "servers"}
