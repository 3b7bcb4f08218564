"""``lms-inventory show``."""

import click

from inventory import schema
from inventory.cli._command import Command
from inventory.cli._completion import complete_ref
from inventory.cli._history import optional_history, resolve_refs, stale_after
from inventory.cli._options import columns_option, history_option, json_option, one_grain_option, sort_option
from inventory.cli._output import print_json
from inventory.cli._state_options import this_run_option
from inventory.cli._targets import local_zone
from inventory.errors import ExitCode


@click.command(
    cls=Command,
    short_help="Show the models or loaded instances of all servers.",
    examples=(
        ("lms-inventory show", "The models of all servers, as each was read last"),
        ("lms-inventory show --sort -size_bytes --columns server,key,size_bytes", "The largest models first"),
        ("lms-inventory show inventory.xlsx --grain instance", "The loaded instances in a workbook"),
    ),
)
@click.argument("ref", default="latest", shell_complete=complete_ref)
@one_grain_option
@sort_option
@columns_option
@this_run_option
@history_option
@json_option
def show(
    ref: str,
    grain: str,
    sort: str | None,
    columns: str | None,
    this_run: bool,
    history_path: str | None,
    as_json: bool,
) -> int:
    """Show the models or the loaded instances of the state at REF (default: latest).

    The state has of each server its last complete answer; --this-run shows only what one run read.

    REF is latest, previous, latest~N, a run id or its prefix, a date or a time, baseline:NAME, live (query the servers
    now), or a .csv, .parquet or .xlsx file that this tool wrote. RUN:SERVER is one server of a run.
    """
    from inventory.operations.compare import present_time, snapshot_of
    from inventory.report.coverage import coverage_of
    from inventory.terminal.listing import columns_of, rows_text, sorted_rows

    names = columns_of(columns, grain)
    history = optional_history(history_path)
    [side] = resolve_refs([ref], history)
    snapshot = snapshot_of(side, history, this_run=this_run)
    selected = sorted_rows(snapshot, grain, sort)
    if as_json:
        table = schema.GRAIN_TABLES[grain]
        print_json("show", {table.name: [{name: row[name] for name in names or table.names} for row in selected]})
    else:
        now = present_time(snapshot, history)
        coverage = coverage_of(snapshot, now, local_zone(snapshot), stale_after())
        click.echo(rows_text(snapshot, selected, grain, names, coverage), nl=False)
    return ExitCode.OK
