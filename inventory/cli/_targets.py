"""What the commands that write files share."""

import datetime
import os
import stat
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from inventory import schema
from inventory.cli._context import configuration
from inventory.cli._output import PATH, print_error
from inventory.config.dialects import PROGRAMS, Dialect
from inventory.errors import ConfigurationError, FileError

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

    from inventory.formats import Tables, WrittenFile
    from inventory.operations.compare import ResolvedRef
    from inventory.report.facts import Report
    from inventory.tables import RunTables

_PLACEHOLDERS = ("{date}", "{month}", "{week}", "{time}", "{run_id}")
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
    overview: "Report", outputs: Sequence[str], grain: str = "model", csv_for: str | None = None
) -> tuple[list["WrittenFile"], list[FileError]]:
    """Write every target that can be written; one that fails does not keep the others from it.

    What a file leaves out is said at once.
    """
    from inventory import formats

    files: list[WrittenFile] = []
    failures = []
    for output in outputs:
        try:
            files += formats.write(overview, _ready(output, overview.snapshot.run_id), grain, _dialect(csv_for))
        except FileError as error:
            failures.append(error)
    for file in files:
        if file.without:
            print_error(
                f"{file.path} is without {', '.join(file.without)}, whose answer is in doubt: a CSV file has no place "
                "to say so. A workbook or a Parquet file holds all"
            )
    return files, failures


def say_notes(*sides: "ResolvedRef") -> None:
    """Say what files that were read do not tell."""
    for note in dict.fromkeys(note for side in sides if side.snapshot for note in side.snapshot.gaps.notes):
        print_error(note)


def _dialect(csv_for: str | None) -> Dialect:
    """How CSV files are written: as the option says, else as the configuration does."""
    return PROGRAMS[csv_for] if csv_for else configuration().csv


def report_among(outputs: Sequence[str]) -> bool:
    """Whether a report is to be written: it needs more than a table does."""
    if not outputs:
        return False
    from inventory import formats

    return any(map(formats.is_report, outputs))


def local_zone(snapshot: "RunTables") -> "tzinfo | None":
    """The zone of this machine when the snapshot was taken."""
    moment = snapshot.observed_at
    return moment.astimezone().tzinfo if moment else None


def _filled(output: str, run_id: str) -> str:
    """A target with its placeholders filled in; date, month, week and time are the run id's, in UTC.

    Raises:
        ConfigurationError: it has another placeholder, or there is no run to fill it in from.
    """
    if not run_id and "{" in output:
        raise ConfigurationError(f"{output}: the file that is compared does not tell its run", "Give a plain name")
    day, _, clock = run_id.partition("T")
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    filled = output
    for name, value in (("{date}", date), ("{month}", date[:7]), ("{time}", clock[:6]), ("{run_id}", run_id)):
        filled = filled.replace(name, value)
    if "{week}" in filled:
        year, week, _ = datetime.date.fromisoformat(date).isocalendar()
        filled = filled.replace("{week}", f"{year}-W{week:02}")
    if "}" in filled.partition("{")[2]:
        raise ConfigurationError(f"{output}: unknown placeholder", f"Use {', '.join(_PLACEHOLDERS)}")
    return filled


def _ready(output: str, run_id: str) -> str:
    """A target with its placeholders filled in, in a folder that is made if it may be.

    Raises:
        FileError: the folder could not be made, or may not be.
    """
    filled = _filled(output, run_id)
    if not os.path.isdir(os.path.dirname(filled) or "."):  # noqa: PTH112, PTH120 - a name may be too long
        _check_folder(output)
        try:
            os.makedirs(os.path.dirname(filled), exist_ok=True)  # noqa: PTH103, PTH120
        except OSError as error:
            what = f"{filled} could not be written: its folder could not be made: {error.strerror}"
            raise FileError(what, "Make the folder first") from error
    return filled


def _check_folder(output: str, *, made: bool = True) -> None:
    """Refuse a target in a folder that is not there and is not made.

    Made is what is missing below the working directory, and a folder whose name has a placeholder.
    """
    folder = os.path.dirname(output)  # noqa: PTH120
    below = os.path.abspath(folder).startswith(os.path.join(os.getcwd(), ""))  # noqa: PTH100, PTH109, PTH118
    fixed = os.path.dirname(folder.partition("{")[0]) if "{" in folder else folder  # noqa: PTH120
    try:
        there = stat.S_ISDIR(os.stat(fixed or ".").st_mode)  # noqa: PTH116
    except FileNotFoundError:
        there = made and below
    except OSError:  # it lies in a file, or its name is too long
        there = False
    if not there:
        raise FileError(f"{output} cannot be written: there is no folder {fixed}", "Make the folder first")


def write_tables(tables: "Tables", outputs: Sequence[str], run_id: str, csv_for: str | None = None) -> list[FileError]:
    """The same for tables that are no snapshot."""
    from inventory import formats

    failures = []
    for output in outputs:
        try:
            formats.write_tables(tables, _ready(output, run_id), _dialect(csv_for))
        except FileError as error:
            failures.append(error)
    return failures


def check_targets(outputs: Sequence[str], grain: str = "model", *, made: bool = True) -> None:
    """Refuse a target that cannot be written before anybody is asked.

    Args:
        outputs: the targets.
        grain: of tables.
        made: missing folders below the working directory will be made.
    """
    if not outputs:
        return
    from inventory import formats

    seen: set[Path] = set()
    for output in outputs:
        names = formats.output_paths(output, grain)  # what is told is as it was given
        for (_, path), (_, name) in zip(formats.output_paths(_filled(output, _ANY_RUN), grain), names, strict=True):
            if path in seen:
                raise ConfigurationError(f"{name} is written twice", "Give each -o a file of its own")
            seen.add(path)
        _check_folder(output, made=made)
