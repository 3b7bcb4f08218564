"""``lms-inventory diff``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory import schema
from inventory.cli._groups import by_option, compared_labels, counted, selected
from inventory.cli._history import (
    HAPPENED,
    engine_option,
    fail_on_option,
    history_at,
    history_option,
    ignore_option,
    live,
    outcome,
    parse_fail_on,
    with_runs,
)
from inventory.cli._output import json_option, print_error, print_json, terminal_width, where_option
from inventory.cli._targets import (
    check_targets,
    csv_for_option,
    local_zone,
    output_option,
    report_among,
    say_notes,
    write_all,
    write_tables,
)
from inventory.errors import ConfigurationError, FileError

if TYPE_CHECKING:
    from inventory.config.labels import Labels
    from inventory.diff.changes import ChangeSet
    from inventory.formats import Tables
    from inventory.history.reader import RunHistory
    from inventory.operations.compare import ResolvedRef


@click.command()
@click.argument("old", default=None, required=False)
@click.argument("new", default=None, required=False)
@click.option("--server", "servers", metavar="NAME", multiple=True, help="Only this server. Repeatable.")
@where_option
@by_option
@ignore_option
@click.option("--baseline", metavar="NAME", help="Compare with a frozen baseline instead of OLD.")
@output_option("Write the changes to FILE. Repeatable.")
@csv_for_option
@fail_on_option
@history_option
@engine_option
@json_option
def diff(
    old: str | None,
    new: str | None,
    servers: Sequence[str],
    where: Sequence[str],
    by: str | None,
    ignore: Sequence[str],
    baseline: str | None,
    outputs: Sequence[str],
    csv_for: str | None,
    fail_on: str | None,
    folder: str | None,
    engine: str,
    as_json: bool,
) -> int:
    """Say what changed from OLD to NEW (default: previous latest).

    OLD and NEW are latest, previous, latest~N, a run id or its beginning, a date or a time, live (ask the servers now),
    or a .csv, .parquet or .xlsx that this tool wrote. RUN:SERVER is one server of a run, so that
    latest:laptop latest:desktop compares two machines.
    """
    fatal = parse_fail_on(fail_on)
    check_targets(outputs)
    if baseline is not None and new is not None:
        raise ConfigurationError("OLD and --baseline exclude each other", "Give one of them")
    from inventory.operations.compare import changes_between, is_recorded, side_of

    history = history_at(folder, engine, ignore, needed=False)
    refs = [old or "previous", new or "latest"] if baseline is None else ["latest", old or "latest"]
    if any(map(is_recorded, refs)):
        with_runs(history)
    if baseline is not None:
        refs[0] = history.baseline(baseline)
    sides = [side_of(ref, history, lambda: live(history)) for ref in refs]
    say_notes(*sides)
    labels = selected(compared_labels(sides, history), servers, where) if where or by else {}
    servers = list(labels) if where else servers
    changes = changes_between(sides[0], sides[1], history, servers=servers)
    tables, text = _told(changes, labels, by, f"{sides[0].name} -> {sides[1].name}")
    failures = _write(outputs, csv_for, tables, sides, changes, history, servers)
    _print(tables, changes, None if as_json else text)
    for failure in failures:
        print_error(failure)
    if failures:
        return FileError.exit_code
    incomplete = any(side.live and side.snapshot and not side.snapshot.complete for side in sides)
    if changes.unread and "incomplete" in fatal:
        return HAPPENED
    return outcome(changes, fatal, incomplete=incomplete)


def _told(changes: "ChangeSet", labels: "dict[str, Labels]", by: str | None, title: str) -> "tuple[Tables, str]":
    """The changes as tables and as text, by server or label if that is asked for."""
    from inventory.report.change_lines import describe_changes
    from inventory.schema.derived import NOT_COMPARED
    from inventory.terminal.changes import changes_text

    if by is not None:
        return counted(changes, labels, by, title)
    tables = [(schema.CHANGES, changes.table), (NOT_COMPARED, changes.skipped)]
    return tables, changes_text(describe_changes(changes), title, terminal_width())


def _write(
    outputs: Sequence[str],
    csv_for: str | None,
    tables: "Tables",
    sides: "Sequence[ResolvedRef]",
    changes: "ChangeSet",
    history: "RunHistory",
    servers: Sequence[str],
) -> list[FileError]:
    """The changes as tables, and as reports of the new side."""
    from inventory.operations.compare import overview_of, snapshot_of

    old, new = sides
    run_id = new.run_id or (new.snapshot.run_id if new.snapshot else "")
    reports = [output for output in outputs if report_among([output])]
    failures = write_tables(tables, [output for output in outputs if output not in reports], run_id, csv_for)
    if reports:
        zone = local_zone(snapshot_of(new, history))
        overview = overview_of(new, history, zone, compared=(old, changes), servers=servers)
        failures += write_all(overview, reports)[1]
    return failures


def _print(tables: "Tables", changes: "ChangeSet", text: str | None) -> None:
    """Print the text, or without one the tables as JSON."""
    if text is not None:
        click.echo(text, nl=False)
        return
    from inventory.schema.derived import HINTS
    from inventory.tables import rows

    print_json("diff", {table.name: rows(content) for table, content in (*tables, (HINTS, changes.hints))})
