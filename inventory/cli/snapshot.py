"""``lms-inventory snapshot``."""

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

import inventory
from inventory import schema
from inventory.cli._shared import (
    INCOMPLETE,
    filled,
    json_option,
    print_json,
    say,
    servers_option,
    tables,
    terminal_width,
    timeout_option,
    token,
    write_all,
)
from inventory.errors import ConfigurationError, FileError
from inventory.servers import choose

if TYPE_CHECKING:
    from pathlib import Path

    from inventory.snapshot import Snapshot

_ANY_RUN = "20000101T000000.000000Z-0000"


@click.command()
@servers_option
@click.option(
    "-o",
    "--output",
    "outputs",
    metavar="FILE",
    multiple=True,
    help="Write to FILE; .csv, .parquet or .xlsx is the format. Repeatable. {date}, {time} and {run_id} are filled in.",
)
@click.option(
    "--grain",
    type=click.Choice([*schema.GRAINS, "both"]),
    default="model",
    show_default=True,
    help="What a row of a CSV or Parquet file is; both writes NAME.models.csv and NAME.instances.csv.",
)
@timeout_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def snapshot(
    addresses: Sequence[str], outputs: Sequence[str], grain: str, timeout: float, as_json: bool, quiet: bool
) -> int:
    """Ask the servers for their models and write what they say."""
    servers = choose(addresses, token())
    _check_targets(outputs, grain)
    from inventory.report import snapshot_text

    began = time.perf_counter()
    taken = inventory.collect(servers, timeout=timeout)
    files, failures = write_all(taken, outputs, grain)
    if as_json:
        print_json("snapshot", {"run_id": taken.run_id, **tables(taken)})
    elif not quiet:
        click.echo(snapshot_text(taken, time.perf_counter() - began, files, terminal_width()), nl=False)
    if as_json or quiet:
        for file in files:
            if file.skipped:
                say(f"{file.path} was {file.skipped}")
    _say_failures(taken)
    for failure in failures:
        say(failure)
    return FileError.exit_code if failures else 0 if taken.complete else INCOMPLETE


def _check_targets(outputs: Sequence[str], grain: str) -> None:
    """Refuse a target that cannot be written before anybody is asked."""
    if not outputs:
        return
    from inventory import formats

    seen: set[Path] = set()
    for output in outputs:
        for _, path in formats.expand(filled(output, _ANY_RUN), grain):
            if path in seen:
                raise ConfigurationError(f"{path} is written twice", "Give each -o a file of its own")
            seen.add(path)
            if not os.path.isdir(path.parent):  # noqa: PTH112 - is_dir raises for a name that is too long
                raise FileError(f"{path} cannot be written: there is no folder {path.parent}", "Make the folder first")


def _say_failures(taken: "Snapshot") -> None:
    from inventory.snapshot import rows

    for row in rows(taken.tables["observations"]):
        if row["status"] != "ok":
            say(f"{row['server']}: {row['error']}")
