"""Files of a run. FAMILY: ``encode(report, grain) -> bytes``, ``encode_tables(tables)``, ``read(path) -> RunTables``.

To add a format: one file here, named after the first word of its suffix, with ``encode`` and ``encode_tables``; its
suffix in one of the first three tuples of ``_suffixes.py``, and, if it has ``read``, in ``READABLE``, or, if it has no
``encode_tables``, in ``SNAPSHOTS_ONLY``. The members are imported when they are used, so that a wrong suffix is
reported without importing any.
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
from inventory.formats._suffixes import FORMATS as FORMATS
from inventory.formats._suffixes import GRAINS as GRAINS
from inventory.formats._suffixes import METRICS as METRICS
from inventory.formats._suffixes import READABLE as READABLE
from inventory.formats._suffixes import REPORTS as REPORTS
from inventory.formats._suffixes import SNAPSHOTS_ONLY as SNAPSHOTS_ONLY
from inventory.formats._suffixes import TABLES as TABLES
from inventory.formats._suffixes import UNMARKED as UNMARKED
from inventory.formats._suffixes import format_of as format_of
from inventory.formats._suffixes import require_tables as require_tables
from inventory.formats._suffixes import suffix_of as suffix_of
from inventory.formats._written import WrittenFile as WrittenFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from inventory.report.facts import Report
    from inventory.tables import RunTables

    Tables = Sequence[tuple[schema.Table, pa.Table]]


class Format(Protocol):
    """One member of the family."""

    def encode(self, report: "Report", grain: str, **dialect: Dialect) -> bytes:
        """Encode a report as the bytes of a file; a format that holds everything ignores ``grain``."""
        ...

    def encode_tables(self, tables: "Tables", **dialect: Dialect) -> bytes:
        """Encode tables that are no snapshot; a format of one table holds the first."""
        ...

    def read(self, path: Path) -> "RunTables":
        """Read the snapshot from a file; only the members in ``READABLE`` can.

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

    A CSV file cannot mark responses in doubt and would be taken for complete, so it holds none of their rows.

    Args:
        report: the snapshot and what is known around it.
        path: the file; ``both`` grains in a format of one table make ``NAME.models.csv`` and ``NAME.instances.csv``.
        grain: ``model``, ``instance`` or ``both``.
        dialect: the dialect of a CSV file.

    Raises:
        ConfigurationError: an unknown suffix or grain, or a grain that the snapshot does not hold.
        FileError: a file could not be written; what was there before is untouched.
    """
    snapshot = report.snapshot
    targets = output_paths(path, grain)
    for part, target in targets:
        if format_of(target) in TABLES and part not in snapshot.grains:
            raise ConfigurationError(f"{path}: the snapshot has no {part} rows", "It was read from a file of one grain")
    files: list[WrittenFile] = []
    publications = []
    with ExitStack() as drafts:
        for part, target in targets:
            table = schema.GRAIN_TABLES[part].name if format_of(target) in TABLES else ""
            if table and not snapshot.anything_read:
                files.append(WrittenFile(target, table, skipped="left as it was: no server could be read"))
                continue
            certain, doubtful = _without_doubt(report) if format_of(target) in UNMARKED else (report, [])
            if doubtful and not certain.snapshot.anything_read:
                reason = f"left as it was: the answer of {', '.join(doubtful)} is in doubt"
                files.append(WrittenFile(target, table, skipped=reason))
                continue
            with _named(target):
                body = _member(target).encode(certain, part, **_dialect(target, dialect))
                publications.append(
                    (target, drafts.enter_context(atomic_write(target, body, several=len(targets) > 1)))
                )
            count = certain.snapshot.tables[table].num_rows if table else 0
            holds = table or ("metrics" if format_of(target) in METRICS else "report")
            files.append(WrittenFile(target, holds, count, len(body), without=tuple(doubtful)))
        for target, publish in publications:  # of a pair, none is touched before both can be
            with _named(target):
                publish()
    return files


def write_tables(
    tables: "Tables",
    path: str | Path,
    dialect: Dialect = Dialect(),  # noqa: B008 - frozen
) -> None:
    """Write tables that are no snapshot, such as changes; a format of one table holds the first.

    Raises:
        ConfigurationError: an unknown suffix, or a format of snapshots only.
        FileError: the file could not be written; what was there before is untouched.
    """
    require_tables(path)
    target = Path(with_home(str(path)))
    with _named(target):
        body = _member(target).encode_tables(tables, **_dialect(target, dialect))
        with atomic_write(target, body) as move:
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
    pair = [part for _, part in output_paths(path, "both")]
    if os.path.lexists(target) or not all(map(os.path.lexists, pair)):
        return _read(target)
    models, instances = map(_read, pair)
    from inventory.formats._validation import check_models

    runs = {part.run_id for part in (models, instances)} - {""}  # another program that writes one again drops its run
    if len(runs) > 1 or (*models.grains, *instances.grains) != schema.GRAINS:
        raise FileError(f"{pair[0]} and {pair[1]} are not of one run", "Write them again with --grain both")
    identified = instances if instances.run_id and not models.run_id else models
    tables = {**models.tables, "instances": instances.tables["instances"]}
    tables["observations"] = identified.tables["observations"]
    gaps = models.gaps | instances.gaps
    whole = replace(models, tables=tables, grains=schema.GRAINS, gaps=gaps, state_of=identified.state_of)
    try:
        check_models(whole)
    except ValueError as error:
        raise FileError(
            f"{pair[0]} and {pair[1]} are not of one run: {error}", "Write them again with --grain both"
        ) from error
    return whole


def output_paths(path: str | Path, grain: str) -> list[tuple[str, Path]]:
    """List the grains and files that one output path stands for.

    Raises:
        ConfigurationError: an unknown suffix or grain.
    """
    target = Path(with_home(str(path)))
    if WINDOWS and no_name(target.name):
        raise ConfigurationError(f"{path} cannot be the name of a file on Windows", "Give it another name")
    if grain not in GRAINS:
        raise ConfigurationError(f"unknown grain {grain!r}", "Use one of " + ", ".join(GRAINS))
    if format_of(target) not in TABLES or grain != "both":
        return [(grain, target)]
    names = {part: f"{target.stem}.{schema.GRAIN_TABLES[part].name}{target.suffix}" for part in schema.GRAINS}
    return [(part, target.with_name(name)) for part, name in names.items()]


def needed_columns(paths: "Sequence[str]", *, filtered: bool = False) -> "Mapping[str, Sequence[str]] | None":
    """Return the columns of models and instances that files are made of; None for all, with the schema's types.

    ``filtered``: whether rows are chosen by any column.
    """
    from inventory.report.facts import FACT_COLUMNS

    named = {format_of(path) for path in paths}
    if not named <= {"md", "html", "xlsx"}:
        return None
    rows = {table.name: table.names for table in schema.GRAIN_TABLES.values()}
    return rows if filtered or named != {"md"} else FACT_COLUMNS


def too_large(counts: "Mapping[str, int]") -> FileError | None:
    """Return why a workbook cannot hold so many rows, by table, before they are read; None if it can."""
    from inventory.formats.xlsx import check_rows

    try:
        for name, number in counts.items():
            check_rows(name, number)
    except FileError as error:
        return error
    return None


def _without_doubt(report: "Report") -> "tuple[Report, list[str]]":
    """Leave out the rows in doubt, for a format that cannot mark them; return the names of their servers too.

    The rows of a server whose newest answer is suspect are certain in a state: they are those of the answer before.
    """
    from inventory.tables import is_known, rows, table_of

    snapshot = report.snapshot
    observations = rows(snapshot.tables["observations"])
    doubtful = [row["server"] for row in observations if row["status"] == "suspect" and not is_known(row)]
    if not doubtful:
        return report, []
    tables = {
        name: table_of(schema.TABLES[name], [row for row in rows(table) if row["server"] not in doubtful])
        for name, table in snapshot.tables.items()
    }
    return replace(report, snapshot=replace(snapshot, tables=tables)), doubtful


def _dialect(path: Path, dialect: Dialect) -> dict[str, Dialect]:
    """Return a dialect as what to pass to the family's functions; only CSV has dialects."""
    return {"dialect": dialect} if format_of(path) == "csv" else {}


def _member(path: Path) -> Format:
    return cast("Format", import_module(f"inventory.formats.{format_of(path).partition('.')[0]}"))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn a failure to write into an error that names the file."""
    try:
        yield
    except OSError as error:
        raise FileError(
            f"{path} could not be written: {error.strerror or error}", "What was there before is untouched"
        ) from error


def _read(path: Path) -> "RunTables":
    if format_of(path) not in READABLE:
        known = ", ".join(f".{name}" for name in READABLE)
        raise ConfigurationError(f"{path}: this format cannot be read back", f"Give a {known} of that run")
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
        snapshot = check(member.read(path))
    except InventoryError:
        raise
    except Unreadable as error:
        raise FileError(f"{path} could not be read: {error.what}", error.advice) from error
    except Exception as error:
        raise FileError(f"{path} could not be read: it is damaged", f"Restore it from a copy. {AGAIN}") from error
    notes = tuple(f"{path}: {note}" for note in snapshot.gaps.notes)
    return replace(snapshot, gaps=replace(snapshot.gaps, notes=notes))
