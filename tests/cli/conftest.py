"""A history that several tests of the commands read."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory import History
from inventory.config.servers import Server
from inventory.operations.snapshot import take_snapshot
from inventory.stub_server import inventory_after, inventory_before


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four daily runs from 10 November 2026: laptop changes, fails and is back; desktop is dropped for rack:8080.

    Tests that write into it work on a copy.
    """
    folder = tmp_path_factory.mktemp("past")
    laptop, desktop, rack = (folder / f"{name}.json" for name in ("laptop", "desktop", "rack"))
    desktop.write_text(json.dumps({"models": inventory_before()[:2]}))
    rack.write_text(json.dumps({"models": inventory_before()[:1]}))
    asked = [Server(f"file:{laptop}", "laptop"), Server(f"file:{desktop}", "desktop")]
    days = [
        (inventory_before(), asked),
        (inventory_after(), asked),
        (None, asked),
        (inventory_after()[1:], [asked[0], Server(f"file:{rack}", "rack:8080")]),
    ]
    for day, (models, servers) in enumerate(days, 10):
        laptop.unlink(missing_ok=True)
        if models is not None:
            laptop.write_text(json.dumps({"models": models}))
        moment = datetime(2026, 11, day, 6, 0, 4, tzinfo=UTC)
        take_snapshot(History(folder / "history"), servers, timeout=10, clock=lambda moment=moment: moment)  # type: ignore[misc]
    return folder / "history"
