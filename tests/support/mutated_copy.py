"""One Python with the libraries loaded, which runs tests in forks of itself against a copy of the package.

To load them takes longer than most of these tests. A request and its answer are a line of JSON each.
"""

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from contextlib import contextmanager
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

TESTS = Path(__file__).parents[1]
SECONDS = 60
"""After which a run is killed; the slowest takes a tenth of that."""

_PYTEST_ARGUMENTS = (
    *("-q", "-n", "0", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0"),
    "-Wignore::pytest.PytestAssertRewriteWarning",  # hypothesis and anyio are loaded before
)
_LOADED = "hypothesis pandas pyarrow.parquet pyarrow.csv pyarrow.compute duckdb httpx httpcore anyio openpyxl click"


class Outcome(NamedTuple):
    """What became of some tests.

    Attributes:
        code: pytest's exit code, or the negative number of the signal that ended it.
        failed: the tests that failed, or whose preparation did.
        package: the package that they imported.
        output: what pytest printed.
    """

    code: int
    failed: list[str]
    package: str
    output: str


class Copy:
    """A copy of the package, and the Python that runs tests against it.

    Args:
        package: what is copied.
        folder: where it is put.
    """

    def __init__(self, package: Path, folder: Path) -> None:
        self.package = folder / package.name
        shutil.copytree(package, self.package, ignore=shutil.ignore_patterns("__pycache__"))
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
        own = {
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",  # what is changed and changed back within a second would be mixed up
            "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "examples"),
            "OPENBLAS_NUM_THREADS": "1",  # no threads when it forks
        }
        subprocess.run([sys.executable, "-m", "compileall", "-q", self.package], check=True)
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, folder],
            cwd=folder,
            env=inherited | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self._process.communicate()

    @contextmanager
    def changed(self, file: str, mutated: str) -> "Iterator[None]":
        """Replace the source of one file of the copy for a while."""
        path = self.package / file
        before = path.read_bytes()
        Path(cache_from_source(str(path))).unlink(missing_ok=True)  # times and sizes may well be equal
        path.write_bytes(mutated.encode())
        try:
            yield
        finally:
            path.write_bytes(before)

    def run(self, tests: list[str], *more: str, seconds: int = SECONDS) -> Outcome:
        """Run tests, by their ids from the tests' folder, with more of pytest's arguments."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([seconds, *more, *(f"{TESTS / test}" for test in tests)]) + "\n")
        self._process.stdin.flush()
        return Outcome(*json.loads(self._process.stdout.readline()))


class _FailureRecorder:
    """Remembers which tests failed."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def _serve(folder: Path) -> None:
    for name in _LOADED.split():
        importlib.import_module(name)
    result, output = folder / "result", folder / "output"
    for line in sys.stdin:
        result.unlink(missing_ok=True)
        child = os.fork()
        if not child:
            seconds, *arguments = json.loads(line)
            signal.alarm(seconds)
            _work(arguments, folder, result, output)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        recorded: list[Any] = json.loads(result.read_text()) if result.exists() else [[], ""]
        print(json.dumps([code, *recorded, output.read_text(errors="replace")]), flush=True)  # noqa: T201 - its answer


def _work(arguments: list[str], folder: Path, result: Path, output: Path) -> None:
    """Run pytest, and end."""
    for number, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
        handle = os.open(output if number else os.devnull, flags)
        os.dup2(handle, number)
    os.dup2(1, 2)
    recorder = _FailureRecorder()
    code = 99
    try:
        code = int(pytest.main([*_PYTEST_ARGUMENTS, f"--basetemp={folder / 'base'}", *arguments], [recorder]))
        package = getattr(sys.modules.get("inventory"), "__file__", None) or ""
        result.write_text(json.dumps([recorder.failed, package]))
    except BaseException:  # noqa: BLE001 - told as what pytest printed
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
