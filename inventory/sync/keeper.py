"""The keeper's work: merge small files of a shared history in its store, so that nobody there is ever wrong.

The merged files are written first. Then the keeper's mirror takes them, as every mirror does; only what the store then
holds twice is deleted. Whoever lists the store in between finds runs twice, and takes the merged file; whoever finds an
object gone that was just listed lists again. A merged file is never merged again: no two of them hold the same run.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from inventory.history.compaction import CompactionTask, due, parts
from inventory.history.storage.data_file import KINDS, is_merged, merged
from inventory.sync.mirror import Mirror
from inventory.sync.objects import at_once, write_once


def due_in_store(mirror: Mirror, now: datetime) -> list[CompactionTask]:
    """Return what can be merged: the small files of each month, as for any history; errors as ``due``."""
    return list(_tasks(mirror, now))


def _tasks(mirror: Mirror, now: datetime) -> Iterator[CompactionTask]:
    listing = mirror.listing
    for task in due(mirror.store, now):
        where = mirror.store.where(task.kind, task.runs)
        small = [run_id for run_id in task.runs if not is_merged(where[run_id])]
        sent = tuple(run_id for run_id in small if listing and run_id in listing.own[task.kind])
        if len(sent) > 1:
            yield replace(task, runs=sent, files=len(sent))


def compact_store(mirror: Mirror, now: datetime) -> list[tuple[CompactionTask, int]]:
    """Merge what ``due_in_store`` returns, and delete the small files that merged ones replace.

    Args:
        mirror: the keeper's.
        now: the present time in UTC.

    Returns:
        What was merged, each with the number of new files.

    Raises:
        StoreUnreachable: the store could not be reached; every run is there all the same.
        FileError: a file is damaged, or could not be written.
    """
    mirror.pull(now, full=True)
    done = []
    for task in due_in_store(mirror, now):
        number = 0
        for number, part in enumerate(parts(mirror.store, task.kind, task.runs), 1):  # noqa: B007 - the last one counts
            name, body = merged(task.kind, part)
            write_once(mirror.objects, f"{task.kind}/{task.month}/{name}", body)
        done.append((task, number))
    mirror.pull(now, full=True)
    _delete_replaced(mirror)
    return done


def _delete_replaced(mirror: Mirror) -> None:
    """Delete the objects whose runs a merged file of the store holds, also those that a killed keeper left."""
    listing = mirror.listing
    for kind in KINDS if listing else ():
        assert listing is not None
        where = mirror.store.where(kind)
        replaced = []
        for run_id, (key, _) in sorted(listing.own[kind].items()):
            path = where.get(run_id)
            in_store = path is not None and is_merged(path) and _key(kind, path) in listing.merged[kind]
            if not in_store:  # guard: only what a merged file in the store holds is deleted there
                continue
            replaced.append(key)
        for _ in at_once(mirror.objects.delete, replaced):
            pass


def _key(kind: str, path: Path) -> str:
    return f"{kind}/{path.parent.name}/{path.name}"
