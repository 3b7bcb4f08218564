"""The keeper prunes a shared history: mirrors drop what was pruned, and keep what nobody else has."""

import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inventory.errors import StoreUnreachable
from inventory.history.retention import plan
from inventory.sync.fetch import pruned_runs
from inventory.sync.files import prepare
from inventory.sync.keeper import compact_store, prune_store
from inventory.sync.mirror import Mirror
from inventory.sync.objects import RemoteObjects
from sync.conftest import Machine, fleet

Machines = Callable[[str], Machine]
NOW = datetime.now(UTC)
DAY = timedelta(days=1, minutes=1)


class Killed(StoreUnreachable):
    """The end of a process."""


class Mortal(RemoteObjects):
    """The objects of a process that is killed after some writes or deletions."""

    def __init__(self, address: str, left: int) -> None:
        super().__init__(address, os.environ)
        self._left = left

    def _use(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed("killed")

    def create(self, key: str, body: bytes) -> bool:
        """Write an object while it lives."""
        self._use()
        return super().create(key, body)

    def delete(self, key: str) -> None:
        """Delete an object while it lives."""
        self._use()
        super().delete(key)


def prune(mirror: Mirror, now: datetime, *drop: str, last: int = 0) -> None:
    """Prune as the command does."""
    mirror.pull(now, full=True)
    baselines = list(mirror.store.baselines().values())
    prune_store(mirror, plan(mirror.store, {"last": last} if last else {}, baselines, drop=drop, now=now), now)


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
    "seed", [*(pytest.param(seed, marks=pytest.mark.long if seed < 3 else pytest.mark.full) for seed in range(40))]
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
