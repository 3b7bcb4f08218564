"""``lms-inventory history``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory.cli._command import Command, Group
from inventory.cli._context import history_from_flag
from inventory.cli._exit_codes import exit_code
from inventory.cli._groups import inventory_by_group, select_labels, stored_labels
from inventory.cli._history import recorded_history
from inventory.cli._options import (
    by_model_option,
    csv_for_option,
    engine_option,
    history_option,
    json_option,
    model_option,
    option,
    output_option,
    server_names_option,
    since_option,
    unused_option,
    where_option,
)
from inventory.cli._output import print_errors, print_tables, supports_unicode, terminal_width
from inventory.cli._rules import configured_rules
from inventory.cli._targets import check_targets, write_tables
from inventory.errors import ConfigurationError, ExitCode
from inventory.schema import derived

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.history.reader import RunHistory
    from inventory.rules.model import RuleSet


@click.group(
    cls=Group,
    invoke_without_command=True,
    short_help="List the runs, or one model's history.",
    examples=(
        ("lms-inventory history --since 2026-11-01", "The runs since a date"),
        ("lms-inventory history --model openai/gpt-oss-20b", "One model's history on each server"),
        ("lms-inventory history --unused 30", "The models that nobody loaded in 30 days"),
    ),
)
@server_names_option
@where_option
@by_model_option
@model_option
@unused_option
@option("Runs", "--findings", is_flag=True, help="Count the findings that are new, gone and still there, by run.")
@since_option
@output_option("Write what is shown to FILE; its suffix is the format. Repeatable.")
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
    findings: bool,
    since: str | None,
    outputs: Sequence[str],
    csv_for: str | None,
    history_path: str | None,
    engine: str,
    as_json: bool,
) -> int:
    """List runs, one model's history, unused models, or models across servers."""
    if context.invoked_subcommand:
        context.obj = history_path if history_from_flag(context) else None
        return ExitCode.OK
    _check_exclusive({"--model": key, "--unused": unused, "--by": by, "--findings": findings or None})
    rules = configured_rules(needed=True) if findings else None
    _check_exclusive({"--by": by, "--since": since})
    check_targets(outputs)
    runs = recorded_history(history_path, engine)
    servers = _selected_servers(runs, servers, where)
    if rules:
        tables, text = _finding_runs(runs, rules, servers, since)
    elif by is None:
        tables, text = _query(runs, servers, key, unused, since)
    else:
        tables, text = inventory_by_group(runs, servers, by)
    failures = write_tables(tables, outputs, ["", *runs.dated()][-1] if outputs else "", csv_for)
    print_tables("history", tables, None if as_json else text)
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


def _finding_runs(
    runs: "RunHistory", rules: "RuleSet", servers: Sequence[str], when: str | None
) -> "tuple[Tables, str]":
    """Return the number of findings of each run, as a table and as text."""
    from inventory.history.queries.audit import finding_runs
    from inventory.history.selectors import moment_of
    from inventory.tables import rows, table_of
    from inventory.terminal.findings import finding_runs_text

    since = moment_of(when) if when else None
    table = runs.store.retry_if_changed(lambda: finding_runs(runs, rules, servers))
    shown = [row for row in rows(table) if since is None or row["collected_at"] >= since]
    return [(derived.FINDING_RUNS, table_of(derived.FINDING_RUNS, shown))], finding_runs_text(shown)


def _check_exclusive(options: dict[str, object]) -> None:
    """Refuse two options that exclude each other."""
    present = [option for option, value in options.items() if value is not None]
    if len(present) > 1:
        raise ConfigurationError(f"{present[0]} and {present[1]} exclude each other", "Give one of them")


def _selected_servers(runs: "RunHistory", servers: Sequence[str], where: Sequence[str]) -> Sequence[str]:
    """Return the servers that ``--server`` and ``--where`` select; empty means all."""
    from inventory.operations.compare import known_servers

    servers = known_servers(runs, servers)
    return list(select_labels(stored_labels(runs), servers, where)) if where else servers


def _query(
    runs: "RunHistory", servers: Sequence[str], key: str | None, unused: int | None, when: str | None
) -> "tuple[Tables, str]":
    """Return the runs, one model's history or the unused models, as tables and as text."""
    from inventory.history.selectors import moment_of
    from inventory.tables import rows
    from inventory.terminal.history import lives_text, runs_text, unused_text

    since = moment_of(when) if when else None
    if unused is not None:
        table = runs.unused(unused, servers)
        return [(derived.LIFECYCLE, table)], unused_text(rows(table), unused)
    if key is not None:
        key = key.encode(errors="surrogateescape").decode(errors="replace")  # Undo what the locale made of it.
        lives, changes, complete = runs.model_history(key, servers, since)
        text = lives_text(rows(lives), rows(changes), complete)
        return [(derived.TIMELINE, changes), (derived.LIFECYCLE, lives)], text
    table = runs.runs_table(servers, since)
    listed = rows(table)
    sizes = runs.sizes_after([row["run_id"] for row in listed if row["status"] != "misdated"], servers)
    text = runs_text(listed, supports_unicode(), terminal_width(), len(runs.store.run_ids()), sizes)
    return [(derived.RUNS, table)], text
