"""``lms-inventory show``."""

import click

from inventory import schema
from inventory.cli._history import history_at, history_option, live, with_runs
from inventory.cli._output import json_option, print_json
from inventory.cli._targets import say_notes


@click.command()
@click.argument("ref", default="latest")
@click.option("--grain", type=click.Choice(schema.GRAINS), default="model", show_default=True, help="What a row is.")
@click.option("--sort", metavar="COLUMN", help="The column to sort by; a - in front for the greatest first.")
@click.option("--columns", metavar="NAME,...", help="The columns to show.")
@history_option
@json_option
def show(ref: str, grain: str, sort: str | None, columns: str | None, folder: str | None, as_json: bool) -> int:
    """Show the models or the loaded instances of any snapshot (default: latest)."""
    from inventory.operations.compare import is_recorded, side_of, snapshot_of
    from inventory.terminal.listing import columns_of, rows_text, sorted_rows

    names = columns_of(columns, grain)
    history = history_at(folder, needed=False)
    if is_recorded(ref):
        with_runs(history)
    side = side_of(ref, history, lambda: live(history))
    say_notes(side)
    snapshot = snapshot_of(side, history)
    found = sorted_rows(snapshot, grain, sort)
    if as_json:
        table = schema.GRAIN_TABLES[grain]
        print_json("show", {table.name: [{name: row[name] for name in names or table.names} for row in found]})
    else:
        click.echo(rows_text(snapshot, found, grain, names), nl=False)
    return 0
