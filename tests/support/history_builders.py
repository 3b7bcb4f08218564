"""Histories made for tests, out of saved answers: each run is really collected and recorded."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import inventory
from inventory import schema
from inventory.collection.collector import new_run_id
from inventory.config.servers import Server
from inventory.history.reader import History
from inventory.history.recorder import record
from inventory.history.storage.data_file import KINDS
from inventory.history.storage.partitions import Months
from inventory.tables import Snapshot, rows, table_of

Model = dict[str, Any]
Fleet = dict[str, list[Model] | None]  # the models of each server that is asked; None if it cannot be read
START = datetime(2026, 11, 1, 6, tzinfo=UTC)


def model(key: str, *loaded: str, **fields: Any) -> Model:
    """A model as LM Studio sends it, with the ids of its loaded instances."""
    instances = [{"id": name, "config": {"context_length": 4096}} for name in loaded]
    return {"key": key, "type": "llm", "size_bytes": 10, **fields, "loaded_instances": instances}


def day(number: float) -> datetime:
    """The time of the run of a day."""
    return START + timedelta(days=number)


def collected(folder: Path, fleet: Fleet, moment: datetime, run_id: str | None = None) -> Snapshot:
    """What a run over a fleet sees."""
    folder.mkdir(exist_ok=True)
    servers = []
    for name, models in fleet.items():
        path = folder / f"{name}.json"
        path.unlink(missing_ok=True)
        if models is not None:
            path.write_text(json.dumps({"models": models}))
        servers.append(Server(f"file:{path}", name))
    return inventory.collect(servers, clock=lambda: moment, run_id=run_id or new_run_id(moment))


def opened(path: str | Path, engine: str = "duckdb") -> History:
    """A history whose clock is later than all of its runs, whenever the test runs."""
    return History(path, engine, clock=lambda: day(5000))


def run(history: History, fleet: Fleet, moment: datetime, run_id: str | None = None) -> str:
    """Record a run over a fleet; returns its id."""
    answers = history.store.folder.parent / "answers"
    return record(history, collected(answers, fleet, moment, run_id)).run_id


def slow_run(
    history: History,
    began: datetime,
    answers: dict[str, tuple[datetime, list[Model] | None]],
    run_id: str | None = None,
) -> str:
    """Record a run whose servers answer when it is said, which may be long after it began; returns its id."""
    fleet = {server: models for server, (_, models) in answers.items()}
    taken = collected(history.store.folder.parent / "answers", fleet, began, run_id)
    observed = [row | {"observed_at": answers[str(row["server"])][0]} for row in rows(taken.tables["observations"])]
    tables = {**taken.tables, "observations": table_of(schema.OBSERVATIONS, observed)}
    return record(history, replace(taken, tables=tables)).run_id


def made(folder: Path, *fleets: Fleet) -> tuple[History, list[str]]:
    """A history of one run a day, and the ids."""
    history = opened(folder / "history")
    return history, [run(history, fleet, day(number)) for number, fleet in enumerate(fleets)]


def told(table: Any) -> list[tuple[Any, ...]]:
    """server, change, key, instance_id, field, old and new (of values and keys) of each row of changes."""
    return [
        (row["server"], row["change"], row["key"], row["instance_id"], row["field"])
        + ((row["old"], row["new"]) if row["change"] in ("reconfigured", "renamed") else (None, None))
        for row in rows(table)
    ]


class Merging(Months):
    """The months of a history in which files are being merged while it is read: from the second look on they are there.

    Args:
        folder: the history's.
        path: a file that is not there before.
        body: what it holds then.
    """

    def __init__(self, folder: Path, path: Path, body: bytes) -> None:
        super().__init__(folder)
        self._late, self._looks = (path, body), 0

    def partitions(self, kinds: Iterable[str] = KINDS) -> dict[Path, int]:
        """The folders, which are others after the first look at all kinds."""
        if kinds == KINDS:
            self._looks += 1
            if self._looks == 2:
                self._late[0].write_bytes(self._late[1])
            return {self._folder: min(self._looks, 2), **super().partitions(kinds)}
        return super().partitions(kinds)


def files(history: History) -> list[Path]:
    """All files of a history."""
    return sorted(path for path in history.store.folder.rglob("*") if path.is_file())
