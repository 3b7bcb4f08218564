"""``lms-inventory diff``."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from inventory import schema
from inventory.cli._command import Command
from inventory.cli._completion import complete_ref
from inventory.cli._exit_codes import COMPARE_WORDS, change_exit_code, parse_fail_on, stale_words
from inventory.cli._groups import changes_by_group, compared_labels, select_labels
from inventory.cli._history import optional_history, resolve_refs, stale_after
from inventory.cli._options import (
    engine_option,
    fail_on_option,
    files_option,
    history_option,
    ignore_option,
    json_options,
    known_servers_option,
    option,
)
from inventory.cli._output import is_terminal, print_errors, print_tables, terminal_width
from inventory.cli._targets import check_tables, local_zone, reports_of, write_all, write_tables
from inventory.errors import FileError
from inventory.schema import derived

if TYPE_CHECKING:
    from datetime import datetime

    from inventory.config.labels import Labels
    from inventory.diff.changes import ChangeSet
    from inventory.formats import Tables
    from inventory.history.reader import RunHistory
    from inventory.operations.compare import ResolvedRef
    from inventory.tables import RunTables


@click.command(
    cls=Command,
    short_help="Show what changed between two snapshots.",
    examples=(
        ("lms-inventory diff", "What changed from the previous to the latest run"),
        ("lms-inventory diff latest live", "What changed since the latest run until now"),
        ("lms-inventory diff inventory.xlsx latest -o changes.csv", "Compare a workbook with the latest run"),
    ),
)
@click.argument("old", default="previous", shell_complete=complete_ref)
@click.argument("new", default="latest", shell_complete=complete_ref)
@known_servers_option
@option("Comparison", "--by", metavar="LABEL", help="Count the changes by the values of a label, or by server.")
@ignore_option
@option(
    "Comparison",
    "--all-fields",
    is_flag=True,
    help="Give a line to each changed field, also to those that follow from another, such as the size after a "
    "quantization. CSV, Parquet and JSON always have every field.",
)
@files_option("Write the changes to FILE; its suffix is the format. Repeatable.")
@fail_on_option(COMPARE_WORDS)
@history_option
@engine_option
@json_options
def diff(
    old: str,
    new: str,
    servers: Sequence[str],
    where: Sequence[str],
    by: str | None,
    ignore: Sequence[str],
    all_fields: bool,
    outputs: Sequence[str],
    csv_for: str | None,
    fail_on: str | None,
    history_path: str | None,
    engine: str,
    as_json: str | None,
) -> int:
    """Show what changed from OLD to NEW (default: previous latest).

    OLD and NEW are latest, previous, latest~N, a run id or its prefix, a date or a time, baseline:NAME, live (query the
    servers now), or a .csv, .parquet or .xlsx file that this tool wrote. RUN:SERVER is one server of a run, so
    latest:laptop latest:desktop compares two servers.
    """
    fail_words = parse_fail_on(fail_on, COMPARE_WORDS)
    check_tables(outputs, reports_of(outputs))
    history = optional_history(history_path, engine, ignore)
    before, after = sides = resolve_refs((old, new), history)
    from inventory.operations.compare import changes_between, present_time

    labels = select_labels(compared_labels(sides, history), servers, where) if where or by else {}
    servers = list(labels) if where else servers
    changes = changes_between(before, after, history, ignore=() if history else ignore, servers=servers)
    tables, text = _result(changes, labels, by, sides, history, servers, all_fields)
    failures = _write(outputs, csv_for, tables, sides, changes, history, servers, all_fields)
    print_tables("diff", [*tables, (derived.HINTS, changes.hints)], text, as_json)
    print_errors(failures)
    incomplete = any(side.live and side.snapshot and not side.snapshot.complete for side in sides)

    def state() -> "tuple[RunTables, datetime | None]":
        tables = _tables_of(after, history, servers)
        return tables, present_time(tables, history)

    stale = stale_words(fail_words, state)
    return change_exit_code(
        changes, fail_words, failures, incomplete=incomplete, outdated=bool(changes.unread), stale=stale
    )


def _tables_of(side: "ResolvedRef", history: "RunHistory | None", servers: Sequence[str]) -> "RunTables":
    """Return the tables of a side, of all servers or of some."""
    from inventory.operations.compare import only, snapshot_of

    return only(snapshot_of(side, history), servers)


def _result(
    changes: "ChangeSet",
    labels: "dict[str, Labels]",
    by: str | None,
    sides: "Sequence[ResolvedRef]",
    history: "RunHistory | None",
    servers: Sequence[str],
    all_fields: bool,
) -> "tuple[Tables, str]":
    """Return the changes as tables and as text; counted by server or label with ``--by``."""
    from inventory.report.change_lines import describe_changes
    from inventory.tables import values
    from inventory.terminal.changes import changes_text

    old, new = sides
    title = f"{old.name} -> {new.name}"
    if by is not None:
        return changes_by_group(changes, labels, by, title)
    tables = [(schema.CHANGES, changes.table), (derived.NOT_COMPARED, changes.skipped)]
    machines = (old.server, new.server) if old.server and new.server and old.server != new.server else None
    names = None
    # The newer side is opened only where it may be that nothing was compared.
    if not changes.table.num_rows and (changes.skipped.num_rows or new.snapshot):
        names = values(_tables_of(new, history, servers).tables["observations"], "server")
    section = describe_changes(changes, names, all_fields=all_fields)
    text = changes_text(section, title, terminal_width(), machines=machines, ansi=is_terminal(sys.stdout))
    return tables, text


def _write(
    outputs: Sequence[str],
    csv_for: str | None,
    tables: "Tables",
    sides: "Sequence[ResolvedRef]",
    changes: "ChangeSet",
    history: "RunHistory | None",
    servers: Sequence[str],
    all_fields: bool,
) -> list[FileError]:
    """Write the tables, and to report targets a report of the newer side."""
    from inventory import formats
    from inventory.operations.compare import report_of, snapshot_of

    old, new = sides
    run_id = new.run_id or (new.snapshot.run_id if new.snapshot else "")
    reports = reports_of(outputs)
    failures = write_tables(tables, [output for output in outputs if output not in reports], run_id, csv_for)
    if reports:
        reading = history and history.reading(formats.needed_columns(reports))
        snapshot, stale = snapshot_of(new, reading), stale_after()
        zone, compared = local_zone(snapshot), (old, changes)
        report = report_of(new, history, zone, compared=compared, snapshot=snapshot, servers=servers, stale_after=stale)
        report = replace(report, all_fields=all_fields)
        failures += write_all(report, reports)[1]
    return failures
