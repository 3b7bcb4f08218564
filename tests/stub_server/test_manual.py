"""The manual's page about the stand-in says what it does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import inventory
from inventory.stub_server import SCENARIOS

PAGE = (Path(inventory.__file__).parent / "manual" / "stand-in.md").read_text()


@pytest.mark.long
def test_the_fixture_works_as_it_stands(tmp_path: Path) -> None:
    """The page's own tests pass in a folder of their own."""
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "test_page.py").write_text(block)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_page.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_each_scenario_is_on_the_page() -> None:
    """The table has the scenarios in their order."""
    table = PAGE.partition("## Scenarios")[2].partition("## In Python")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == list(SCENARIOS)
