"""The same on each kind of store: moto's S3, Azurite, a folder; and stores that cannot be used."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import object_stores
from support.object_stores import RealStore

from inventory.errors import ConfigurationError, FileError, StoreUnreachable
from inventory.sync.keeper import compact_store
from inventory.sync.objects import RemoteObjects, probe, write_once
from sync.conftest import Machine, fleet
from sync.test_pruning import prune

pytestmark = pytest.mark.long
KINDS = ("moto", "azurite", "folder")
Machines = Callable[[str], Machine]


@pytest.fixture(params=KINDS)
def real(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealStore]:
    """An empty store of each kind, which this process finds too."""
    with getattr(object_stores, request.param)() as state:
        for name, value in state.environment.items():
            monkeypatch.setenv(name, value)
        yield state


@pytest.fixture
def machine(tmp_path: Path, real: RealStore) -> Machines:
    """Make machines by name, which share a history in the store."""
    return lambda name: Machine(tmp_path / name, real.environment, real.address)


def in_threads(functions: list[Callable[[], Any]]) -> list[BaseException]:
    """Run functions at the same time; return what they raised."""
    failures: list[BaseException] = []

    def call(function: Callable[[], Any]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - shown by the caller
            failures.append(error)

    threads = [threading.Thread(target=call, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_writing_once(real: RealStore) -> None:
    """An object is written, found again, listed with its size, not overwritten, and deleted, twice without an error."""
    objects = RemoteObjects(real.address, os.environ)
    probe(objects)
    assert objects.read("a/x") is None
    assert write_once(objects, "a/x", b"one")
    assert not write_once(objects, "a/x", b"one")
    with pytest.raises(FileError, match="exists with another content"):
        write_once(objects, "a/x", b"two")
    write_once(objects, "a/y", b"")
    assert objects.sizes("a") == {"a/x": 3, "a/y": 0}
    assert objects.sizes("a", "x") == {"a/y": 0}
    for _ in range(2):
        objects.delete("a/x")
    assert (objects.read("a/x"), objects.read("a/y")) == (None, b"")


@pytest.mark.parametrize("writers", [8, pytest.param(40, marks=pytest.mark.full)])
def test_a_race_for_one_key(real: RealStore, writers: int) -> None:
    """Of those who write different bytes under one key one succeeds, and the others are told."""
    objects = [RemoteObjects(real.address, os.environ) for _ in range(writers)]
    for turn in range(10):
        barrier = threading.Barrier(writers)

        def write(number: int, turn: int = turn, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            assert write_once(objects[number], f"race/{turn}", b"%d" % number)

        failures = in_threads([lambda number=number: write(number) for number in range(writers)])  # type: ignore[misc]
        assert len(failures) == writers - 1
        assert {type(failure) for failure in failures} <= {FileError}


def test_all_commands(machine: Machines, tmp_path: Path) -> None:
    """Two machines record; whatever reads says the same on both; the keeper merges and prunes."""
    rome, bonn = machine("rome"), machine("bonn")
    assert rome.snapshot(fleet("a")).later == (0, "", "")
    assert bonn.snapshot(fleet("b", server="bonn")) == (0, "", "")
    assert rome.snapshot(fleet("a", "c")).code == 0
    reading = [
        ["show"], ["diff"], ["diff", "first", "latest"], ["history"], ["servers"], ["unused"], ["verify"],
        ["query", "SELECT server, key FROM models ORDER BY ALL"], ["baseline", "list"],
    ]  # fmt: skip
    for arguments in reading:
        done = [each.run(*arguments, "--json") for each in (rome, bonn)]
        assert [each.code for each in done] == [0, 0], (arguments, done)
        assert done[0].data == done[1].data, arguments
    for command in ("export", "report"):
        for each in (rome, bonn):
            assert each.run(command, "-o", each.folder / f"{command}.cdx.json").code == 0
    config = tmp_path / "inventory.toml"
    config.write_text("[history]\nkeeper = true\n")
    assert rome.run("prune", "--keep-last", "1", "--compact", "--config", config).code == 0
    assert [len(each.run("history", "--json").data["runs"]) for each in (rome, bonn)] == [2, 2]  # bonn's last response
    assert machine("new").run("verify").code == 0


@pytest.mark.parametrize(("collectors", "runs"), [(3, 5), pytest.param(8, 25, marks=pytest.mark.full)])
def test_races(machine: Machines, collectors: int, runs: int) -> None:
    """Collectors record at the same time: a fresh mirror has all runs and no problem, and mirrors tell one state."""
    machines = [machine(f"c{number}") for number in range(collectors)]
    acknowledged: list[str] = []

    def collect(number: int) -> None:
        for turn in range(runs):
            mirror = machines[number].mirror
            mirror.pull(datetime.now(UTC))
            run_id = machines[number].take(fleet(f"k{turn % 3}", server=f"s{number}"), datetime.now(UTC))
            acknowledged.append(run_id)
            if turn % 4 != 3:  # else it is kept, and sent with the next
                mirror.push()
                mirror.push_log(run_id)
            if turn % 5 == 4:  # as whoever comes new meanwhile
                fresh = machine(f"fresh{number}-{turn}")
                fresh.mirror.pull(datetime.now(UTC))
                assert fresh.problems() == []

    assert in_threads([lambda number=number: collect(number) for number in range(collectors)]) == []  # type: ignore[misc]
    for each in machines:
        each.mirror.pull(datetime.now(UTC), full=True)
    fresh = machine("fresh")
    fresh.mirror.pull(datetime.now(UTC))
    assert set(fresh.history.store.run_ids()) == set(acknowledged)
    assert len(acknowledged) == collectors * runs
    assert fresh.problems() == []
    states = []
    for each in (*machines, fresh):
        each.mirror.pull(datetime.now(UTC))
        models = each.history.state().models
        states.append(sorted(zip(models["server"], models["key"], strict=True)))
    assert all(state == states[0] for state in states)
    assert len(states[0]) == collectors


@pytest.mark.parametrize(("collectors", "runs"), [(2, 9), pytest.param(6, 20, marks=pytest.mark.full)])
def test_races_with_the_keeper(machine: Machines, collectors: int, runs: int) -> None:
    """The keeper prunes and merges while collectors record: what was not pruned is whole in every fresh mirror."""
    keeper, acknowledged, ended = machine("keeper"), [], threading.Event()

    def collect(number: int) -> None:
        each = machine(f"c{number}")
        for turn in range(runs):
            mirror = each.mirror
            mirror.pull(datetime.now(UTC))
            acknowledged.append(each.take(fleet(f"k{turn % 2}", server=f"s{number}"), datetime.now(UTC)))
            mirror.push()

    def keep() -> None:
        ends = False
        while not ends:
            ends = ended.is_set()
            prune(keeper.mirror, datetime.now(UTC), last=3)
            compact_store(keeper.mirror, datetime.now(UTC))
            fresh = machine("fresh")
            fresh.mirror.pull(datetime.now(UTC), full=True)
            assert fresh.problems() == []

    failures: list[BaseException] = []
    thread = threading.Thread(target=lambda: failures.extend(in_threads([keep])))
    thread.start()
    failures += in_threads([lambda number=number: collect(number) for number in range(collectors)])  # type: ignore[misc]
    ended.set()
    thread.join()
    assert failures == []
    last = machine("last")
    last.mirror.pull(datetime.now(UTC))
    for each in (*(machine(f"c{number}") for number in range(collectors)), last):
        each.mirror.pull(datetime.now(UTC), full=True)
        assert each.problems() == []
        assert set(each.history.store.run_ids()) == set(acknowledged) - last.history.store.pruned().keys()
    assert last.history.store.pruned()


def test_a_bucket_that_is_not_there(real: RealStore, tmp_path: Path) -> None:
    """A snapshot is kept, exit 3; check says so, exit 3; one line each."""
    away = Machine(tmp_path / "rome", real.environment, real.address.replace("bucket", "away") + "-away")
    if real.address.startswith("file:"):
        away.address = "file:///nowhere/at/all"
    for done in (away.snapshot(fleet("a")), away.run("sync")):
        assert (done.code, done.err.count("\n"), "there is no such" in done.err) == (3, 1, True), done
    done = away.run("check", "--server", f"rome=file:{away.folder}/rome.json")
    assert (done.code, done.err.count("\n"), "there is no such" in done.err) == (3, 1, True), done


def test_s3rver_is_refused(tmp_path: Path) -> None:
    """It ignores the condition: check says so, exit 2; a snapshot sends nothing there, exit 4, and is kept."""
    with object_stores.s3rver() as real:
        rome = Machine(tmp_path / "rome", real.environment, real.address)
        done = rome.snapshot(fleet("a"))
        assert (done.code, "ignores If-None-Match" in done.err) == (4, True)
        done = rome.run("check", "--server", f"rome=file:{rome.folder}/rome.json")
        assert (done.code, done.err.count("\n"), "ignores If-None-Match" in done.err) == (2, 1, True)
        assert len(rome.run("history", "--offline", "--json").data["runs"]) == 1


def test_wrong_keys_for_azurite(tmp_path: Path) -> None:
    """It checks signatures: one line, without the key, exit 3."""
    with object_stores.azurite() as real:
        wrong = {**real.environment, "AZURE_STORAGE_ACCOUNT_KEY": "Y2FuYXJ5Y2FuYXJ5"}
        done = Machine(tmp_path / "rome", wrong, real.address).snapshot(fleet("a"))
        assert (done.code, done.err.count("\n"), "it answered 403" in done.err) == (3, 1, True)
        assert "Y2FuYXJ5" not in done.err


def test_errors_of_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the client lacks is said before anything is requested."""
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises((ConfigurationError, StoreUnreachable), match="AZURE_STORAGE_ACCOUNT_NAME"):
        RemoteObjects("az://container/x", os.environ)
