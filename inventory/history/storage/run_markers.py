"""Markers of runs that are being written: other processes leave the files of such a run alone."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from inventory.filesystem.regular_files import is_regular
from inventory.filesystem.temporary_files import is_abandoned, sync_folder
from inventory.filesystem.write_once import create_marker, unlink_inside
from inventory.history.storage.data_file import KINDS
from inventory.history.storage.file_names import month_of
from inventory.history.storage.metadata import HistoryMetadata, not_written
from inventory.run_ids import RUN_ID


class RunMarkers(HistoryMetadata):
    """The markers of one history, in its folder for temporary files."""

    def path(self, kind: str, run_id: str) -> Path:
        """Return the path of a run's own file of one kind, which need not exist."""
        return self.folder / kind / month_of(run_id) / f"{run_id}.parquet"

    @contextmanager
    def run_marker(self, run_id: str) -> Iterator[None]:
        """Mark this run as being written, so that other processes leave its files and what it needs alone.

        A failed run leaves nothing; if a file cannot be removed, its marker stays, and the next run removes both.

        Raises:
            FileError: the marker could not be created.
        """
        self.make_folder(self.workshop)
        path = self.workshop / f"{run_id}.run"
        try:
            file = create_marker(path)
        except OSError as error:
            raise not_written(path, error) from error
        sync_folder(self.workshop)  # it must survive a loss of power with the files that only it names
        with file:
            try:
                yield
            except BaseException:
                with suppress(OSError):
                    self._remove_run(path)
                raise
            with suppress(OSError):
                path.unlink()

    def _remove_run(self, marker: Path) -> None:
        """Remove a run's marker, and its files if it was never committed.

        Raises:
            OSError: one could not be removed; the marker stays.
        """
        if not self.path("observations", marker.stem).exists():  # guard: a committed run keeps its answers
            for kind in KINDS[1:]:
                unlink_inside(self.folder, self.path(kind, marker.stem))
        marker.unlink()

    def markers(self) -> set[str]:
        """List the runs that are being written, or were when they were killed."""
        markers = [path for path in self.workshop.glob("*.run") if RUN_ID.fullmatch(path.stem)]
        return {path.stem for path in markers if is_regular(path)}

    def active_runs(self) -> set[str]:
        """List the runs that are being written now, or were until a moment ago."""
        return {run_id for run_id in self.markers() if not is_abandoned(self.workshop / f"{run_id}.run")}
