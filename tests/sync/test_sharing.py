"""Several machines, one history: what one records all others read, as from any history."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from support.object_stores import SmallStore

from inventory.cli.sync import sync
from sync.conftest import Machine, fleet

Machines = Callable[[str], Machine]
NOW = datetime.now(UTC)


@pytest.mark.long
def test_two_machines_read_one_state(machine: Machines, store: SmallStore) -> None:
    """Each snapshot is in the store when it ends; the other machine's state, runs and changes are the same."""
    rome, bonn = machine("rome"), machine("bonn")
    assert rome.snapshot(fleet("a")).later == (0, "", "")
    assert bonn.snapshot(fleet("b", server="bonn")) == (0, "", "")
    assert rome.snapshot(fleet("a", "c")) == (0, "", "")
    for arguments in (["show", "--json"], ["history", "--json"], ["diff", "first", "latest", "--json"]):
        told = [each.run(*arguments) for each in (rome, bonn, machine("new"))]
        assert [each.code for each in told] == [0, 0, 0]
        assert told[0].data == told[1].data == told[2].data
    state = machine("new").run("show", "--json").data
    assert sorted((row["server"], row["key"]) for row in state["models"]) == [
        ("bonn", "b"), ("rome", "a"), ("rome", "c"),
    ]  # fmt: skip
    assert machine("newest").run("verify", "--json").data["problems"] == []
    assert {key.split("/")[1] for key in store.objects} == {"observations", "payloads", "models", "instances", "runs"}


def test_a_run_carries_its_collector(machine: Machines, tmp_path: Path) -> None:
    """The footer of its observations names the machine: the host, or what the configuration says."""
    rome = machine("rome")
    config = tmp_path / "inventory.toml"
    config.write_text('[history]\ncollector = "office-1"\n')
    rome.snapshot(fleet("a"))
    rome.snapshot(fleet("a"), "--config", str(config))
    read = [rome.history.store.read("observations", run_id).about for run_id in rome.history.store.run_ids()]
    import socket

    assert [about["collector"] for about in read] == [socket.gethostname(), "office-1"]


@pytest.mark.long
def test_two_clocks(machine: Machines) -> None:
    """One machine's clock is half an hour ahead: whatever counts as now, and the last change, is the same on both."""
    rome, bonn = machine("rome"), machine("bonn")
    for mirror in (rome.mirror, bonn.mirror):
        mirror.pull(NOW)
    ahead, begin = timedelta(minutes=30), NOW - timedelta(hours=5)

    def record(each: Machine, *keys: str, at: datetime) -> str:
        each.mirror.pull(NOW)
        run_id = each.take(fleet("p", "q", *keys), at)
        each.mirror.pull(NOW, full=True)
        return run_id

    first = record(bonn, "a", at=begin + ahead)
    second = record(rome, "b", at=begin + timedelta(minutes=10))
    assert second > first  # the clock of a machine is put forward to the newest run, as on one machine
    record(bonn, "c", at=begin + ahead + timedelta(hours=1))
    record(rome, "c", "d", at=begin + timedelta(hours=2))
    for arguments in (["show"], ["diff"], ["diff", "previous", "latest"], ["history", "--by", "model"]):
        done = [each.run(*arguments, "--json").data for each in (rome, bonn, machine("new"))]
        assert done[0] == done[1] == done[2]
    changes = rome.run("diff", "--json").data["changes"]
    assert [(row["key"], row["change"]) for row in changes if row["grain"] == "model"] == [("d", "added")]


@pytest.mark.long
def test_diff_compares_states_whoever_asked(machine: Machines) -> None:
    """Two machines ask different servers in turn: the last two states differ in what changed, not in who asked."""
    rome, bonn = machine("rome"), machine("bonn")
    for _ in range(2):
        rome.snapshot(fleet("a"))
        bonn.snapshot(fleet("b", server="bonn"))
    assert rome.run("diff", "previous", "latest", "--json").data["changes"] == []
    rome.snapshot(fleet("a", "x"))
    bonn.snapshot(fleet("b", server="bonn"))
    for each in (rome, bonn):
        assert each.run("diff", "--json").data["changes"] == []
        rows = each.run("diff", "latest~2", "latest", "--json").data["changes"]
        assert [(row["server"], row["key"], row["change"]) for row in rows if row["grain"] == "model"] == [
            ("rome", "x", "added")
        ]


def test_offline_neither_reads_nor_writes_the_store(machine: Machines, store: SmallStore) -> None:
    """With --offline no request is made; the run is sent by the next one."""
    rome = machine("rome")
    rome.snapshot(fleet("a"))
    before = len(store.requests)
    assert rome.run("show", "--offline", "--json").data["models"][0]["key"] == "a"
    assert rome.snapshot(fleet("b"), "--offline").code == 0
    assert len(store.requests) == before
    assert rome.run("baseline", "set", "x", "--offline").code == 2
    assert rome.run("sync", "--json").data["sent"] == 1
    assert rome.run("sync", "--offline").code == 2


@pytest.mark.long
def test_the_examples_of_sync_work(machine: Machines) -> None:
    """Each command line on its help page ends in 0 where there is a store."""
    rome = machine("rome")
    rome.snapshot(fleet("a"))
    for line, _ in sync.examples:
        done = rome.run(*line.split()[1:])
        assert (done.code, done.err) == (0, ""), line
        assert done.out.startswith("s3://bucket/inventory: 1 run, 0 new, 0 sent\n")


def test_a_schedule_names_the_address(machine: Machines) -> None:
    """A scheduled run gets the same address, and an existing history is required as elsewhere."""
    rome = machine("rome")
    rome.snapshot(fleet("a"))
    done = rome.run("schedule", "cron", "--server", "a=http://127.0.0.1:1234")
    assert done.code == 0
    assert "--history s3://bucket/inventory" in done.out
    assert "--existing-history" in done.out


@pytest.mark.long
def test_an_unreachable_store(machine: Machines, store: SmallStore) -> None:
    """A snapshot is kept in the mirror, one line says so, exit 3; what reads says so too; the next run sends both."""
    rome, bonn = machine("rome"), machine("bonn")
    rome.snapshot(fleet("a"))
    store.refuses = 403
    done = rome.snapshot(fleet("b"))
    assert (done.code, done.err.count("\n")) == (3, 1)
    assert "s3://bucket/inventory could not be reached: it answered 403 Forbidden (AccessDenied). The run is kept" in (
        done.err
    )
    shown = rome.run("show", "--json")
    assert (shown.code, shown.data["models"][0]["key"]) == (3, "b")
    assert "may lack newer runs" in shown.err
    fresh = bonn.run("show")
    assert (fresh.code, fresh.out) == (3, "")
    assert rome.snapshot(fleet("b"), "--fail-on", "any").code == 3
    assert rome.snapshot(fleet("c"), "--fail-on", "added").code == 10
    store.refuses = 0
    assert rome.snapshot(fleet("d")).code == 0
    assert len(bonn.run("history", "--json").data["runs"]) == 5
    assert bonn.problems() == []


@pytest.mark.long
def test_nothing_listens(machine: Machines) -> None:
    """A machine without a network records, and the first run too."""
    rome = machine("rome")
    done = rome.snapshot(fleet("a"), AWS_ENDPOINT="http://127.0.0.1:9")
    assert (done.code, done.err.count("\n")) == (3, 1)
    assert "no connection. The run is kept on this machine" in done.err
    assert rome.run("sync").out.startswith("s3://bucket/inventory: 1 run, 0 new, 1 sent\n")


@pytest.mark.long
def test_runs_of_a_machine_that_was_away_for_months(machine: Machines) -> None:
    """They lie in months that nobody lists any more, and a newer run refers to them: it is read all the same."""
    rome, laptop = machine("rome"), machine("laptop")
    rome.mirror.pull(NOW)
    rome.take(fleet("a"), NOW)
    rome.mirror.push()
    laptop.mirror.pull(NOW - timedelta(days=400))
    for days in (100, 99, 98, 1):
        laptop.take(fleet(f"z{days > 1}", server="laptop"), NOW - timedelta(days=days))
    rome.mirror.pull(NOW)  # lists everything, and then not again for a day
    laptop.take(fleet("zTrue", server="laptop"), NOW)  # what it stored 100 days ago
    mirror = laptop.mirror
    mirror.pull(NOW)
    mirror.push()
    assert rome.mirror.pull(NOW) == 5
    assert rome.problems() == []
    state = rome.history.state()
    assert sorted(zip(state.models["server"], state.models["key"], strict=True)) == [("laptop", "zTrue"), ("rome", "a")]


@pytest.mark.long
def test_late_runs_are_found_once_a_day(machine: Machines) -> None:
    """Runs of old months to which nothing refers come with the next full listing."""
    rome, laptop = machine("rome"), machine("laptop")
    rome.mirror.pull(NOW)
    laptop.mirror.pull(NOW)
    laptop.take(fleet("a"), NOW - timedelta(days=200))
    mirror = laptop.mirror
    mirror.pull(NOW, full=True)
    assert rome.mirror.pull(NOW + timedelta(hours=1)) == 0
    assert rome.mirror.pull(NOW + timedelta(hours=25)) == 1
    assert machine("new").mirror.pull(NOW) == 1


@pytest.mark.long
def test_baselines_are_those_of_the_store(machine: Machines) -> None:
    """One that is set or removed on a machine is so on all; a name is given once."""
    rome, bonn = machine("rome"), machine("bonn")
    rome.snapshot(fleet("a"))
    bonn.snapshot(fleet("b"))
    assert rome.run("baseline", "set", "good", "first").code == 0
    assert [row["name"] for row in bonn.run("baseline", "list", "--json").data["baselines"]] == ["good"]
    refused = bonn.run("baseline", "set", "good", "latest")
    assert (refused.code, "exists already" in refused.err) == (2, True)
    assert bonn.run("diff", "baseline:good", "latest", "--json").data["changes"]
    assert bonn.run("baseline", "remove", "good").code == 0
    assert rome.run("baseline", "list", "--json").data["baselines"] == []
    assert machine("new").run("verify").code == 0


@pytest.mark.long
def test_retired_servers_are_retired_everywhere(machine: Machines) -> None:
    """What servers retire records reaches the other machines."""
    rome, bonn = machine("rome"), machine("bonn")
    rome.snapshot(fleet("a"))
    rome.snapshot(fleet("b", server="old"))
    assert rome.run("servers", "retire", "old").code == 0
    listed = bonn.run("servers", "--retired", "--json").data["servers"]
    assert [row["server"] for row in listed] == ["old"]


@pytest.mark.long
def test_others_read_the_mirror(machine: Machines) -> None:
    """The folder that sync names is an ordinary history for DuckDB; spark is given the same folder."""
    rome = machine("rome")
    rome.snapshot(fleet("a", "b"))
    folder = machine("bonn").run("sync", "--json").data["folder"]
    assert duckdb.execute(f"SELECT count(*) FROM '{folder}/models/month=*/*.parquet'").fetchall() == [(2,)]


def test_a_folder_is_shared_in_the_same_way(tmp_path: Path) -> None:
    """A file:// address is a store without a server; one that is not there is not created."""
    (tmp_path / "share with space").mkdir()
    address = f"file://{tmp_path}/share with space"
    rome, bonn = (Machine(tmp_path / name, {}, address) for name in ("rome", "bonn"))
    assert rome.snapshot(fleet("a")).later == (0, "", "")
    assert bonn.snapshot(fleet("b")) == (0, "", "")
    assert len(rome.run("history", "--json").data["runs"]) == 2
    assert rome.problems() == bonn.problems() == []
    away = Machine(tmp_path / "rome", {}, f"file://{tmp_path}/away")
    done = away.snapshot(fleet("a"))
    assert (done.code, "there is no such folder" in done.err) == (3, True)
    assert not (tmp_path / "away").exists()


@pytest.mark.guard("an address holds no key")
def test_addresses_that_are_refused(machine: Machines) -> None:
    """Keys in an address are refused unseen, as is what names no bucket."""
    rome = machine("rome")
    for address in ("s3://AKIA:hidden@bucket/x", "s3://bucket/x?sig=hidden", "az://hidden@account/c"):
        done = rome.run("show", "--history", address)
        assert (done.code, done.err.count("\n"), "hidden" in done.err) == (2, 1, False)
    for address in ("s3://", "s3:///x", "az://", "file://x/y", "ftp://x/y", "s3://b/../c"):
        assert rome.run("show", "--history", address).code == 2, address


def test_commands_that_a_shared_history_does_not_have(machine: Machines, tmp_path: Path) -> None:
    """Sync is refused for a folder."""
    rome = machine("rome")
    rome.snapshot(fleet("a"))
    assert rome.run("sync", "--history", tmp_path).code == 2
