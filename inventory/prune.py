"""Which runs stay: restic's keep rules, and the removal of the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from inventory.compaction import remove
from inventory.contents import KINDS
from inventory.errors import ConfigurationError
from inventory.references import time_of
from inventory.snapshot import values
from inventory.store import Store

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
    told = [store.read("observations", run_id).table(["stored_in"]) for run_id in late]
    pointed = {stored for table in told for stored in values(table, "stored_in")}
    return Plan(
        tuple(sorted({*what.keep, *late})),
        tuple(run_id for run_id in what.drop if run_id not in late),
        tuple(run_id for run_id in what.free if run_id not in pointed),
    )


def carry_out(store: Store, what: Plan) -> None:
    """Remove what the plan says; the record of what goes is written first, so that the chain can always be followed.

    Answers stay until the next pruning if another run was recorded meanwhile.

    Raises:
        FileError: a file could not be removed, or another process prunes; what is left is still a whole history.
    """
    if not what.drop and not what.free:
        return
    with store.alone():
        what = _without_frozen(store, what)
        if gone := store.where("observations", what.drop).keys() & set(what.drop):
            store.record_pruned({run_id: store.read("observations", run_id).sha256 for run_id in sorted(gone)})
            remove(store, "observations", gone)
        if store.writing() or not set(store.run_ids()) <= set(what.keep):
            return  # a run that began before may point at what would go; the next pruning knows
        for kind in KINDS[1:]:
            remove(store, kind, what.free)
