"""``lms-inventory history``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory.cli._command import Command
from inventory.cli._groups import inventory_by_group, selected_servers
from inventory.cli._history import history_at, require_runs
from inventory.cli._options import (
    engine_option,
    files_option,
    history_option,
    json_options,
    known_servers_option,
    option,
)
from inventory.cli._output import print_tables, supports_unicode, terminal_width
from inventory.cli._rules import configured_rules
from inventory.cli._targets import check_tables, finish, write_tables
from inventory.errors import ConfigurationError
from inventory.schema import derived

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.history.reader import RunHistory
    from inventory.rules.model import RuleSet


@click.command(
    cls=Command,
    short_help="List the runs, or one model's history.",
    examples=(
        ("lms-inventory history --since 2026-11-01", "The runs since a date"),
        ("lms-inventory history --model openai/gpt-oss-20b", "One model's history on each server"),
        ("lms-inventory history --by server", "What each server has"),
    ),
)
@known_servers_option
@option(
    "Runs", "--by", metavar="WORD", help="Show the present inventory by model, by server, or by the values of a label."
)
@option(
    "Runs",
    "--model",
    "key",
    metavar="MODEL",
    help="Show the history of one model instead of the runs: its key, a part "
    "of it, or its display name; with * of several.",
)
@option("Runs", "--findings", is_flag=True, help="Count the findings that are new, gone and still there, by run.")
@option("Runs", "--since", metavar="WHEN", help="Only from this date or time on; local time unless it has a zone.")
@files_option("Write what is shown to FILE; its suffix is the format. Repeatable.")
@history_option
@engine_option
@json_options
def history(
    servers: Sequence[str],
    where: Sequence[str],
    by: str | None,
    key: str | None,
    findings: bool,
    since: str | None,
    outputs: Sequence[str],
    csv_for: str | None,
    history_path: str | None,
    engine: str,
    as_json: str | None,
) -> int:
    """List runs, one model's history, or models across servers."""
    _check_exclusive({"--model": key, "--by": by, "--findings": findings or None})
    rules = configured_rules(needed=True) if findings else None
    _check_exclusive({"--by": by, "--since": since})
    check_tables(outputs)
    runs = require_runs(history_at(history_path, engine))
    servers = selected_servers(runs, servers, where)
    if rules:
        tables, text = _finding_runs(runs, rules, servers, since)
    elif by is None:
        tables, text = _query(runs, servers, key, since)
    else:
        tables, text = inventory_by_group(runs, servers, by)
    failures = write_tables(tables, outputs, ["", *runs.dated()][-1] if outputs else "", csv_for)
    print_tables("history", tables, text, as_json)
    return finish(failures)


def _finding_runs(
    runs: "RunHistory", rules: "RuleSet", servers: Sequence[str], when: str | None
) -> "tuple[Tables, str]":
    """Return the number of findings of each run, as a table and as text."""
    from inventory.history.queries.audit import finding_runs
    from inventory.history.selectors import moment_of
    from inventory.tables import rows, table_of
    from inventory.terminal.findings import finding_runs_text

    since = moment_of(when, now=runs.clock()) if when else None
    table = runs.store.retry_if_changed(lambda: finding_runs(runs, rules, servers))
    shown = [row for row in rows(table) if since is None or row["collected_at"] >= since]
    return [(derived.FINDING_RUNS, table_of(derived.FINDING_RUNS, shown))], finding_runs_text(shown, terminal_width())


def _check_exclusive(options: dict[str, object]) -> None:
    """Refuse two options that exclude each other."""
    present = [option for option, value in options.items() if value is not None]
    if len(present) > 1:
        raise ConfigurationError(f"{present[0]} and {present[1]} exclude each other", "Give one of them")


def _query(runs: "RunHistory", servers: Sequence[str], key: str | None, when: str | None) -> "tuple[Tables, str]":
    """Return the runs or one model's history, as tables and as text."""
    from inventory.history.selectors import moment_of
    from inventory.tables import rows
    from inventory.terminal.history import TREND_RUNS, lives_text, runs_text

    since = moment_of(when, now=runs.clock()) if when else None
    if key is not None:
        key = key.encode(errors="surrogateescape").decode(errors="replace")  # Undo what the locale made of it.
        lives, changes, complete = runs.model_history(key, servers, since)
        text = lives_text(rows(lives), rows(changes), complete, terminal_width())
        return [(derived.TIMELINE, changes), (derived.LIFECYCLE, lives)], text
    table = runs.runs_table(servers, since)
    listed = rows(table)
    dated = [row["run_id"] for row in listed if row["status"] != "misdated"]
    sizes = runs.sizes_after(dated[-TREND_RUNS:], servers)
    text = runs_text(listed, supports_unicode(), terminal_width(), len(runs.store.run_ids()), sizes)
    return [(derived.RUNS, table)], text
