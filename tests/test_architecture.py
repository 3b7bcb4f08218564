"""The rules of the house, held by walking the imports: nobody has to remember them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import inventory

PACKAGE = Path(inventory.__file__).parent
ROOT = PACKAGE.parent
# fmt: off
CORE = {
    "errors", "schema", "derived", "keys", "labels", "places", "settings", "filenames", "addresses",  # what may be said
    "parse", "decode", "refusals", "legacy", "flatten", "parameters", "digest", "intake", "suspicion",
    "api", "snapshot", "gaps", "dialects",  # from bytes to tables
    "pairing", "renames", "extras", "fields", "ticking", "changes", "diff", "steps", "references",
    "queries", "state_queries", "seal",  # from tables to changes
    "layout", "report", "news", "chronicle", "shelf", "fleet", "overview", "markup",  # to text
}
EDGES = {
    "servers", "configuration", "texts", "tokens", "ownership", "sources",
    "regular_files", "temporary_files", "rights", "files", "write_once", "folders", "foreign",
    "formats", "canvas", "shapes", "plots", "schedules", "journal", "demo",
    "contents", "months", "notes", "store", "steady", "proof", "compaction", "engines", "past", "state",
    "history", "verify", "prune", "absence",
}
# fmt: on
JOINT = {"collect", "recording", "comparison"}
TOLD = {  # edges that another edge stands on
    "sources": {"servers", "regular_files"},
    "texts": {"regular_files"},
    "tokens": {"regular_files"},
    "configuration": {"servers", "texts", "tokens"},
    "temporary_files": {"regular_files"},
    "files": {"regular_files", "temporary_files", "rights"},
    "write_once": {"regular_files", "temporary_files", "rights"},
    "formats": {"files"},
    "schedules": {"files", "regular_files"},
    "journal": {"regular_files", "temporary_files", "rights"},
    "contents": {"regular_files"},
    "months": {"regular_files", "temporary_files", "write_once", "folders", "contents"},
    "notes": {"regular_files", "temporary_files", "write_once", "folders", "contents"},
    "store": {"regular_files", "temporary_files", "write_once", "contents", "months", "notes"},
    "foreign": {"journal", "folders", "contents", "notes", "store"},
    "compaction": {"temporary_files", "contents", "store"},
    "past": {"store", "engines"},
    "state": {"store", "engines"},
    "steady": {"store"},
    "history": {"store", "engines", "past", "state", "steady"},
    "verify": {"contents", "foreign", "proof", "store", "journal"},
    "prune": {"regular_files", "temporary_files", "contents", "notes", "store", "compaction", "engines"},
    "absence": {"contents", "folders"},
    "shapes": {"canvas"},
    "plots": {"canvas", "shapes"},
}
HEAVY = {"pandas", "pyarrow", "numpy", "httpx", "openpyxl", "duckdb", "matplotlib", "pyspark"}

# The one step from the core to an edge, written down so that no second one comes: Snapshot.write(path) hands itself
# to the formats, because that is what a user calls.
EXCUSED = {("snapshot", "formats"), ("snapshot", "overview")}


def _files() -> Iterator[tuple[str, Path]]:
    """Each file with the room it belongs to."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).with_suffix("").parts[0], path


def _imports(path: Path, *, inside_functions: bool = True) -> Iterator[tuple[str, int]]:
    """Each module that a file imports, and the line; imports for type checkers only are none."""
    tree = ast.parse(path.read_text())
    checked = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    lazy = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in checked or (id(node) in lazy and not inside_functions):
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ((name, node.lineno) for name in (names if node.module == "inventory" else [node.module or ""]))


def _rooms(path: Path) -> set[str]:
    return {name.split(".")[1] for name, _ in _imports(path) if name.startswith("inventory.")}


@pytest.mark.parametrize(("room", "path"), list(_files()), ids=lambda value: getattr(value, "name", value))
def test_imports_go_one_way(room: str, path: Path) -> None:
    """The core imports no edge, edges do not know each other, the joint ties them, the command line comes last."""
    used = {other for other in _rooms(path) if (room, other) not in EXCUSED and other != room}
    if room in CORE:
        assert not used & (EDGES | JOINT | {"cli"})
    elif room in EDGES:
        assert not used & ((EDGES - TOLD.get(room, set())) | JOINT | {"cli"})
    elif room in JOINT:
        assert "cli" not in used
    else:
        assert room in {"cli", "__init__", "__main__"}, f"{room} is no room of the design"


def test_there_are_no_cycles() -> None:
    """No room needs itself to be imported, directly or by way of others."""
    needs: dict[str, set[str]] = {}
    for room, path in _files():
        if room not in {"__init__", "__main__"}:
            top = {
                name.split(".")[1]
                for name, _ in _imports(path, inside_functions=False)
                if name.startswith("inventory.")
            }
            needs.setdefault(room, set()).update(top - {room})
    while free := [room for room, others in needs.items() if not others & needs.keys()]:
        for room in free:
            del needs[room]
    assert not needs


def test_rooms_are_those_of_the_design() -> None:
    """Nothing but a family gets a folder, and every room is named in the design or excused here."""
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {"sources", "formats", "engines", "schedules", "cli"}
    rooms = {room for room, _ in _files()} - {"__init__", "__main__", "cli"}
    assert rooms == CORE | EDGES | JOINT


@pytest.mark.parametrize(("room", "path"), list(_files()), ids=lambda value: getattr(value, "name", value))
def test_no_room_is_crowded(room: str, path: Path) -> None:
    """No file is longer than 300 lines."""
    assert room
    assert len(path.read_text().splitlines()) <= 300


def test_only_the_command_line_prints_exits_and_reads_the_environment() -> None:
    """Outside cli nobody calls print, sys.exit or click.echo, or looks at os.environ."""
    for room, path in _files():
        if room == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            said = ast.unparse(node) if isinstance(node, ast.Call | ast.Attribute) else ""
            assert not said.startswith(("print(", "sys.exit(", "click.echo(", "os.environ", "os.getenv")), path


def test_the_core_has_no_clock_no_network_and_no_disk() -> None:
    """The core imports no module that tells the time, opens a connection or makes something random."""
    for room, path in _files():
        if room in CORE:
            names = {name.split(".")[0] for name, _ in _imports(path)}
            assert not names & {"time", "socket", "random", "secrets", "subprocess", "os", "httpx", "asyncio"}, path


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["snapshot", "--help"],
        ["snapshot", "--bad"],
        ["snapshot", "-o", "x.txt"],
        ["snapshot", "--server", "http://a b"],
        ["nothing"],
    ],
)
def test_help_version_and_usage_errors_import_nothing_heavy(arguments: list[str]) -> None:
    """What needs no table and no network imports neither pandas nor pyarrow nor httpx."""
    code = (
        "import sys; from inventory.cli import main\n"
        "try: main(sys.argv[1:])\n"
        f"finally: print('heavy:', *sorted({sorted(HEAVY)!r} & sys.modules.keys()), file=sys.stderr)"
    )
    code = code.replace(repr(sorted(HEAVY)), "set(" + repr(sorted(HEAVY)) + ")")
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("heavy:\n")


def test_a_snapshot_to_parquet_does_not_import_pandas(tmp_path: Path) -> None:
    """A cold snapshot into Parquet does without pandas, which would cost more than everything else together."""
    answer = ROOT / "tests/payloads/v1/06-ovisocr2-2026-10.json"
    code = (
        "import sys, inventory\n"
        f"inventory.collect('x=file:{answer}').write({str(tmp_path / 'x.parquet')!r})\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_public_door_is_sorted_and_complete() -> None:
    """__all__ is sorted, and each name in it can be had and is documented."""
    assert inventory.__all__ == sorted(inventory.__all__)
    for name in inventory.__all__:
        assert getattr(inventory, name).__doc__, name
    assert set(inventory.__all__) <= set(dir(inventory))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = inventory.nothing  # type: ignore[attr-defined]


def test_collect_stays_the_function() -> None:
    """Importing the room of that name does not put the module in the function's place."""
    code = "import inventory.collect, inventory.diff, inventory; print(callable(inventory.collect))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_the_top_level_is_the_users() -> None:
    """The repository's top level holds what the design lists, and nothing else that git would keep."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout: clone the repository to check its top level")
    allowed = {
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "inventory",
        "notebooks",
        "tests",
        "sample_outputs",
        ".ci",
        ".gitignore",
    }
    assert {line.split("/")[0] for line in done.stdout.splitlines()} <= allowed
