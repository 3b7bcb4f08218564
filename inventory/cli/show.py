"""``lms-inventory show``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory import schema
from inventory.cli._command import Command, WholeNumber
from inventory.cli._completion import complete_ref
from inventory.cli._groups import select_part
from inventory.cli._history import optional_history, resolve_refs, stale_after
from inventory.cli._options import (
    ROW_FORMATS,
    filter_option,
    history_option,
    json_options,
    known_servers_option,
    option,
    this_run_option,
)
from inventory.cli._output import print_rows, print_texts, terminal_width
from inventory.cli._targets import local_zone
from inventory.errors import ConfigurationError, ExitCode
from inventory.text import UNLIMITED

if TYPE_CHECKING:
    import pyarrow as pa


@click.command(
    cls=Command,
    short_help="Show the models or loaded instances of all servers.",
    examples=(
        ("lms-inventory show", "The models of all servers, as each was read last"),
        ("lms-inventory show --filter 'size>10GB' --filter loaded=0", "The large models that are not loaded"),
        ("lms-inventory show inventory.xlsx --grain instance", "The loaded instances in a workbook"),
    ),
)
@click.argument("ref", default="latest", shell_complete=complete_ref)
@known_servers_option
@option(
    "Output", "--grain", type=click.Choice(schema.GRAINS), default="model", show_default=True, help="What one row is."
)
@filter_option
@option(
    "Output",
    "--sort",
    metavar="COLUMN",
    help="Sort by this column; -COLUMN sorts in descending order. Default: the largest first.",
)
@option(
    "Output", "--columns", metavar="NAME,...", help="The columns to show; of several servers, each row names its own."
)
@option("Output", "--limit", metavar="N", type=WholeNumber(min=1), help="Show the first N rows only.")
@option(
    "Output",
    "--wide",
    is_flag=True,
    help="Leave out and fold nothing, in one table that may be wider than the terminal, as in a pipe.",
)
@option(
    "Output",
    "--format",
    "form",
    type=click.Choice(ROW_FORMATS, case_sensitive=False),
    help="Print a table for people (the default), CSV, JSON as --json and --jsonl do, or Markdown.",
)
@this_run_option
@history_option
@json_options
def show(
    ref: str,
    servers: Sequence[str],
    where: Sequence[str],
    grain: str,
    filters: Sequence[str],
    sort: str | None,
    columns: str | None,
    limit: int | None,
    wide: bool,
    form: str | None,
    this_run: bool,
    history_path: str | None,
    as_json: str | None,
) -> int:
    """Show the models or the loaded instances of the state at REF (default: latest), the largest first.

    The state has of each server its last complete answer; --this-run shows only what one run read.

    REF is latest, previous, latest~N, a run id or its prefix, a date or a time, baseline:NAME, live (query the servers
    now), or a .csv, .parquet or .xlsx file that this tool wrote. RUN:SERVER is one server of a run.

    On a terminal, columns that do not fit are left out and long keys are folded; where the server has no column, it is
    the heading of its models.
    """
    if form and as_json and form != as_json:
        raise ConfigurationError(f"--format {form} and --{as_json} exclude each other", "Give one of them")
    from inventory.operations.compare import present_time, snapshot_of
    from inventory.report.coverage import coverage_of
    from inventory.report.row_filters import parse_filters
    from inventory.terminal.listing import SHOWN, View, columns_of, needed_columns, rows_text, sorted_rows, with_server

    names, form, table = columns_of(columns, grain), form or as_json or "table", schema.GRAIN_TABLES[grain]
    compared = [condition.column for condition in parse_filters(filters, grain)]
    history = optional_history(history_path)
    [side] = resolve_refs([ref], history)
    shown = names or (SHOWN[grain] if form == "table" else table.names)
    reading = history and history.reading({table.name: needed_columns([*shown, *compared], grain, sort)})
    whole = select_part(snapshot_of(side, reading, this_run=this_run), servers, where, (), grain)
    snapshot = select_part(whole, (), (), filters, grain)
    rows = sorted_rows(snapshot, grain, sort)
    if form != "table":
        printed = with_server(names, snapshot)
        del whole, snapshot  # of a fleet they are as large as the rows
        _print_rows(form, rows.slice(0, limit), printed, grain)
        return ExitCode.OK
    coverage = coverage_of(snapshot, present_time(snapshot, history), local_zone(snapshot), stale_after())
    total = whole.tables[table.name].num_rows if filters else None
    view = View(UNLIMITED if wide else terminal_width(), names, sort is not None, limit, total)
    print_texts(rows_text(snapshot, rows, grain, coverage, view))
    return ExitCode.OK


def _print_rows(form: str, rows: "pa.Table", names: Sequence[str], grain: str) -> None:
    """Print rows for machines, or as Markdown; by default with all columns."""
    whole = schema.GRAIN_TABLES[grain]
    table = schema.Table(whole.name, whole.row, whole.select(names or whole.names))
    rows = rows.select(table.names)
    if form == "md":
        from inventory.formats import md

        click.echo(md.encode_tables([(table, rows)]).decode(), nl=False)
    elif form == "csv":
        from inventory.formats import csv

        click.echo(csv.encode_tables([(table, rows)], plain=True), nl=False)
    else:
        print_rows("show", table, rows, form)
