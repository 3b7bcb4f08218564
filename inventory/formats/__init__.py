"""Files of a run. FAMILY: ``encode(report, grain) -> bytes``, ``encode_tables(tables)``, ``read(path) -> RunTables``.

To add a format: one file here, named after its suffix, with ``encode`` and ``encode_tables``; one word in one of the
first two tuples below, and, if it has ``read``, one in ``READABLE``. The members are imported when they are used, so
that a wrong suffix is told without importing any.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from inventory import schema
from inventory.config.dialects import Dialect
from inventory.errors import ConfigurationError, FileError, InventoryError, wrong_type
from inventory.filesystem.atomic import WINDOWS, atomic_write
from inventory.filesystem.names import no_name, with_home
from inventory.formats._written import WrittenFile as WrittenFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from inventory.report.facts import Report
    from inventory.tables import RunTables

    Tables = Sequence[tuple[schema.Table, pa.Table]]

TABLES = ("csv", "parquet")
"""Formats that hold one table, of one grain."""

REPORTS = ("xlsx", "html", "md")
"""Formats that hold everything, also that nothing could be read."""

UNMARKED = ("csv",)
"""Formats that have no place for statuses: they hold only rows of servers that were read completely."""

READABLE = (*TABLES, "xlsx")
"""Formats that a snapshot can be read back from."""

FORMATS = (*TABLES, *REPORTS)
GRAINS = (*schema.GRAINS, "both")


class Format(Protocol):
    """One member of the family."""

    def encode(self, report: "Report", grain: str) -> bytes:
        """The file's bytes; ``grain`` is ignored by a format that holds everything."""
        ...

    def encode_tables(self, tables: "Tables") -> bytes:
        """The bytes of a file of tables that are no snapshot; a format of one table holds the first."""
        ...

    def read(self, path: Path) -> "RunTables":
        """The snapshot back from a file; only those in ``READABLE`` have it.

        Raises:
            FileError: it is damaged, or this tool did not write it.
        """
        ...


def write(
    report: "Report",
    path: str | Path,
    grain: str = "model",
    dialect: Dialect = Dialect(),  # noqa: B008 - frozen
) -> list[WrittenFile]:
    """Write a run; the suffix is the format.

    A CSV file does not say which answers are in doubt, and would be taken for complete: it holds none of their rows.

    Args:
        report: what is written: the snapshot, and, for a report, what is known around it.
        path: the file; ``both`` grains in a format of one table make ``NAME.models.csv`` and ``NAME.instances.csv``.
        grain: ``model``, ``instance`` or ``both``.
        dialect: how a CSV file is written.

    Raises:
        ConfigurationError: an unknown suffix or grain, or a grain that the snapshot does not hold.
        FileError: a file could not be written; what was there before is untouched.
    """
    snapshot = report.snapshot
    targets = output_paths(path, grain)
    for one, target in targets:
        if _format(target) in TABLES and one not in snapshot.grains:
            raise ConfigurationError(f"{path}: the snapshot has no {one} rows", "It was read from a file of one grain")
    told: list[WrittenFile] = []
    moves = []
    with ExitStack() as drafts:
        for one, target in targets:
            table = schema.GRAIN_TABLES[one].name if _format(target) in TABLES else ""
            if table and not snapshot.anything_read:
                told.append(WrittenFile(target, table, skipped="left as it was: no server could be read"))
                continue
            sure, doubtful = _without_doubt(report) if _format(target) in UNMARKED else (report, [])
            if doubtful and not sure.snapshot.anything_read:
                why = f"left as it was: the answer of {', '.join(doubtful)} is in doubt"
                told.append(WrittenFile(target, table, skipped=why))
                continue
            with _named(target):
                body = _encoded(sure, target, one, dialect)
                moves.append((target, drafts.enter_context(atomic_write(target, body, several=len(targets) > 1))))
            count = sure.snapshot.tables[table].num_rows if table else 0
            told.append(WrittenFile(target, table or "report", count, len(body), without=tuple(doubtful)))
        for target, move in moves:  # of a pair, none is touched before both can be
            with _named(target):
                move()
    return told


def write_tables(
    tables: "Tables",
    path: str | Path,
    dialect: Dialect = Dialect(),  # noqa: B008 - frozen
) -> None:
    """Write tables that are no snapshot, such as changes; a format of one table holds the first.

    Raises:
        ConfigurationError: an unknown suffix.
        FileError: the file could not be written; what was there before is untouched.
    """
    target = Path(with_home(str(path)))
    with _named(target), atomic_write(target, _encoded_tables(tables, target, dialect)) as move:
        move()


def read_file(path: str | Path) -> "RunTables":
    """Read a snapshot from a file that this tool wrote.

    Args:
        path: a ``.csv``, ``.parquet`` or ``.xlsx``; for ``NAME.csv`` also the pair that ``both`` grains make.

    Raises:
        ConfigurationError: an unknown suffix, or no path.
        FileError: the file is missing, damaged or not written by this tool.
    """
    if not isinstance(path, str | os.PathLike):
        raise wrong_type(path, "the path of a file", "Give a text or a pathlib.Path")
    target = Path(with_home(str(path)))
    pair = [one for _, one in output_paths(path, "both")]
    if os.path.lexists(target) or not all(map(os.path.lexists, pair)):
        return _read(target)
    models, instances = map(_read, pair)
    from inventory.formats._validation import check_models

    runs = {one.run_id for one in (models, instances)} - {""}  # another program that writes one again drops its run
    if len(runs) > 1 or (*models.grains, *instances.grains) != schema.GRAINS:
        raise FileError(f"{pair[0]} and {pair[1]} are not of one run", "Write them again with --grain both")
    told = instances if instances.run_id and not models.run_id else models
    tables = {**models.tables, "instances": instances.tables["instances"]}
    tables["observations"] = told.tables["observations"]
    whole = replace(models, tables=tables, grains=schema.GRAINS, gaps=models.gaps | instances.gaps)
    try:
        check_models(whole)
    except ValueError as error:
        raise FileError(
            f"{pair[0]} and {pair[1]} are not of one run: {error}", "Write them again with --grain both"
        ) from error
    return whole


def output_paths(path: str | Path, grain: str) -> list[tuple[str, Path]]:
    """The grains and files that one target stands for.

    Raises:
        ConfigurationError: an unknown suffix or grain.
    """
    target = Path(with_home(str(path)))
    if WINDOWS and no_name(target.name):
        raise ConfigurationError(f"{path} cannot be the name of a file on Windows", "Give it another name")
    if grain not in GRAINS:
        raise ConfigurationError(f"unknown grain {grain!r}", "Use one of " + ", ".join(GRAINS))
    if _format(target) in REPORTS or grain != "both":
        return [(grain, target)]
    names = {one: f"{target.stem}.{schema.GRAIN_TABLES[one].name}{target.suffix}" for one in schema.GRAINS}
    return [(one, target.with_name(name)) for one, name in names.items()]


def is_report(path: str | Path) -> bool:
    """Whether the format of a path is a report, which holds everything."""
    return _format(Path(path)) in REPORTS


def _without_doubt(report: "Report") -> "tuple[Report, list[str]]":
    """What is written where nothing can say that an answer is in doubt, and the servers that are left out for it."""
    from inventory.tables import RunTables, rows, table_of

    snapshot = report.snapshot
    doubtful = [row["server"] for row in rows(snapshot.tables["observations"]) if row["status"] == "suspect"]
    if not doubtful:
        return report, []
    tables = {
        name: table_of(schema.TABLES[name], [row for row in rows(table) if row["server"] not in doubtful])
        for name, table in snapshot.tables.items()
    }
    return replace(report, snapshot=RunTables(tables, snapshot.grains)), doubtful


def _encoded(report: "Report", target: Path, grain: str, dialect: Dialect) -> bytes:
    """The bytes of a file; only CSV has dialects."""
    if _format(target) == "csv":
        from inventory.formats import csv

        return csv.encode(report, grain, dialect)
    return _member(target).encode(report, grain)


def _encoded_tables(tables: "Tables", target: Path, dialect: Dialect) -> bytes:
    """The same for tables that are no snapshot."""
    if _format(target) == "csv":
        from inventory.formats import csv

        return csv.encode_tables(tables, dialect)
    return _member(target).encode_tables(tables)


def _format(path: Path) -> str:
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise ConfigurationError(f"{path}: unknown format", f"The suffix is the format; use one of {known}")
    return suffix


def _member(path: Path) -> Format:
    return cast("Format", import_module(f"inventory.formats.{_format(path)}"))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Tell a failure to write as one of this file."""
    try:
        yield
    except OSError as error:
        raise FileError(
            f"{path} could not be written: {error.strerror or error}", "What was there before is untouched"
        ) from error


def _read(path: Path) -> "RunTables":
    if _format(path) not in READABLE:
        known = ", ".join(f".{name}" for name in READABLE)
        raise ConfigurationError(f"{path}: a report for people cannot be read back", f"Give a {known} of that run")
    member = _member(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or not status.st_size:  # the system's own, without an end, tell no size
            what = "it is empty" if stat.S_ISREG(status.st_mode) else "not a regular file"
            raise FileError(f"{path} could not be read: {what}", "Give a file that this tool wrote")
        with path.open("rb"):  # what the system says about it, before a format's library says it in its way
            pass
    except OSError as error:
        raise FileError(f"{path} could not be read: {error.strerror or error}", "Check the path") from error
    from inventory.formats._unreadable import AGAIN, Unreadable
    from inventory.formats._validation import check

    try:
        found = check(member.read(path))
    except InventoryError:
        raise
    except Unreadable as error:
        raise FileError(f"{path} could not be read: {error.what}", error.advice) from error
    except Exception as error:
        raise FileError(f"{path} could not be read: it is damaged", f"Restore it from a copy. {AGAIN}") from error
    notes = tuple(f"{path}: {note}" for note in found.gaps.notes)
    return replace(found, gaps=replace(found.gaps, notes=notes))
