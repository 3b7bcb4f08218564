"""Compaction: merge the small files of closed months into few large ones, and remove runs from these again.

A month is closed when the newest run is of a later one. The rows stay the same, under the same run ids, so that every
reference stays valid; ``history/storage/partitions.py`` replaces one folder by another.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.errors import FileError
from inventory.filesystem.temporary_files import NO_ROOM
from inventory.history.storage.data_file import ADVICE, KINDS, RunSegment, is_merged, merged, month_of
from inventory.history.storage.store import Store
from inventory.run_ids import misdated

_LARGE = 64 * 2**20  # bytes of the files that become one; they are in memory at once, unpacked


@dataclass(frozen=True)
class CompactionTask:
    """The files of one kind and month that are to be merged.

    Attributes:
        kind: the kind.
        month: the name of the month's folder.
        runs: the runs in them, oldest first.
        files: the number of files.
    """

    kind: str
    month: str
    runs: tuple[str, ...]
    files: int


def due(store: Store, now: datetime | None = None) -> tuple[CompactionTask, ...]:
    """Return what can be merged: each closed month with small files, unless a run of it is being written.

    Args:
        store: the history.
        now: the current time: a run that is misdated by it closes no month; without it every date is accepted.

    Raises:
        FileError: a merged file, or the record of a pruning, is damaged.
    """
    runs = store.run_ids()
    ahead = set(misdated(runs, now)) if now else set()
    newest = max((month_of(run_id) for run_id in runs if run_id not in ahead), default="")
    recorded = set(runs) | store.pruned().keys()
    busy = {month_of(run_id) for run_id in store.active_runs()}
    months = sorted({month_of(run_id) for run_id in recorded if month_of(run_id) < newest} - busy)
    tasks = []
    for kind in KINDS:
        where = store.where(kind)
        for month in months:
            paths = {run_id: where[run_id] for run_id in sorted(where.keys() & recorded) if month_of(run_id) == month}
            files = set(paths.values())
            if len(files) > 1 and not all(map(is_merged, files)):
                tasks.append(CompactionTask(kind, month, tuple(paths), len(files)))
    return tuple(tasks)


def compact(store: Store, now: datetime | None = None) -> list[tuple[CompactionTask, int]]:
    """Merge all that ``due`` returns, after recovering from an interrupted compaction.

    Args:
        store: the history.
        now: as for ``due``.

    Returns:
        What was merged, each with the number of new files.

    Raises:
        FileError: a file is damaged, or could not be read or written, or another process prunes; the history is intact.
    """
    if not store.folder.is_dir():
        return []
    store.run_ids()  # a history that cannot be read is not touched, not even to recover it
    with store.exclusive():
        return [(task, _replace(store, task.kind, task.month, task.runs)) for task in due(store, now)]


def remove(store: Store, kind: str, run_ids: Collection[str]) -> None:
    """Remove the rows of some runs of one kind: their files, and their part of merged files.

    Raises:
        FileError: a file is damaged, or could not be written or removed; the history is intact.
        OSError: the disk has no room to rewrite a merged file; everything else was removed.
    """
    where = store.where(kind, run_ids)
    full: OSError | None = None
    inside = {run_id: path for run_id in run_ids if (path := where.get(run_id)) and is_merged(path)}
    for run_id in run_ids:
        if run_id not in inside:
            store.remove(kind, run_id)
    for month in sorted({month_of(run_id) for run_id in inside}):
        remaining = [
            run_id
            for run_id, path in sorted(where.items())
            if month_of(run_id) == month and is_merged(path) and run_id not in inside
        ]
        if not remaining:
            for path in filter(is_merged, store.months.files(kind, [month])):
                store.remove_file(path)
            continue
        try:
            _replace(store, kind, month, remaining)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            store.months.recover()  # the part that was written takes room
            full = error
    if full:
        raise full


def _replace(store: Store, kind: str, month: str, run_ids: Sequence[str]) -> int:
    """Replace the files of a month by merged ones with some runs; return their number."""
    return store.months.replace(kind, month, (merged(kind, part) for part in _parts(store, kind, run_ids)))


def _parts(store: Store, kind: str, run_ids: Sequence[str]) -> Iterator[list[RunSegment]]:
    """Yield the segments of some runs, as many at a time as go into one file."""
    part: list[RunSegment] = []
    size = 0
    for run_id in run_ids:
        segment = store.read(kind, run_id)
        if not segment.as_merged:
            raise FileError(f"{segment.path} is damaged: it does not hold the rows that {run_id} wrote", ADVICE)
        part.append(segment)
        size += segment.weight
        if size > _LARGE:
            yield part
            part, size = [], 0
    if part:
        yield part
