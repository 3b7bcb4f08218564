"""Retention: restic's keep rules decide which runs stay; the others are removed."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from inventory.collection.plausibility import DOUBTS
from inventory.errors import ConfigurationError
from inventory.filesystem.regular_files import is_regular
from inventory.filesystem.temporary_files import NO_ROOM
from inventory.history.compaction import remove
from inventory.history.engines import Engine, open_engine
from inventory.history.sql import all_runs, state
from inventory.history.sql.state import Until
from inventory.history.storage.data_file import KINDS
from inventory.history.storage.metadata import NoRoom
from inventory.history.storage.store import Store
from inventory.run_ids import limit_of, misdated, time_of
from inventory.tables import Row, rows, texts_table, values

_PERIODS: dict[str, Callable[[datetime], object]] = {
    "daily": lambda moment: moment.date(),
    "weekly": lambda moment: moment.isocalendar()[:2],
    "monthly": lambda moment: (moment.year, moment.month),
}
_NAMED = 3  # servers that a reason names; the others are counted


@dataclass(frozen=True)
class RetentionPlan:
    """The runs that a pruning keeps and removes.

    Attributes:
        keep: runs that stay.
        drop: runs whose observations are removed.
        unreferenced: runs whose stored responses are removed too, because no run that stays refers to them.
        reasons: why each run stays, such as ``daily snapshot``; empty without a rule.
    """

    keep: tuple[str, ...]
    drop: tuple[str, ...]
    unreferenced: tuple[str, ...]
    reasons: Mapping[str, Sequence[str]] = field(default_factory=dict)


def retained_runs(run_ids: Sequence[str], rules: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the runs that keep rules retain, each with its reason: the newest run of each of the last N periods.

    Days, weeks and months are those of the system's time zone; one that has no run does not count.

    Args:
        run_ids: all runs.
        rules: ``last``, ``daily``, ``weekly``, ``monthly``, each with its N.
    """
    newest_first = [(run_id, time_of(run_id).astimezone()) for run_id in sorted(run_ids, reverse=True)]
    for rule, number in rules.items():
        periods: set[object] = set()
        for run_id, moment in newest_first:
            period = _PERIODS[rule](moment) if rule in _PERIODS else run_id
            if period not in periods and len(periods) < number:
                periods.add(period)
                yield run_id, f"{rule} snapshot"


def plan(
    store: Store, rules: dict[str, int], *, drop: Sequence[str] = (), now: datetime | None = None
) -> RetentionPlan:
    """Plan a pruning: everything that no rule retains is removed.

    Rules never remove the newest complete run, the run that last read a server, the runs with suspect responses of that
    server since then, misdated runs, and baselines.

    Args:
        store: the history.
        rules: as for ``retained_runs``; without any only what is in ``drop`` goes.
        drop: runs that are removed, whatever the rules say.
        now: the current time, by which a run may be misdated; without it every date is accepted.

    Raises:
        ConfigurationError: neither a rule nor a run was given, or a run in ``drop`` is a baseline.
        FileError: an observations file or a baseline is damaged.
    """
    if not rules and not drop:
        raise ConfigurationError("no retention rule was given", "Give --keep-last N, --keep-daily N or another")
    baselines = store.baselines()
    if frozen := set(drop) & set(baselines.values()):
        raise ConfigurationError(
            f"the run {min(frozen)} is a baseline", "Remove the baseline first: lms-inventory baseline remove NAME"
        )
    runs = store.run_ids()
    if not runs:
        return RetentionPlan((), (), ())
    ahead = set(misdated(runs, now)) if now else set()
    dated = [run_id for run_id in runs if run_id not in ahead and run_id not in set(drop)]
    engine = open_engine("duckdb")
    engine.open("observations", store.checked("observations", runs))
    keep, reasons = set(runs) - set(drop), defaultdict[str, list[str]](list)
    if rules:
        limit = limit_of(now or datetime.max.replace(tzinfo=time_of(runs[-1]).tzinfo))
        needed = _needed(engine, Until(dated[-1], limit), dated) if dated else ()
        frozen_runs = {run_id: f"baseline {name}" for name, run_id in sorted(baselines.items())}
        misdated_runs = dict.fromkeys(ahead, "misdated")
        for run_id, reason in chain(retained_runs(dated, rules), needed, frozen_runs.items(), misdated_runs.items()):
            if run_id in keep:
                reasons[run_id].append(reason)
        keep = set(reasons)
    engine.add("kept", texts_table(run_id=sorted(keep)))
    pointed = set(values(engine.query(all_runs.POINTED), "stored_in"))
    removed = [run_id for run_id in runs if run_id not in keep]
    unreferenced = (store.holding() & (set(runs) | store.pruned().keys())) - pointed
    return RetentionPlan(tuple(sorted(keep)), tuple(removed), tuple(sorted(unreferenced)), dict(reasons))


def _needed(engine: Engine, until: Until, dated: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the newest complete run, the runs that last read each server, and those with suspect responses since.

    Each with its reason.
    """
    if complete := set(values(engine.query(all_runs.COMPLETE_RUNS), "run_id")) & set(dated):
        yield max(complete), "newest complete snapshot"
    last = rows(engine.query(state.last_ok(until)))
    engine.add("wanted", texts_table(server=[row["server"] for row in last]))
    answers = rows(engine.query(state.last_answers(until, DOUBTS)))
    suspect = (row for row in answers if row["status"] == "suspect")
    yield from _holding(last, "last answer")
    yield from _holding(suspect, "suspect answer")


def _holding(answers: Iterable[Row], what: str) -> Iterator[tuple[str, str]]:
    """Yield of which servers each run holds an answer: ``holds last answer of rome-bob``."""
    servers: dict[str, set[str]] = defaultdict(set)
    for row in answers:
        servers[row["run_id"]].add(row["server"])
    for run_id, names in servers.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield run_id, f"holds {what} of {', '.join(sorted(names)[:_NAMED])}{more}"


def _without_new_baselines(store: Store, what: RetentionPlan) -> RetentionPlan:
    """Return the plan without runs that became baselines since it was made."""
    if not (late := set(store.baselines().values()) & set(what.drop)):
        return what
    needed = referenced(store, late)
    return replace(
        what,
        keep=tuple(sorted({*what.keep, *late})),
        drop=tuple(run_id for run_id in what.drop if run_id not in late),
        unreferenced=tuple(run_id for run_id in what.unreferenced if run_id not in needed),
    )


def carry_out(store: Store, what: RetentionPlan) -> None:
    """Carry out a plan; what is removed is recorded first, so that the chain of runs can always be followed.

    Stored responses stay until the next pruning if another run was recorded meanwhile. On a full disk everything is
    removed that needs no room; only the rewriting of merged files may have to wait.

    Raises:
        FileError: a file could not be removed, or another process prunes; the history is intact.
    """
    if not what.drop and not what.unreferenced:
        return
    with store.exclusive():  # guard: pruning is done alone
        what = _without_new_baselines(store, what)  # guard: what is frozen while it is pruned
        run_ids = sorted(store.where("observations", what.drop).keys() & set(what.drop))
        digests = {run_id: store.read("observations", run_id).sha256 for run_id in run_ids}
        full = [_removed(store, "observations", batch) for batch in _record(store, what, digests)]
        stay = set(store.run_ids()) & digests.keys()  # the disk had no room to remove them
        if not _has_others(store, {*what.keep, *stay}):  # else the next pruning removes them
            unreferenced = set(what.unreferenced) - referenced(store, stay)
            full += [_removed(store, kind, sorted(unreferenced)) for kind in KINDS[1:]]
        for error in filter(None, full):
            raise error


def _has_others(store: Store, run_ids: Collection[str]) -> bool:
    """Return whether other runs are or may soon be recorded, which may refer to what would be removed."""
    if not set(store.run_ids()) <= set(run_ids):  # guard: answers of a run that came meanwhile stay
        return True
    return bool(store.active_runs())


def _record(store: Store, what: RetentionPlan, digests: dict[str, str]) -> Iterator[list[str]]:
    """Record which runs are removed, as many at a time as there is room for; yield those, which then must be removed.

    Args:
        store: the history.
        what: the plan.
        digests: the runs to remove, with the SHA-256 of their observations files.

    Raises:
        FileError: they could not be recorded.
    """
    rest, full = dict(digests), False
    while rest:
        try:
            store.record_pruned(rest)  # guard: what goes is noted first
            batch = list(rest)
        except NoRoom:
            if not full and not _has_others(store, {*what.keep, *what.drop}):
                full = True
                recorded = store.run_ids()
                unneeded = set(what.unreferenced) - set(recorded) - referenced(store, recorded)
                for kind in KINDS[1:]:
                    _removed(store, kind, sorted(unneeded))
                continue
            batch = _record_without_room(store, rest)
            if not batch:
                raise
        yield batch
        rest = {run_id: digest for run_id, digest in rest.items() if run_id not in batch}


def _record_without_room(store: Store, digests: dict[str, str]) -> list[str]:
    """Record runs in the place of a file that is removed; return them, none if there is no such file."""
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
    """Remove what can be removed; return the error of a full disk."""
    try:
        remove(store, kind, run_ids)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        return error
    return None


def referenced(store: Store, run_ids: Collection[str]) -> set[str]:
    """Return the runs whose stored responses some runs refer to."""
    observed = [store.read("observations", run_id).table(["stored_in"]) for run_id in run_ids]
    return {stored for table in observed for stored in values(table, "stored_in") if stored}
