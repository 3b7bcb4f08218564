"""The small text files of a history beside its tables: which runs were pruned, and which were frozen as baselines.

On a full disk the record of a pruning takes the place of a file that goes. The observations file of the first run is
renamed to ``_tmp/RUN.SHA256.pruned``, a name that is a record by itself; then the record of more runs is written over
its bytes. A merged file of which all runs go is renamed to ``_tmp/merged-DIGEST.pruned``, and is the record of them as
it is. So there is a record at each moment, and neither a block nor a file is needed that was not there.
"""

import errno
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from inventory.errors import ConfigurationError, FileError
from inventory.filesystem.listing import names
from inventory.filesystem.names import no_name
from inventory.filesystem.regular_files import open_regular, read_regular
from inventory.filesystem.temporary_files import NO_ROOM, sync_folder, to_disk
from inventory.filesystem.write_once import make_folders, write_new
from inventory.history.storage.checksum import read_verified
from inventory.history.storage.data_file import ADVICE, is_merged
from inventory.run_ids import RUN_ID

_BASELINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RECORD = re.compile(RUN_ID.pattern + r"-[0-9a-f]{4}\.json")
_MARKER = re.compile(rf"(?P<run_id>{RUN_ID.pattern})\.(?P<sha256>[0-9a-f]{{64}})\.pruned")


class NoRoom(FileError):
    """A file of a history could not be written because the disk is full, or the user's share of it."""


class HistoryMetadata:
    """The notes in the folder of one history, and how a file gets into it.

    Args:
        folder: made, readable by its owner only, when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def workshop(self) -> Path:
        """Where files are written before they are published."""
        return self.folder / "_tmp"

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
        self.publish(self._record_path(runs), _record(runs))

    def record_in_place(self, runs: Mapping[str, str], file: Path) -> list[str]:
        """Write down as ``record_pruned`` does, without any room: over a file that goes.

        Args:
            runs: as for ``record_pruned``.
            file: the observations file of one of them, of which more bytes are there than of the record of one run.

        Returns:
            The runs that are recorded: that one, and as many more as there is room for in its file.

        Raises:
            OSError: it could not be done.
        """
        first = file.stem
        marker = self.workshop / f"{first}.{runs[first]}.pruned"
        room = file.stat().st_size
        batch = [first]
        for run_id in runs:
            if run_id != first and len(_record({name: runs[name] for name in [*batch, run_id]})) <= room:
                batch.append(run_id)
        file.rename(marker)
        sync_folder(self.workshop)
        sync_folder(file.parent)
        body = _record({run_id: runs[run_id] for run_id in batch})
        with os.fdopen(open_regular(marker, os.O_RDWR, follow=False), "r+b") as record:
            try:
                record.write(body)
                record.truncate()
                to_disk(record)
            except OSError as error:  # a file system that writes elsewhere what is written over something
                if error.errno not in NO_ROOM:
                    raise
                os.truncate(record.fileno(), 0)
                batch = [first]
        return batch

    def record_by_moving(self, file: Path) -> None:
        """Write down that all the runs of a merged observations file go, without any room: it becomes the record.

        Raises:
            OSError: it could not be done.
        """
        file.rename(self.workshop / f"{file.stem}.pruned")
        sync_folder(self.workshop)
        sync_folder(file.parent)

    def settle_records(self) -> None:
        """Put the records that were made without room into their place, if there is room now."""
        for marker, runs in self._marked().items():
            with suppress(OSError, FileError):
                if _noted(marker) is None:
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

    def _marked(self) -> dict[Path, dict[str, str]]:
        """The records in ``_tmp``: what the name of each says, and what it holds."""
        marked = {}
        for path in [self.workshop / name for name in names(self.workshop) if name.endswith(".pruned")]:
            if name := _MARKER.fullmatch(path.name):
                marked[path] = {name["run_id"]: name["sha256"]} | (_noted(path) or {})
            elif is_merged(path) and (runs := _merged_runs(path)):
                marked[path] = runs
        return marked

    def baselines(self) -> dict[str, str]:
        """The frozen baselines: run ids by name.

        Raises:
            FileError: one is damaged.
        """
        return {path.stem: run_id for path, runs in self._whole("baselines") for run_id in runs}

    def retired(self) -> list[tuple[str, str]]:
        """List the servers that were retired by name, each with the newest run at that time.

        Raises:
            FileError: a record is damaged.
        """
        return sorted({entry for _, runs in self._whole("retired") for entry in runs.items()})

    def record_retired(self, servers: Iterable[str], run_id: str) -> None:
        """Record that servers are retired from a run on, until they are asked again.

        Raises:
            FileError: it could not be written.
        """
        path = self.folder / "retired" / f"{run_id}-{secrets.token_hex(2)}.json"
        self.publish(path, _record(dict.fromkeys(servers, run_id)))

    def baseline_path(self, name: str) -> Path:
        """Where a frozen baseline is, or would be."""
        return self.folder / "baselines" / f"{name}.txt"

    def records(self, kind: str) -> dict[Path, dict[str, str] | None]:
        """The runs in each small file of a kind, ``pruned`` or ``baselines``; None for a file that is damaged.

        Files that are none of a history's are left out.
        """
        marked = self._marked() if kind == "pruned" else {}  # first: a record goes from there to its place
        folder = self.folder / kind
        read = {folder / name: _noted(folder / name) for name in sorted(names(folder)) if "." in name}
        return {**marked, **{path: runs for path, runs in read.items() if runs is not None or not is_foreign(path)}}

    def save_baseline(self, name: str, run_id: str) -> None:
        """Freeze a run under a name, for good.

        Raises:
            ConfigurationError: the name cannot be one, or is taken by another run.
            FileError: it could not be written.
        """
        if not _BASELINE.fullmatch(name) or no_name(name):
            raise ConfigurationError(f"a baseline's name cannot be {name!r}", "Use letters, digits, dots and dashes")
        frozen = self.baselines().get(name)
        if frozen is None:
            self.publish(self.baseline_path(name), _frozen(name, run_id))
        elif frozen != run_id:
            raise ConfigurationError(f"the baseline {name} is frozen already, at {frozen}", "Choose another name")

    def publish(self, path: Path, body: bytes) -> None:
        """Write a file that must not exist yet.

        Raises:
            FileError: it could not be written, or is there already.
        """
        self.make_folder(self.workshop)
        try:
            while True:
                self.make_folder(path.parent)
                with suppress(FileNotFoundError):  # another folder is just taking the place of its month's
                    return write_new(path, body, self.workshop)
        except OSError as error:
            raise not_written(path, error) from error

    def make_folder(self, folder: Path) -> None:
        """Make a folder of the history, if it is not there yet.

        Raises:
            FileError: it could not be made.
        """
        try:
            make_folders(self.folder, folder)
        except OSError as error:
            if error.errno == errno.ELOOP:
                what = f"{error.filename} could not be written to: {error.strerror}"
                raise FileError(what, "Put the folder itself there, or remove the link") from error
            kind = NoRoom if error.errno in NO_ROOM else FileError
            raise kind(
                f"the history {self.folder} could not be written: {error.strerror}",
                "Give another folder with --history DIR, or none with --no-history",
            ) from error

    def not_pruned(self, error: OSError) -> FileError:
        """The error for a history that could not be pruned or merged."""
        inside = str(error.filename).startswith(str(self.folder))  # else it is a name in a folder that is removed
        path = error.filename if inside else f"the history {self.folder}"
        what = f"{path} could not be written: {error.strerror or error}"
        if error.errno in NO_ROOM:
            return NoRoom(what, "What needs no room was removed, and the history is whole; make room, and prune again")
        return FileError(what, "The history is whole; prune again when it can")

    def _whole(self, kind: str) -> Iterator[tuple[Path, dict[str, str]]]:
        for path, runs in self.records(kind).items():
            if runs is None:
                raise FileError(f"{path} is damaged", ADVICE)
            yield path, runs


def _noted(path: Path) -> dict[str, str] | None:
    """The runs in the record of a pruning, with their digests, or in a baseline; None if it is damaged."""
    try:
        if path.suffix not in (".json", ".pruned"):
            body = read_regular(path)
            run_id = body.decode().partition("\n")[0]
            return {run_id: ""} if RUN_ID.fullmatch(run_id) and body == _frozen(path.stem, run_id) else None
        record = json.loads(read_regular(path))
        return dict(record["runs"]) if record["sha256"] == _sum(record["runs"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_foreign(path: Path) -> bool:
    """Tell whether a file in ``pruned`` or ``baselines`` that holds no note is none of this tool's.

    That is one of another name, and the copy of a baseline that a program made which keeps folders alike, as
    ``good-DESKTOP-1.txt``: what it holds is of ``good``.
    """
    if path.suffix == ".json":
        return not _RECORD.fullmatch(path.name)
    if path.suffix != ".txt" or not _BASELINE.fullmatch(path.stem):
        return True
    try:
        body = read_regular(path)
    except OSError:
        return False
    run_id = body.decode(errors="replace").partition("\n")[0]
    return any(body == _frozen(path.stem[:end], run_id) for end in range(1, len(path.stem)))


def _merged_runs(path: Path) -> dict[str, str]:
    """The runs in a merged observations file, with the SHA-256 of their own files; none if it is damaged."""
    try:
        about = read_verified(read_regular(path)) or {}
    except OSError:
        return {}
    return {run_id: entry["sha256"] for run_id, entry in about.get("runs", {}).items()}


def _frozen(name: str, run_id: str) -> bytes:
    """What the file of a baseline holds: the run, and a proof that it is the one frozen under this name."""
    return f"{run_id}\n{sha256(f'{name} {run_id}'.encode()).hexdigest()}\n".encode()


def not_written(path: Path, error: OSError) -> FileError:
    """The error for a file of a history that could not be written."""
    kind = NoRoom if error.errno in NO_ROOM else FileError
    return kind(f"{path} could not be written: {error.strerror or error}", "The history is as it was before")


def _record(runs: Mapping[str, str]) -> bytes:
    """What the record of a pruning holds, with a proof that it is all there."""
    return json.dumps({"runs": dict(runs), "sha256": _sum(runs)}, indent=1).encode()


def _sum(runs: Mapping[str, str]) -> str:
    return sha256(json.dumps(dict(runs), sort_keys=True).encode()).hexdigest()
