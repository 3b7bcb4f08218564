"""The files that a command writes: checked before any server is queried, their placeholders filled in, written."""

import dataclasses
import datetime
import os
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory.cli._context import configuration
from inventory.cli._exit_codes import exit_code
from inventory.cli._output import print_error, print_errors, terminal_width
from inventory.config.dialects import PROGRAMS, Dialect
from inventory.errors import ConfigurationError, ExitCode, FileError

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

    from inventory.formats import Tables, WrittenFile
    from inventory.history.reader import RunHistory
    from inventory.operations.compare import ResolvedRef
    from inventory.report.facts import Report
    from inventory.tables import RunTables

_PLACEHOLDERS = ("{date}", "{month}", "{week}", "{time}", "{run_id}")
ANY_RUN = "20000101T000000.000000Z-0000"
"""A run id that fills in placeholders when they are only checked."""


def write_text(path: str, text: str) -> None:
    """Write one text file: all of it or nothing, over one that is there.

    Raises:
        FileError: it could not be written; what was there is untouched.
    """
    from pathlib import Path

    from inventory.filesystem.atomic import atomic_write

    check_folder(path, create=False)
    try:
        with atomic_write(Path(path), text.encode(errors="backslashreplace")) as move:
            move()
    except OSError as error:
        raise FileError(f"{path} could not be written: {error.strerror}", "Choose another file") from error


def write_all(
    report: "Report",
    outputs: Sequence[str],
    grain: str = "model",
    csv_for: str | None = None,
    *,
    day: "datetime.date | None" = None,
) -> tuple[list["WrittenFile"], list[FileError]]:
    """Write a report to every target; a failure does not stop the others.

    Prints a line for each CSV file that leaves servers out.

    Args:
        report: the report.
        outputs: the targets.
        grain: of tables.
        csv_for: the program that the CSV files are for.
        day: the date that fills in the placeholders; by default that of the run, in UTC.

    Returns:
        The files that were written, and the errors of those that could not be.
    """
    from inventory import formats

    file = configuration()
    report = dataclasses.replace(
        report,
        title=file.settings.get("title", report.title),
        metric_labels=file.metric_labels,
        bom_version=file.bom_version,
    )
    files: list[WrittenFile] = []
    failures = []
    for output in outputs:
        try:
            files += formats.write(report, _ready(output, report.snapshot.run_id, day), grain, _dialect(csv_for))
        except FileError as error:
            failures.append(error)
    for written in files:
        if written.without:
            left_out = ", ".join(written.without)
            print_error(
                f"{written.path} leaves out {left_out}, whose response is suspect: a CSV file cannot mark "
                "it. A workbook or a Parquet file holds everything"
            )
    return files, failures


def _dialect(csv_for: str | None) -> Dialect:
    """Return how CSV files are written: by the option, else by the configuration."""
    return PROGRAMS[csv_for] if csv_for else configuration().csv


def reports_of(outputs: Sequence[str]) -> list[str]:
    """Return the targets that are reports, which need more data than tables."""
    if not outputs:
        return []
    from inventory import formats

    return [output for output in outputs if formats.format_of(output) in formats.REPORTS]


def metrics_of(outputs: Sequence[str]) -> list[str]:
    """Return the targets that a monitoring system reads."""
    if not outputs:
        return []
    from inventory import formats

    return [output for output in outputs if formats.format_of(output) in formats.METRICS]


def finish(failures: Sequence[FileError], files: "Sequence[WrittenFile]" = (), *, quiet: bool = False) -> ExitCode:
    """Print what became of the files, unless it is to be quiet, and each failure; return the exit code."""
    if files and not quiet:
        from inventory.terminal.snapshot import files_text

        click.echo(files_text(files, terminal_width()))
    print_errors(failures)
    return exit_code(failures, incomplete=any(file.skipped for file in files))


def write_metrics(
    report: "Report", outputs: Sequence[str], seconds: float, code: ExitCode
) -> tuple[list["WrittenFile"], list[FileError]]:
    """Write metrics of a run, how it ended included; results as ``write_all``."""
    if not outputs:
        return [], []
    from inventory.report.facts import RunOutcome

    return write_all(dataclasses.replace(report, outcome=RunOutcome(round(seconds, 3), int(code))), outputs)


def refuse_large(
    outputs: Sequence[str], side: "ResolvedRef", history: "RunHistory | None", *, this_run: bool = False
) -> tuple[list[str], list[FileError]]:
    """Split off the targets that cannot hold all rows of a side, before these are read; return the errors beside."""
    from inventory import formats
    from inventory.operations.compare import row_counts

    workbooks = [output for output in outputs if formats.format_of(output) == "xlsx"]
    if side.run_id is None or side.server or not workbooks:
        return list(outputs), []
    error = formats.too_large(row_counts(side, history, this_run=this_run))
    errors = {output: error if output in workbooks else None for output in outputs}
    return [output for output, error in errors.items() if not error], [error for error in errors.values() if error]


def report_targets(outputs: Sequence[str]) -> Sequence[str]:
    """Return the files that a report is written to: those of ``-o``, else those of the configuration.

    Raises:
        ConfigurationError: there are none, or the format of one is of tables, which hold no period.
    """
    from inventory import formats

    outputs = outputs or configuration().settings.get("output", ())
    if not outputs:
        raise ConfigurationError("no file to write was named", "Give -o FILE, or output = [...] in [report]")
    for output in outputs:
        if formats.format_of(output) not in formats.REPORTS:
            raise ConfigurationError(
                f"{output} is not a report", "Give .xlsx, .html, .md or .cdx.json; for tables: lms-inventory export"
            )
    return outputs


def check_tables(outputs: Sequence[str], reports: Sequence[str] = ()) -> None:
    """Refuse a target that cannot be written, or, unless it is among ``reports``, cannot hold the tables of a command.

    Raises:
        ConfigurationError: its format holds a snapshot and nothing else; or as ``check_targets``.
        FileError: as ``check_targets``.
    """
    if outputs:
        from inventory import formats

        for output in outputs:
            if output not in reports:
                formats.require_tables(output)
        check_targets(outputs)


def local_zone(snapshot: "RunTables") -> "tzinfo | None":
    """Return the time zone of this machine at the time of the snapshot."""
    moment = snapshot.observed_at
    return moment.astimezone().tzinfo if moment else None


def filled(output: str, run_id: str, day: datetime.date | None = None) -> str:
    """Fill in the placeholders of a target; date, month, week and time are those of the run id, in UTC.

    Args:
        output: the target.
        run_id: the run.
        day: another date, of which date, month and week are.

    Raises:
        ConfigurationError: a placeholder is unknown, or there is no run to fill it in from.
    """
    if not run_id and "{" in output:
        raise ConfigurationError(
            f"{output}: the compared file does not name its run", "Use a name without placeholders"
        )
    digits, _, clock = run_id.partition("T")
    date = f"{day or f'{digits[:4]}-{digits[4:6]}-{digits[6:]}'}"
    path = output
    for name, value in (("{date}", date), ("{month}", date[:7]), ("{time}", clock[:6]), ("{run_id}", run_id)):
        path = path.replace(name, value)
    if "{week}" in path:
        year, week, _ = datetime.date.fromisoformat(date).isocalendar()
        path = path.replace("{week}", f"{year}-W{week:02}")
    if "}" in path.partition("{")[2]:
        raise ConfigurationError(f"{output}: unknown placeholder", f"Use {', '.join(_PLACEHOLDERS)}")
    return path


def _ready(output: str, run_id: str, day: datetime.date | None = None) -> str:
    """Fill in the placeholders of a target and create its folder where that is allowed.

    Raises:
        FileError: the folder could not be created, or may not be.
    """
    path = filled(output, run_id, day)
    if not os.path.isdir(os.path.dirname(path) or "."):  # noqa: PTH112, PTH120 - a name may be too long
        check_folder(output)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        except OSError as error:
            what = f"{path} could not be written: its folder could not be created: {error.strerror}"
            raise FileError(what, "Create the folder first") from error
    return path


def check_folder(output: str, *, create: bool = True) -> None:
    """Refuse a target in a missing folder that will not be created.

    Folders below the working directory, those of a configured path and those whose name has a placeholder are created.
    """
    if output in configuration().settings.get("output", ()):
        return
    folder = os.path.dirname(output)  # noqa: PTH120
    below = os.path.abspath(folder).startswith(os.path.join(os.getcwd(), ""))  # noqa: PTH100, PTH109, PTH118
    fixed = os.path.dirname(folder.partition("{")[0]) if "{" in folder else folder  # noqa: PTH120
    try:
        usable = stat.S_ISDIR(os.stat(fixed or ".").st_mode)  # noqa: PTH116
    except FileNotFoundError:
        usable = create and below
    except OSError:  # A part of the path is a file, or its name is too long.
        usable = False
    if not usable:
        raise FileError(f"{output} cannot be written: there is no folder {fixed}", "Create the folder first")


def write_tables(tables: "Tables", outputs: Sequence[str], run_id: str, csv_for: str | None = None) -> list[FileError]:
    """Write tables that are not a snapshot to every target; return the errors of those that could not be written."""
    from inventory import formats

    failures = []
    for output in outputs:
        try:
            formats.write_tables(tables, _ready(output, run_id), _dialect(csv_for))
        except FileError as error:
            failures.append(error)
    return failures


def check_targets(outputs: Sequence[str], grain: str = "model", *, create: bool = True) -> None:
    """Refuse a target that cannot be written, before any server is queried.

    Args:
        outputs: the targets.
        grain: of tables.
        create: missing folders below the working directory will be created.

    Raises:
        ConfigurationError: an unknown format or placeholder, or one file twice.
        FileError: there is no folder for it.
    """
    if not outputs:
        return
    from inventory import formats

    paths: set[Path] = set()
    for output in outputs:
        names = formats.output_paths(output, grain)  # Messages show the target as the user wrote it.
        for (_, path), (_, name) in zip(formats.output_paths(filled(output, ANY_RUN), grain), names, strict=True):
            if path in paths:
                raise ConfigurationError(f"{name} would be written twice", "Give each -o its own file")
            paths.add(path)
        check_folder(output, create=create)
