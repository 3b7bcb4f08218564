"""A DuckDB of its own for a user's query: filled first, then cut off from files, network and Python, and locked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from inventory.errors import QueryError
from inventory.history.engines.duckdb import Engine
from inventory.history.queries.result import plain_columns, plain_table
from inventory.limits import QUERY_MEMORY

if TYPE_CHECKING:
    from inventory import schema
    from inventory.history.engines import Files
    from inventory.history.queries.statement import Statement

_LOCKS = (
    "SET TimeZone = 'UTC'",
    f"SET memory_limit = '{QUERY_MEMORY} B'",
    "SET temp_directory = ''",
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
"""No path is exempt: an exempt one could be written by a COPY, whatever is said about external access."""


class Database(Engine):
    """An engine whose tables are all in memory, so that a query on them needs no file.

    Nothing that a query names is a path of the history, and there is none that DuckDB could open.
    """

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")

    def open(self, name: str, files: "Files", columns: Sequence[str] = ("*",)) -> None:
        """Make a table out of Parquet files, which are read now: once the database is locked, nothing can be read."""
        self._open("TABLE", name, files, columns)

    def stream(self, name: str, files: "Files", columns: Sequence[str]) -> None:
        """Make a view over Parquet files that only our own SQL can use: once the database is locked, they are shut."""
        self._open("VIEW", name, files, columns)

    def query(self, sql: str) -> pa.Table:
        """Return the result of one query.

        Raises:
            QueryError: the query is wrong, or needs too much memory.
        """
        with one_line_errors():
            return self.connection.sql(sql).to_arrow_table()

    def execute(self, sql: str) -> None:
        """Run a statement of our own, which may make a table of the database.

        Raises:
            QueryError: the statement is wrong, or needs too much memory.
        """
        with one_line_errors():
            self.connection.execute(sql)

    def answer(self, statement: "Statement", timeout: float | None = None) -> tuple["schema.Table", pa.Table]:
        """Lock the database, run the query, and return its result as a table of simple types.

        Raises:
            QueryError: the query is wrong, takes too long or needs too much memory.
        """
        self.lock()
        with self._limited(timeout), one_line_errors():
            relation = self.connection.sql(statement.text)
            names, kinds = relation.columns, [str(kind) for kind in relation.types]
            try:
                result = relation.project(plain_columns(kinds)).to_arrow_table()
            except (duckdb.ConversionException, duckdb.OutOfRangeException):
                result = relation.project(plain_columns(kinds, wide=True)).to_arrow_table()
        return plain_table(names, result)

    def try_out(self, statement: "Statement", timeout: float | None = None) -> None:
        """Lock the database and run a query only to find what is wrong with it, and where.

        Raises:
            QueryError: the query is wrong; with DuckDB's lines that show the place.
        """
        self.lock()
        with self._limited(timeout), one_line_errors():
            self.connection.execute(statement.text)

    def lock(self) -> None:
        """Cut the database off from files, network and Python, for good."""
        for lock in _LOCKS:
            self.connection.execute(lock)  # guard: the user's SQL reaches no file and no network

    @contextmanager
    def _limited(self, timeout: float | None) -> Iterator[None]:
        """End a query after some seconds; None for never."""
        if timeout is None:
            yield
            return
        is_late = False

        def interrupt() -> None:
            nonlocal is_late
            is_late = True
            self.connection.interrupt()

        timer = Timer(timeout, interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        except duckdb.InterruptException as error:
            if is_late:
                advice = "Ask for less, or give it more time with --timeout"
                raise QueryError(f"the query was ended after {timeout:g} s", advice) from error
            raise
        finally:
            timer.cancel()


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Report what is wrong with a query: a sentence, and DuckDB's lines that show the place."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        limit = f"{QUERY_MEMORY / 2**30:g} GiB"
        raise QueryError(f"the query needs more than {limit} of memory", "Ask for fewer rows or columns") from error
    except (duckdb.Error, UnicodeError) as error:
        what, _, rest = str(error).strip().partition("\n")
        place = [line for line in rest.splitlines() if line.strip()]
        advice = "" if place else "List the tables and columns: lms-inventory query --tables"
        raise QueryError(what, advice, "\n".join(place)) from error
