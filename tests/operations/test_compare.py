"""Two references -> Changes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import inventory
from inventory import History, Snapshot
from inventory.config.servers import Server
from inventory.errors import ConfigurationError
from inventory.operations.compare import (
    ResolvedRef,
    changes_between,
    known_servers,
    only,
    report_of,
    resolve_ref,
    snapshot_of,
)
from inventory.operations.snapshot import take_snapshot
from inventory.stub_server import inventory_after, inventory_before
from inventory.tables import rows, values


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Two runs of a laptop that changes and of a server whose name has a colon and that fails in the second."""
    past = History(tmp_path / "history")
    laptop, rack = tmp_path / "laptop.json", tmp_path / "rack.json"
    servers = [Server(f"file:{laptop}", "laptop"), Server(f"file:{rack}", "10.0.0.5:8080")]
    rack.write_text(json.dumps({"models": inventory_before()[:1]}))
    for day, models in ((10, inventory_before()), (11, inventory_after())):
        laptop.write_text(json.dumps({"models": models}))
        moment = datetime(2026, 11, day, 6, tzinfo=UTC)
        take_snapshot(past, servers, timeout=10, clock=lambda moment=moment: moment)  # type: ignore[misc]
        rack.unlink(missing_ok=True)
    return past


def nobody() -> Snapshot:
    """Nobody is asked."""
    raise AssertionError


def side(ref: str, history: History) -> ResolvedRef:
    """What a reference means where nobody is to be asked."""
    return resolve_ref(ref, history, nobody)


def test_a_run_a_server_and_a_file_are_sides(history: History, tmp_path: Path) -> None:
    """Each is named as a person knows it; a server's name may have a colon, and so may a time."""
    run_id = history.store.run_ids()[0]
    assert side("previous", history) == ResolvedRef("2026-11-10 06:00:00 UTC", run_id)
    for ref in ("previous:10.0.0.5:8080", "2026-11-10T12:00+00:00:10.0.0.5:8080", f"{run_id}:10.0.0.5:8080"):
        one = side(ref, history)
        assert (one.name, one.server) == ("2026-11-10 06:00:00 UTC 10.0.0.5:8080", "10.0.0.5:8080")
        assert values(snapshot_of(one, history).tables["models"], "key") == ["google/gemma-4-26b-a4b"]
    path = str(tmp_path / "a.PARQUET")
    history.load("latest").write(path)
    assert side(path, history).run_id is None
    file, latest = side(path, history), side("latest", history)
    assert changes_between(file, latest, history).table.num_rows == 0
    assert changes_between(latest, file, history).table.num_rows == 0


def test_live_asks(history: History) -> None:
    """Live is what whoever asks comes back with."""
    asked = history.load("latest")
    live = resolve_ref("live", history, lambda: asked)
    assert (live.live, live.snapshot, live.run_id) == (True, asked, None)


@pytest.mark.parametrize("ref", ["latest:nobody", "latest:", ":laptop", "nope:laptop", "2026-11-09T06:00"])
def test_what_means_nothing_is_refused(ref: str, history: History) -> None:
    """The error lists the servers, or the runs, that there are."""
    there = "10.0.0.5:8080, laptop" if ref.startswith("latest") else "20261110T060000"
    with pytest.raises(ConfigurationError, match=f"There are.*: {there}"):
        side(ref, history)


def test_what_was_not_read_is_told_of_every_kind_of_side(history: History, tmp_path: Path) -> None:
    """An older answer stands in for a server that failed, and that is said: against runs, files and machines."""
    path = str(tmp_path / "a.xlsx")
    history.load("previous").write(path)
    for old, new, count in (
        ("previous", "latest", 1), (path, "latest", 1), ("previous:10.0.0.5:8080", "latest:10.0.0.5:8080", 1),
        ("latest:laptop", "latest:10.0.0.5:8080", 1), ("latest:10.0.0.5:8080", "latest:laptop", 0),
    ):  # fmt: skip
        changes = changes_between(side(old, history), side(new, history), history)
        found = [row for row in rows(changes.skipped) if row["reason"] == "not read now: unreachable"]
        assert len(found) == count
        assert not count or found[0]["last_read"] == datetime(2026, 11, 10, 6, tzinfo=UTC)


def test_what_a_report_compares_with(history: History) -> None:
    """The run before, if there is one, for a whole run; for one machine nothing; or what it is given."""
    first, latest, machine = (side(ref, history) for ref in ("previous", "latest", "latest:laptop"))
    assert report_of(first, history).changes is None
    assert report_of(machine, history).changes is None
    found = report_of(latest, history)
    assert found.changes is not None
    assert (found.changes.table.num_rows > 0, found.since) == (True, first.name)
    given = changes_between(latest, latest, history)
    assert report_of(latest, history, compared=(latest, given)).changes is given


def test_a_server_that_was_never_read_is_not_compared(tmp_path: Path) -> None:
    """RUN:SERVER of a server that never answered says why, instead of that there is none."""
    past = History(tmp_path / "h")
    take_snapshot(past, [Server(f"file:{tmp_path}/none.json", "a")], timeout=10)
    changes = changes_between(side("latest:a", past), side("latest:a", past), past)
    assert changes.not_compared == {"a": "not read now or before: unreachable"}
    assert values(snapshot_of(side("latest:a", past), past).tables["observations"], "status") == ["unreachable"]


def test_some_servers(history: History) -> None:
    """Only the servers asked for are compared; one that nobody knows is refused."""
    sides = side("previous", history), side("latest", history)
    changes = changes_between(*sides, history, servers=["10.0.0.5:8080"])
    assert (changes.table.num_rows, [*changes.not_compared]) == (0, ["10.0.0.5:8080"])
    with pytest.raises(ConfigurationError, match=r"no server 'x'. There are: 10.0.0.5:8080, laptop"):
        changes_between(*sides, history, servers=["x"])
    known_servers(history, ["laptop", "10.0.0.5:8080"])
    known_servers(History("/nonexistent"), ["x"])
    with pytest.raises(ConfigurationError, match="no server 'x'"):
        known_servers(history, ["x"])


@pytest.mark.parametrize("refs", [("previous:{}", "latest"), ("previous", "latest:{}")])
def test_a_machine_against_a_run(refs: tuple[str, str], history: History) -> None:
    """What one machine said is compared with that machine in the run; of the others nothing is said."""
    whole = changes_between(side("previous", history), side("latest", history), history)
    for server, expected in (("laptop", rows(whole.table)), ("10.0.0.5:8080", [])):
        old, new = (side(ref.format(server), history) for ref in refs)
        assert rows(changes_between(old, new, history).table) == expected


def test_some_servers_of_a_file(history: History, tmp_path: Path) -> None:
    """Also of what a file holds only the servers asked for are compared; one that neither side knows is refused."""
    path = str(tmp_path / "a.parquet")
    history.load("previous").write(path)
    sides = side(path, history), side("latest", history)
    assert changes_between(*sides, history).table.num_rows
    assert changes_between(*sides, history, servers=["10.0.0.5:8080"]).table.num_rows == 0
    with pytest.raises(ConfigurationError, match=r"no server 'x'. There are: 10.0.0.5:8080, laptop"):
        changes_between(*sides, history, servers=["x"])


def test_one_machine_against_another(history: History) -> None:
    """Two servers are compared as one; what the newer lacks is removed."""
    changes = changes_between(side("latest:laptop", history), side("latest:10.0.0.5:8080", history), history)
    assert changes.counts("model")["removed"] == 5
    assert set(values(changes.table, "server")) == {"10.0.0.5:8080"}


def test_a_part_of_a_snapshot_is_about_some_servers() -> None:
    """The other servers' rows are left out, and the snapshot given stays as it was."""
    whole = inventory.collect(["a=file:none.json", "b=file:none.json"])
    assert values(only(whole, ["b"]).tables["observations"], "server") == ["b"]
    assert whole.tables["observations"].num_rows == 2
