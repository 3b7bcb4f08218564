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
from typing import Any, TypeVar

import pyarrow as pa

from inventory import schema
from inventory.errors import ConfigurationError, FileError
from inventory.filesystem.regular_files import is_regular
from inventory.filesystem.temporary_files import is_abandoned, remove_leftovers
from inventory.filesystem.write_once import exclusive, unlink_inside
from inventory.history.sql.all_runs import GRAIN_FILES
from inventory.history.storage.checksum import write_checksummed
from inventory.history.storage.data_file import (
    ADVICE,
    ARROW,
    KINDS,
    RunSegment,
    check_version,
    file_status,
    listed,
    locate_runs,
    month_of,
    opened,
)
from inventory.history.storage.partitions import Months
from inventory.history.storage.run_markers import RunMarkers
from inventory.run_ids import RUN_ID
from inventory.tables import conformed

_LOCK = "prune.lock"
_Read = TypeVar("_Read")

_MANY = 1000  # rows of models from which on many values stand many times; few would only pay for a dictionary


class Store(RunMarkers):
    """The folder of one history.

    Args:
        folder: created, readable by its owner only, when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.months = Months(folder)
        self._checked: dict[Path, tuple[object, int]] = {}  # the status of each, and its schema version
        self._listed: dict[Path, tuple[object, frozenset[str]]] = {}  # the same, and the runs in it
        self._last: tuple[Path, object, Mapping[str, RunSegment]] | None = None  # the merged file that was read last
        self._newest: Path | None = None  # the newest run's file, once its version was found to be known

    def where(self, kind: str, run_ids: Iterable[str] | None = None) -> dict[str, Path]:
        """Return the file of one kind that holds each run, of all runs or of the months of some.

        Raises:
            FileError: the run list of a merged file is damaged.
        """
        months = None if run_ids is None else {month_of(run_id) for run_id in run_ids}
        while True:
            try:
                contents = {path: self._runs_in(path) for path in self.months.files(kind, months)}
            except FileNotFoundError:
                continue  # it was just replaced
            return locate_runs(contents)

    def run_ids(self) -> list[str]:
        """List the ids of all recorded runs, oldest first: the observations file is the commit.

        Raises:
            FileError: the run list of a merged file is damaged, or a newer version records here.
        """
        where = self.where("observations")
        runs = sorted(where)
        if runs and (newest := where[runs[-1]]) != self._newest:
            check_version(newest)  # an older version must not write into a newer history
            self._newest = newest
        return runs

    def holding(self) -> set[str]:
        """List the runs of which at least one file with responses exists.

        Raises:
            FileError: the run list of a merged file is damaged.
        """
        return {run_id for kind in KINDS[1:] for run_id in self.where(kind)}

    def read(self, kind: str, run_id: str) -> RunSegment:
        """Read a run's rows of one kind, and check the seal of the file.

        Raises:
            FileError: it is missing or damaged.
        """
        path = self.path(kind, run_id)
        if path.exists():
            return opened(kind, path)[run_id]
        path = self.where(kind, [run_id]).get(run_id, path)
        status = file_status(path)
        if self._last is None or self._last[:2] != (path, status):
            self._last = path, status, opened(kind, path)
        return self._last[2][run_id]

    def checked(self, kind: str, run_ids: Iterable[str]) -> tuple[list[Path], pa.Table | None]:
        """Return the paths of the files that hold some runs, after checking their seals.

        They may hold other runs too.

        Returns:
            The paths, and, if a version with other columns wrote one of them, an empty table with this version's.

        Raises:
            FileError: one is missing or damaged.
        """
        where = self.where(kind, run_ids := set(run_ids))
        paths = sorted({where.get(run_id) or self.path(kind, run_id) for run_id in run_ids})
        for path in paths:
            status = file_status(path)
            checked, _ = self._checked.get(path, (None, 0))
            if status is None or checked != status:  # guard: a file that changed is checked again
                version = next(iter(opened(kind, path).values())).file.about["schema_version"]
                self._checked[path] = status, version
        mixed = any(self._checked[path][1] != schema.SCHEMA_VERSION for path in paths)
        return paths, pa.Table.from_batches([], ARROW[kind]) if mixed else None

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
        repeated = table.column_names if kind in GRAIN_FILES and table.num_rows >= _MANY else ()
        body = write_checksummed(conformed(table, ARROW[kind]), metadata, repeated)
        self.publish(path, body)
        return sha256(body).hexdigest()

    def baselines(self) -> dict[str, str]:
        """Read the baselines: run ids by name.

        Raises:
            FileError: one is damaged, or names a missing run.
        """
        recorded, baselines = set(self.run_ids()), super().baselines()
        for name, run_id in baselines.items():
            if run_id not in recorded:  # guard: a baseline of a run that is there
                path = self.baseline_path(name)
                raise FileError(f"{path} names a run that is missing: {run_id}", ADVICE)
        return baselines

    def save_baseline(self, name: str, run_id: str) -> None:
        """Save a run as a baseline under a name.

        Raises:
            ConfigurationError: the name is malformed, or is another run's.
            FileError: it could not be written, or the run was pruned meanwhile.
        """
        super().save_baseline(name, run_id)
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

    def remove(self, kind: str, run_id: str) -> None:
        """Remove a run's own file of one kind if it exists; errors as ``remove_file``."""
        self.remove_file(self.path(kind, run_id))

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
    def exclusive(self) -> Iterator[None]:
        """Prune or merge alone; the leftovers of a killed process are recovered first.

        Raises:
            FileError: another process prunes, or a file could not be moved or removed.
        """
        self.make_folder(self.workshop)
        try:
            with exclusive(self.workshop / _LOCK):
                remove_leftovers(self.workshop, "")
                self.months.recover()
                self.settle_records()
                try:
                    yield
                finally:
                    self.months.recover()
                    self.settle_records()
        except BlockingIOError as error:
            raise FileError(
                f"the history {self.folder} is being pruned by another process", "Try again once it has ended"
            ) from error
        except OSError as error:
            raise self.not_pruned(error) from error

    def _runs_in(self, path: Path) -> frozenset[str]:
        if RUN_ID.fullmatch(path.stem):
            return frozenset({path.stem})
        status = file_status(path)
        if self._listed.get(path, (None,))[0] != status or status is None:
            self._listed[path] = status, listed(path)
        return self._listed[path][1]
