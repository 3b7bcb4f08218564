"""What goes wrong on the way: answers that get lost, conflicts, damage, kills, races, a store that overwrites."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from support.cli_runner import COMMAND, clean
from support.object_stores import ADDRESS, SmallStore

from inventory.errors import ConfigurationError, FileError, StoreUnreachable
from inventory.sync.objects import RemoteObjects, reason_of, write_once
from sync.conftest import Machine, fleet

Machines = Callable[[str], Machine]


@pytest.mark.long
def test_a_write_whose_answer_got_lost(machine: Machines, store: SmallStore) -> None:
    """The retry finds the object: with the same bytes that is success."""
    rome = machine("rome")
    store.lost_answers = 1
    assert rome.snapshot(fleet("a")).code == 0
    store.lost_answers = 9
    assert rome.snapshot(fleet("b")).code in (0, 3)
    store.lost_answers = 0
    assert rome.run("sync").code == 0
    assert len(machine("bonn").run("history", "--json").data["runs"]) == 2
    assert machine("bonn").problems() == []


@pytest.mark.long
def test_conflicts_are_tried_again(machine: Machines, store: SmallStore) -> None:
    """409 says that another write of that key is under way."""
    store.conflicts = 2
    assert machine("rome").snapshot(fleet("a")).code == 0
    store.conflicts = 1000
    assert machine("rome").snapshot(fleet("b")).code == 3


@pytest.mark.guard("another object of that name is reported")
def test_another_object_of_that_name(store: SmallStore) -> None:
    """It is not overwritten, and the sentence says so."""
    objects = RemoteObjects(ADDRESS, os.environ)
    assert write_once(objects, "baselines/x.txt", b"one")
    assert not write_once(objects, "baselines/x.txt", b"one")
    with pytest.raises(FileError, match="exists with another content"):
        write_once(objects, "baselines/x.txt", b"two")
    assert store.objects == {"inventory/baselines/x.txt": b"one"}


@pytest.mark.long
@pytest.mark.guard("a store that overwrites is refused")
def test_a_store_that_ignores_the_condition(machine: Machines, store: SmallStore) -> None:
    """Check refuses it, exit 2; a snapshot sends nothing there, exit 4, and the run is kept; no probe stays."""
    rome = machine("rome")
    store.ignores_conditions = True
    address = f"file:{rome.folder}/rome.json"
    done = rome.snapshot(fleet("a"))
    assert (done.code, "ignores If-None-Match" in done.err) == (4, True)
    checked = rome.run("check", "--server", address)
    assert (checked.code, "ignores If-None-Match" in checked.err) == (2, True)
    again = rome.snapshot(fleet("a"))
    assert (again.code, again.err.count("\n")) == (4, 1)
    assert store.objects == {}
    store.ignores_conditions = False
    assert "overwrites nothing" in rome.run("check", "--server", address).out
    assert rome.run("sync", "--json").data["runs"] == 2
    assert machine("bonn").problems() == []


@pytest.mark.long
@pytest.mark.parametrize("kind", ["observations", "payloads", "models", "instances", "runs"])
@pytest.mark.guard("a damaged object is not fetched")
def test_a_damaged_object(machine: Machines, store: SmallStore, kind: str) -> None:
    """It is named, exit 4, and never gets into a mirror; once it is deleted a machine that has it sends it again."""
    rome, bonn = machine("rome"), machine("bonn")
    rome.snapshot(fleet("a"))
    key = store.key(kind)
    body = store.objects[key]
    store.objects[key] = body[:40] + bytes([body[40] ^ 1]) + body[41:]
    done = bonn.run("verify")
    assert (done.code, done.err.count("\n"), key.removeprefix("inventory/") in done.err) == (4, 1, True)
    assert not (bonn.mirror_folder / key.removeprefix("inventory/")).exists()
    del store.objects[key]
    assert rome.run("sync", "--full").code == 0
    assert store.objects[key] == body
    assert bonn.run("verify").code == 0


@pytest.mark.long
@pytest.mark.parametrize("kind", ["observations", "payloads", "models"])
def test_a_missing_object(machine: Machines, store: SmallStore, kind: str) -> None:
    """A fresh mirror's verify reports it; a machine that has it puts it back."""
    rome, bonn = machine("rome"), machine("bonn")
    rome.snapshot(fleet("a"))
    del store.objects[store.key(kind)]
    done = bonn.run("verify", "--json")
    assert done.code == 4
    assert any("missing" in row["problem"] or "no recorded run" in row["problem"] for row in done.data["problems"])
    assert rome.run("sync").code == 0
    assert bonn.run("verify").code == 0


@pytest.mark.guard("damage is not spread")
def test_a_damaged_file_of_the_mirror_is_not_sent(machine: Machines, store: SmallStore) -> None:
    """A run that lies damaged on the one machine that has it is named, and stays out of the store."""
    rome = machine("rome")
    rome.snapshot(fleet("a"), "--offline")
    path = next(rome.mirror_folder.glob("models/*/*.parquet"))
    path.write_bytes(path.read_bytes()[:-20])
    done = rome.run("sync")
    assert (done.code, str(path) in done.err) == (4, True)
    done = rome.snapshot(fleet("b"))
    assert (done.code, done.err.count("\n"), str(path) in done.err) == (4, 1, True)
    assert not any("observations" in key or "models" in key for key in store.objects)


@pytest.mark.long
@pytest.mark.guard("no key of others becomes a path")
def test_foreign_keys_stay_where_they_are(machine: Machines, store: SmallStore) -> None:
    """Objects with other names are left alone, whatever their names would be as paths."""
    rome = machine("rome")
    rome.snapshot(fleet("a"))
    for key in ("observations/readme.txt", "runs/x.json", "baselines/..%2f..%2fx.txt", "retired/a b.json", "other"):
        store.objects[f"inventory/{key}"] = b"{}"
    assert machine("bonn").run("verify").code == 0
    names = {path.name for path in machine("bonn").folder.rglob("*")}
    assert not names & {"readme.txt", "x.json", "a b.json", "other"}


@pytest.mark.long
@pytest.mark.parametrize("kills", [8, pytest.param(40, marks=pytest.mark.full)])
def test_kills(machine: Machines, store: SmallStore, kills: int) -> None:
    """Snapshots are killed at any moment: no run in the store lacks anything, and each acknowledged one is there."""
    rome, chance = machine("rome"), random.Random(kills)
    acknowledged = 0
    for number in range(kills):
        servers = rome.servers(fleet(f"m{number}"))
        process = subprocess.Popen(
            [*COMMAND, "snapshot", "-q", "--server", f"rome={servers[0].url}"],
            env=clean(**store.environment, XDG_CACHE_HOME=str(rome.folder), LMS_INVENTORY_HISTORY=ADDRESS),
            stderr=subprocess.DEVNULL,
        )
        before = len(store.requests)
        deadline = time.monotonic() + chance.uniform(0, 0.3)
        while process.poll() is None and (len(store.requests) == before or time.monotonic() < deadline):
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        acknowledged += process.wait() == 0
        fresh = machine(f"fresh{number}")
        fresh.mirror.pull(datetime.now(UTC))
        assert fresh.problems() == []
        shutil.rmtree(fresh.folder)
    assert rome.snapshot(fleet("last")).code == 0
    fresh = machine("fresh")
    fresh.mirror.pull(datetime.now(UTC))
    assert fresh.problems() == []
    assert len(fresh.history.store.run_ids()) > acknowledged


def test_why_a_request_failed() -> None:
    """A few words, without addresses, whose queries may be signed."""
    assert reason_of("GET https://x?sig=1 status code: 403 Forbidden: <Code>SlowDown</Code>") == (
        "it answered 403 Forbidden (SlowDown)"
    )
    assert reason_of("<Code>NoSuchBucket</Code> status code: 404 Not Found") == "there is no such bucket"
    assert reason_of("PUT https://x?sig=1: error sending request: retry_timeout: 20s") == "no connection"
    assert reason_of("operation timed out, url https://x?sig=1") == "it did not answer in time"
    assert reason_of("?sig=1") == "the request failed"


def test_what_the_client_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, and with a profile that is not there, one sentence says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    with pytest.raises(ConfigurationError, match=r"needs the package obstore. Install it"):
        RemoteObjects(ADDRESS, {})


def test_a_folder_that_is_not_there() -> None:
    """A file:// address whose disk is not mounted is not reached."""
    with pytest.raises(StoreUnreachable, match="there is no such folder"):
        RemoteObjects("file:///nowhere/at/all", {})
