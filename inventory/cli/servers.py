"""``lms-inventory servers``."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from inventory.cli._command import Command, Group
from inventory.cli._completion import complete_server
from inventory.cli._context import history_from_flag
from inventory.cli._groups import select_names
from inventory.cli._history import history_at, require_runs
from inventory.cli._mirror import send_records
from inventory.cli._options import (
    engine_option,
    files_option,
    history_option,
    json_options,
    known_servers_option,
    option,
    retire_after_option,
    stale_after_option,
)
from inventory.cli._output import print_tables, terminal_width
from inventory.cli._targets import check_tables, finish, write_tables
from inventory.errors import ExitCode
from inventory.schema import derived
from inventory.text import count, escape_controls


@click.group(
    cls=Group,
    invoke_without_command=True,
    short_help="List the servers: when each was read last.",
    examples=(
        ("lms-inventory servers", "Each server, when it was read last, and what it has"),
        ("lms-inventory servers --stale", "The servers whose last complete answer is too old"),
        ("lms-inventory servers retire old-laptop", "Take a server out of the state"),
    ),
)
@known_servers_option
@option("Servers", "--stale", is_flag=True, help="Only servers whose last complete answer is too old, or missing.")
@option("Servers", "--retired", is_flag=True, help="Only servers that are retired.")
@stale_after_option
@retire_after_option
@files_option("Write the servers to FILE; its suffix is the format. Repeatable.")
@history_option
@engine_option
@json_options
@click.pass_context
def servers(
    context: click.Context,
    servers: Sequence[str],
    where: Sequence[str],
    stale: bool,
    retired: bool,
    stale_after: float,
    retire_after: float,
    outputs: Sequence[str],
    csv_for: str | None,
    history_path: str | None,
    engine: str,
    as_json: str | None,
) -> int:
    """List every server that a run asked: when it was read last, how often, and what it has.

    Retired servers are listed only with --retired: those that no run asked for 30 days ([history] retire_after), and
    those that were retired by name.
    """
    del retire_after  # The history takes it, as every command's does.
    if context.invoked_subcommand:
        context.obj = history_path if history_from_flag(context) else None
        return ExitCode.OK
    check_tables(outputs)
    from inventory.tables import rows, table_of
    from inventory.terminal.servers import is_stale, servers_text

    history = require_runs(history_at(history_path, engine))
    table, limit = history.servers_table(), timedelta(days=stale_after)
    selected = select_names(table, servers, where) if servers or where else ()
    known = [row for row in rows(table) if not selected or row["server"] in selected]
    shown = [row for row in known if (row["status"] == "retired") == retired and (not stale or is_stale(row, limit))]
    hidden = 0 if retired else sum(row["status"] == "retired" for row in known)
    tables = [(derived.SERVERS, table_of(derived.SERVERS, shown))]
    failures = write_tables(tables, outputs, history.dated()[-1], csv_for)
    text = servers_text(shown, limit, hidden, terminal_width(), none=_none_text(known, retired, stale))
    print_tables("servers", tables, text, as_json)
    return finish(failures)


@servers.command(
    cls=Command,
    short_help="Take servers out of the state.",
    examples=(
        ("lms-inventory servers retire old-laptop", "Take a server out of the state"),
        ("lms-inventory servers retire rack-1 rack-2", "Take several servers out of it"),
        ("lms-inventory servers --retired", "List the servers that are retired"),
    ),
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_server)
@history_option
@click.pass_context
def retire(context: click.Context, names: Sequence[str], history_path: str | None) -> int:
    """Take the servers NAME out of the state, until a run asks them again.

    Nothing is deleted: their runs stay in the history, and states before now still have them.
    """
    history = require_runs(history_at(history_path if history_from_flag(context) else context.obj or history_path))
    retired = history.retire(names)
    send_records()
    for name in retired:
        click.echo(f"{escape_controls(name)} is retired until a run asks it again")
    return ExitCode.OK


def _none_text(known: Sequence[dict[str, Any]], retired: bool, stale: bool) -> str:
    """Say that none of the known servers is what was asked for."""
    wanted = " and ".join(word for word, asked in (("retired", retired), ("stale", stale)) if asked)
    return f"No server is {wanted or 'in use'}, of {count(len(known), 'server')}"
