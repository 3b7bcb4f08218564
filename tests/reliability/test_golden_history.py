"""T20: histories that earlier versions wrote stay readable, and say what they said then."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars
import pytest
from support.cli_runner import run

from inventory import schema

GOLDEN = sorted((Path(__file__).parent.parent / "golden" / "history").iterdir())
RUNS = [
    "20250910T060000.000002Z-500b",
    "20250924T060000.000003Z-d260",
    "20251001T060000.000004Z-602c",
    "20251015T060000.000005Z-3a61",
    "20251015T180000.000006Z-af76",
    "20251105T060000.000007Z-8823",
    "20251112T060000.000008Z-15ae",
]

COUNTS = ("added", "removed", "reconfigured")
"""Null, and not 0 as in earlier versions, where a run compared nothing."""

pytestmark = pytest.mark.parametrize("golden", GOLDEN, ids=lambda folder: folder.name)


def copied(golden: Path, folder: Path) -> Path:
    """A golden history that a test may write into."""
    return Path(shutil.copytree(golden / "history", folder / "history"))


def expected_answers(golden: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The tables that each command gave as JSON."""
    answers: dict[str, dict[str, list[dict[str, Any]]]] = json.loads((golden / "expected.json").read_text())
    return answers


def cell(value: Any) -> str:
    """A value that compares alike whether a list or an object came as JSON or as text."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = json.loads(value)
    return json.dumps(value, sort_keys=True)


def counted(rows: list[dict[str, Any]], columns: list[str]) -> Counter[tuple[Any, ...]]:
    """Rows without an order, of some columns only: later versions may have more of them."""
    return Counter(tuple(_told(name, row[name]) for name in columns) for row in rows)


def _told(name: str, value: Any) -> str:
    """A value as it is told by every version."""
    if name in ("old", "new") and value is not None:  # A text in earlier versions, whatever its field.
        value = value if isinstance(value, str) else json.dumps(value)
    return cell(value or (0 if name in COUNTS else value))


@pytest.mark.long
def test_same_answers(golden: Path, tmp_path: Path) -> None:
    """Every row that was told when it was written is told now, but for how long an instance had left.

    That was so at one moment only, and runs share rows: no reading of a history tells it, as README says.
    """
    history = copied(golden, tmp_path)
    for question, tables in expected_answers(golden).items():
        done = run(*question.split(), "--history", history, "--json")
        assert (done.code, done.err) == (0, ""), question
        for name, rows in tables.items():
            columns = [column for column in rows[0] if column not in schema.CLOCKS] if rows else []
            assert {row.get(clock) for row in done.data[name] for clock in schema.CLOCKS} <= {None}, question
            assert len(done.data[name]) == len(rows), question
            assert counted(done.data[name], columns) == counted(rows, columns), question


@pytest.mark.long
def test_every_command_reads_it(golden: Path, tmp_path: Path) -> None:
    """No command has a word against it."""
    history = copied(golden, tmp_path)
    before = {path: path.read_bytes() for path in history.rglob("*.parquet")}
    targets = [str(tmp_path / f"x.{suffix}") for suffix in ("csv", "parquet", "xlsx", "html", "md")]
    for command in (
        ["history"],
        ["history", "--by", "server"],
        ["unused", "7"],
        ["show", RUNS[0]],
        ["diff", RUNS[0], RUNS[-1]],
        ["verify"],
        ["prune", "--keep-last", "2", "--compact", "--dry-run"],
        ["export", RUNS[-2], *(word for target in targets for word in ("-o", target))],
        ["diff", targets[0], RUNS[-2]],
        ["diff", targets[1], RUNS[-2]],
        ["diff", targets[2], RUNS[-2]],
    ):
        done = run(*command, "--history", history)
        assert (done.code, done.err) == (0, ""), command
        assert done.out, command
    assert {path: path.read_bytes() for path in history.rglob("*.parquet")} == before


def test_its_baseline_and_its_pruned_run(golden: Path, tmp_path: Path) -> None:
    """The baseline is the run it was frozen at, and the chain goes on over the run that was pruned."""
    history = copied(golden, tmp_path)
    changes = [
        run("diff", *refs, "--history", history, "--json").data["changes"]
        for refs in (("baseline:audited", RUNS[-1]), (RUNS[0], RUNS[-1]))
    ]
    assert changes[0] == changes[1] != []
    [record] = (history / "pruned").iterdir()
    record.unlink()
    done = run("verify", "--history", history)
    assert done.code == 4
    assert "observations of run" in done.out or "missing" in done.out


@pytest.mark.long
def test_it_goes_on(golden: Path, tmp_path: Path) -> None:
    """A run is recorded into it and compared with what was there; pruning and merging leave it whole."""
    history = copied(golden, tmp_path)
    answers = tmp_path / "answers.json"
    models = [{"key": "google/gemma-4-9b", "type": "llm", "loaded_instances": []}, {"key": "new", "type": "llm"}]
    answers.write_text(json.dumps({"models": models}))
    assert run("snapshot", "-q", "--server", f"laptop=file:{answers}", "--history", history).code == 0
    newest = run("history", "--history", history, "--json").data["runs"][-1]
    assert newest["run_id"] not in RUNS
    told = run("diff", RUNS[-1], newest["run_id"], "--server", "laptop", "--history", history, "--json")
    words = {(row["change"], row["key"]) for row in told.data["changes"] if row["change"] != "reconfigured"}
    assert {("added", "new"), ("removed", "text-embedding-nomic")} <= words
    for command in (["prune", "--keep-last", "3"], ["prune", "--compact"], ["verify"]):
        done = run(*command, "--history", history)
        assert done.code == 0, (command, done)


def test_other_tools_read_it(golden: Path, tmp_path: Path) -> None:
    """DuckDB, pandas and polars read its tables by themselves and find the rows that `show` told."""
    history = copied(golden, tmp_path)
    sql = (
        "SELECT o.run_id, o.server, m.key, m.size_bytes "
        f"FROM read_parquet('{history}/observations/*/*.parquet', hive_partitioning = false) o "
        f"JOIN read_parquet('{history}/models/*/*.parquet', hive_partitioning = false) m USING (digest, stored_in) "
        "WHERE o.status = 'ok'"
    )
    by_duckdb = Counter(duckdb.connect().execute(sql).fetchall())
    seen, models = (pd.read_parquet(history / kind, partitioning=None) for kind in ("observations", "models"))
    joined = seen[seen.status == "ok"].merge(models, on=["digest", "stored_in"])[["run_id", "server", "key"]]
    assert Counter(joined.itertuples(index=False, name=None)) == Counter(row[:3] for row in by_duckdb.elements())
    tables = [
        polars.read_parquet(history / kind / "*" / "*.parquet", hive_partitioning=False)
        for kind in ("observations", "models")
    ]
    read = tables[0].filter(polars.col("status") == "ok").select("run_id", "server", "digest", "stored_in")
    by_polars = read.join(tables[1], on=["digest", "stored_in"]).select("run_id", "server", "key", "size_bytes")
    assert Counter(by_polars.rows()) == by_duckdb
    for question, answer in expected_answers(golden).items():
        command, *refs = question.split()
        if command == "show" and "instance" not in refs:
            expected = Counter((refs[0], row["server"], row["key"], row["size_bytes"]) for row in answer["models"])
            assert Counter(row for row in by_duckdb.elements() if row[0] == refs[0]) == expected
