"""Metadata of a history beside its tables: records of pruned runs, and baselines.

On a full disk the record of a pruning takes the place of a file that is removed. The observations file of the first
run is renamed to ``_tmp/RUN.SHA256.pruned``, a name that is a record by itself; then the record of more runs is written
over its bytes. A merged file whose runs are all pruned is renamed to ``_tmp/merged-DIGEST.pruned``, and is their record
as it is. So there is a record at each moment, and it needs neither a new block nor a new file.
"""

import errno
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from inventory.errors import FileError
from inventory.filesystem.listing import names
from inventory.filesystem.regular_files import open_regular
from inventory.filesystem.temporary_files import NO_ROOM, sync_folder, to_disk
from inventory.filesystem.write_once import make_folders, write_new
from inventory.history.storage.data_file import ADVICE
from inventory.history.storage.file_names import is_merged
from inventory.history.storage.record_files import is_foreign, merged_runs, read_record, record_text
from inventory.run_ids import RUN_ID

RUN_LOG = "runs.jsonl"
"""The name of the run log."""

_MARKER = re.compile(rf"(?P<run_id>{RUN_ID.pattern})\.(?P<sha256>[0-9a-f]{{64}})\.pruned")


class NoRoom(FileError):
    """A file of a history could not be written because the disk, or the user's quota, is full."""


class HistoryMetadata:
    """The metadata of one history, and the way in which a file is written into it.

    Args:
        folder: created, readable by its owner only, when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def workshop(self) -> Path:
        """The folder in which files are written before they are published."""
        return self.folder / "_tmp"

    def pruned(self) -> dict[str, str]:
        """Read which runs were pruned, with the SHA-256 of their observations files.

        Raises:
            FileError: a record of a pruning is damaged.
        """
        return {run_id: digest for _, runs in self._valid_records("pruned") for run_id, digest in runs.items()}

    def record_pruned(self, runs: Mapping[str, str]) -> None:
        """Record which runs are about to be removed, so that the chain of runs can still be followed.

        Raises:
            FileError: it could not be written.
        """
        self.publish(self._record_path(runs), record_text(runs))

    def record_in_place(self, runs: Mapping[str, str], file: Path) -> list[str]:
        """Record as ``record_pruned`` does, but without free space: over a file that is removed.

        Args:
            runs: as for ``record_pruned``.
            file: the observations file of one of them, larger than the record of one run.

        Returns:
            The runs that are recorded: that one, and as many more as its file has room for.

        Raises:
            OSError: it could not be done.
        """
        first = file.stem
        marker = self.workshop / f"{first}.{runs[first]}.pruned"
        room = file.stat().st_size
        batch = [first]
        for run_id in runs:
            if run_id != first and len(record_text({name: runs[name] for name in [*batch, run_id]})) <= room:
                batch.append(run_id)
        file.rename(marker)
        sync_folder(self.workshop)
        sync_folder(file.parent)
        body = record_text({run_id: runs[run_id] for run_id in batch})
        with os.fdopen(open_regular(marker, os.O_RDWR, follow=False), "r+b") as record:
            try:
                record.write(body)
                record.truncate()
                to_disk(record)
            except OSError as error:  # a file system that never writes in place
                if error.errno not in NO_ROOM:
                    raise
                os.truncate(record.fileno(), 0)
                batch = [first]
        return batch

    def record_by_moving(self, file: Path) -> None:
        """Record that all runs of a merged observations file are removed, without free space: it becomes the record.

        Raises:
            OSError: it could not be done.
        """
        file.rename(self.workshop / f"{file.stem}.pruned")
        sync_folder(self.workshop)
        sync_folder(file.parent)

    def settle_records(self) -> None:
        """Move the records that were written without free space to their folder, if there is space now."""
        for marker, runs in self._temporary_records().items():
            with suppress(OSError, FileError):
                if read_record(marker) is None:
                    self.record_pruned(runs)
                    marker.unlink()
                    continue
                target = self._record_path(runs)
                self.make_folder(target.parent)
                marker.rename(target)
                sync_folder(target.parent)
                sync_folder(marker.parent)

    def _record_path(self, runs: Mapping[str, str]) -> Path:
        return self.folder / "pruned" / f"{max(runs)}-{secrets.token_hex(2)}.json"

    def _temporary_records(self) -> dict[Path, dict[str, str]]:
        """Return the records in ``_tmp``: the runs in the name of each, and in its content."""
        marked = {}
        for path in [self.workshop / name for name in names(self.workshop) if name.endswith(".pruned")]:
            if name := _MARKER.fullmatch(path.name):
                marked[path] = {name["run_id"]: name["sha256"]} | (read_record(path) or {})
            elif is_merged(path) and (runs := merged_runs(path)):
                marked[path] = runs
        return marked

    def retired(self) -> list[tuple[str, str]]:
        """List the servers that were retired by name, each with the newest run at that time.

        Raises:
            FileError: a record is damaged.
        """
        return sorted({entry for _, runs in self._valid_records("retired") for entry in runs.items()})

    def record_retired(self, servers: Iterable[str], run_id: str) -> None:
        """Record that servers are retired from a run on, until they are asked again.

        Raises:
            FileError: it could not be written.
        """
        path = self.folder / "retired" / f"{run_id}-{secrets.token_hex(2)}.json"
        self.publish(path, record_text(dict.fromkeys(servers, run_id)))

    def baseline_path(self, name: str) -> Path:
        """Return the path of a baseline, which need not exist."""
        return self.folder / "baselines" / f"{name}.txt"

    def records(self, kind: str) -> dict[Path, dict[str, str] | None]:
        """Return the runs in each small file of a kind, ``pruned`` or ``baselines``; None for a file that is damaged.

        Files that are none of a history's are left out.
        """
        marked = self._temporary_records() if kind == "pruned" else {}  # first: records move from there to their folder
        folder = self.folder / kind
        read = {folder / name: read_record(folder / name) for name in sorted(names(folder)) if "." in name}
        return {**marked, **{path: runs for path, runs in read.items() if runs is not None or not is_foreign(path)}}

    def publish(self, path: Path, body: bytes) -> None:
        """Write a file that must not exist yet.

        Raises:
            FileError: it could not be written, or exists already.
        """
        self.make_folder(self.workshop)
        try:
            while True:
                self.make_folder(path.parent)
                with suppress(FileNotFoundError):  # its month is being compacted
                    return write_new(path, body, self.workshop)
        except OSError as error:
            raise not_written(path, error) from error

    def make_folder(self, folder: Path) -> None:
        """Create a folder of the history, if it does not exist.

        Raises:
            FileError: it could not be created.
        """
        try:
            make_folders(self.folder, folder)
        except OSError as error:
            if error.errno == errno.ELOOP:
                what = f"{error.filename} could not be written to: {error.strerror}"
                raise FileError(what, "Replace the link by the folder itself, or remove it") from error
            kind = NoRoom if error.errno in NO_ROOM else FileError
            raise kind(
                f"the history {self.folder} could not be written: {error.strerror}",
                "Give another folder with --history DIR, or none with --no-history",
            ) from error

    def not_pruned(self, error: OSError) -> FileError:
        """Return the error for a history that could not be pruned or merged."""
        inside = str(error.filename).startswith(str(self.folder))  # else it is a name inside a folder that is removed
        path = error.filename if inside else f"the history {self.folder}"
        what = f"{path} could not be written: {error.strerror or error}"
        if error.errno in NO_ROOM:
            return NoRoom(what, "The history is intact; free some space, and prune again")
        return FileError(what, "The history is intact; prune again once it is writable")

    def _valid_records(self, kind: str) -> Iterator[tuple[Path, dict[str, str]]]:
        for path, runs in self.records(kind).items():
            if runs is None:
                raise FileError(f"{path} is damaged", ADVICE)
            yield path, runs


def not_written(path: Path, error: OSError) -> FileError:
    """Return the error for a file of a history that could not be written."""
    kind = NoRoom if error.errno in NO_ROOM else FileError
    return kind(f"{path} could not be written: {error.strerror or error}", "The history is unchanged")
