"""The keeper prunes a shared history: mirrors drop what was pruned, and keep what nobody else has."""

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.object_stores import Killed, Mortal, SmallStore

from inventory.errors import FileError
from inventory.history.retention import plan
from inventory.sync.fetch import pruned_runs
from inventory.sync.keeper import compact_store, prune_store
from inventory.sync.mirror import Mirror, prepare
from sync.conftest import Machine, fleet

Machines = Callable[[str], Machine]
NOW = datetime.now(UTC)
DAY = timedelta(days=1, minutes=1)


def prune(mirror: Mirror, now: datetime, *drop: str, last: int = 0) -> None:
    """Prune as the command does."""
    mirror.pull(now, full=True)
    prune_store(mirror, plan(mirror.store, {"last": last} if last else {}, drop=drop, now=now), now)


class Walk:
    """A random history of several machines, one of which is the keeper, with a clock of its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        (folder / "store").mkdir(parents=True)
        self.folder = folder
        self.address = f"file://{folder}/store"
        self.chance = random.Random(seed)
        self.now = NOW - timedelta(days=900)
        self.machines = [self.machine(name) for name in ("rome", "bonn", "oslo")]
        self.keeper = self.machine("keeper")
        self.acknowledged: set[str] = set()

    def machine(self, name: str) -> Machine:
        """A machine by name."""
        return Machine(self.folder / name, {}, self.address)

    def mirror(self, machine: Machine) -> Mirror:
        """Its mirror, whose process may be killed."""
        left = self.chance.choice([10**6, 10**6, self.chance.randrange(12)])
        return Mirror(Mortal(self.address, left), machine.mirror_folder)

    def step(self) -> None:
        """Let one machine do one thing."""
        self.now += timedelta(hours=self.chance.choice([1, 1, 5, 30, 400]))
        act = self.chance.choice(
            [self.record, self.record, self.record, self.sync, self.compact, self.prune, self.freeze, self.look]
        )
        with suppress(Killed):
            act(self.chance.choice(self.machines))

    def record(self, machine: Machine) -> None:
        """Record a run, mostly with a pull before and a push after."""
        online, mirror = self.chance.random() < 0.7, self.mirror(machine)
        prepare(machine.mirror_folder, self.address)
        try:
            if online:
                mirror.pull(self.now)
        finally:
            keys = "pqr" + self.chance.choice("abcd")
            self.acknowledged.add(machine.take(fleet(*keys, server=machine.folder.name), self.now))
        if online:
            mirror.push()

    def sync(self, machine: Machine) -> None:
        """Exchange everything."""
        mirror = self.mirror(machine)
        mirror.pull(self.now, full=self.chance.random() < 0.5)
        mirror.push()

    def compact(self, _: Machine) -> None:
        """Merge small files."""
        compact_store(self.mirror(self.keeper), self.now)

    def prune(self, _: Machine) -> None:
        """Prune by a rule, or a run by name."""
        mirror = self.mirror(self.keeper)
        mirror.pull(self.now, full=True)
        runs = mirror.store.run_ids()
        free = sorted(set(runs[:-1]) - set(mirror.store.baselines().values()))
        if runs:
            drop = self.chance.sample(free, min(2, len(free))) if self.chance.random() < 0.4 else []
            prune(mirror, self.now, *drop, last=0 if drop else self.chance.randrange(1, 9))

    def freeze(self, machine: Machine) -> None:
        """Set a baseline, or remove one."""
        mirror = self.mirror(machine)
        mirror.pull(self.now)
        known, runs = sorted(mirror.store.baselines()), mirror.store.run_ids()
        if known and self.chance.random() < 0.5:
            mirror.objects.delete(f"baselines/{self.chance.choice(known)}.txt")
        elif runs:
            name = f"b{self.chance.randrange(10**6)}"
            mirror.store.save_baseline(name, self.chance.choice(runs))
            mirror.publish(f"baselines/{name}.txt")
            mirror.pull(self.now)

    def look(self, _: Machine) -> None:
        """A fresh mirror has no problem, at any time."""
        fresh = self.machine("fresh")
        fresh.mirror.pull(self.now)
        assert fresh.problems() == []
        shutil.rmtree(fresh.folder)


@pytest.mark.parametrize(
    "seed", [*(pytest.param(seed, marks=pytest.mark.long if seed < 2 else pytest.mark.full) for seed in range(40))]
)
def test_a_random_history(tmp_path: Path, seed: int) -> None:
    """Whatever happened: all runs that were not pruned are there, and no other, and nothing they need is missing."""
    walk = Walk(tmp_path, seed)
    for _ in range(60):
        walk.step()
    for each in walk.machines:
        each.mirror.pull(walk.now, full=True)
    prune(walk.keeper.mirror, walk.now, last=10**6)  # ends what a killed keeper began
    fresh = walk.machine("last")
    for each in (*walk.machines, walk.keeper, fresh):
        each.mirror.pull(walk.now, full=True)
    pruned = pruned_runs(fresh.history.store)
    assert set(fresh.history.store.run_ids()) == walk.acknowledged - pruned
    for each in (*walk.machines, walk.keeper, fresh):
        assert each.problems() == []
        assert each.history.store.run_ids() == fresh.history.store.run_ids()
        assert each.history.state().models.to_csv() == fresh.history.state().models.to_csv()


def recorded(machine: Machine, keys: str, days: int = 70) -> list[str]:
    """Let a machine record and send a run a day, from so many days ago on, each with another model; return the runs."""
    machine.mirror.pull(NOW)
    begin = (NOW - timedelta(days=days)).replace(day=3)
    runs = [machine.take(fleet("p", "q", key), begin + timedelta(days=number)) for number, key in enumerate(keys)]
    machine.mirror.pull(NOW, full=True)
    return runs


def runs_of(machine: Machine, now: datetime = NOW) -> list[str]:
    """The runs that a machine has after a full pull, in which nothing is wrong."""
    machine.mirror.pull(now, full=True)
    assert machine.problems() == []
    return machine.history.store.run_ids()


def objects_of(store: SmallStore, kind: str) -> int:
    """How many objects of a kind there are."""
    return sum(f"/{kind}/" in key for key in store.objects)


@pytest.mark.long
@pytest.mark.parametrize("is_merged", [True, pytest.param(False, marks=pytest.mark.full)])
def test_the_keeper_prunes_for_all(machine: Machines, store: SmallStore, is_merged: bool) -> None:
    """Mirrors drop what was pruned, and do not send it back; its responses go with the first pruning a day later."""
    rome, bonn, keeper = machine("rome"), machine("bonn"), machine("keeper")
    runs = [*recorded(rome, "abca"), rome.take(fleet("p", "q", "a"), NOW)]
    bonn.mirror.pull(NOW)
    assert runs_of(rome) == runs
    if is_merged:
        compact_store(keeper.mirror, NOW)
    prune(keeper.mirror, NOW, last=1)
    for each in (bonn, machine("new"), rome, keeper):
        assert runs_of(each) == runs[-1:]
    assert objects_of(store, "observations") == 1
    assert objects_of(store, "payloads") == (1 if is_merged else 3)
    prune(keeper.mirror, NOW + timedelta(hours=1), last=1)
    assert objects_of(store, "payloads") == (1 if is_merged else 3)
    for now in (NOW + DAY, NOW + 2 * DAY):
        prune(keeper.mirror, now, last=1)
        for each in (bonn, rome, keeper):
            assert runs_of(each, now) == runs[-1:]
            assert each.history.store.holding() == {runs[0]}
        assert runs_of(machine("newer"), now) == runs[-1:]
        assert [objects_of(store, kind) for kind in ("observations", "payloads", "models")] == [1, 1, 1]


@pytest.mark.long
@pytest.mark.parametrize("is_merged", [pytest.param(False, marks=pytest.mark.full), True])
def test_a_collector_that_was_away(machine: Machines, store: SmallStore, is_merged: bool) -> None:
    """Its unsent run refers to a response that is gone: it comes back with the response; what was pruned does not."""
    rome, laptop, keeper = machine("rome"), machine("laptop"), machine("keeper")
    old = recorded(rome, "ab")
    laptop.mirror.pull(NOW)
    unsent = laptop.take(fleet("p", "q", "a"), NOW)
    newer = rome.take(fleet("p", "q", "c"), NOW + timedelta(hours=1))
    rome.mirror.pull(NOW, full=True)
    if is_merged:
        compact_store(keeper.mirror, NOW)
    prune(keeper.mirror, NOW, last=1)
    prune(keeper.mirror, NOW + DAY, last=1)
    assert objects_of(store, "payloads") == 1
    away = laptop.mirror
    away.pull(NOW + DAY)
    away.push()
    for each in (rome, keeper, machine("new"), laptop):
        assert runs_of(each, NOW + DAY) == [unsent, newer]
        assert old[0] in each.history.store.holding()
    asleep = laptop.mirror
    asleep.pull(NOW + DAY)
    assert asleep.listing
    asleep.listing.began -= 10**5
    prune(keeper.mirror, NOW + DAY, unsent)
    asleep.push()
    assert runs_of(machine("last"), NOW + DAY) == [newer]


@pytest.mark.parametrize(
    "left", [pytest.param(n, marks=pytest.mark.long if n in (1, 12) else pytest.mark.full) for n in range(22)]
)
@pytest.mark.guard("what a killed keeper left does not come back")
def test_a_keeper_that_is_killed(machine: Machines, left: int) -> None:
    """After any number of its writes and deletions all is whole, and a later one with other rules ends the work."""
    rome, keeper = machine("rome"), machine("keeper")
    runs = [*recorded(rome, "abcab"), *recorded(rome, "dab", 10), rome.take(fleet("p", "q", "a"), NOW)]
    rome.mirror.pull(NOW, full=True)
    compact_store(keeper.mirror, NOW)
    late = [*runs, *recorded(rome, "f")]  # in a file of its own beside the merged one of its month
    prune(keeper.mirror, NOW - DAY, last=10**6)
    with suppress(Killed):
        prune(Mirror(Mortal(rome.address, left), keeper.mirror_folder), NOW, *runs[1:3])
    for each in (machine("new"), rome):
        assert {*late} - {*runs[1:3]} <= set(runs_of(each)) <= {*late}
    prune(keeper.mirror, NOW, *runs[2:4])
    expected = sorted({*late} - {*runs[2:4]} - keeper.history.store.pruned().keys())
    for each in (machine("newer"), rome, keeper):
        assert runs_of(each) == expected
    prune(keeper.mirror, NOW + DAY, last=1)
    for each in (machine("newest"), rome, keeper):
        assert runs_of(each, NOW + DAY) == runs[-1:]


@pytest.mark.long
@pytest.mark.guard("a run that is being recorded may refer to them")
def test_a_run_that_is_being_recorded(machine: Machines) -> None:
    """What it may refer to stays in the mirror until it has ended."""
    rome, keeper = machine("rome"), machine("keeper")
    old, new = recorded(rome, "ab")
    prune(keeper.mirror, NOW, last=1)
    prune(keeper.mirror, NOW + DAY, last=1)
    store = rome.history.store
    with store.run_marker("20261101T000000.000000Z-abcd"):
        rome.mirror.pull(NOW, full=True)
        assert store.holding() == {old, new}
    rome.mirror.pull(NOW, full=True)
    assert store.holding() == {new}


@pytest.mark.long
def test_a_baseline_wins(machine: Machines) -> None:
    """A run that becomes a baseline while it is pruned stays, or comes back, on all machines."""
    rome, bonn, keeper = machine("rome"), machine("bonn"), machine("keeper")
    early, late, new = recorded(rome, "abc")
    bonn.mirror.pull(NOW)
    mirror = keeper.mirror
    mirror.pull(NOW, full=True)
    what = plan(mirror.store, {"last": 1}, now=NOW)
    bonn.history.store.save_baseline("early", early)
    bonn.mirror.publish("baselines/early.txt")
    prune_store(mirror, what, NOW)
    assert runs_of(machine("new")) == [early, new]
    stale = machine("rome")
    stale.history.store.save_baseline("late", late)  # before it hears of the pruning
    stale.mirror.publish("baselines/late.txt")
    for each in (rome, bonn, keeper, machine("newer")):
        assert runs_of(each) == [early, late, new]
    rome.mirror.objects.delete("baselines/late.txt")
    prune(keeper.mirror, NOW, last=1)
    for each in (bonn, machine("newest"), rome):
        assert runs_of(each) == [early, new]


@pytest.mark.long
def test_a_run_that_is_being_sent(machine: Machines, store: SmallStore) -> None:
    """Its responses are in the store before it: whoever comes new then does not see them."""
    rome = machine("rome")
    rome.mirror.pull(NOW)
    rome.take(fleet("a"), NOW)
    dying = Mirror(Mortal(rome.address, 6), rome.mirror_folder)  # the probe, and the responses
    with suppress(Killed):
        dying.pull(NOW, full=True)
    assert (objects_of(store, "models"), objects_of(store, "observations")) == (1, 0)
    assert runs_of(machine("new")) == []
    rome.mirror.pull(NOW, full=True)
    assert len(runs_of(machine("new"))) == 1


@pytest.mark.long
def test_an_unsent_run_that_is_damaged(machine: Machines) -> None:
    """It is named, also where runs were pruned, whose responses it may need."""
    rome, keeper = machine("rome"), machine("keeper")
    recorded(rome, "ab")
    prune(keeper.mirror, NOW, last=1)
    rome.mirror.pull(NOW, full=True)
    mirror = rome.mirror
    mirror.pull(NOW)
    path = rome.history.store.path("observations", rome.take(fleet("p", "q", "c"), NOW))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FileError, match="is damaged, and was not sent"):
        mirror.push()
