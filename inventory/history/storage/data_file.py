"""One data file of a history: the rows of one run, or of many runs of one month (*merged*).

A merged file has in its footer, for each of its runs, the metadata of that run's own file, that file's SHA-256, the
number of its rows and a digest of them, so that the chain of runs can be followed and the rows verified.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from io import SEEK_END
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from inventory import schema
from inventory.errors import FileError, NewerVersion
from inventory.filesystem.regular_files import open_to_read
from inventory.history.sql import all_runs
from inventory.history.storage.checksum import (
    ENCODINGS,
    SINGLE,
    check_seal,
    read_metadata,
    read_verified,
    rows_sha256,
    write_checksummed,
)
from inventory.history.storage.file_names import is_merged, merged_name, months_of
from inventory.run_ids import RUN_ID
from inventory.tables import arrow_schema, conformed

KINDS = ("observations", "payloads", "models", "instances")
ADVICE = "See what else is wrong with: lms-inventory verify"

ARROW = {
    "payloads": pa.schema(
        [(name, pa.string()) for name in ("digest", "stored_in", "payload_digest")]
        + [("body", pa.large_binary()), ("fields", pa.string())]
    ),
    **{
        table.name: pa.schema([field.remove_metadata() for field in arrow_schema(table)], arrow_schema(table).metadata)
        for table in (schema.OBSERVATIONS, *all_runs.GRAIN_FILES.values())
    },
}
"""Column types, and what pandas needs; without the descriptions, which would be most of a small file."""

TEXTS = {kind: [field.name for field in ARROW[kind] if field.type == pa.string()] for kind in all_runs.GRAIN_FILES}
"""The columns of texts that many rows share."""

_OWN = ("tool", "version", "kind", "run_id", "seal")  # metadata that is dropped when a run is merged


@dataclass(frozen=True)
class DataFile:
    """A file that was read and verified.

    Attributes:
        path: its path.
        body: its bytes.
        about: its metadata.
    """

    path: Path
    body: bytes
    about: Mapping[str, Any]

    def read(self, columns: list[str] | None = None, encoded: Sequence[str] = ()) -> pa.Table:
        """Read its table, with the columns of this version; one that it lacks is null.

        ``encoded`` are columns of texts that are read as a dictionary and indices.
        """
        # Without threads: one of Arrow's could let go of the bytes, which are Python's, when Python has already ended.
        return self._whole(self._opened(encoded).read(columns, use_threads=False), columns, encoded)

    def batches(self, rows: int) -> Iterator[pa.Table]:
        """Read its table, so many rows at a time."""
        for batch in self._opened().iter_batches(rows, use_threads=False):
            yield self._whole(pa.Table.from_batches([batch]))

    def _opened(self, encoded: Sequence[str] = ()) -> parquet.ParquetFile:
        """Open its bytes, which need not be fetched before they are read."""
        source = pa.BufferReader(self.body)
        metadata = parquet.read_metadata(source) if encoded else None
        present = set(encoded).intersection(metadata.schema.names) if metadata else ()
        return parquet.ParquetFile(source, metadata=metadata, read_dictionary=[*present], pre_buffer=False)

    def _whole(self, table: pa.Table, columns: list[str] | None = None, encoded: Sequence[str] = ()) -> pa.Table:
        """Return a table with the columns of this version."""
        target, present = ARROW[self.about["kind"]], table.column_names
        names = columns or target.names
        for field in (target.field(name) for name in names if name not in present):
            kind = pa.dictionary(pa.int32(), field.type) if field.name in encoded else field.type
            table = table.append_column(field.name, pa.nulls(table.num_rows, kind))
        return table if present == names else table.select(names)

    @cached_property
    def shared(self) -> Callable[[tuple[str, ...] | None], pa.Table]:
        """Read its table with some columns, by default all, once for all its runs."""
        return cache(lambda columns: self.read(columns and [*columns]))

    def parts(self) -> dict[str, "RunSegment"]:
        """Return its segment of each run."""
        if "runs" not in self.about:
            return {self.about["run_id"]: RunSegment(self, self.about)}
        ends = accumulate(entry["rows"] for entry in self.about["runs"].values())
        return {
            run_id: RunSegment(self, {"kind": self.about["kind"], "run_id": run_id, **entry}, end - entry["rows"])
            for (run_id, entry), end in zip(self.about["runs"].items(), ends, strict=True)
        }


@dataclass(frozen=True)
class RunSegment:
    """The part of a file that belongs to one run.

    Attributes:
        file: the file, which was verified.
        about: the metadata of the run's own file; if it was merged, as it was, with what merging added.
        begin: the index of its first row in a merged file; None for a file of its own.
    """

    file: DataFile
    about: Mapping[str, Any]
    begin: int | None = None

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self.file.path

    @property
    def weight(self) -> int:
        """Its share of the bytes of the file."""
        return len(self.file.body) // len(self.file.about.get("runs", [self]))

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the run's own file, as it is or as it was before it was merged."""
        return sha256(self.file.body).hexdigest() if self.begin is None else str(self.about["sha256"])

    def table(self, columns: list[str] | None = None, encoded: Sequence[str] = ()) -> pa.Table:
        """Read its rows as ``DataFile.read`` does; of a merged file no column is encoded."""
        if self.begin is None:
            return self.file.read(columns, encoded)
        return self.file.shared(tuple(columns) if columns else None).slice(self.begin, self.about["rows"])

    def batches(self, rows: int) -> Iterator[pa.Table]:
        """Read its rows, so many at a time."""
        if self.begin is None:
            yield from self.file.batches(rows)
        else:
            yield from (self.table().slice(start, rows) for start in range(0, self.about["rows"], rows))

    @property
    def as_merged(self) -> bool:
        """True if the rows are still those of the run's own file before it was merged."""
        return self.begin is None or rows_sha256(self.table(queried(self.about["kind"]))) == self.about["rows_sha256"]


def queried(kind: str) -> list[str]:
    """Return the columns that queries read: bodies are read only to be proven."""
    return [name for name in ARROW[kind].names if name not in SINGLE]


def repeated(kind: str, runs: int) -> list[str]:
    """Return the columns whose values repeat in a file of so many runs."""
    once = () if kind in all_runs.GRAIN_FILES or (kind == "observations" and runs > 1) else ENCODINGS
    return [name for name in queried(kind) if name not in once]


def opened(kind: str, path: Path) -> dict[str, RunSegment]:
    """Return the segments of a file by run; errors as ``verified``."""
    return verified(kind, path).parts()


def verified(kind: str, path: Path, most: int | None = None) -> DataFile:
    """Read a file, and check its seal and that its content belongs under its name.

    Args:
        kind: its kind.
        path: the file.
        most: of a larger file the bytes are only checked, and those that are returned are empty.

    Raises:
        FileError: it is missing or damaged, or a newer version wrote it.
    """
    try:
        with open_to_read(path) as file:
            is_large = most is not None and file.seek(0, SEEK_END) > most
            file.seek(0)
            body = b"" if is_large else file.read()
            about = check_seal(file) if is_large else read_verified(body)
    except OSError as error:
        raise FileError(f"{path} could not be read: {error.strerror}", ADVICE) from error
    _check_version(path, about)
    if about is None or not belongs(kind, path, about):
        raise _damaged(path)
    return DataFile(path, body, about)


def check_version(path: Path) -> None:
    """Refuse a file that a newer version wrote; only its end is read, unless it claims to be newer.

    Raises:
        NewerVersion: a newer version wrote it, and its seal is valid.
    """
    try:
        with open_to_read(path) as file:
            about = check_seal(file) if is_newer(read_metadata(file)) else None
    except (OSError, ValueError, TypeError):
        return  # whoever reads it reports what is wrong
    _check_version(path, about)


def listed(path: Path) -> frozenset[str]:
    """Return the runs in a file: by its name, or, if it is merged, by its footer; none for a foreign file.

    Only a digest over that list is checked, not the seal: the rows are not read.

    Raises:
        FileNotFoundError: it no longer exists.
        FileError: it could not be read, the list is damaged, or a newer version wrote it.
    """
    if RUN_ID.fullmatch(path.stem):
        return frozenset({path.stem})
    if not is_merged(path):
        return frozenset()
    try:
        with open_to_read(path) as file:
            about = read_metadata(file)
        if is_newer(about):
            check_version(path)
        whole = _named(path, about)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FileError(f"{path} could not be read: {error.strerror}", ADVICE) from error
    except (ValueError, TypeError):
        whole = False
    if not whole:  # guard: a list of runs is checked before it is used
        raise _damaged(path)
    return frozenset(about["runs"])


def merged(kind: str, runs: Sequence[RunSegment]) -> tuple[str, bytes]:
    """Merge the segments of several runs into one file; return its name and its bytes.

    The rows stay in the order of the runs and of their files, so that a run is one slice, and values that repeat from
    run to run are at an even distance, which compresses well.
    """
    tables = [run.table() for run in runs]
    entries = {}
    for run, table in zip(runs, tables, strict=True):
        entry = {name: value for name, value in run.about.items() if name not in _OWN}
        if run.begin is None:
            entry |= {"sha256": run.sha256, "rows": table.num_rows, "rows_sha256": rows_sha256(table)}
        entries[run.about["run_id"]] = entry
    about = {"kind": kind, "schema_version": schema.SCHEMA_VERSION, "runs": entries}
    body = write_checksummed(conformed(pa.concat_tables(tables), ARROW[kind]), about, repeated(kind, len(runs)))
    return merged_name(entries), body


def is_newer(about: Mapping[str, Any]) -> bool:
    """Return whether a newer version wrote a file with this metadata."""
    version = about.get("schema_version")
    return isinstance(version, int) and version > schema.SCHEMA_VERSION


def _check_version(path: Path, about: Mapping[str, Any] | None) -> None:
    if about is not None and is_newer(about):
        raise NewerVersion(path, about["schema_version"], schema.SCHEMA_VERSION)


def belongs(kind: str, path: Path, about: Mapping[str, Any]) -> bool:
    """Return whether a file with this metadata is of a kind, and has the right name and month."""
    return about.get("kind") == kind and _named(path, about)


def _named(path: Path, about: Mapping[str, Any]) -> bool:
    """Return whether a file has the right name and month."""
    if "runs" not in about:
        return bool(about.get("run_id") == path.stem)
    here = {path.parent.name} >= months_of(about["runs"])
    return path.name == merged_name(about["runs"]) and here


def _damaged(path: Path) -> FileError:
    return FileError(f"{path} is damaged: its content is not what was written", ADVICE)
