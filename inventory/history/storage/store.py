"""The files of a history: written once, sealed, published without overwriting.

Every file carries in its footer the SHA-256 of its own bytes (its *seal*, counted with zeros in its place), the run it
belongs to and its kind, so that a flipped bit, a truncation and a file under another's name are all found before any
of it is used. An observations file also carries the SHA-256 of its run's other files and of the run before. What a run
has of a kind is in a file of its own, or in one that holds many runs of its month.
"""

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from inventory import schema
from inventory.errors import FileError
from inventory.filesystem.regular_files import is_regular
from inventory.filesystem.temporary_files import is_abandoned, remove_leftovers, sync_folder
from inventory.filesystem.write_once import create_marker, exclusive, unlink_inside
from inventory.history.sql.all_runs import GRAIN_FILES
from inventory.history.storage.checksum import write_checksummed
from inventory.history.storage.data_file import (
    ADVICE,
    ARROW,
    KINDS,
    RunSegment,
    check_version,
    listed,
    locate_runs,
    month_of,
    opened,
    state,
)
from inventory.history.storage.metadata import HistoryMetadata, not_written
from inventory.history.storage.partitions import Months
from inventory.run_ids import RUN_ID
from inventory.tables import conformed

_LOCK = "prune.lock"
_Read = TypeVar("_Read")

_MANY = 1000  # rows of models from which on many values stand many times; few would only pay for a dictionary


class Store(HistoryMetadata):
    """The folder of one history.

    Args:
        folder: made, readable by its owner only, when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.months = Months(folder)
        self._checked: dict[Path, tuple[object, int]] = {}  # how each looked, and its schema version
        self._listed: dict[Path, tuple[object, frozenset[str]]] = {}  # the same, and the runs in it
        self._last: tuple[Path, object, Mapping[str, RunSegment]] | None = None  # the merged file that was read last
        self._newest: Path | None = None  # the newest run's file, once its version was found to be known

    def path(self, kind: str, run_id: str) -> Path:
        """Where a run's own file of one kind is, was or would be."""
        return self.folder / kind / month_of(run_id) / f"{run_id}.parquet"

    def where(self, kind: str, run_ids: Iterable[str] | None = None) -> dict[str, Path]:
        """The file of one kind that holds each run, of all runs or of the months of some.

        Raises:
            FileError: a merged file is damaged where it says which runs it holds.
        """
        months = None if run_ids is None else {month_of(run_id) for run_id in run_ids}
        while True:
            try:
                held = {path: self._runs_in(path) for path in self.months.files(kind, months)}
            except FileNotFoundError:
                continue  # another took its place
            return locate_runs(held)

    def run_ids(self) -> list[str]:
        """The ids of all recorded runs, oldest first: the observations file is the commit.

        Raises:
            FileError: a merged file is damaged where it says which runs it holds, or a newer version records here.
        """
        where = self.where("observations")
        runs = sorted(where)
        if runs and (newest := where[runs[-1]]) != self._newest:
            check_version(newest)  # who knows only an older way to write would mix two in one history
            self._newest = newest
        return runs

    def holding(self) -> set[str]:
        """The runs of which at least one file with answers is here.

        Raises:
            FileError: a merged file is damaged where it says which runs it holds.
        """
        return {run_id for kind in KINDS[1:] for run_id in self.where(kind)}

    def read(self, kind: str, run_id: str) -> RunSegment:
        """Read what a run has of one kind, and check the seal of the file.

        Raises:
            FileError: it is missing or damaged.
        """
        path = self.path(kind, run_id)
        if path.exists():
            return opened(kind, path)[run_id]
        path = self.where(kind, [run_id]).get(run_id, path)
        look = state(path)
        if self._last is None or self._last[:2] != (path, look):
            self._last = path, look, opened(kind, path)
        return self._last[2][run_id]

    def checked(self, kind: str, run_ids: Iterable[str]) -> tuple[list[Path], pa.Table | None]:
        """The paths of the files that hold several runs, once their seals have been found whole.

        A file that holds other runs too is among them.

        Returns:
            The paths, and, if a version with other columns wrote one of them, an empty table with this version's.

        Raises:
            FileError: one is missing or damaged.
        """
        asked = set(run_ids)
        where = self.where(kind, asked)
        paths = sorted({where.get(run_id) or self.path(kind, run_id) for run_id in asked})
        for path in paths:
            look = state(path)
            known, _ = self._checked.get(path, (None, 0))
            if look is None or known != look:  # guard: a file that changed is checked again
                version = next(iter(opened(kind, path).values())).file.about["schema_version"]
                self._checked[path] = look, version
        mixed = any(self._checked[path][1] != schema.SCHEMA_VERSION for path in paths)
        return paths, pa.Table.from_batches([], ARROW[kind]) if mixed else None

    def listing(self, kinds: Iterable[str] = ("observations",)) -> Callable[[], bool]:
        """Asked later, this tells whether all the files of some kinds that are here now still are where they are."""
        months, files = self.months.partitions(), [(kind, set(self.months.files(kind))) for kind in kinds]
        return lambda: (
            self.months.partitions() == months and all(set(self.months.files(kind)) >= had for kind, had in files)
        )

    def retry_if_changed(self, reading: Callable[[], _Read]) -> _Read:
        """What a reading gives; it is made again if meanwhile runs were merged or pruned that it was about to read.

        Raises:
            FileError: what the reading raises.
        """
        while True:
            still = self.listing()
            try:
                return reading()
            except FileError:
                if still():
                    raise

    def write(self, kind: str, run_id: str, table: pa.Table, **about: Any) -> str:
        """Publish one file; returns its SHA-256.

        Raises:
            FileError: it could not be written, or is there already.
        """
        path = self.path(kind, run_id)
        told = {"kind": kind, "schema_version": schema.SCHEMA_VERSION, "run_id": run_id, **about}
        repeated = table.column_names if kind in GRAIN_FILES and table.num_rows >= _MANY else ()
        body = write_checksummed(conformed(table, ARROW[kind]), told, repeated)
        self.publish(path, body)
        return sha256(body).hexdigest()

    def baselines(self) -> dict[str, str]:
        """The frozen baselines: run ids by name.

        Raises:
            FileError: one is damaged, or names a run that is not there.
        """
        there, found = set(self.run_ids()), super().baselines()
        for name, run_id in found.items():
            if run_id not in there:  # guard: a baseline of a run that is there
                path = self.baseline_path(name)
                raise FileError(f"{path} names a run that is missing: {run_id}", ADVICE)
        return found

    def save_baseline(self, name: str, run_id: str) -> None:
        """Freeze a run under a name, for good.

        Raises:
            ConfigurationError: the name cannot be one, or is taken by another run.
            FileError: it could not be written, or the run was pruned meanwhile.
        """
        super().save_baseline(name, run_id)
        if run_id not in self.run_ids():
            with suppress(OSError):
                self.baseline_path(name).unlink()
            raise FileError(f"the run {run_id} has just been pruned", "Freeze another: lms-inventory history")

    @contextmanager
    def run_marker(self, run_id: str) -> Iterator[None]:
        """Tell other processes that this run is being written, so that they leave its files and what it needs alone.

        Of a run that fails nothing stays; what cannot be removed now keeps its sign, and is swept by the next run.

        Raises:
            FileError: the sign could not be put up.
        """
        self.make_folder(self.workshop)
        path = self.workshop / f"{run_id}.run"
        try:
            file = create_marker(path)
        except OSError as error:
            raise not_written(path, error) from error
        sync_folder(self.workshop)  # it must outlive a loss of power as long as the files that only it tells of
        with file:
            try:
                yield
            except BaseException:
                with suppress(OSError):
                    self._sweep(path)
                raise
            with suppress(OSError):
                path.unlink()

    def _sweep(self, sign: Path) -> None:
        """Remove a run's sign, and its files if it was never committed.

        Raises:
            OSError: one could not be removed; the sign stays.
        """
        if not self.path("observations", sign.stem).exists():  # guard: a committed run keeps its answers
            for kind in KINDS[1:]:
                unlink_inside(self.folder, self.path(kind, sign.stem))
        sign.unlink()

    def markers(self) -> set[str]:
        """The runs that are being written, or were when they were killed."""
        found = [path for path in self.workshop.glob("*.run") if RUN_ID.fullmatch(path.stem)]
        return {path.stem for path in found if is_regular(path)}

    def active_runs(self) -> set[str]:
        """The runs that are being written now, or were until a moment ago."""
        return {run_id for run_id in self.markers() if not is_abandoned(self.workshop / f"{run_id}.run")}

    def clean_up(self) -> None:
        """Remove what runs that were killed have left: temporary files, and files of a run that was never committed.

        Only a run's sign tells that it was never committed: a file without one may be all that is left of a history
        whose observations were lost, or are just being copied.
        """
        self.make_folder(self.workshop)  # refused if it is a link
        remove_leftovers(self.workshop, "")
        if self.months.needs_recovery or is_regular(self.workshop / _LOCK) or self._marked():
            with suppress(FileError), self.exclusive():  # unless a merging is under way
                pass
        signs = [self.workshop / f"{run_id}.run" for run_id in self.markers()]
        if signs := [path for path in signs if is_abandoned(path)]:  # guard: a run that is being written is not swept
            recorded = set(self.run_ids()) | self.pruned().keys()  # what a pruned run stored may still be pointed at
            for path in signs:
                with suppress(OSError):  # another run sweeps too, or the next one will
                    path.unlink() if path.stem in recorded else self._sweep(path)

    def remove(self, kind: str, run_id: str) -> None:
        """Remove a run's own file of one kind, if it is there, as ``remove_file`` does."""
        self.remove_file(self.path(kind, run_id))

    def remove_file(self, path: Path) -> None:
        """Remove one file, if it is there.

        Raises:
            FileError: it could not be removed.
        """
        try:
            unlink_inside(self.folder, path)
        except OSError as error:
            where = error.filename if error.errno == errno.ELOOP else path
            raise FileError(f"{where} could not be removed: {error.strerror}", "Prune again when it can") from error

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Be the only process that prunes or merges; what one that was killed has left is settled first.

        Raises:
            FileError: another one is at it, or a file could not be moved or removed.
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
                f"the history {self.folder} is being pruned by another process", "Try again when it has ended"
            ) from error
        except OSError as error:
            raise self.not_pruned(error) from error

    def _runs_in(self, path: Path) -> frozenset[str]:
        if RUN_ID.fullmatch(path.stem):
            return frozenset({path.stem})
        look = state(path)
        if self._listed.get(path, (None,))[0] != look or look is None:
            self._listed[path] = look, listed(path)
        return self._listed[path][1]
