"""``lms-inventory history``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory.cli._files import check_targets, output_option, write_tables
from inventory.cli._history import blocks_shown, engine_option, history_at, history_option
from inventory.cli._shared import json_option, print_json, say, terminal_width
from inventory.errors import ConfigurationError, FileError

if TYPE_CHECKING:
    from datetime import datetime

    from inventory.formats import Tables
    from inventory.history import History


@click.group(invoke_without_command=True)
@click.option("--server", "servers", metavar="NAME", multiple=True, help="Only this server. Repeatable.")
@click.option("--model", "key", metavar="KEY", help="One model's life instead of the runs.")
@click.option("--unused", metavar="DAYS", type=click.IntRange(min=1), help="The models not loaded in so many days.")
@click.option("--since", metavar="WHEN", help="Only from this date or time on; local unless it says otherwise.")
@output_option("Write what is shown to FILE. Repeatable.")
@history_option
@engine_option
@json_option
@click.pass_context
def history(
    context: click.Context,
    servers: Sequence[str],
    key: str | None,
    unused: int | None,
    since: str | None,
    outputs: Sequence[str],
    folder: str | None,
    engine: str,
    as_json: bool,
) -> int:
    """Show the runs, one model's life, or what is not used."""
    if context.invoked_subcommand:
        context.obj = folder
        return 0
    if key is not None and unused is not None:
        raise ConfigurationError("--model and --unused exclude each other", "Give one of them")
    check_targets(outputs)
    from inventory.comparison import known_servers
    from inventory.references import moment_of

    kept = history_at(folder, engine)
    known_servers(kept, servers)
    tables, text = _question(kept, servers, key, unused, moment_of(since) if since else None)
    failures = write_tables(tables, outputs, kept.store.run_ids()[-1] if outputs and kept.store.run_ids() else "")
    if as_json:
        from inventory.snapshot import rows

        names = {"timeline": "changes"}
        print_json("history", {names.get(table.name, table.name): rows(content) for table, content in tables})
    else:
        click.echo(text, nl=False)
    for failure in failures:
        say(failure)
    return FileError.exit_code if failures else 0


@history.command()
@click.argument("name")
@click.argument("ref", default="latest")
@history_option
@click.pass_context
def baseline(context: click.Context, name: str, ref: str, folder: str | None) -> int:
    """Freeze the run REF (default: latest) as the baseline NAME, for diff --baseline NAME."""
    kept = history_at(folder or context.obj)
    run_id = kept.freeze(name, ref)
    click.echo(f"The baseline {name} is run {run_id}")
    return 0


def _question(
    kept: "History", servers: Sequence[str], key: str | None, unused: int | None, since: "datetime | None"
) -> "tuple[Tables, str]":
    """The tables and the text that answer it."""
    from inventory import queries
    from inventory.chronicle import life_text, runs_text, unused_text
    from inventory.snapshot import rows

    if unused is not None:
        table = kept.unused(unused, servers)
        return [(queries.LIFECYCLE, table)], unused_text(rows(table), unused)
    if key is not None:
        lives, changes, complete = kept.life(key, servers, since)
        text = life_text(key, rows(lives), rows(changes), complete)
        return [(queries.TIMELINE, changes), (queries.LIFECYCLE, lives)], text
    table = kept.runs_table(servers, since)
    return [(queries.RUNS, table)], runs_text(rows(table), blocks_shown(), terminal_width(), len(kept.store.run_ids()))
