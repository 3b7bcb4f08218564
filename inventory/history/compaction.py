"""Compaction: merge the small files of months into few large ones, and remove runs from these again.

A month is closed when the newest run is of a later one. Of the open month the newest runs stay in files of their own,
and the others are merged only if they are many. The rows stay the same, under the same run ids, so that every reference
stays valid; ``history/storage/partitions.py`` replaces one folder by another.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inventory.errors import FileError
from inventory.filesystem.temporary_files import NO_ROOM
from inventory.history.storage.data_file import ADVICE, KINDS, RunSegment, merged
from inventory.history.storage.file_names import is_merged, month_of
from inventory.history.storage.mirrors import address_of
from inventory.history.storage.store import Store
from inventory.run_ids import misdated

_LARGE = 64 * 2**20  # bytes of the files that become one; they are in memory at once, unpacked
_MANY = 256  # runs in files of their own from which on reading them all takes longer than everything else
_NEWEST = 64  # runs of the open month that stay as they are: most questions are about these


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
    """Return what can be merged: each closed month with small files, and the open one with many of them.

    A month is left alone while a run of it is being written.

    Args:
        store: the history.
        now: the current time: a run that is misdated by it closes no month; without it every date is accepted.

    Raises:
        FileError: a merged file, or the record of a pruning, is damaged.
    """
    runs = store.run_ids()
    ahead = set(misdated(runs, now)) if now else set()
    dated = [run_id for run_id in runs if run_id not in ahead]
    newest, latest = month_of(dated[-1]) if dated else "", set(dated[-_NEWEST:])
    recorded = set(runs) | store.pruned().keys()
    busy = {month_of(run_id) for run_id in store.active_runs()}
    months = sorted({month_of(run_id) for run_id in recorded if month_of(run_id) <= newest} - busy)
    tasks = []
    for kind in KINDS:
        where = store.where(kind)
        mergeable: dict[str, dict[str, Path]] = {month: {} for month in months}
        for run_id in sorted(where.keys() & recorded):
            month = month_of(run_id)
            if month in mergeable and not (month == newest and run_id in latest):
                mergeable[month][run_id] = where[run_id]
        for month, paths in mergeable.items():
            files = set(paths.values())
            small = sum(not is_merged(path) for path in files)
            if len(files) > 1 and small >= (_MANY if month == newest else 1):
                tasks.append(CompactionTask(kind, month, tuple(paths), len(files)))
    return tuple(tasks)


def compact(store: Store, now: datetime | None = None) -> list[tuple[CompactionTask, int]]:
    """Merge all that ``due`` returns, after recovering from an interrupted compaction; arguments as for ``due``.

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


def compact_many(store: Store, now: datetime) -> None:
    """Merge what ``due`` returns if so many runs are in files of their own that commands take long to read them.

    Otherwise a history would have to be pruned by hand to stay quick. It waits for another time while others prune, on
    a full disk, beside a damaged file, and for ever where locks do not keep others out. What is so large that merging
    takes long is left to ``compact``.
    """
    if address_of(store.folder):  # guard: a mirror holds the files of its store
        return
    with suppress(FileError, OSError):
        if sum(not is_merged(path) for path in store.months.files("observations")) < _MANY + _NEWEST:
            return
        with store.exclusive() as is_alone:
            if not is_alone:  # guard: nothing is merged unasked where others may merge too
                return
            for task in due(store, now):
                where = store.where(task.kind, task.runs)
                if sum(path.stat().st_size for path in {where[run_id] for run_id in task.runs}) <= _LARGE:
                    with suppress(FileError):
                        _replace(store, task.kind, task.month, task.runs)


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
            store.remove_file(store.path(kind, run_id))
    for month in sorted({month_of(run_id) for run_id in inside}):
        remaining = [
            run_id
            for run_id, path in sorted(where.items())
            if month_of(run_id) == month and is_merged(path) and run_id not in inside
        ]
        if not remaining:
            for path in filter(is_merged, map(Path, store.months.files(kind, [month]))):
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
    return store.months.replace(kind, month, (merged(kind, part) for part in parts(store, kind, run_ids)))


def parts(store: Store, kind: str, run_ids: Sequence[str]) -> Iterator[list[RunSegment]]:
    """Yield the segments of some runs, as many at a time as go into one file.

    Raises:
        FileError: a file is damaged.
    """
    part: list[RunSegment] = []
    size = 0
    for segment in store.read_all(kind, run_ids):
        if not segment.as_merged:
            run_id = segment.about["run_id"]
            raise FileError(f"{segment.path} is damaged: it does not hold the rows that {run_id} wrote", ADVICE)
        part.append(segment)
        size += segment.weight
        if size > _LARGE:
            yield part
            part, size = [], 0
    if part:
        yield part
