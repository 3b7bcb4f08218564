"""DuckDB, in this process."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
from pyarrow import parquet

from inventory.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

    from inventory.history.engines import Files

_PATTERN = re.compile(r"[*?\[]")  # a path with one of these is a pattern to DuckDB, escaped or not


class Engine:
    """An engine that runs SQL over views of Parquet files and of Arrow tables.

    Attributes:
        connection: views of its own, without the cost of a database of its own.
    """

    address = ""  # files of this machine are nearer than any store

    def __init__(self) -> None:
        self.connection = _database().cursor()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("SET preserve_insertion_order = false")  # the queries say the order they need

    def open(self, name: str, files: "Files", columns: Sequence[str] = ("*",)) -> None:
        """Make a view over Parquet files, of all columns or of some."""
        self._open("VIEW", name, files, columns)

    def _open(self, kind: str, name: str, files: "Files", columns: Sequence[str]) -> None:
        """Make a view, which reads the files in each query, or a table, which reads them now."""
        paths, table = files
        if not paths:
            if table is not None:
                self.add(name, table)
            return
        with _one_line_errors():
            # No meaning is read out of a folder's name: server=prod is a folder like any other.
            options = f"union_by_name = {table is not None}, hive_partitioning = false"
            addresses = [str(path.absolute()) for path in paths]
            if any(map(_PATTERN.search, addresses)):
                self.add(f"read_{name}", _tables(paths, columns))
                source = f"FROM read_{name}"
            else:
                source = f"FROM read_parquet([{', '.join(map(_quoted, addresses))}], {options})"
            if table is not None:
                self.add(f"small_{name}", table)
                source = f"FROM ({source} UNION ALL BY NAME FROM small_{name})"
            self.connection.execute(f"CREATE TEMP {kind} {name} AS SELECT {', '.join(columns)} {source}")

    def add(self, name: str, table: pa.Table) -> None:
        """Make a view over a table in memory."""
        self.connection.register(name, table)

    def query(self, sql: str) -> pa.Table:
        """Return the result of one query."""
        with _one_line_errors():
            return self.connection.sql(sql).to_arrow_table()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _tables(paths: "Sequence[Path]", columns: Sequence[str]) -> pa.Table:
    """Read files whose paths would be patterns to DuckDB, which then lists each folder on the way to them."""
    wanted = None if "*" in columns else [*columns]
    tables = []
    for path in paths:
        with path.open("rb") as file, parquet.ParquetFile(file) as content:
            tables.append(content.read(wanted, use_threads=False))
    return pa.concat_tables(tables, promote_options="default")


def _quoted(path: str) -> str:
    """Quote a path for SQL, which is UTF-8 also where the locale is not."""
    return "'" + path.encode(errors="surrogateescape").decode().replace("'", "''") + "'"


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Report a file that vanished or cannot be read any more as an error of one line."""
    try:
        yield
    except (duckdb.IOException, OSError) as error:
        reason = str(error).partition("\n")[0]  # DuckDB goes on with the query
        raise FileError(f"a file of the history could not be read: {reason}", "Try again") from error
