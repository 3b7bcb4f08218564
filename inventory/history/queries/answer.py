"""Answer a user's query: load what it names, lock the database, run it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from inventory import schema
from inventory.errors import QueryError
from inventory.history.queries.database import Database, one_line_errors
from inventory.history.queries.statement import Statement, parse_statement
from inventory.history.queries.views import VIEWS, View, stored_columns, view_sql
from inventory.history.sql import all_runs
from inventory.tables import arrow_schema, concat, conformed, values

if TYPE_CHECKING:
    from inventory.history.reader import RunHistory

Findings = Callable[[], pa.Table]


def answer(
    history: "RunHistory", text: str, run_id: str, timeout: float | None, findings: Findings | None
) -> tuple[schema.Table, pa.Table]:
    """Answer one SELECT over the state after a run and over all runs, as ``RunHistory.answer`` says."""
    database = Database()
    statement = parse_statement(database.connection, text)
    try:
        return _filled(database, history, statement, run_id, findings).answer(statement, timeout)
    except QueryError as error:
        if not isinstance(error.__cause__, duckdb.Error) or isinstance(error.__cause__, duckdb.InterruptException):
            raise
        # Over empty tables, DuckDB shows the place of what is wrong, with all columns that there are.
        _empty().try_out(statement, timeout)
        if not isinstance(error.__cause__, duckdb.BinderException | duckdb.CatalogException):
            raise
    statement = Statement(statement.text)  # what it names is more than its text tells
    return _filled(Database(), history, statement, run_id, findings).answer(statement, timeout)


def _filled(
    database: Database, history: "RunHistory", statement: Statement, run_id: str, findings: Findings | None
) -> Database:
    """Load the views that a statement names."""
    with one_line_errors():
        views = [view for name, view in VIEWS.items() if statement.tables is None or name in statement.tables]
        names = {view.table.name for view in views}
        if any(view.of_all_runs for view in views):
            files = history.store.checked("observations", history.dated())
            database.open("observations_history", files, schema.OBSERVATIONS.names)
        if any(view.files and not view.of_all_runs for view in views) or "observations" in names:
            _open_state(database, history, run_id, whole="observations" in names)
        for kind in {view.files for view in views} - {""}:
            _open_rows(database, history, [view for view in views if view.files == kind], statement.columns)
        for name, compute in _computed(history, run_id, findings).items():
            if name in names:
                database.add(name, compute())
    return database


def _empty() -> Database:
    """Return a database with all views, and no rows."""
    database = Database()
    for name, view in VIEWS.items():
        database.add(name, concat(view.table, []))
    return database


def _open_state(database: Database, history: "RunHistory", run_id: str, *, whole: bool) -> None:
    """Load the observations of the state, or only which answers its rows come from."""
    if not whole:
        database.add("wanted", history.states().table(run_id, columns=all_runs.WANTED.names))
        return
    database.add("observations", conformed(history.states().table(run_id), arrow_schema(schema.OBSERVATIONS)))
    database.execute("""CREATE TEMP VIEW wanted AS
        SELECT server, digest, stored_in, as_of FROM observations WHERE digest IS NOT NULL""")


def _open_rows(database: Database, history: "RunHistory", views: list[View], columns: frozenset[str] | None) -> None:
    """Load the stored rows of one grain, and make the views over them."""
    kind = views[0].files
    table = schema.TABLES[kind]
    of_all_runs = any(view.of_all_runs for view in views)
    if of_all_runs:
        runs = history.store.holding()
    else:
        distinct = "SELECT DISTINCT stored_in FROM wanted WHERE digest IS NOT NULL"
        runs = set(values(database.query(distinct), "stored_in"))
    if runs:
        load = database.open if of_all_runs else database.stream
        load(f"stored_{kind}", history.store.checked(kind, runs), stored_columns(table, columns))
    else:
        database.add(f"stored_{kind}", concat(all_runs.GRAIN_FILES[kind], []))
    # The rows of all runs would fill the memory: they are joined when they are asked for.
    view_or_table = "VIEW" if of_all_runs else "TABLE"
    for view in views:
        database.execute(f"CREATE TEMP {view_or_table} {view.table.name} AS {view_sql(view, columns)}")


def _changes(history: "RunHistory", run_id: str) -> pa.Table:
    earlier = [other for other in history.dated() if other < run_id]
    return history.diff(earlier[-1], run_id).table if earlier else concat(schema.CHANGES, [])


def _computed(history: "RunHistory", run_id: str, findings: Findings | None) -> dict[str, Callable[[], pa.Table]]:
    """Return what computes each view that is a table of the history, by its name."""
    return {
        "servers": lambda: history.servers_table(run_id),
        "changes": lambda: _changes(history, run_id),
        "timeline": history.timeline_table,
        "lifecycle": history.lifecycle_table,
        "runs": history.runs_table,
        "findings": findings or (lambda: concat(VIEWS["findings"].table, [])),
    }
