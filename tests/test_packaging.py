"""The action, the container file and the package: as far as they can be tried without their services."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.cli_runner import clean

from inventory.stub_server import StubServer, inventory_before

ROOT = Path(__file__).parent.parent
ACTION = ROOT / ".github" / "actions" / "snapshot"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """``lms-inventory`` as a program of its own."""
    path = tmp_path / "lms-inventory"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m inventory "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("history", "fail_on", "code"), [("", "", 3), ("h", "incomplete", 10)])
@pytest.mark.long
def test_the_action_takes_a_snapshot(history: str, fail_on: str, code: int, program: Path, tmp_path: Path) -> None:
    """Its script queries the servers, writes the files and the summary, and ends with the exit code."""
    with StubServer(inventory_before()) as stub:
        env = clean(
            PROGRAM=str(program),
            SERVERS=f"a={stub.url}\n$(touch injected)=127.0.0.1:9\n",
            LM_API_TOKEN="",
            OUTPUTS="a.xlsx\nb.csv\n",
            HISTORY_FOLDER=history,
            FAIL_ON=fail_on,
            GITHUB_STEP_SUMMARY=str(tmp_path / "summary"),
        )
        script = ACTION / "snapshot.sh"
        done = subprocess.run([script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert {path.name for path in tmp_path.iterdir()} >= {"a.xlsx", "b.csv", "summary"}
    assert "64.13 GB" in (tmp_path / "summary").read_text()
    assert (tmp_path / "h").is_dir() == bool(history)
    assert not (tmp_path / "injected").exists()


def test_the_action_passes_what_its_script_reads() -> None:
    """Each variable of the script is set by the action, and no input is put into a script's text."""
    action, script = (ACTION / "action.yml").read_text(), (ACTION / "snapshot.sh").read_text()
    used = set(re.findall(r"\$\{?([A-Z_]+)", script)) - {"GITHUB_STEP_SUMMARY"}
    assert used == set(re.findall(r"^ {8}([A-Z_]+): \$\{\{", action, re.MULTILINE))
    assert not re.search(r"run: .*\$\{\{", action)
    for name in re.findall(r"inputs\.([a-z-]+)", action):
        assert re.search(rf"^  {name}:$", action, re.MULTILINE)


def test_the_container_holds_what_the_package_needs() -> None:
    """What the container file copies exists, and is what the package is built from."""
    text = (ROOT / ".github" / "container" / "Containerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*)", text, re.MULTILINE) for word in line.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert {*project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"], project["project"]["readme"]} <= {
        *copied
    }
    ignored = (ROOT / ".github" / "container" / "Containerfile.dockerignore").read_text()
    assert all(f"!{name}\n" in ignored for name in copied)
