"""The notebook: what is committed can be read on a code host, and runs as it stands."""

import ast
import importlib.util
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import generate
import pytest

import inventory

Cell = dict[str, Any]
NOTEBOOK: dict[str, Any] = json.loads(generate.NOTEBOOK.read_text())
CODE: list[Cell] = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def kinds(cell: Cell) -> list[list[str]]:
    """What each output of a cell can be shown as."""
    return [sorted(output.get("data", {"stream": ""})) for output in cell["outputs"]]


def test_outputs_are_committed_and_hold_no_error() -> None:
    """Every cell was run, in order, shows something, and neither failed nor warned."""
    assert [cell["execution_count"] for cell in CODE] == list(range(1, len(CODE) + 1))
    assert all(cell["outputs"] for cell in CODE)
    shown = {output["output_type"] for cell in CODE for output in cell["outputs"]}
    assert shown <= {"execute_result", "display_data"}


def test_plots_and_tables_are_committed_as_pictures_and_html() -> None:
    """Each plot of the package is there as PNG, beside tables in HTML."""
    from inventory import plots

    source = "".join("".join(cell["source"]) for cell in CODE)
    functions = [name for name, value in vars(plots).items() if getattr(value, "__module__", "") == plots.__name__]
    public = [name for name in functions if not name.startswith("_")]
    assert len(public) == 8
    assert all(f"plots.{name}(" in source for name in public)
    pictures = [cell for cell in CODE if any("image/png" in kind for kind in kinds(cell))]
    assert len(pictures) == len(public) + 2
    assert sum(any("text/html" in kind for kind in kinds(cell)) for cell in CODE) >= 5


def test_it_shows_what_a_history_answers() -> None:
    """The state at a moment, the coverage of servers, growth, changes with types, what nobody uses, and SQL."""
    source = "".join("".join(cell["source"]) for cell in CODE)
    for call in ("state", "servers", "panel", "sql", "diff", "timeline", "lifecycle", "runs"):
        assert f"history.{call}(" in source
    assert {"coverage", "unused", "growth", "new_value"} <= set(re.findall(r"\w+", source))


def test_a_code_host_can_show_it() -> None:
    """Tables are plain HTML and plots are PNG: no script and no widget, which a code host would leave out."""
    for cell in CODE:
        for output in cell["outputs"]:
            assert {*output["data"]} <= {"text/plain", "text/html", "image/png"}
            assert "<script" not in "".join(output["data"].get("text/html", ""))


def test_nothing_in_it_tells_of_the_machine_or_the_hour() -> None:
    """No local path, no time of execution, no version of Python or of a kernel."""
    text = generate.NOTEBOOK.read_text()
    for place in (generate.ROOT, Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix)):
        assert str(place) + "/" not in text
    assert not re.search(r"/home/|/Users/|[A-Z]:\\\\|site-packages|ipykernel", text)
    assert NOTEBOOK["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert not any(cell["metadata"] for cell in NOTEBOOK["cells"])
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])


def test_it_uses_the_public_door_only() -> None:
    """What it imports of the package is public, and no name with an underscore is reached for."""
    tree = ast.parse("\n".join("".join(cell["source"]).rstrip(";") for cell in CODE))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("inventory"):
            assert node.module == "inventory"
            assert {alias.name for alias in node.names} <= {*inventory.__all__, "plots"}
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_")
            assert node.attr != "store"


def test_one_variable_at_the_top_chooses_the_history() -> None:
    """The first line of code is the variable, and it names the sample that is there."""
    first = ast.parse("".join(CODE[0]["source"])).body[0]
    assert isinstance(first, ast.Assign)
    assert ast.unparse(first.targets[0]) == "HISTORY"
    assert (generate.ROOT / ast.literal_eval(first.value)).is_dir()


@pytest.mark.skipif(not importlib.util.find_spec("nbclient"), reason="needs Jupyter: pip install '.[notebook]'")
@pytest.mark.long
@pytest.mark.parametrize("folder", [generate.ROOT, generate.NOTEBOOK.parent], ids=["root", "notebooks"])
def test_it_runs_and_shows_what_is_committed(folder: Path) -> None:
    """Run from the root or from notebooks/, each cell shows the same kinds of things as the committed one."""
    ran = [cell for cell in generate.executed(generate.NOTEBOOK, folder).cells if cell["cell_type"] == "code"]
    assert [kinds(cell) for cell in ran] == [kinds(cell) for cell in CODE]
