"""Stores, and machines that share a history in one."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.cli_runner import Done, clean, run
from support.history_builders import Fleet, model
from support.object_stores import ADDRESS, SmallStore, small_store

from inventory import History
from inventory.config.servers import Server
from inventory.config.store_address import mirror_name
from inventory.history import run_log
from inventory.history.verify import prove
from inventory.operations.snapshot import take_snapshot
from inventory.sync.mirror import Mirror
from inventory.sync.objects import RemoteObjects
from inventory.tables import rows

pytest.importorskip("obstore", reason="the extra objects is not installed: pip install '.[objects]'")


class Machine:
    """A collector with a mirror of its own.

    Args:
        folder: its cache, and the files that its servers answer with.
        environment: the variables by which it finds the store.
        address: the shared history.
    """

    def __init__(self, folder: Path, environment: dict[str, str], address: str = ADDRESS) -> None:
        self.folder = folder
        self.address = address
        self.environment = environment
        self.mirror_folder = folder / "lms-inventory" / "mirrors" / mirror_name(address)

    def run(self, *arguments: str | Path, **more: str) -> Done:
        """Run a command there."""
        variables = {"XDG_CACHE_HOME": str(self.folder), "LMS_INVENTORY_HISTORY": self.address}
        return run(*arguments, env=clean(**(variables | self.environment | more)))

    def snapshot(self, fleet: Fleet, *arguments: str, **more: str) -> Done:
        """Take a snapshot of servers that answer with some models."""
        servers = [word for server in self.servers(fleet) for word in ("--server", f"{server.name}={server.url}")]
        return self.run("snapshot", "-q", *servers, *arguments, **more)

    def servers(self, fleet: Fleet) -> list[Server]:
        """Write what servers answer with."""
        self.folder.mkdir(exist_ok=True, parents=True)
        for name, models in fleet.items():
            (self.folder / f"{name}.json").write_text(json.dumps({"models": models}))
        return [Server(f"file:{self.folder / name}.json", name) for name in fleet]

    @property
    def mirror(self) -> Mirror:
        """Its mirror, in this process."""
        return Mirror(RemoteObjects(self.address, os.environ), self.mirror_folder)

    @property
    def history(self) -> History:
        """What it has of the history."""
        return History(self.mirror_folder)

    def take(self, fleet: Fleet, moment: datetime) -> str:
        """Record a run in the mirror, at a time, without the store; return its id."""
        result = take_snapshot(self.history, self.servers(fleet), timeout=10, clock=lambda: moment)
        assert result.failure is None
        entry = run_log.entry_of(result.snapshot, result.changes, 0.1, 0, [])
        run_log.append(self.mirror_folder, entry)
        return result.snapshot.run_id

    def problems(self) -> list[dict[str, object]]:
        """What ``verify`` finds in the mirror."""
        return rows(prove(self.history.store, datetime.now(UTC)).problems)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStore]:
    """A small store, which this process finds too."""
    with small_store() as state:
        for name, value in state.environment.items():
            monkeypatch.setenv(name, value)
        yield state


@pytest.fixture
def machine(tmp_path: Path, store: SmallStore) -> Callable[[str], Machine]:
    """Make machines by name, which share a history in the store."""
    return lambda name: Machine(tmp_path / name, store.environment)


def fleet(*keys: str, server: str = "rome") -> Fleet:
    """One server that has some models."""
    return {server: [model(key) for key in keys]}
