"""The small files of closed months merged into few large ones, and runs taken out of these again.

A month is closed when the newest run is of a later one. The same rows are there before and after, under the same run
ids, so that every pointer stays valid; how one folder takes the place of another is ``history/storage/partitions.py``.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.errors import FileError
from inventory.filesystem.temporary_files import NO_ROOM
from inventory.history.storage.data_file import ADVICE, KINDS, RunSegment, is_merged, merged, month_of
from inventory.history.storage.store import Store
from inventory.run_ids import misdated

_LARGE = 64 * 2**20  # bytes of the files that become one: so much is in memory at once, unpacked


@dataclass(frozen=True)
class CompactionTask:
    """The files of one kind and month that are to be merged.

    Attributes:
        kind: the kind.
        month: the name of the month's folder.
        runs: the runs that are in them, oldest first.
        files: how many files there are.
    """

    kind: str
    month: str
    runs: tuple[str, ...]
    files: int


def due(store: Store, now: datetime | None = None) -> tuple[CompactionTask, ...]:
    """What there is to merge: of each closed month that has small files, all; nothing of a run that is being written.

    Args:
        store: the history.
        now: the present time: a run that is misdated by it closes no month; without it every date is believed.

    Raises:
        FileError: a merged file, or the record of a pruning, is damaged.
    """
    runs = store.run_ids()
    wrong = set(misdated(runs, now)) if now else set()
    newest = max((month_of(run_id) for run_id in runs if run_id not in wrong), default="")
    recorded = set(runs) | store.pruned().keys()
    busy = {month_of(run_id) for run_id in store.active_runs()}
    months = sorted({month_of(run_id) for run_id in recorded if month_of(run_id) < newest} - busy)
    found = []
    for kind in KINDS:
        where = store.where(kind)
        for month in months:
            held = {run_id: where[run_id] for run_id in sorted(where.keys() & recorded) if month_of(run_id) == month}
            files = set(held.values())
            if len(files) > 1 and not all(map(is_merged, files)):
                found.append(CompactionTask(kind, month, tuple(held), len(files)))
    return tuple(found)


def compact(store: Store, now: datetime | None = None) -> list[tuple[CompactionTask, int]]:
    """Merge what there is to merge, after what an interrupted merging has left was settled.

    Args:
        store: the history.
        now: as for ``due``.

    Returns:
        What was merged, each with the number of files that took the place of those.

    Raises:
        FileError: a file is damaged, or could not be read or written, or another process prunes; the history is whole.
    """
    if not store.folder.is_dir():
        return []
    store.run_ids()  # of a history that cannot be read nothing is touched, not even by what settles it
    with store.exclusive():
        return [(one, _put(store, one.kind, one.month, one.runs)) for one in due(store, now)]


def remove(store: Store, kind: str, run_ids: Collection[str]) -> None:
    """Remove what some runs have of one kind: their files, and their rows in merged files.

    Raises:
        FileError: a file is damaged, or could not be written or removed; what is left is a whole history.
        OSError: there is no room to write a merged file anew; everything else was removed.
    """
    where = store.where(kind, run_ids)
    full: OSError | None = None
    inside = {run_id: path for run_id in run_ids if (path := where.get(run_id)) and is_merged(path)}
    for run_id in run_ids:
        if run_id not in inside:
            store.remove(kind, run_id)
    for month in sorted({month_of(run_id) for run_id in inside}):
        kept = [
            run_id
            for run_id, path in sorted(where.items())
            if month_of(run_id) == month and is_merged(path) and run_id not in inside
        ]
        if not kept:
            for path in filter(is_merged, store.months.files(kind, [month])):
                store.remove_file(path)
            continue
        try:
            _put(store, kind, month, kept)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            store.months.recover()  # what was written of it takes room
            full = error
    if full:
        raise full


def _put(store: Store, kind: str, month: str, run_ids: Sequence[str]) -> int:
    """Put merged files with some runs in the place of what a month has of one kind; returns how many."""
    return store.months.replace(kind, month, (merged(kind, part) for part in _parts(store, kind, run_ids)))


def _parts(store: Store, kind: str, run_ids: Sequence[str]) -> Iterator[list[RunSegment]]:
    """What the runs have, as many at a time as go into one file."""
    part: list[RunSegment] = []
    size = 0
    for run_id in run_ids:
        one = store.read(kind, run_id)
        if not one.as_merged:
            raise FileError(f"{one.path} is damaged: it does not hold the rows that {run_id} wrote", ADVICE)
        part.append(one)
        size += one.weight
        if size > _LARGE:
            yield part
            part, size = [], 0
    if part:
        yield part
