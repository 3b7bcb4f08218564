"""What a query answers, and what it can never do: the views are true, and nothing but them can be reached."""

import hashlib
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from support.history_builders import day, model, opened, run

from inventory import History
from inventory.errors import ConfigurationError, QueryError
from inventory.history.queries.views import VIEWS
from inventory.tables import rows

A, AB = [model("a")], [model("a"), model("b", "b-1", size_bytes=20, publisher="")]


def made(folder: Path) -> History:
    """A history of three runs: a server that changes, one that could not be read lately, and one never read."""
    history = opened(folder / "history")
    run(history, {"s": A, "t": A, "u": None}, day(0))
    run(history, {"s": AB, "t": A}, day(1))
    run(history, {"s": AB, "t": None}, day(2))
    return history


def answered(history: History, text: str, at: str = "latest", **more: Any) -> list[dict[str, Any]]:
    """The rows of an answer."""
    return rows(history.answer(text, at, **more)[1])


def test_the_views_of_a_moment_are_the_state(tmp_path: Path) -> None:
    """models, instances, observations and servers are exactly the tables of the state, at any run."""
    history = made(tmp_path)
    for at in (*history.store.run_ids(), "latest"):
        state = history.state(at)
        for name, table in state.tables.items():
            assert answered(history, f"SELECT * FROM {name} ORDER BY ALL", at) == sorted(
                rows(table), key=lambda row: [(value is not None, str(value)) for value in row.values()]
            )
        assert answered(history, "SELECT * FROM servers", at) == rows(history.servers_table(at))


def test_the_views_of_all_runs_hold_each_complete_answer(tmp_path: Path) -> None:
    """A row of models_history is a model of an answer of a run, and observations_history has each failure too."""
    history = made(tmp_path)
    expected = [
        (run_id, row["server"], row["key"])
        for run_id in history.store.run_ids()
        for row in rows(history.load(run_id).tables["models"])
    ]
    text = "SELECT run_id, server, key FROM models_history ORDER BY ALL"
    assert [tuple(row.values()) for row in answered(history, text)] == sorted(expected)
    text = "SELECT status, count(*) AS n FROM observations_history GROUP BY status ORDER BY status"
    assert answered(history, text) == [{"status": "ok", "n": 5}, {"status": "unreachable", "n": 2}]
    [instance] = answered(history, "SELECT DISTINCT key, instance_id FROM instances_history")
    assert instance == {"key": "b", "instance_id": "b-1"}


def test_the_computed_views_are_the_tables_of_the_history(tmp_path: Path) -> None:
    """timeline, lifecycle and runs are those tables, and changes is what diff tells."""
    history = made(tmp_path)
    for name, table in (
        ("timeline", history.timeline_table()),
        ("lifecycle", history.lifecycle_table()),
        ("runs", history.runs_table()),
    ):
        assert answered(history, f"FROM {name}") == rows(table)
    assert answered(history, "SELECT change, key FROM changes WHERE grain = 'model'", "previous") == [
        {"change": "added", "key": "b"}
    ]
    assert answered(history, "SELECT * FROM changes", "first") == []
    assert answered(history, "SELECT * FROM findings") == []


@pytest.mark.long
def test_every_view_has_the_columns_that_are_listed(tmp_path: Path) -> None:
    """The list of views and columns is true of each, whatever the history holds."""
    history, unread = made(tmp_path), opened(tmp_path / "unread")
    run(unread, {"u": None}, day(0))
    for name, view in VIEWS.items():
        for each in (history, unread):
            described = answered(each, f"DESCRIBE {name}")
            assert [row["column_name"] for row in described] == list(view.table.names), name
        assert answered(unread, f"SELECT count(*) AS n FROM {name}")[0]["n"] <= 1


ANSWERS: list[tuple[str, list[dict[str, Any]]]] = [
    ("SELECT count(*) AS n FROM models", [{"n": 3}]),
    ("SELECT sum(size_bytes) AS total FROM models ORDER BY total", [{"total": 40}]),
    ("SELECT KEY FROM Models WHERE PUBLISHER = ''", [{"key": "b"}]),
    ("SELECT m.key FROM models m JOIN servers s USING (server) WHERE s.status <> 'ok'", [{"key": "a"}]),
    ("SELECT struct_extract(m, 'key') AS k FROM models m WHERE m.size_bytes = 20", [{"k": "b"}]),
    ("SELECT key FROM query_table('models') WHERE size_bytes = 20", [{"key": "b"}]),
    ("SELECT count(*) AS n FROM models NATURAL JOIN (SELECT 10 AS size_bytes)", [{"n": 2}]),
    ("SELECT COLUMNS('^k') FROM models WHERE size_bytes = 20", [{"key": "b"}]),
        ("WITH x AS (SELECT key FROM models) SELECT count(DISTINCT key) AS n FROM x", [{"n": 2}]),
    ("SELECT key FROM models UNION SELECT key FROM models ORDER BY key LIMIT 1", [{"key": "a"}]),
        ("PIVOT models ON key IN ('a', 'b') USING count(*) GROUP BY type", [{"type": "llm", "a": 2, "b": 1}]),
    ("SELECT 1 AS a, 2 AS a, 3 AS A", [{"a": 1, "a_2": 2, "A_3": 3}]),
    (f"SELECT {2**126}::HUGEINT AS n", [{"n": str(2**126)}]),
    ("SELECT [1, 2] AS l, {'a': NULL} AS s, DATE '2026-11-01' AS d, NULL AS x", [{"l": "[1,2]", "s": '{"a":null}',
      "d": "2026-11-01", "x": None}]),
    ("SELECT 1; -- a remark", [{"1": 1}]),
]  # fmt: skip


@pytest.mark.long
def test_any_select_is_answered(tmp_path: Path) -> None:
    """Whatever a SELECT does with the views, it is as if all their columns were there."""
    history = made(tmp_path)
    for text, expected in ANSWERS:
        assert answered(history, text) == expected, text


def test_times_are_in_utc_whatever_they_were(tmp_path: Path) -> None:
    """A time without a zone is one in UTC, as everywhere in the tables."""
    [row] = answered(made(tmp_path), "SELECT TIMESTAMP '2026-11-01 06:00' AS t, max(as_of) AS m FROM models")
    assert row == {"t": day(0), "m": day(2)}
    assert row["t"].tzinfo == UTC


ERRORS = [
    ("", "empty"),
    ("-- nothing", "0 statements"),
    ("SELECT 1; SELECT 2", "2 statements"),
    ("CREATE TABLE x (a INT)", "type CREATE"),
    ("PIVOT models ON key USING count(*)", "needs its values"),
    ("SELECT kee FROM models", 'Referenced column "kee" not found'),
    ("SELECT * FROM modells", "modells does not exist"),
    ("SELECT FROM WHERE", "syntax error"),
    ("SELECT 'a'::INT", "Could not convert"),
    ("SELECT '\ud800'", "not a text"),
]


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    """A query that cannot be answered ends in an error of one sentence, with the place below it where there is one."""
    history = made(tmp_path)
    for text, what in ERRORS:
        with pytest.raises(QueryError) as caught:
            history.answer(text)
        assert what in str(caught.value), text
        assert "\n" not in str(caught.value)
        if "kee" in text:
            assert caught.value.place.splitlines()[-1].strip() == "^^^"
            assert '"key"' in f"{caught.value}{caught.value.place}"


def attempts(history: Path, outside: Path) -> list[str]:
    """Ways to write, to read a file or to reach the network."""
    file = next((history / "models").rglob("*.parquet"))
    secret = outside / "secret.csv"
    return [
        f"COPY (SELECT 1) TO '{file}'",
        f"COPY (SELECT 1) TO '{outside}/x.csv'",
        f"WITH x AS (COPY (SELECT 1 AS a) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)) SELECT * FROM x",
        f"WITH x AS (COPY (SELECT 1 AS a) TO '{outside}/x.csv' (USE_TMP_FILE false)) SELECT * FROM x",
        f"SELECT * FROM query('WITH x AS (COPY (SELECT 1 AS a) TO ''{file}'' (USE_TMP_FILE false)) FROM x')",
        f"SELECT * FROM query('COPY (SELECT 1) TO ''{file}''')",
        "WITH x AS (DELETE FROM stored_models RETURNING *) SELECT * FROM x",
        "WITH x AS (INSERT INTO models VALUES (1) RETURNING *) SELECT * FROM x",
        "WITH x AS (DELETE FROM models RETURNING *) SELECT * FROM x",
        f"EXPORT DATABASE '{outside}/all'",
        f"IMPORT DATABASE '{outside}'",
        f"ATTACH '{outside}/new.duckdb'",
        f"ATTACH '{file}' AS other",
        f"COPY models FROM '{secret}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "RESET lock_configuration",
        "PRAGMA enable_profiling",
        "CALL enable_logging()",
        f"SELECT * FROM enable_logging(storage = 'file', storage_path = '{outside}/log')",
        f"SELECT * FROM enable_profiling(save_location = '{outside}/profile')",
        "EXPLAIN ANALYZE SELECT 1",
        "CREATE TABLE x AS SELECT 1",
        "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
        "DROP VIEW models",
        "DELETE FROM stored_models",
        "UPDATE stored_models SET key = 'x'",
        f"SELECT * FROM '{secret}'",
        f"SELECT * FROM read_csv('{secret}')",
        f"SELECT * FROM read_text('{secret}')",
        f"SELECT * FROM read_blob('{secret}')",
        f"SELECT * FROM read_json('{secret}')",
        f"SELECT * FROM sniff_csv('{secret}')",
        f"SELECT * FROM glob('{outside}/*')",
        f"SELECT * FROM read_parquet('{file}')",
        f"SELECT * FROM parquet_metadata('{file}')",
        f"SELECT * FROM parquet_kv_metadata('{file}')",
        f"SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')",
        f"SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''{secret}'')'))",
        "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
        "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
        "SELECT * FROM history",
        "SELECT * FROM python_variable",
        "SELECT getenv('HOME')",
        "SELECT 1; COPY (SELECT 1) TO 'x.csv'",
        "DETACH memory",
        "VACUUM",
        "CHECKPOINT",
        "BEGIN TRANSACTION",
        f"SELECT * FROM read_duckdb('{file}')",
        "MERGE INTO stored_models USING (SELECT 1) ON true WHEN MATCHED THEN DELETE",
    ]  # fmt: skip


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    """The SHA-256 and the time of change of each file below a folder."""
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.long
@pytest.mark.guard("a statement that writes inside of a SELECT", "the user's SQL reaches no file and no network")
def test_no_query_writes_reads_a_file_or_reaches_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt is refused, and all files are the same byte for byte."""
    history = made(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text("a,b\n1,the secret\n")
    monkeypatch.chdir(outside)
    python_variable = history.runs_table()
    before = contents(tmp_path)
    texts = attempts(history.store.folder, outside)
    assert len(texts) >= 40
    for text in texts:
        with pytest.raises(QueryError) as caught:
            history.answer(text)
        assert "the secret" not in f"{caught.value}{caught.value.place}", text
    assert contents(tmp_path) == before
    assert python_variable.num_rows


def test_a_query_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """The timeout interrupts a query that would take hours."""
    with pytest.raises(QueryError, match=r"ended after 0\.2 s"):
        made(tmp_path).answer("SELECT count(*) FROM range(1000000) a, range(100000000) b", timeout=0.2)


@pytest.mark.long
def test_a_query_that_needs_too_much_memory_is_ended(tmp_path: Path) -> None:
    """The memory is bounded, and nothing is spilled to disk."""
    with pytest.raises(QueryError, match="memory"):
        made(tmp_path).answer("SELECT list(range) FROM range(2000000000)", timeout=60)


def test_sql_gives_a_frame(tmp_path: Path) -> None:
    """History.sql answers with nullable types, of any moment."""
    history = made(tmp_path)
    frame = history.sql("SELECT key, max(size_bytes) AS size FROM models GROUP BY key ORDER BY key")
    assert frame.to_dict("list") == {"key": ["a", "b"], "size": [10, 20]}
    assert str(frame["size"].dtype) == "Int64"
    assert history.sql("SELECT count(*) AS n FROM models", at="first")["n"].tolist() == [2]
    with pytest.raises(ConfigurationError, match="nonsense"):
        history.sql("SELECT 1", at="nonsense")
