"""A history may lie in a folder of any name: neither a command nor the manual's own code reads anything out of it."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from support.cli_runner import BEGINNING, run
from support.history_builders import Fleet, day, made, model
from support.history_builders import run as record_run

import inventory
from inventory import History
from inventory.history import compaction
from inventory.history.storage import checked_files
from inventory.history.storage.data_file import ARROW
from inventory.history.verify import prove
from inventory.schema import TABLES

PAGE = Path(inventory.__file__).parent / "manual" / "history.md"
COLUMNS = {name for columns in ARROW.values() for name in columns.names} | {
    column.name for table in TABLES.values() for column in table.columns
}
EVERY_COLUMN = "/".join(f"{name}=x" for name in sorted(COLUMNS))
PATTERN = "a [b] {c,d} *?! '\" %20 #1 é;$HOME"
NAMES = [
    EVERY_COLUMN,
    EVERY_COLUMN.upper(),
    "size_bytes=7/month=1999-01",
    "observed_at=2020-01-01/stored_in=__HIVE_DEFAULT_PARTITION__/server=",
    PATTERN,
    f"{PATTERN}/digest=x",
]
FIRST: Fleet = {"a": [model("x", "i", size_bytes=5), model("y")], "b": [model("z", more={"deep": 1})]}
SECOND: Fleet = {"a": [model("y", size_bytes=6)], "b": [model("z", more={"deep": 2}), model("x")]}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history in a folder of no meaning."""
    history, _ = made(tmp_path_factory.mktemp("plain"), FIRST, SECOND)
    record_run(history, FIRST, day(40))
    return history.store.folder


@pytest.fixture(params=["small", "large", "mixed"])
def sizes(request: pytest.FixtureRequest, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are read when they are checked, files that the engine reads, and some of both."""
    if request.param != "small":
        files = sorted(path.stat().st_size for path in plain.rglob("*.parquet"))
        monkeypatch.setattr(checked_files, "_SMALL", 0 if request.param == "large" else files[len(files) // 2])


@pytest.fixture(scope="module")
def known() -> dict[int, dict[str, Any]]:
    """The answers in the folder of no meaning, by the size up to which files are read when they are checked."""
    return {}


def answers(history: History) -> Iterator[tuple[str, Any]]:
    """Every question to a history, with the answer."""
    ids = history.store.run_ids()
    yield "runs", history.runs_table()
    yield "timeline", history.timeline_table()
    yield "lifecycle", history.lifecycle_table()
    yield "life", history.model_history("x", ["a"])
    yield "complete", history.complete_runs()
    yield "diff", history.diff(ids[0], ids[1]).table
    yield from history.state(ids[1]).tables.items()
    yield from history.load(ids[0]).tables.items()
    yield "problems", prove(history.store).problems


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:30])
@pytest.mark.usefixtures("sizes")
def test_same_answers(
    plain: Path, known: dict[int, dict[str, Any]], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every reading finds what it finds in a plain folder, by the whole path and by one from the folder beside it."""
    size = checked_files._SMALL
    if size not in known:
        known[size] = dict(answers(History(plain)))
    expected = known[size]
    assert expected["diff"].num_rows > 2
    folder = tmp_path / name / "history"
    shutil.copytree(plain, folder)
    assert dict(answers(History(folder))) == expected
    monkeypatch.chdir(tmp_path)
    assert dict(answers(History(folder.relative_to(tmp_path)))) == expected


@pytest.mark.parametrize("name", ["~", "file:"])
def test_names_that_could_mean_another_place(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is called as the home folder is written, or like the beginning of an address, is that folder.

    A text that begins with ~ is the home folder; ./~ is not.
    """
    (tmp_path / name).mkdir()
    history, ids = made(tmp_path / name, FIRST, SECOND)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert History("~/history").store.folder == tmp_path / "home/history"
    for path in (f"./{name}/history", str(history.store.folder)):
        assert History(path).diff(*ids).table == history.diff(*ids).table


@pytest.mark.long
@pytest.mark.parametrize("name", [EVERY_COLUMN, PATTERN], ids=lambda name: name[:30])
def test_commands(tmp_path: Path, name: str) -> None:
    """A history is written there too: what comes back is found again, and merged months are read."""
    folder = tmp_path / name / "history"
    body = tmp_path / "answer.json"
    seen: list[str] = []
    for keys in (["x"], ["x", "y"], ["x"]):
        body.write_text(json.dumps({"models": [model(key) for key in keys]}))
        done = run("snapshot", "--server", f"a=file:{body}", "--history", folder, "--json")
        assert (done.code, done.later.err) == (0, "")
        assert done.err.startswith(BEGINNING) == (not seen)
        seen.append(done.data["observations"][0]["stored_in"])
    assert seen[0] == seen[2] != seen[1]
    changes = run("diff", "--history", folder, "--json").data["changes"]
    assert [(row["change"], row["key"]) for row in changes] == [("removed", "y")]
    assert [row["key"] for row in run("show", "--history", folder, "--json").data["models"]] == ["x"]
    assert run("export", "-o", tmp_path / "x.csv", "--history", folder).code == 0
    assert run("diff", tmp_path / "x.csv", "latest", "--history", folder, "--json").data["changes"] == []
    for command in (["prune", "--keep-last", "2"], ["prune", "--compact"], ["verify"]):
        assert run(*command, "--history", folder).code == 0


def code_block(language: str) -> str:
    """The manual's code that reads the files of a history without this tool; Spark's part is not for here."""
    section = PAGE.read_text().partition("\n## The files\n")[2].partition("\n## ")[0]
    [block] = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(block).partition("files = spark")[0]


@pytest.mark.parametrize("name", [EVERY_COLUMN, PATTERN, "plain"], ids=lambda name: name[:30])
def test_the_manuals_own_code(plain: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SQL and the Python that the manual shows find the same rows under any name, merged months among them."""
    folder = tmp_path / name / "history"
    shutil.copytree(plain, folder)
    history = History(folder)
    models = [(run_id, history.load(run_id).models) for run_id in history.store.run_ids()]
    expected = Counter(
        (run_id, row.server, row.key, row.size_bytes) for run_id, frame in models for row in frame.itertuples()
    )
    sql, python = code_block("sql"), code_block("python")
    for merged in (False, True):
        if merged:
            assert compaction.compact(history.store)
        monkeypatch.chdir(folder)
        check(sql, python, expected)
        monkeypatch.chdir(tmp_path)
        if name != PATTERN:  # which would be one, as the manual says
            check(at(folder, sql), at(folder, python), expected)


def at(folder: Path, code: str) -> str:
    """The manual's code with whole paths."""
    return re.sub(r"(['\"])(observations|models)", rf"\1{folder}/\2", code)


def check(sql: str, python: str, expected: Counter[tuple[Any, ...]]) -> None:
    """Run the manual's code, and compare what it finds."""
    assert Counter(duckdb.connect().execute(sql).fetchall()) == expected
    names: dict[str, Any] = {}
    exec(python, names)
    by_pandas, by_polars = names["by_pandas"], names["by_polars"]
    assert isinstance(by_pandas, pd.DataFrame)
    columns = ["run_id", "server", "key", "size_bytes"]
    assert Counter(by_pandas[columns].itertuples(index=False, name=None)) == expected
    assert Counter(by_polars.select(columns).rows()) == expected
