"""Which runs stay: restic's keep rules, and the removal of the others."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from inventory.compaction import remove
from inventory.contents import KINDS
from inventory.errors import ConfigurationError
from inventory.notes import NoRoom
from inventory.references import time_of
from inventory.regular_files import is_regular
from inventory.snapshot import values
from inventory.store import Store
from inventory.temporary_files import NO_ROOM

_PERIODS: dict[str, Callable[[str], object]] = {
    "last": lambda run_id: run_id,
    "daily": lambda run_id: time_of(run_id).date(),
    "weekly": lambda run_id: time_of(run_id).isocalendar()[:2],
    "monthly": lambda run_id: run_id[:6],
}


@dataclass(frozen=True)
class Plan:
    """What a pruning would do.

    Attributes:
        keep: runs that stay.
        drop: runs whose observations go.
        free: runs whose answers go too, because no run that stays points at them.
    """

    keep: tuple[str, ...]
    drop: tuple[str, ...]
    free: tuple[str, ...]


def kept(run_ids: Sequence[str], rules: dict[str, int]) -> set[str]:
    """The runs that keep rules keep: of the last N periods that have a run, the newest run each.

    Args:
        run_ids: all runs.
        rules: ``last``, ``daily``, ``weekly``, ``monthly``, each with its number; days and weeks are UTC's.
    """
    keep = set()
    for rule, number in rules.items():
        seen: set[object] = set()
        for run_id in sorted(run_ids, reverse=True):
            period = _PERIODS[rule](run_id)
            if period not in seen and len(seen) < number:
                seen.add(period)
                keep.add(run_id)
    return keep


def plan(store: Store, rules: dict[str, int], also: Sequence[str] = ()) -> Plan:
    """What to remove: everything that no rule keeps.

    Never removed: the newest complete run, of each server that the newest run asked the run that last read it, and the
    runs in ``also``.

    Raises:
        ConfigurationError: no rule was given.
        FileError: an observations file is damaged.
    """
    if not rules:
        raise ConfigurationError("no rule says what to keep", "Give --keep-last N, --keep-daily N or another")
    runs = store.run_ids()
    keep = kept(runs, rules) | (set(also) & set(runs))
    observed = {run_id: store.read("observations", run_id).table(["server", "status", "stored_in"]) for run_id in runs}
    keep |= _needed(runs, observed)
    pointed = {stored for run_id in keep for stored in values(observed[run_id], "stored_in") if stored}
    drop = [run_id for run_id in runs if run_id not in keep]
    free = (store.holding() & (set(runs) | store.pruned().keys())) - pointed
    return Plan(tuple(sorted(keep)), tuple(drop), tuple(sorted(free)))


def _needed(runs: Sequence[str], observed: Mapping[str, pa.Table]) -> set[str]:
    """The newest complete run, and the runs that last read the servers of the newest run."""
    complete = [run_id for run_id in runs if set(values(observed[run_id], "status")) == {"ok"}]
    missing = set(values(observed[runs[-1]], "server")) if runs else set()
    needed = set(complete[-1:])
    for run_id in reversed(runs):
        told = zip(values(observed[run_id], "server"), values(observed[run_id], "status"), strict=True)
        if read := missing & {server for server, status in told if status == "ok"}:
            needed.add(run_id)
            missing -= read
        if not missing:
            break
    return needed


def _without_frozen(store: Store, what: Plan) -> Plan:
    """The plan without what was frozen since it was made."""
    if not (late := set(store.baselines().values()) & set(what.drop)):
        return what
    pointed = _pointed(store, late)
    return Plan(
        tuple(sorted({*what.keep, *late})),
        tuple(run_id for run_id in what.drop if run_id not in late),
        tuple(run_id for run_id in what.free if run_id not in pointed),
    )


def carry_out(store: Store, what: Plan) -> None:
    """Remove what the plan says; the record of what goes is written first, so that the chain can always be followed.

    Answers stay until the next pruning if another run was recorded meanwhile. On a full disk everything is removed that
    needs no room; only merged files are written anew, which may have to wait.

    Raises:
        FileError: a file could not be removed, or another process prunes; what is left is still a whole history.
    """
    if not what.drop and not what.free:
        return
    with store.alone():
        what = _without_frozen(store, what)
        gone = sorted(store.where("observations", what.drop).keys() & set(what.drop))
        digests = {run_id: store.read("observations", run_id).sha256 for run_id in gone}
        full = [_removed(store, "observations", batch) for batch in _noted(store, what, digests)]
        stay = set(store.run_ids()) & digests.keys()  # for want of room
        if not _others(store, {*what.keep, *stay}):  # else the next pruning knows
            free = set(what.free) - _pointed(store, stay)
            full += [_removed(store, kind, sorted(free)) for kind in KINDS[1:]]
        for error in filter(None, full):
            raise error


def _others(store: Store, known: Collection[str]) -> bool:
    """Whether there are other runs, or may be soon, that began before and may point at what would go."""
    return bool(store.writing()) or not set(store.run_ids()) <= set(known)


def _noted(store: Store, what: Plan, digests: dict[str, str]) -> Iterator[list[str]]:
    """Note which runs go, as many at a time as there is room for; yields those that are noted, which then must go.

    Args:
        store: the history.
        what: the plan.
        digests: the runs that go, with the SHA-256 of their observations files.

    Raises:
        FileError: they could not be noted.
    """
    rest, full = dict(digests), False
    while rest:
        try:
            store.record_pruned(rest)
            batch = list(rest)
        except NoRoom:
            if not full and not _others(store, {*what.keep, *what.drop}):
                full = True
                for kind in KINDS[1:]:  # nobody needs what no run that is there stored or points at
                    _removed(store, kind, sorted(set(what.free) - set(store.run_ids())))
                continue
            batch = _noted_without_room(store, rest)
            if not batch:
                raise
        yield batch
        rest = {run_id: digest for run_id, digest in rest.items() if run_id not in batch}


def _noted_without_room(store: Store, digests: dict[str, str]) -> list[str]:
    """Note which runs go in the place of a file that goes; those that are noted, none if there is no such file."""
    where = store.where("observations", digests)
    own = [path for run_id in digests if is_regular(path := store.path("observations", run_id))]
    if own:
        return store.record_in_place(digests, own[0])
    for path in set(where.values()):
        inside = [run_id for run_id, file in where.items() if file == path]
        if set(inside) <= digests.keys() and is_regular(path):
            store.record_by_moving(path)
            return inside
    return []


def _removed(store: Store, kind: str, run_ids: Collection[str]) -> OSError | None:
    """Remove what can be removed; returns why something could not, if that is for want of room."""
    try:
        remove(store, kind, run_ids)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        return error
    return None


def _pointed(store: Store, run_ids: Collection[str]) -> set[str]:
    """The runs whose stored answers some runs point at."""
    observed = [store.read("observations", run_id).table(["stored_in"]) for run_id in run_ids]
    return {stored for table in observed for stored in values(table, "stored_in") if stored}
