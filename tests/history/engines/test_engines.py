"""What every engine does alike."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from inventory import History
from inventory.errors import ConfigurationError, FileError
from inventory.history.engines import ENGINES, open_engine

MOMENT = datetime(2026, 11, 23, 23, 59, 59, 999999, tzinfo=UTC)
TABLE = pa.table(
    {
        "place": pa.array([1, 2, 3], pa.int64()),
        "number": pa.array([2**62, None, -1], pa.int64()),
        "share": pa.array([0.1, None, -0.0], pa.float64()),
        "yes": pa.array([True, None, False], pa.bool_()),
        "text": pa.array(["it's \u00e9\U0001f600\x00\\", None, ""], pa.string()),
        "moment": pa.array([MOMENT, None, datetime(1969, 12, 31, tzinfo=UTC)], pa.timestamp("us", tz="UTC")),
    }
)


def test_there_is_no_other() -> None:
    """An engine that is not there is refused, and those that are there are named."""
    with pytest.raises(ConfigurationError, match=r"unknown engine 'oracle'. Use one of duckdb, spark"):
        open_engine("oracle")


def test_where_a_history_can_be(tmp_path: Path) -> None:
    """A folder, or its file:// address as Spark's users write it; another address is refused, its password unseen."""
    folder = tmp_path / "a [b] %20\u00e9"
    assert History(folder.as_uri()).store.folder == History(str(folder)).store.folder == folder
    assert History(folder.as_uri(), engine="spark").store.folder == folder
    for address in ("s3a://bucket/history", "hdfs://user:secret@name:8020/history"):
        for engine in ENGINES:
            with pytest.raises(ConfigurationError, match=r"at a (s3a|hdfs):// address is not supported") as caught:
                History(address, engine=engine)
            assert "secret" not in str(caught.value)


def test_tables_come_back_as_they_were(engine: str) -> None:
    """Types and values of a table in memory stay, nulls too, also when no row is left; its name can be used again."""
    opened = open_engine(engine)
    opened.add("things", TABLE)
    for rows, where in ((TABLE, ""), (TABLE.slice(0, 0), "WHERE place > 3")):
        found = opened.query(f"SELECT * FROM things {where} ORDER BY place")
        assert found.schema.equals(TABLE.schema)
        assert found.equals(rows)
    opened.add("things", TABLE.slice(0, 1))
    found = opened.query("SELECT count(*) AS rows, CAST(min(moment) AS DATE) AS day FROM things")
    assert found.to_pylist() == [{"rows": 1, "day": MOMENT.date()}]


def test_engines_do_not_see_each_others_views(engine: str) -> None:
    """Two that are open at the same time have views of their own."""
    one, other = open_engine(engine), open_engine(engine)
    one.add("things", TABLE)
    other.add("things", TABLE.slice(0, 1))
    assert [each.query("SELECT count(*) AS n FROM things").to_pylist()[0]["n"] for each in (one, other)] == [3, 1]


@pytest.mark.parametrize("folder", ["month=2026-11", "a [x]{y,z} %20 #1 *?", "_a:b", "text=x/place=9/number=many"])
def test_files(engine: str, folder: str, tmp_path: Path) -> None:
    """Files are read together, wherever they are; columns that one lacks are null in its rows."""
    paths = [tmp_path / folder / f"{number}.parquet" for number in range(3)]
    paths[0].parent.mkdir(parents=True)
    for path, names in zip(paths, (["place", "text"], ["place", "number"], ["place"]), strict=True):
        parquet.write_table(TABLE.select(names), path, store_schema=False)
    opened = open_engine(engine)
    opened.open("alike", (paths[:1], None), ("text", "place"))
    assert opened.query("SELECT * FROM alike ORDER BY place").equals(TABLE.select(["text", "place"]))
    opened.open("mixed", (paths, TABLE.schema.empty_table()), ("place", "moment", "number", "text"))
    found = opened.query("SELECT moment, number, text FROM mixed WHERE place = 1 ORDER BY number NULLS FIRST, text")
    assert found.schema.equals(TABLE.select(["moment", "number", "text"]).schema)
    assert sorted(map(str, found.to_pylist())) == sorted(
        str({"moment": None, "number": None, "text": None} | cells)
        for cells in ({}, {"number": 2**62}, {"text": TABLE.column("text")[0].as_py()})
    )
    opened.open("none", ([], None))
    opened.add("none", TABLE)
    assert opened.query("SELECT count(*) AS n FROM none").to_pylist() == [{"n": 3}]


def test_a_file_that_is_gone(engine: str, tmp_path: Path) -> None:
    """A file that was pruned meanwhile is told in one line."""
    path = tmp_path / "x.parquet"
    with pytest.raises(FileError, match="could not be read") as told:
        open_engine(engine).open("things", ([path], None))
    assert "\n" not in str(told.value)
    parquet.write_table(TABLE, path)
    opened = open_engine(engine)
    with pytest.raises(FileError, match="could not be read"):
        opened.open("things", ([path, path.with_name("gone.parquet")], None))
