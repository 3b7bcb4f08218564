"""The data files of a history: written once, with a checksum, never overwritten.

Every file has in its footer the SHA-256 of its own bytes (its *seal*), its run and its kind, so that a flipped bit, a
truncation and a file under another's name are found before it is used. An observations file also has the SHA-256 of its
run's other files and of the run before. The rows of a run are in a file of its own, or in a merged one of its month.
"""

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from inventory import schema
from inventory.errors import ConfigurationError, FileError
from inventory.filesystem.listing import file_status
from inventory.filesystem.names import no_name
from inventory.filesystem.regular_files import is_regular
from inventory.filesystem.temporary_files import is_abandoned, remove_leftovers
from inventory.filesystem.write_once import exclusive, unlink_inside
from inventory.history.storage.checked_files import CheckedFiles
from inventory.history.storage.checksum import write_checksummed
from inventory.history.storage.data_file import (
    ADVICE,
    ARROW,
    KINDS,
    RunSegment,
    check_version,
    listed,
    opened,
    repeated,
)
from inventory.history.storage.file_names import is_merged, months_of, stem_of
from inventory.history.storage.mirrors import address_of
from inventory.history.storage.partitions import Months, locate_runs
from inventory.history.storage.record_files import BASELINE_NAME, baseline_text
from inventory.history.storage.run_markers import RunMarkers
from inventory.run_ids import RUN_ID
from inventory.tables import conformed

if TYPE_CHECKING:
    from inventory.history.engines import Files

_LOCK = "prune.lock"
_Read = TypeVar("_Read")

_MANY = 1000  # rows from which on many values stand many times; few would only pay for a dictionary


class Store(RunMarkers):
    """The folder of one history.

    Args:
        folder: created, readable by its owner only, when the first file is written.

    Attributes:
        address: of the store whose mirror this is, from which engines may read; empty if it is no mirror.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.address = address_of(folder)
        self.months = Months(folder)
        self._files = CheckedFiles()
        self._listed: dict[str, tuple[object, list[str]]] = {}  # the status of each, and the runs in it, oldest first
        self._last: tuple[Path, object, Mapping[str, RunSegment]] | None = None  # the merged file that was read last
        self._newest: str | None = None  # the newest run's file, once its version was found to be known

    def where(self, kind: str, run_ids: Iterable[str] | None = None) -> dict[str, Path]:
        """Return the file of one kind that holds each run, of all or of the months of some; errors as ``run_ids``."""
        return {run_id: Path(path) for run_id, path in self._located(kind, run_ids).items()}

    def _located(self, kind: str, run_ids: Iterable[str] | None = None) -> dict[str, str]:
        """Return what ``where`` does, as texts."""
        months = None if run_ids is None else months_of(run_ids)
        while True:
            paths = self.months.files(kind, months)
            own = {run_id: path for path in paths if RUN_ID.fullmatch(run_id := stem_of(path))}
            others = [path for path in paths if stem_of(path) not in own]
            try:
                return locate_runs(own, {path: runs for path in others if (runs := self._runs_in(path))})
            except FileNotFoundError:
                continue  # it was just replaced

    def run_ids(self) -> list[str]:
        """List the ids of all recorded runs, oldest first: the observations file is the commit.

        Raises:
            FileError: the run list of a merged file is damaged, or a newer version records here.
        """
        where = self._located("observations")
        runs = sorted(where)
        if runs and (newest := where[runs[-1]]) != self._newest:
            check_version(Path(newest))  # an older version must not write into a newer history
            self._newest = newest
        return runs

    def holding(self) -> set[str]:
        """List the runs of which at least one file with responses exists; errors as ``where``."""
        return {run_id for kind in KINDS[1:] for run_id in self._located(kind)}

    def read(self, kind: str, run_id: str) -> RunSegment:
        """Read a run's rows of one kind, and check the seal of the file.

        Raises:
            FileError: it is missing or damaged.
        """
        path = self.path(kind, run_id)
        if not path.exists():
            path = Path(self._located(kind, [run_id]).get(run_id, path))
        return self._read(kind, run_id, path)

    def read_all(self, kind: str, run_ids: Iterable[str]) -> Iterator[RunSegment]:
        """Read the rows of many runs, one run after the other; errors as ``read``."""
        where = self._located(kind, run_ids := list(run_ids))
        return (self._read(kind, run_id, Path(where.get(run_id) or self.path(kind, run_id))) for run_id in run_ids)

    def _read(self, kind: str, run_id: str, path: Path) -> RunSegment:
        """Read a run's rows from a file; a merged one is read once for its runs."""
        if not is_merged(path):
            return opened(kind, path)[run_id]
        status = file_status(path)
        if self._last is None or self._last[:2] != (path, status):
            self._last = path, status, opened(kind, path)
        return self._last[2][run_id]

    def checked(self, kind: str, run_ids: Iterable[str]) -> "Files":
        """Check the seals of the files that hold some runs, and read those that are small.

        They may hold other runs too.

        Returns:
            The paths of the large files; and the rows of the small ones, with this version's columns. The table is
            there too, empty, if a version with other columns wrote a large file.

        Raises:
            FileError: one is missing or damaged.
        """
        where = self._located(kind, run_ids := set(run_ids))
        paths = {where.get(run_id) or str(self.path(kind, run_id)) for run_id in run_ids}
        return self._files.checked(kind, sorted(paths))

    def listing(self, kinds: Iterable[str] = ("observations",)) -> Callable[[], bool]:
        """Note the files of some kinds; return a function that tells whether all are still in place."""
        months, files = self.months.partitions(), [(kind, set(self.months.files(kind))) for kind in kinds]
        return lambda: (
            self.months.partitions() == months and all(set(self.months.files(kind)) >= before for kind, before in files)
        )

    def retry_if_changed(self, reading: Callable[[], _Read]) -> _Read:
        """Return what a function reads; call it again if files that it needed were merged or pruned meanwhile.

        Raises:
            FileError: the function raises it, and no file was moved.
        """
        while True:
            is_unchanged = self.listing()
            try:
                return reading()
            except FileError:
                if is_unchanged():
                    raise

    def write(self, kind: str, run_id: str, table: pa.Table, **about: Any) -> str:
        """Write one file; return its SHA-256.

        Raises:
            FileError: it could not be written, or exists already.
        """
        path = self.path(kind, run_id)
        metadata = {"kind": kind, "schema_version": schema.SCHEMA_VERSION, "run_id": run_id, **about}
        columns = repeated(kind, 1) if table.num_rows >= _MANY else ()
        body = write_checksummed(conformed(table, ARROW[kind]), metadata, columns)
        self.publish(path, body)
        return sha256(body).hexdigest()

    def baselines(self) -> dict[str, str]:
        """Read the baselines: run ids by name.

        Raises:
            FileError: one is damaged, or names a missing run.
        """
        recorded, baselines = set(self.run_ids()), {}
        for path, runs in self._valid_records("baselines"):
            for run_id in runs:
                if run_id not in recorded:  # guard: a baseline of a run that is there
                    raise FileError(f"{path} names a run that is missing: {run_id}", ADVICE)
                baselines[path.stem] = run_id
        return baselines

    def save_baseline(self, name: str, run_id: str) -> None:
        """Save a run as a baseline under a name.

        Raises:
            ConfigurationError: the name is malformed, or is another run's.
            FileError: it could not be written, or the run was pruned meanwhile.
        """
        if not BASELINE_NAME.fullmatch(name) or no_name(name):
            raise ConfigurationError(f"a baseline's name cannot be {name!r}", "Use letters, digits, dots and dashes")
        known = self.baselines()
        if known.get(name, run_id) != run_id:
            raise ConfigurationError(
                f"the baseline {name} exists already, for run {known[name]}",
                f"Choose another name, or remove it: lms-inventory baseline remove {name}",
            )
        if name not in known:
            self.publish(self.baseline_path(name), baseline_text(name, run_id))
        if run_id not in self.run_ids():
            with suppress(OSError):
                self.baseline_path(name).unlink()
            raise FileError(f"the run {run_id} has just been pruned", "Choose another: lms-inventory history")

    def remove_baseline(self, name: str) -> str:
        """Remove a baseline, also a damaged one; return its run, empty if that cannot be read.

        Raises:
            ConfigurationError: there is none of that name.
            FileError: it could not be removed.
        """
        known = {path.stem: (path, runs) for path, runs in self.records("baselines").items()}
        if name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            advice = f"Did you mean {near[0]!r}? " if near else ""
            raise ConfigurationError(
                f"there is no baseline {name!r}", f"{advice}There are: {', '.join(known) or 'none'}"
            )
        path, runs = known[name]
        self.remove_file(path)
        return next(iter(runs or {}), "")

    def clean_up(self) -> None:
        """Remove the leftovers of killed runs: temporary files, and files of a run that was never committed.

        Only a marker shows that a run was never committed: a file without one may belong to a history whose
        observations were lost, or are still being copied.
        """
        self.make_folder(self.workshop)  # refused if it is a link
        remove_leftovers(self.workshop, "")
        if self.months.needs_recovery or is_regular(self.workshop / _LOCK) or self._temporary_records():
            with suppress(FileError), self.exclusive():  # unless another process merges
                pass
        markers = [self.workshop / f"{run_id}.run" for run_id in self.markers()]
        markers = [path for path in markers if is_abandoned(path)]  # guard: a run that is being written is not swept
        if markers:
            recorded = set(self.run_ids()) | self.pruned().keys()  # runs may still refer to what it stored
            for path in markers:
                with suppress(OSError):  # another run removes it too, or the next one will
                    path.unlink() if path.stem in recorded else self._remove_run(path)

    def remove_file(self, path: Path) -> None:
        """Remove one file if it exists.

        Raises:
            FileError: it could not be removed.
        """
        try:
            unlink_inside(self.folder, path)
        except OSError as error:
            where = error.filename if error.errno == errno.ELOOP else path
            raise FileError(f"{where} could not be removed: {error.strerror}", "Try again once it can be") from error

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Prune or merge alone; the leftovers of a killed process are recovered first.

        Yields whether that is certain: a share without locks keeps nobody out.

        Raises:
            FileError: another process prunes, or a file could not be moved or removed.
        """
        self.make_folder(self.workshop)
        try:
            with exclusive(self.workshop / _LOCK) as is_locked:
                remove_leftovers(self.workshop, "")
                self.months.recover()
                self.settle_records()
                try:
                    yield is_locked
                finally:
                    self.months.recover()
                    self.settle_records()
        except BlockingIOError as error:
            raise FileError(
                f"the history {self.folder} is being pruned by another process", "Try again once it has ended"
            ) from error
        except OSError as error:
            raise self.not_pruned(error) from error

    def _runs_in(self, path: str) -> list[str]:
        """Return the runs in a merged file, oldest first, so that all are soon in order; none in a foreign one."""
        status = file_status(path)
        if self._listed.get(path, (None,))[0] != status or status is None:
            self._listed[path] = status, sorted(listed(Path(path)))
        return self._listed[path][1]
