"""``lms-inventory unused``."""

from collections.abc import Sequence

import click

from inventory.cli._command import Command, WholeNumber
from inventory.cli._groups import selected_servers
from inventory.cli._history import history_at, require_runs
from inventory.cli._options import engine_option, files_option, history_option, json_options, known_servers_option
from inventory.cli._output import print_rows, print_texts, terminal_width
from inventory.cli._targets import check_tables, finish, write_tables
from inventory.schema import derived


@click.command(
    cls=Command,
    short_help="List the models that nobody loaded.",
    examples=(
        ("lms-inventory unused", "The models that nobody loaded in 30 days"),
        ("lms-inventory unused 90 --where site=Rome", "In 90 days, on the servers of a site"),
        ("lms-inventory unused 90 -o unused.xlsx", "As a workbook"),
    ),
)
@click.argument("days", type=WholeNumber(min=1), default=30)
@known_servers_option
@files_option("Write the models to FILE; its suffix is the format. Repeatable.")
@history_option
@engine_option
@json_options
def unused(
    days: int,
    servers: Sequence[str],
    where: Sequence[str],
    outputs: Sequence[str],
    csv_for: str | None,
    history_path: str | None,
    engine: str,
    as_json: str | None,
) -> int:
    """List the models that existed for DAYS (default: 30) without being seen loaded, and the space they hold.

    A model counts as loaded when a run saw it loaded: what happens between two runs is not seen.
    """
    check_tables(outputs)
    from inventory.terminal.history import unused_text

    history = require_runs(history_at(history_path, engine))
    table = history.unused(days, selected_servers(history, servers, where))
    tables = [(derived.LIFECYCLE, table)]
    failures = write_tables(tables, outputs, ["", *history.dated()][-1], csv_for)
    if as_json:
        print_rows("unused", *tables[0], as_json)
    else:
        print_texts(unused_text(table, days, terminal_width()))
    return finish(failures)
