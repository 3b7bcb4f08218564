"""``lms-inventory history``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory.cli._context import flagged
from inventory.cli._groups import by_model_option, overview, selected, stored_labels
from inventory.cli._history import engine_option, history_option, recorded_at, supports_unicode
from inventory.cli._output import json_option, print_error, print_json, terminal_width, where_option
from inventory.cli._targets import check_targets, csv_for_option, output_option, write_tables
from inventory.errors import ConfigurationError, FileError
from inventory.schema import derived

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.history.reader import RunHistory


@click.group(invoke_without_command=True)
@click.option("--server", "servers", metavar="NAME", multiple=True, help="Only this server. Repeatable.")
@where_option
@by_model_option
@click.option("--model", "key", metavar="KEY", help="One model's life instead of the runs.")
@click.option("--unused", metavar="DAYS", type=click.IntRange(min=1), help="The models not loaded in so many days.")
@click.option("--since", metavar="WHEN", help="Only from this date or time on; local unless it says otherwise.")
@output_option("Write what is shown to FILE. Repeatable.")
@csv_for_option
@history_option
@engine_option
@json_option
@click.pass_context
def history(
    context: click.Context,
    servers: Sequence[str],
    where: Sequence[str],
    by: str | None,
    key: str | None,
    unused: int | None,
    since: str | None,
    outputs: Sequence[str],
    csv_for: str | None,
    folder: str | None,
    engine: str,
    as_json: bool,
) -> int:
    """Show the runs, one model's life, what is not used, or what there is on how many servers."""
    if context.invoked_subcommand:
        context.obj = folder if flagged(context) else None
        return 0
    _check_one({"--model": key, "--unused": unused, "--by": by})
    if by is not None and since is not None:
        raise ConfigurationError("--by and --since exclude each other", "--by says what there is now")
    check_targets(outputs)
    kept = recorded_at(folder, engine)
    servers = _meant(kept, servers, where)
    tables, text = _question(kept, servers, key, unused, since) if by is None else overview(kept, servers, by)
    failures = write_tables(tables, outputs, ["", *kept.dated()][-1] if outputs else "", csv_for)
    _print(tables, None if as_json else text)
    for failure in failures:
        print_error(failure)
    return FileError.exit_code if failures else 0


@history.command()
@click.argument("name")
@click.argument("ref", default="latest")
@history_option
@click.pass_context
def baseline(context: click.Context, name: str, ref: str, folder: str | None) -> int:
    """Freeze the run REF (default: latest) as the baseline NAME, for diff --baseline NAME."""
    kept = recorded_at(folder if flagged(context) else context.obj or folder)
    run_id = kept.save_baseline(name, ref)
    click.echo(f"The baseline {name} is run {run_id}")
    return 0


def _check_one(questions: dict[str, object]) -> None:
    """Refuse two questions at once."""
    given = [option for option, value in questions.items() if value is not None]
    if len(given) > 1:
        raise ConfigurationError(f"{given[0]} and {given[1]} exclude each other", "Give one of them")


def _meant(kept: "RunHistory", servers: Sequence[str], where: Sequence[str]) -> Sequence[str]:
    """The servers that are asked about; an empty list means all."""
    from inventory.operations.compare import known_servers

    servers = known_servers(kept, servers)
    return list(selected(stored_labels(kept), servers, where)) if where else servers


def _print(tables: "Tables", text: str | None) -> None:
    """Print the text, or without one the tables as JSON."""
    if text is not None:
        click.echo(text, nl=False)
        return
    from inventory.tables import rows

    names = {"timeline": "changes"}
    print_json("history", {names.get(table.name, table.name): rows(content) for table, content in tables})


def _question(
    kept: "RunHistory", servers: Sequence[str], key: str | None, unused: int | None, when: str | None
) -> "tuple[Tables, str]":
    """The tables and the text that answer it."""
    from inventory.history.selectors import moment_of
    from inventory.tables import rows
    from inventory.terminal.history import life_text, runs_text, unused_text

    since = moment_of(when) if when else None
    if unused is not None:
        table = kept.unused(unused, servers)
        return [(derived.LIFECYCLE, table)], unused_text(rows(table), unused)
    if key is not None:
        key = key.encode(errors="surrogateescape").decode(errors="replace")  # whatever the locale made of it
        lives, changes, complete = kept.model_history(key, servers, since)
        text = life_text(key, rows(lives), rows(changes), complete)
        return [(derived.TIMELINE, changes), (derived.LIFECYCLE, lives)], text
    table = kept.runs_table(servers, since)
    return [(derived.RUNS, table)], runs_text(
        rows(table), supports_unicode(), terminal_width(), len(kept.store.run_ids())
    )
