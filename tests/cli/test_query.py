"""``query``: forms of the answer, errors with their place, and an end to what takes too long."""

import json
import time
from pathlib import Path

import pytest
from support.cli_runner import Done, run
from support.history_builders import day, model, opened
from support.history_builders import run as record

KEY = "a-publisher-with-a-long-name/a-model-with-a-name-that-no-column-of-a-terminal-has-room-for"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a history of one run."""
    top = tmp_path_factory.mktemp("query")
    models = [model(KEY, publisher="x" * 90), *(model(f"m-{number:03d}") for number in range(299))]
    record(opened(top / "history"), {"s": models}, day(0))
    return top


def asked(folder: Path, *arguments: str) -> Done:
    """What query says."""
    return run("query", "--history", "history", *arguments, cwd=folder)


def test_a_terminal_shows_the_first_rows_and_says_how_many_there_are(folder: Path) -> None:
    """Of 300 rows 200 are shown, and keys are never cut."""
    done = asked(folder, "SELECT key, publisher FROM models ORDER BY publisher DESC NULLS LAST, key")
    assert done.code == 0
    assert KEY in done.out
    assert done.out.splitlines()[-1] == "200 of 300 rows; -o all.csv for all"
    assert len(asked(folder, "--limit", "7", "SELECT key FROM models").out.splitlines()) == 1 + 7 + 2


def test_every_form_has_every_row(folder: Path) -> None:
    """csv, json, jsonl and md are not limited, and say the same."""
    text = "SELECT key, size_bytes, variants FROM models ORDER BY key"
    rows = [json.loads(line) for line in asked(folder, "--jsonl", text).out.splitlines()]
    assert len(rows) == 300
    assert json.loads(asked(folder, "--json", text).out)["data"] == {"query": rows}
    assert len(asked(folder, "--format", "csv", text).out.splitlines()) == 301
    assert asked(folder, "--format", "md", text).out.count("\n| ") == 302


def test_lists_are_lists_in_json(folder: Path) -> None:
    """A list or an object of a known column is one in JSON, and so is a number; what is no number is null."""
    [row] = [
        json.loads(line)
        for line in asked(folder, "--jsonl", "SELECT '[\"a\"]' AS variants, '{' AS labels, 1/0 AS n").out.splitlines()
    ]
    assert row == {"variants": ["a"], "labels": "{", "n": None}


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx", "html", "md"])
def test_an_answer_is_written_in_every_format(folder: Path, suffix: str) -> None:
    """-o takes every format of a table."""
    done = asked(folder, "SELECT key AS Key, count(*) AS n FROM models GROUP BY key", "-o", f"answer.{suffix}")
    assert (done.code, done.err) == (0, "")
    assert (folder / f"answer.{suffix}").stat().st_size > 300


def test_an_error_shows_the_place(folder: Path) -> None:
    """DuckDB's caret stands below the line of the error, and the exit code is that of wrong usage."""
    done = asked(folder, "SELECT kee FROM models")
    assert done.code == 2
    first, *place = done.err.splitlines()
    assert first.startswith('lms-inventory: Binder Error: Referenced column "kee" not found')
    assert [line.strip() for line in place[-2:]] == ["LINE 1: SELECT kee FROM models", "^^^"]
    assert place[-1].index("^") == place[-2].index("kee")


@pytest.mark.guard("a query that cannot be interrupted is ended")
def test_what_cannot_be_interrupted_is_ended(folder: Path) -> None:
    """One value that takes long to make ends with the process, without a result."""
    began = time.monotonic()
    text = "SELECT count(*) FROM range(1000000) a, range(1000000000) b"
    done = asked(folder, "--timeout", "0.5", text, "-o", "never.csv")
    assert done.code == 2
    assert done.err == (
        "lms-inventory: the query was ended after 0.5 s. Ask for less, or give it more time with --timeout\n"
    )
    assert not (folder / "never.csv").exists()
    assert time.monotonic() - began < 300


def test_a_query_comes_from_one_place(folder: Path) -> None:
    """It is an argument, or a file, or standard input."""
    (folder / "q.sql").write_text("SELECT count(*) AS n\nFROM models -- all\n")
    assert json.loads(asked(folder, "--file", "q.sql", "--jsonl").out) == {"n": 300}
    for arguments in ((), ("SELECT 1", "--file", "q.sql")):
        done = asked(folder, *arguments)
        assert done.code == 2
        assert "Give one SELECT in quotes, or --file FILE" in done.err
    assert asked(folder, "--file", "no.sql").code == 2


def test_the_tables_are_listed(folder: Path) -> None:
    """--tables names each view and column with its meaning, and needs no history."""
    done = run("query", "--tables", cwd=folder)
    assert done.code == 0
    for words in ("models: the models of the state", "models_history", "size_bytes", "findings:", "waived_until"):
        assert words in done.out


def test_a_history_that_is_not_there_is_told(tmp_path: Path) -> None:
    """No history is no empty answer."""
    assert asked(tmp_path, "SELECT 1").code == 4
