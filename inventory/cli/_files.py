"""What the commands that write files share."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from inventory import schema
from inventory.cli._configuration import configuration
from inventory.cli._shared import PATH, say
from inventory.dialects import PROGRAMS, Dialect
from inventory.errors import ConfigurationError, FileError

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

    from inventory.comparison import Side
    from inventory.formats import Tables
    from inventory.overview import Overview
    from inventory.snapshot import Snapshot, Written

_ANY_RUN = "20000101T000000.000000Z-0000"

_Command = TypeVar("_Command", bound=Callable[..., Any])

grain_option = click.option(
    "--grain",
    envvar="LMS_INVENTORY_GRAIN",
    type=click.Choice([*schema.GRAINS, "both"]),
    default="model",
    show_default=True,
    help="What a row of a CSV or Parquet file is; both writes NAME.models.csv and NAME.instances.csv.",
)


csv_for_option = click.option(
    "--csv-for",
    metavar="PROGRAM",
    type=click.Choice(list(PROGRAMS), case_sensitive=False),
    help="Write CSV for a program with other separators, such as excel-de or excel-fr; semicolon and tab are for "
    "others. Default: what [csv] in the configuration says, else commas.",
)


def output_option(told: str, *, required: bool = False) -> Callable[[_Command], _Command]:
    """The option -o, which may be repeated."""
    return click.option(
        "-o", "--output", "outputs", metavar="FILE", type=PATH, multiple=True, required=required, help=told
    )


def write_all(
    overview: "Overview", outputs: Sequence[str], grain: str = "model", csv_for: str | None = None
) -> tuple[list["Written"], list[FileError]]:
    """Write every target that can be written; one that fails does not keep the others from it.

    What a file leaves out is said at once.
    """
    from inventory import formats

    files: list[Written] = []
    failures = []
    for output in outputs:
        try:
            files += formats.write(overview, _filled(output, overview.snapshot.run_id), grain, _dialect(csv_for))
        except FileError as error:
            failures.append(error)
    for file in files:
        if file.without:
            say(
                f"{file.path} is without {', '.join(file.without)}, whose answer is in doubt: a CSV file has no place "
                "to say so. A workbook or a Parquet file holds all"
            )
    return files, failures


def say_notes(*sides: "Side") -> None:
    """Say what files that were read do not tell."""
    for note in dict.fromkeys(note for side in sides if side.snapshot for note in side.snapshot.gaps.notes):
        say(note)


def _dialect(csv_for: str | None) -> Dialect:
    """How CSV files are written: as the option says, else as the configuration does."""
    return PROGRAMS[csv_for] if csv_for else configuration().csv


def report_among(outputs: Sequence[str]) -> bool:
    """Whether a report is to be written: it needs more than a table does."""
    if not outputs:
        return False
    from inventory import formats

    return any(map(formats.is_report, outputs))


def local_zone(snapshot: "Snapshot") -> "tzinfo | None":
    """The zone of this machine when the snapshot was taken."""
    moment = snapshot.observed_at
    return moment.astimezone().tzinfo if moment else None


def _filled(output: str, run_id: str) -> str:
    """A target with {date}, {time} and {run_id} filled in; date and time are the run id's, in UTC."""
    if not run_id and "{" in output:
        raise ConfigurationError(f"{output}: the file that is compared does not tell its run", "Give a plain name")
    date, _, clock = run_id.partition("T")
    known = {"{date}": f"{date[:4]}-{date[4:6]}-{date[6:]}", "{time}": clock[:6], "{run_id}": run_id}
    for name, value in known.items():
        output = output.replace(name, value)
    if "}" in output.partition("{")[2]:
        raise ConfigurationError(f"{output}: unknown placeholder", "Use {date}, {time} or {run_id}")
    return output


def write_tables(tables: "Tables", outputs: Sequence[str], run_id: str, csv_for: str | None = None) -> list[FileError]:
    """The same for tables that are no snapshot."""
    from inventory import formats

    failures = []
    for output in outputs:
        try:
            formats.write_tables(tables, _filled(output, run_id), _dialect(csv_for))
        except FileError as error:
            failures.append(error)
    return failures


def check_targets(outputs: Sequence[str], grain: str = "model") -> None:
    """Refuse a target that cannot be written before anybody is asked."""
    if not outputs:
        return
    from inventory import formats

    seen: set[Path] = set()
    for output in outputs:
        for _, path in formats.expand(_filled(output, _ANY_RUN), grain):
            if path in seen:
                raise ConfigurationError(f"{path} is written twice", "Give each -o a file of its own")
            seen.add(path)
            if not os.path.isdir(path.parent):  # noqa: PTH112 - is_dir raises for a name that is too long
                raise FileError(f"{path} cannot be written: there is no folder {path.parent}", "Make the folder first")
