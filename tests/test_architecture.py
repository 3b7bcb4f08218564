"""The rules of the house on size, printing and heavy imports; the layers are held by import-linter (pyproject.toml)."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import inventory

PACKAGE = Path(inventory.__file__).parent
ROOT = PACKAGE.parent
HEAVY = {"pandas", "pyarrow", "numpy", "httpx", "jinja2", "openpyxl", "duckdb", "matplotlib", "obstore", "pyspark"}

FOLDERS = {
    "api", "cli", "collection", "config", "diff", "filesystem", "formats", "history", "manual", "normalize",
    "notify", "operations", "plots", "report", "rules", "schedules", "schema", "sources", "stub_server", "sync",
    "terminal",
}  # fmt: skip
PURE = {"schema", "tables", "normalize", "diff", "report", "rules", "terminal", "text"}
"""What has no clock, no network and no disk."""


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


def test_folders_are_those_of_the_plan() -> None:
    """A folder is a stage or a family, holds a dozen files at most beside its members, and says what it is for."""
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= FOLDERS
    for folder in (path for path in PACKAGE.rglob("*") if path.is_dir() and path.name not in ("__pycache__", "manual")):
        text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
        assert text, folder


def test_the_tests_mirror_the_folders() -> None:
    """A folder of tests is a folder of the package, or one of those that test promises or help others."""
    tests = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith((".", "_"))}
    assert tests <= FOLDERS | {"reliability", "security", "support", "benchmarks", "certificates", "payloads", "golden"}


def test_no_room_is_crowded() -> None:
    """No file is longer than 300 lines."""
    assert [path for _, path in _files() if len(path.read_text().splitlines()) > 300] == []


def test_only_the_command_line_prints_exits_and_reads_the_environment() -> None:
    """Outside cli nobody calls print, sys.exit or click.echo, or looks at os.environ."""
    for room, path in _files():
        if room == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            said = ast.unparse(node) if isinstance(node, ast.Call | ast.Attribute) else ""
            assert not said.startswith(("print(", "sys.exit(", "click.echo(", "os.environ", "os.getenv")), path


def test_pure_folders_have_no_clock_no_network_and_no_disk() -> None:
    """They import no module that tells the time, opens a connection or makes something random."""
    for room, path in _files():
        if room in PURE:
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


def test_only_the_command_that_is_called_is_imported() -> None:
    """The others would take longer to import than a small command takes."""
    code = "import sys; from inventory.cli import cli; cli.main(['check', '--help'], standalone_mode=False)"
    code += "\nprint(*(name for name in sys.modules if name.startswith('inventory.cli.') and '._' not in name))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "inventory.cli.check"


def test_commands_do_not_import_pandas(tmp_path: Path) -> None:
    """Cold commands do without pandas, which costs more than everything else they import, and without Jinja2."""
    answer = ROOT / "tests/payloads/v1/06-ovisocr2-2026-10.json"
    code = (
        "import sys\n"
        "from inventory.cli import cli\n"
        "for command in sys.argv[1:]:\n"
        "    cli.main([*command.split('|'), '--history', 'h'], standalone_mode=False)\n"
        "    print('heavy:', *sorted({'pandas', 'jinja2'} & sys.modules.keys()), file=sys.stderr)"
    )
    snapshot = f"snapshot|-q|--server|x=file:{answer}|-o|x.parquet"
    commands = [snapshot, snapshot.replace("|-q", ""), "show", "diff", "history", "unused", "servers", "export|-o|e.md"]
    done = subprocess.run(
        [sys.executable, "-c", code, *commands], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert [line for line in done.stderr.splitlines() if line.startswith("heavy:")] == ["heavy:"] * len(commands)


def test_the_public_door_is_sorted_and_complete() -> None:
    """__all__ is sorted, and each name in it can be had and is documented."""
    assert inventory.__all__ == sorted(inventory.__all__)
    for name in inventory.__all__:
        assert getattr(inventory, name).__doc__, name
    assert set(inventory.__all__) <= set(dir(inventory))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = inventory.nothing  # type: ignore[attr-defined]


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
        ".github",
        ".gitignore",
        ".pre-commit-config.yaml",
    }
    assert {line.split("/")[0] for line in done.stdout.splitlines()} <= allowed
