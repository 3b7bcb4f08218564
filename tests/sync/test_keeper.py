"""The keeper merges the files of a shared history; the others read the same before, meanwhile and after."""

import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.object_stores import ADDRESS, Killed, Mortal, SmallStore

from inventory.history import compaction
from inventory.sync.keeper import compact_store
from inventory.sync.mirror import Mirror
from sync.conftest import Machine, fleet

Machines = Callable[[str], Machine]
NOW = datetime.now(UTC)
RUNS = 6


def _recorded(machine: Machine, months_ago: int = 3) -> Machine:
    """A machine that has sent runs of a closed month."""
    machine.mirror.pull(NOW)
    begin = (NOW - timedelta(days=31 * months_ago)).replace(day=3)
    for number in range(RUNS):
        machine.take(fleet(f"k{number % 3}", server=machine.folder.name), begin + timedelta(days=number))
    machine.take(fleet("now", server=machine.folder.name), NOW)  # closes the months before
    machine.mirror.pull(NOW, full=True)
    return machine


def _told(machine: Machine) -> tuple[object, ...]:
    history = machine.history
    timeline = history.timeline()
    return tuple(history.store.run_ids()), timeline.to_csv(), history.state().models.to_csv()


@pytest.mark.long
@pytest.mark.guard("only what a merged file in the store holds is deleted")
def test_the_keeper_merges_and_all_read_the_same(machine: Machines, store: SmallStore, tmp_path: Path) -> None:
    """One file a kind and month is left; other mirrors take it; a late run of that month is merged beside it."""
    rome, bonn, keeper = _recorded(machine("rome")), machine("bonn"), machine("keeper")
    bonn.mirror.pull(NOW)
    before = _told(bonn)
    config = tmp_path / "inventory.toml"
    config.write_text("[history]\nkeeper = true\n")
    planned = keeper.run("prune", "--compact", "--dry-run", "--config", config)
    assert (planned.code, "1 month would be compacted" in planned.out) == (0, True)
    done = keeper.run("prune", "--compact", "--config", config)
    assert (done.code, "merged into" in done.out) == (0, True)
    assert len([key for key in store.objects if "/observations/" in key]) == 2  # one merged, and the newest run's
    for each in (bonn, rome, keeper, machine("new")):
        each.mirror.pull(NOW, full=True)
        assert _told(each) == before
        assert each.problems() == []
    _recorded(bonn)  # with the same dates: late runs of a merged month
    assert keeper.run("prune", "--compact", "--config", config).code == 0
    fresh = machine("fresh")
    fresh.mirror.pull(NOW)
    assert len(fresh.history.store.run_ids()) == 2 * (RUNS + 1)
    assert fresh.problems() == []
    assert len([key for key in store.objects if "/observations/" in key and "merged-" in key]) == 2


@pytest.mark.long
def test_only_the_keeper_may(machine: Machines) -> None:
    """Another machine is refused in a sentence."""
    rome = _recorded(machine("rome"))
    for arguments in (["--compact"], ["--keep-last", "1"], ["--run", "2"]):
        done = rome.run("prune", *arguments)
        assert (done.code, done.err.count("\n"), "this is not the one" in done.err) == (2, 1, True)


@pytest.mark.long
@pytest.mark.guard("there is one keeper")
def test_there_is_one_keeper(machine: Machines, tmp_path: Path) -> None:
    """The first machine that prunes is noted in the store by its name, and no other may."""
    rome, bonn = _recorded(machine("rome")), machine("bonn")
    for name in ("rome", "bonn"):
        (tmp_path / f"{name}.toml").write_text(f"[history]\nkeeper = true\ncollector = '{name}'\n")
    for each in (rome, rome):
        assert each.run("prune", "--compact", "--config", tmp_path / "rome.toml").code == 0
    done = bonn.run("prune", "--keep-last", "1", "--config", tmp_path / "bonn.toml")
    assert (done.code, done.err.count("\n"), "is 'rome', and this is 'bonn'" in done.err) == (2, 1, True)
    assert bonn.run("prune", "--keep-last", "1", "--dry-run", "--config", tmp_path / "bonn.toml").code == 0


@pytest.mark.guard("a mirror holds the files of its store")
def test_mirrors_are_not_merged_by_the_way(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot merges the many files of other histories, and never those of a mirror."""
    monkeypatch.setattr(compaction, "_MANY", 2)
    monkeypatch.setattr(compaction, "_NEWEST", 1)
    rome = _recorded(machine("rome"))
    assert not list(rome.mirror_folder.glob("*/*/merged-*"))


@pytest.mark.long
@pytest.mark.parametrize("left", [1, 6, *(pytest.param(n, marks=pytest.mark.full) for n in (0, 3, 4, 9, 14, 20))])
def test_a_keeper_that_is_killed(machine: Machines, left: int) -> None:
    """After any number of its writes and deletions a fresh mirror is whole, and the next keeper ends the work."""
    rome, keeper = _recorded(machine("rome")), machine("keeper")
    before = _told(rome)
    keeper.mirror.pull(NOW)
    try:
        compact_store(Mirror(Mortal(ADDRESS, left), keeper.mirror_folder), NOW)
    except Killed:
        for name in ("new", "rome"):
            machine(name).mirror.pull(NOW, full=True)
            assert _told(machine(name)) == before
            assert machine(name).problems() == []
        shutil.rmtree(machine("new").folder)
    compact_store(keeper.mirror, NOW)
    assert len(list(keeper.mirror_folder.glob("observations/*/*.parquet"))) == 2
    machine("new").mirror.pull(NOW)
    assert _told(machine("new")) == before
    assert machine("new").problems() == []


@pytest.mark.long
def test_readers_meanwhile(machine: Machines) -> None:
    """Fresh and old mirrors that pull while the keeper works have every run once, at each moment."""
    rome, keeper, old = _recorded(machine("rome")), machine("keeper"), machine("old")
    _recorded(rome, 5)
    _recorded(rome, 4)
    old.mirror.pull(NOW)
    keeper.mirror.pull(NOW)
    before = _told(old)
    worker = threading.Thread(target=compact_store, args=[keeper.mirror, NOW])
    worker.start()
    pulls = 0
    while worker.is_alive() or pulls < 2:
        for each in (old, machine(f"fresh{pulls}")):
            each.mirror.pull(NOW, full=True)
            assert _told(each) == before
        pulls += 1
    worker.join()
    assert old.problems() == []
