"""``lms-inventory diff``."""

from collections.abc import Sequence

import click

from inventory import schema
from inventory.cli._files import check_targets, output_option, write_tables
from inventory.cli._history import engine_option, fail_on_option, failing, history_at, history_option, live, words
from inventory.cli._shared import INCOMPLETE, json_option, print_json, say, terminal_width
from inventory.errors import ConfigurationError, FileError


@click.command()
@click.argument("old", default=None, required=False)
@click.argument("new", default=None, required=False)
@click.option("--server", "servers", metavar="NAME", multiple=True, help="Only this server. Repeatable.")
@click.option(
    "--ignore", metavar="FIELD", multiple=True, help="A field that is not compared; * and ? are wild. Repeatable."
)
@click.option("--baseline", metavar="NAME", help="Compare with a frozen baseline instead of OLD.")
@output_option("Write the changes to FILE. Repeatable.")
@fail_on_option
@history_option
@engine_option
@json_option
def diff(
    old: str | None,
    new: str | None,
    servers: Sequence[str],
    ignore: Sequence[str],
    baseline: str | None,
    outputs: Sequence[str],
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
    fatal = words(fail_on)
    check_targets(outputs)
    if baseline is not None and new is not None:
        raise ConfigurationError("OLD and --baseline exclude each other", "Give one of them")
    from inventory.comparison import changes_between, side_of
    from inventory.diff import NOT_COMPARED
    from inventory.news import changes_text
    from inventory.snapshot import rows

    history = history_at(folder, engine)
    if baseline is not None:
        old, new = history.baseline(baseline), old
    sides = [side_of(ref, history, lambda: live(history)) for ref in (old or "previous", new or "latest")]
    changes = changes_between(sides[0], sides[1], history, ignore=ignore, servers=servers)
    run_id = sides[1].run_id or (sides[1].snapshot.run_id if sides[1].snapshot else "")
    failures = write_tables([(schema.CHANGES, changes.table), (NOT_COMPARED, changes.skipped)], outputs, run_id)
    if as_json:
        tables = {"changes": changes.table, "not_compared": changes.skipped, "hints": changes.hints}
        print_json("diff", {name: rows(table) for name, table in tables.items()})
    else:
        click.echo(changes_text(changes, f"{sides[0].name} -> {sides[1].name}", terminal_width()), nl=False)
    for failure in failures:
        say(failure)
    if failures:
        return FileError.exit_code
    incomplete = any(side.live and side.snapshot and not side.snapshot.complete for side in sides)
    return INCOMPLETE if incomplete else failing(changes, fatal)
