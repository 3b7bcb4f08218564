"""``lms-inventory history``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory.cli._command import Command, Group
from inventory.cli._context import history_from_flag
from inventory.cli._exit_codes import exit_code
from inventory.cli._groups import inventory_by_group, selected_servers
from inventory.cli._history import recorded_history
from inventory.cli._options import (
    by_model_option,
    csv_for_option,
    engine_option,
    history_option,
    model_option,
    output_option,
    server_names_option,
    since_option,
    where_option,
)
from inventory.cli._output import print_errors, print_tables, supports_unicode, terminal_width
from inventory.cli._row_options import json_options
from inventory.cli._targets import check_tables, check_targets, write_tables
from inventory.errors import ConfigurationError, ExitCode
from inventory.schema import derived

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.history.reader import RunHistory


@click.group(
    cls=Group,
    invoke_without_command=True,
    short_help="List the runs, or one model's history.",
    examples=(
        ("lms-inventory history --since 2026-11-01", "The runs since a date"),
        ("lms-inventory history --model openai/gpt-oss-20b", "One model's history on each server"),
        ("lms-inventory history --by server", "What each server has"),
    ),
)
@server_names_option
@where_option
@by_model_option
@model_option
@since_option
@output_option("Write what is shown to FILE; its suffix is the format. Repeatable.")
@csv_for_option
@history_option
@engine_option
@json_options
@click.pass_context
def history(
    context: click.Context,
    servers: Sequence[str],
    where: Sequence[str],
    by: str | None,
    key: str | None,
    since: str | None,
    outputs: Sequence[str],
    csv_for: str | None,
    history_path: str | None,
    engine: str,
    as_json: str | None,
) -> int:
    """List runs, one model's history, or models across servers."""
    if context.invoked_subcommand:
        context.obj = history_path if history_from_flag(context) else None
        return ExitCode.OK
    _check_exclusive({"--model": key, "--by": by})
    _check_exclusive({"--by": by, "--since": since})
    check_tables(outputs)
    check_targets(outputs)
    runs = recorded_history(history_path, engine)
    servers = selected_servers(runs, servers, where)
    tables, text = _query(runs, servers, key, since) if by is None else inventory_by_group(runs, servers, by)
    failures = write_tables(tables, outputs, ["", *runs.dated()][-1] if outputs else "", csv_for)
    print_tables("history", tables, text, as_json)
    print_errors(failures)
    return exit_code(failures)


@history.command(
    cls=Command,
    short_help="Save a run as a named baseline.",
    examples=(
        ("lms-inventory history baseline approved", "Save the latest run as the baseline approved"),
        ("lms-inventory history baseline before-upgrade previous", "Save the run before it"),
        ("lms-inventory diff --baseline approved", "Show what changed since then"),
    ),
)
@click.argument("name")
@click.argument("ref", default="latest")
@history_option
@click.pass_context
def baseline(context: click.Context, name: str, ref: str, history_path: str | None) -> int:
    """Save the run REF (default: latest) as the baseline NAME, for diff --baseline NAME.

    A baseline is permanent: its name cannot be given to another run, and prune never deletes the run.
    """
    runs = recorded_history(history_path if history_from_flag(context) else context.obj or history_path)
    run_id = runs.save_baseline(name, ref)
    click.echo(f"The baseline {name} is run {run_id}")
    return ExitCode.OK


def _check_exclusive(options: dict[str, object]) -> None:
    """Refuse two options that exclude each other."""
    present = [option for option, value in options.items() if value is not None]
    if len(present) > 1:
        raise ConfigurationError(f"{present[0]} and {present[1]} exclude each other", "Give one of them")


def _query(runs: "RunHistory", servers: Sequence[str], key: str | None, when: str | None) -> "tuple[Tables, str]":
    """Return the runs or one model's history, as tables and as text."""
    from inventory.history.selectors import moment_of
    from inventory.tables import rows
    from inventory.terminal.history import lives_text, runs_text

    since = moment_of(when, now=runs.clock()) if when else None
    if key is not None:
        key = key.encode(errors="surrogateescape").decode(errors="replace")  # Undo what the locale made of it.
        lives, changes, complete = runs.model_history(key, servers, since)
        text = lives_text(rows(lives), rows(changes), complete, terminal_width())
        return [(derived.TIMELINE, changes), (derived.LIFECYCLE, lives)], text
    table = runs.runs_table(servers, since)
    listed = rows(table)
    sizes = runs.sizes_after([row["run_id"] for row in listed if row["status"] != "misdated"], servers)
    text = runs_text(listed, supports_unicode(), terminal_width(), len(runs.store.run_ids()), sizes)
    return [(derived.RUNS, table)], text
