"""DuckDB, in this process."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from inventory.errors import FileError

_PATTERN = re.compile(r"[*?\[]")  # what stands for other characters in the name of a file to read


class Engine:
    """Runs SQL over views of Parquet files and of Arrow tables.

    Args:
        files: the files of each view; a view without files is not made.
        tables: the table of each further view.
    """

    def __init__(self, files: Mapping[str, Sequence[Path]], tables: Mapping[str, pa.Table]) -> None:
        self._connection = _database().cursor()  # views of its own, without the cost of a database of its own
        self._connection.execute("SET TimeZone = 'UTC'")
        for name, paths in files.items():
            if paths:
                names = ", ".join(_quoted(_PATTERN.sub(r"[\g<0>]", str(path))) for path in paths)
                with _told():
                    self._connection.execute(f"CREATE TEMP VIEW {name} AS FROM read_parquet([{names}])")
        for name, table in tables.items():
            self._connection.register(name, table)

    def query(self, sql: str) -> pa.Table:
        """The result of one query."""
        with _told():
            return self._connection.sql(sql).to_arrow_table()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _told() -> Iterator[None]:
    """A file that vanished or cannot be read any more is told as one."""
    try:
        yield
    except duckdb.IOException as error:
        raise FileError(f"a file of the history could not be read: {error}", "Try again") from error
