"""The keeper's work: prune a shared history and merge its small files in its store, so that nobody there is ever wrong.

What replaces something is written first, then, when runs are pruned, the record that names them: it is the commit. Then
the keeper's mirror takes both, as every mirror does; only what that no longer uses is deleted. Whoever lists the store
in between finds runs twice, and takes the file with more of them; whoever finds an object gone that was just listed
lists again. What a killed keeper left is found by the same comparison.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from inventory.errors import ConfigurationError
from inventory.history.compaction import CompactionTask, due, parts
from inventory.history.retention import RetentionPlan
from inventory.history.storage.data_file import KINDS, listed, merged
from inventory.history.storage.file_names import is_merged
from inventory.history.storage.mirrors import read_mirror
from inventory.history.storage.record_files import record_text
from inventory.sync.fetch import pruned_runs, unneeded_runs
from inventory.sync.listing import PRUNED
from inventory.sync.mirror import Mirror
from inventory.sync.objects import at_once, write_once

_KEEPER = "keeper.txt"
_GRACE = timedelta(days=1)  # a collector that knew of a response has by then sent the run that refers to it


def require_keeper(mirror: Mirror, collector: str) -> None:
    """Note in the store which machine is the keeper, if none is: two that prune at the same time would harm others.

    Raises:
        ConfigurationError: another machine is.
        StoreUnreachable: the store could not be reached.
    """
    mirror.require_conditions()
    known = None if mirror.objects.create(_KEEPER, collector.encode()) else mirror.objects.read(_KEEPER)
    if known not in (None, collector.encode()):  # guard: there is one keeper
        raise ConfigurationError(
            f"the keeper of {mirror.objects.address} is {known.decode(errors='replace')!r}, and this is {collector!r}",
            f"To make this one the keeper, delete {mirror.objects.address}/{_KEEPER} once the other no longer prunes",
        )


def due_in_store(mirror: Mirror, now: datetime) -> list[CompactionTask]:
    """Return what can be merged: the small files of each month, as for any history; errors as ``due``."""
    listing, tasks = mirror.listing, []
    for task in due(mirror.store, now):
        where = mirror.store.where(task.kind, task.runs)
        small = [run_id for run_id in task.runs if not is_merged(where[run_id])]
        sent = tuple(run_id for run_id in small if listing and run_id in listing.own[task.kind])
        if len(sent) > 1:
            tasks.append(replace(task, runs=sent, files=len(sent)))
    return tasks


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
    _delete(mirror, mirror.unused)
    tasks = [(task, len(_write_merged(mirror, task.kind, task.month, task.runs))) for task in due_in_store(mirror, now)]
    mirror.pull(now, full=True)
    _delete_replaced(mirror, {}, set())
    return tasks


def prune_store(mirror: Mirror, what: RetentionPlan, now: datetime) -> None:
    """Carry out a plan in the store; responses that nothing refers to go once that has been so for a day.

    Until then a collector that is recording, or sending, may refer to them. One that was offline for longer still has
    them, and sends them again.

    Args:
        mirror: the keeper's, which was pulled in full.
        what: the plan.
        now: the present time in UTC.

    Raises:
        StoreUnreachable: the store could not be reached; the history is whole, and the next pruning ends the work.
        FileError: a file is damaged, or could not be written.
    """
    store = mirror.store
    _delete(mirror, mirror.unused)  # guard: what a killed keeper left does not come back
    since = _note_unneeded(mirror, now)
    unneeded = {run_id for run_id, noted in since.items() if now - datetime.fromisoformat(noted) >= _GRACE}
    digests = {run_id: store.read(KINDS[0], run_id).sha256 for run_id in what.drop if run_id not in store.pruned()}
    removed = {KINDS[0]: {*what.drop, *pruned_runs(store)}, **dict.fromkeys(KINDS[1:], unneeded)}
    replaced = {kind: _rewritten(mirror, kind, run_ids) for kind, run_ids in removed.items()}
    if digests:
        write_once(mirror.objects, f"{PRUNED}/{max(digests)}-{secrets.token_hex(2)}.json", record_text(digests))
    mirror.pull(now, full=True)
    _delete_replaced(mirror, replaced, unneeded)
    mirror.pull(now, full=True)
    _note_unneeded(mirror, now)


def _note_unneeded(mirror: Mirror, now: datetime) -> dict[str, str]:
    """Note in the mirror since when nothing refers to the responses of which pruned runs, and return it."""
    noted = read_mirror(mirror.folder).get("unneeded")
    before = noted if isinstance(noted, dict) else {}
    unneeded = mirror.store.holding() & unneeded_runs(mirror.store, pruned_runs(mirror.store))
    since = {run_id: str(before.get(run_id, now.isoformat())) for run_id in sorted(unneeded)}
    mirror.note(unneeded=since)
    return since


def _rewritten(mirror: Mirror, kind: str, gone: Collection[str]) -> dict[str, list[str]]:
    """Write merged files anew without some runs; return the keys of the new ones by that of the one they replace."""
    where = mirror.store.where(kind)
    paths = sorted({where[run_id] for run_id in gone if run_id in where and is_merged(where[run_id])})
    return {
        _key(kind, path): _write_merged(mirror, kind, path.parent.name, listed(path).difference(gone)) for path in paths
    }


def _write_merged(mirror: Mirror, kind: str, month: str, run_ids: Collection[str]) -> list[str]:
    """Write the merged files of some runs of a month into the store; return their keys."""
    keys = []
    for part in parts(mirror.store, kind, sorted(run_ids)):
        name, body = merged(kind, part)
        keys.append(key := f"{kind}/{month}/{name}")
        if mirror.objects.read(key) is None:  # else it has the same runs, which its name is made of
            write_once(mirror.objects, key, body)
    return keys


def _delete_replaced(mirror: Mirror, rewritten: Mapping[str, Mapping[str, list[str]]], unneeded: set[str]) -> None:
    """Delete the objects that others do without from now on, also those that a killed keeper left.

    Args:
        mirror: the keeper's, which was pulled in full since everything new was written.
        rewritten: what ``_rewritten`` returned, by kind.
        unneeded: the runs whose responses go.
    """
    listing, pruned = mirror.listing, pruned_runs(mirror.store)
    assert listing is not None, "the mirror was pulled"
    for kind in KINDS:
        where, present = mirror.store.where(kind), listing.merged[kind]
        keys = {old for old, new in rewritten.get(kind, {}).items() if present.issuperset(new)}
        gone = pruned if kind == KINDS[0] else unneeded
        for run_id, (key, _) in listing.own[kind].items():
            path = where.get(run_id)
            is_replaced = path is not None and is_merged(path) and _key(kind, path) in present
            if not is_replaced and run_id not in gone:  # guard: only what a merged file in the store holds is deleted
                continue
            keys.add(key)
        _delete(mirror, keys)


def _delete(mirror: Mirror, keys: Collection[str]) -> None:
    for _ in at_once(mirror.objects.delete, sorted(keys)):
        pass


def _key(kind: str, path: Path) -> str:
    return f"{kind}/{path.parent.name}/{path.name}"
