"""The files of a history: written once, sealed, published without overwriting.

Every file carries in its footer the SHA-256 of its own bytes (its *seal*, counted with zeros in its place), the run it
belongs to and its kind, so that a flipped bit, a truncation and a file under another's name are all found before any
of it is used. An observations file also carries the SHA-256 of its run's other files and of the run before.
"""

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from inventory import queries, schema
from inventory.errors import ConfigurationError, FileError
from inventory.files import is_left, make_folders, publish_once, sign, state, sweep
from inventory.seal import sealed, unsealed
from inventory.snapshot import arrow_schema

KINDS = ("observations", "payloads", "models", "instances")
RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{4}")

ARROW = {
    "payloads": pa.schema(
        [(name, pa.string()) for name in ("digest", "stored_in", "payload_digest")]
        + [("body", pa.large_binary()), ("fields", pa.string())]
    ),
    **{
        table.name: pa.schema([field.remove_metadata() for field in arrow_schema(table)], arrow_schema(table).metadata)
        for table in (schema.OBSERVATIONS, *queries.GRAIN_FILES.values())
    },
}
"""Types, and what pandas needs; without the meanings, which would be most of a small file."""


@dataclass(frozen=True)
class Sealed:
    """One file that was read and whose seal is whole."""

    path: Path
    body: bytes
    about: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole file."""
        return sha256(self.body).hexdigest()

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """The table in it, with the columns of this version: one that it lacks is null."""
        told = parquet.ParquetFile(pa.BufferReader(self.body)).read(columns)
        for field in [ARROW[self.about["kind"]].field(name) for name in columns or ARROW[self.about["kind"]].names]:
            if field.name not in told.column_names:
                told = told.append_column(field, pa.nulls(told.num_rows, field.type))
        return told.select(columns or ARROW[self.about["kind"]].names)


class Store:
    """The folder of one history.

    Args:
        folder: made, readable by its owner only, when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._checked: dict[Path, tuple[object, int]] = {}  # how each looked, and its schema version

    def path(self, kind: str, run_id: str) -> Path:
        """Where a run's file of one kind is or would be."""
        return self.folder / kind / f"month={run_id[:4]}-{run_id[4:6]}" / f"{run_id}.parquet"

    def run_ids(self) -> list[str]:
        """The ids of all recorded runs, oldest first: the observations file is the commit."""
        found = (path.stem for path in (self.folder / "observations").glob("month=*/*.parquet"))
        return sorted(name for name in found if RUN_ID.fullmatch(name))

    def holding(self) -> set[str]:
        """The runs of which at least one file with answers is here."""
        return {path.stem for kind in KINDS[1:] for path in (self.folder / kind).glob("month=*/*.parquet")}

    def read(self, kind: str, run_id: str) -> Sealed:
        """Read one file and check its seal.

        Raises:
            FileError: it is missing or damaged.
        """
        path = self.path(kind, run_id)
        try:
            body = path.read_bytes()
        except OSError as error:
            raise FileError(f"{path} could not be read: {error.strerror}", _ADVICE) from error
        about = unsealed(body)
        if about is None or (about.get("kind"), about.get("run_id")) != (kind, run_id):
            raise FileError(f"{path} is damaged: it is not what was written under this name", _ADVICE)
        return Sealed(path, body, about)

    def checked(self, kind: str, run_ids: Iterable[str]) -> tuple[list[Path], pa.Table | None]:
        """The paths of the files of several runs, once their seals have been found whole.

        Returns:
            The paths, and, if a version with other columns wrote one of them, an empty table with this version's.

        Raises:
            FileError: one is missing or damaged.
        """
        paths = [self.path(kind, run_id) for run_id in sorted(set(run_ids))]
        for path in paths:
            if (look := state(path)) is None or self._checked.get(path, (None, 0))[0] != look:
                version = self.read(kind, path.stem).about["schema_version"]
                self._checked[path] = look, version
        mixed = any(self._checked[path][1] != schema.SCHEMA_VERSION for path in paths)
        return paths, ARROW[kind].empty_table() if mixed else None

    def write(self, kind: str, run_id: str, table: pa.Table, **about: Any) -> str:
        """Publish one file; returns its SHA-256.

        Raises:
            FileError: it could not be written, or is there already.
        """
        path = self.path(kind, run_id)
        told = {"kind": kind, "schema_version": schema.SCHEMA_VERSION, "run_id": run_id, **about}
        body = sealed(table.cast(ARROW[kind]), told)
        self._publish(path, body)
        return sha256(body).hexdigest()

    @property
    def workshop(self) -> Path:
        """Where files are written before they are published."""
        return self.folder / "_tmp"

    @contextmanager
    def begun(self, run_id: str) -> Iterator[None]:
        """Tell other processes that this run is being written, so that they leave its files and what it needs alone.

        Raises:
            FileError: the sign could not be put up.
        """
        self._make(self.workshop)
        path = self.workshop / f"{run_id}.run"
        try:
            file = sign(path)
        except OSError as error:
            raise _not_written(path, error) from error
        with file:
            try:
                yield
            finally:
                with suppress(OSError):
                    path.unlink()

    def writing(self) -> set[str]:
        """The runs that are being written now, or were until a moment ago."""
        return {path.stem for path in self.workshop.glob("*.run") if not is_left(path)}

    def tidy(self) -> None:
        """Remove what runs that were killed have left: temporary files, and files of a run that was never committed.

        The order keeps a run that is being written safe: its sign is there before its first file, and until its commit.
        """
        sweep(self.workshop, "")
        files = [path for kind in KINDS[1:] for path in (self.folder / kind).glob("month=*/*.parquet")]
        signs = {path: is_left(path) for path in self.workshop.glob("*.run")}
        alive = {path.stem for path, dead in signs.items() if not dead}
        runs = set(self.run_ids()) | self.pruned().keys()  # what a pruned run stored may still be pointed at
        left = [path for path in files if RUN_ID.fullmatch(path.stem) and path.stem not in runs | alive]
        for path in [*left, *(path for path, dead in signs.items() if dead)]:
            with suppress(OSError):  # another run sweeps too, or the next one will
                path.unlink()

    def pruned(self) -> dict[str, str]:
        """The runs that were removed, with the SHA-256 of their observations files.

        Raises:
            FileError: a record of a pruning is damaged.
        """
        return {run_id: digest for _, runs in self._whole("pruned") for run_id, digest in runs.items()}

    def record_pruned(self, runs: Mapping[str, str]) -> None:
        """Write down which runs are about to be removed, so that the chain can still be followed.

        Raises:
            FileError: it could not be written.
        """
        body = json.dumps({"runs": dict(runs), "sha256": _sum(runs)}, indent=1).encode()
        self._publish(self.folder / "pruned" / f"{max(runs)}-{secrets.token_hex(2)}.json", body)

    def remove(self, kind: str, run_id: str) -> None:
        """Remove one file, if it is there.

        Raises:
            FileError: it could not be removed.
        """
        path = self.path(kind, run_id)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise FileError(f"{path} could not be removed: {error.strerror}", "Prune again when it can") from error

    def baselines(self) -> dict[str, str]:
        """The frozen baselines: run ids by name.

        Raises:
            FileError: one is damaged, or names a run that is not there.
        """
        there, found = set(self.run_ids()), {}
        for path, runs in self._whole("baselines"):
            for run_id in runs:
                if run_id not in there:  # a flipped bit may well make another id
                    raise FileError(f"{path} names a run that is missing: {run_id}", _ADVICE)
                found[path.stem] = run_id
        return found

    def noted(self, kind: str) -> dict[Path, dict[str, str] | None]:
        """The runs in each small file of a kind, ``pruned`` or ``baselines``; None for a file that is damaged."""
        return {path: _noted(path) for path in sorted((self.folder / kind).glob("*.*"))}

    def freeze(self, name: str, run_id: str) -> None:
        """Freeze a run under a name, for good.

        Raises:
            ConfigurationError: the name cannot be one, or is taken by another run.
            FileError: it could not be written.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
            raise ConfigurationError(f"a baseline's name cannot be {name!r}", "Use letters, digits, dots and dashes")
        frozen = self.baselines().get(name)
        if frozen is None:
            self._publish(self.folder / "baselines" / f"{name}.txt", f"{run_id}\n".encode())
        elif frozen != run_id:
            raise ConfigurationError(f"the baseline {name} is frozen already, at {frozen}", "Choose another name")

    def _whole(self, kind: str) -> Iterator[tuple[Path, dict[str, str]]]:
        for path, runs in self.noted(kind).items():
            if runs is None:
                raise FileError(f"{path} is damaged", _ADVICE)
            yield path, runs

    def _publish(self, path: Path, body: bytes) -> None:
        self._make(self.workshop)
        self._make(path.parent)
        try:
            publish_once(path, body, self.workshop)
        except OSError as error:
            raise _not_written(path, error) from error

    def _make(self, folder: Path) -> None:
        try:
            make_folders(self.folder, folder)
        except OSError as error:
            raise FileError(
                f"the history {self.folder} could not be written: {error.strerror}",
                "Give another folder with --history DIR, or none with --no-history",
            ) from error


def _noted(path: Path) -> dict[str, str] | None:
    """The runs in the record of a pruning, with their digests, or in a baseline; None if it is damaged."""
    try:
        if path.suffix != ".json":
            run_id = path.read_text().removesuffix("\n")
            return {run_id: ""} if RUN_ID.fullmatch(run_id) else None
        record = json.loads(path.read_bytes())
        return dict(record["runs"]) if record["sha256"] == _sum(record["runs"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _not_written(path: Path, error: OSError) -> FileError:
    return FileError(f"{path} could not be written: {error.strerror or error}", "The history is as it was before")


def _sum(runs: Mapping[str, str]) -> str:
    return sha256(json.dumps(dict(runs), sort_keys=True).encode()).hexdigest()


_ADVICE = "See what else is wrong with: lms-inventory verify"
