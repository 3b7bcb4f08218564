"""``lms-inventory history``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory.cli._command import Command
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
    output_option,
    server_names_option,
    since_option,
    unused_option,
    where_option,
)
from inventory.cli._output import print_errors, print_tables, supports_unicode, terminal_width
from inventory.cli._targets import check_targets, write_tables
from inventory.errors import ConfigurationError
from inventory.schema import derived

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.history.reader import RunHistory


@click.command(
    cls=Command,
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
@since_option
@output_option("Write what is shown to FILE; its suffix is the format. Repeatable.")
@csv_for_option
@history_option
@engine_option
@json_option
def history(
    servers: Sequence[str],
    where: Sequence[str],
    by: str | None,
    key: str | None,
    unused: int | None,
    since: str | None,
    outputs: Sequence[str],
    csv_for: str | None,
    history_path: str | None,
    engine: str,
    as_json: bool,
) -> int:
    """List runs, one model's history, unused models, or models across servers."""
    _check_exclusive({"--model": key, "--unused": unused, "--by": by})
    _check_exclusive({"--by": by, "--since": since})
    check_targets(outputs)
    runs = recorded_history(history_path, engine)
    servers = _selected_servers(runs, servers, where)
    tables, text = _query(runs, servers, key, unused, since) if by is None else inventory_by_group(runs, servers, by)
    failures = write_tables(tables, outputs, ["", *runs.dated()][-1] if outputs else "", csv_for)
    print_tables("history", tables, None if as_json else text)
    print_errors(failures)
    return exit_code(failures)


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
