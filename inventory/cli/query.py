"""``lms-inventory query``."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

import click

from inventory.cli._command import Command, Seconds, WholeNumber
from inventory.cli._exit_codes import exit_code
from inventory.cli._history import history_at, require_runs
from inventory.cli._options import (
    PATH,
    ROW_FORMATS,
    csv_for_option,
    history_option,
    json_options,
    option,
    output_option,
)
from inventory.cli._output import is_terminal, print_answer, print_error, terminal_width
from inventory.cli._rules import audit_side, configured_rules
from inventory.cli._targets import check_tables, finish, write_tables
from inventory.errors import ConfigurationError, InventoryError, QueryError
from inventory.rules.model import RuleSet
from inventory.text import count

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory import schema
    from inventory.history.reader import RunHistory

_Result = TypeVar("_Result")

_ROWS = 200  # that a terminal shows


@click.command(
    cls=Command,
    short_help="Ask the history a question in SQL.",
    examples=(
        ("lms-inventory query --tables", "The tables and columns that there are"),
        (
            'lms-inventory query "SELECT publisher, count(*) FROM models GROUP BY ALL"',
            "The space that each publisher's models take",
        ),
        ("lms-inventory query --file monthly.sql -o monthly.xlsx", "A query out of a file, into a workbook"),
    ),
)
@click.argument("sql", required=False)
@option("General", "--file", metavar="FILE", type=PATH, help="Read the query from FILE; - reads standard input.")
@option("Runs", "--at", metavar="REF", default="latest", help="The moment of the state. Default: latest.")
@option("General", "--tables", is_flag=True, help="List the tables and columns with their meanings.")
@output_option("Write the answer to FILE; its suffix is the format. Repeatable.")
@option("Output", "--limit", metavar="N", type=WholeNumber(min=0), help=f"Print N rows. Default: {_ROWS} as a table.")
@option("Output", "--format", "form", type=click.Choice(ROW_FORMATS), default="table", help="What is printed.")
@option(
    "General",
    "--timeout",
    metavar="SECONDS",
    type=Seconds(min=0, min_open=True, max=86400),
    default=60.0,
    show_default=True,
    help="Seconds after which the query is ended.",
)
@csv_for_option
@json_options
@history_option
def query(
    sql: str | None,
    file: str | None,
    at: str,
    tables: bool,
    outputs: Sequence[str],
    limit: int | None,
    form: str,
    timeout: float,
    csv_for: str | None,
    as_json: str | None,
    history_path: str | None,
) -> int:
    """Answer SQL, exactly one SELECT in DuckDB's SQL, over the state and over all runs.

    The query can read nothing but the tables that --tables lists, and change nothing.
    """
    if tables:
        _list_tables()
        return exit_code()
    form = as_json or form
    text = _text(sql, file)
    check_tables(outputs)
    history = require_runs(history_at(history_path))
    rules = configured_rules()
    definition, content = _bounded(
        lambda: history.answer(text, at, findings=lambda: _findings(history, at, rules)), timeout
    )
    failures = write_tables([(definition, content)], outputs, history.resolve(at) if outputs else "", csv_for)
    if outputs and form == "table" and limit is None:
        click.echo("" if failures else f"{count(content.num_rows, 'row')} written to {', '.join(outputs)}\n", nl=False)
    else:
        _print(definition, content, form, _ROWS if limit is None and form == "table" else limit)
    return finish(failures)


def _text(sql: str | None, file: str | None) -> str:
    """Return the query, of the command line or out of a file."""
    if (sql is None) == (file is None):
        what = "a query and --file exclude each other" if sql is not None else "there is no query"
        raise ConfigurationError(what, "Give one SELECT in quotes, or --file FILE; --tables lists what there is")
    if file is None:
        return str(sql)
    from pathlib import Path

    from inventory.config.text_input import text_in, text_of

    return text_in(sys.stdin.buffer, "standard input") if file == "-" else text_of(Path(file))


def _findings(history: "RunHistory", at: str, rules: RuleSet) -> "pa.Table":
    """Compute the view ``findings``."""
    from inventory.operations.compare import ResolvedRef
    from inventory.rules.evaluate import Judgement, findings_table

    judgement = audit_side(ResolvedRef(at, history.resolve(at)), history, rules) or Judgement()
    return findings_table(judgement.findings)


def _list_tables() -> None:
    from inventory.history.queries.views import VIEWS
    from inventory.terminal.query import views_text

    click.echo(views_text([(view.table, view.about) for view in VIEWS.values()], terminal_width()), nl=False)


def _print(definition: "schema.Table", content: "pa.Table", form: str, limit: int | None) -> None:
    from inventory.tables import rows
    from inventory.terminal.query import answer_text

    shown = content if limit is None else content.slice(0, limit)
    if form == "table":
        click.echo(
            answer_text(definition, rows(shown), content.num_rows, terminal_width(), whole=not is_terminal(sys.stdout)),
            nl=False,
        )
    else:
        print_answer("query", definition, shown, form)


def _bounded(work: Callable[[], _Result], seconds: float) -> _Result:
    """Do work that no library can be trusted to interrupt, in a thread, and end the process with it if it is late.

    DuckDB looks for an interruption only between pieces of work, and one value can take minutes. Nothing is written
    before the answer is there, so that the process may end at any time.
    """
    _bound_memory()
    outcome: list[_Result] = []
    failure: list[BaseException] = []

    context = click.get_current_context()  # which click keeps for each thread

    def run() -> None:
        try:
            with context.scope(cleanup=False):
                outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again below
            failure.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    except SystemExit as error:
        if error.code == 130:
            print_error(InventoryError("interrupted", "Nothing was half-written"))
        _end(error.code)
    if thread.is_alive():
        late = QueryError(
            f"the query was ended after {seconds:g} s", "Ask for less, or give it more time with --timeout"
        )
        print_error(late)
        _end(late.exit_code)
    if failure:
        raise failure[0]
    return outcome[0]


def _end(code: object) -> None:
    """End the process at once, whatever its threads do."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)  # guard: a query that cannot be interrupted is ended


def _bound_memory() -> None:
    """Bound the memory of the process, where the system can: DuckDB's own limit does not hold for one value."""
    with suppress(ImportError, OSError, ValueError):
        import resource
        from pathlib import Path

        import duckdb  # noqa: F401 - what it takes by itself counts as there already
        import pyarrow as pa  # noqa: F401

        from inventory.limits import QUERY_MEMORY

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        bound = pages * resource.getpagesize() + QUERY_MEMORY + 2**30
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard in (resource.RLIM_INFINITY, -1) or hard > bound:
            resource.setrlimit(resource.RLIMIT_AS, (bound, hard))
