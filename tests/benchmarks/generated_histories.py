"""Pasts of a fleet, made fast: every body is decoded, flattened and digested by the tool itself, but only once.

A server that did not change is not asked again: its rows are those of the run before, under the new run's id. What is
handed to ``inventory.history.recorder.record`` is what a run over the whole fleet would have collected.
"""

import random
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from inventory import Snapshot, collect
from inventory.config.servers import Server
from inventory.run_ids import new_run_id
from inventory.schema import TABLES
from inventory.tables import arrow_schema

START = datetime(2020, 1, 16, 6, tzinfo=UTC)  # long ago: no run is in the future; 30 daily runs are of two months
_TOGETHER = 1000  # servers collected at a time: the tables of a fleet of 20,000 are put together from parts
_NAMES = ("observations", "models", "instances")


class Past:
    """A fleet that is asked again and again.

    Attributes:
        snapshot: what the newest run saw.
        bodies: what each server answered last.
    """

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.bodies = list(bodies)
        self._day = 0
        collected = self._collected(dict(enumerate(self.bodies)))
        self.snapshot = self._asked(collected.tables, collected.payloads, collected.run_id)

    def next(self, changes: Mapping[int, bytes]) -> Snapshot:
        """One more run, a day later, in which some servers give another answer."""
        self._day += 1
        for number, body in changes.items():
            self.bodies[number] = body
        run_id = new_run_id(self._now)
        tables, payloads = self.snapshot.tables, self.snapshot.payloads
        if changes:
            fresh = self._collected(changes, run_id)
            gone = pa.array([_name(number) for number in changes])
            tables = {
                name: pa.concat_tables(
                    [table.filter(pc.invert(pc.is_in(table.column("server"), gone))), fresh.tables[name]]
                ).sort_by([(key, "ascending") for key in TABLES[name].keys if key != "run_id"])
                for name, table in tables.items()
            }
            payloads = {**payloads, **fresh.payloads}
        self.snapshot = self._asked(tables, payloads, run_id)
        return self.snapshot

    def _asked(self, tables: Mapping[str, pa.Table], payloads: Mapping[str, bytes], run_id: str) -> Snapshot:
        """What a run saw, each server at its own time and with its own latency, as they are in real runs."""
        table, chance = tables["observations"], random.Random(self._day)
        count = table.num_rows
        moments = [self._now + timedelta(microseconds=chance.randrange(60_000_000)) for _ in range(count)]
        latencies = [round(chance.lognormvariate(3, 1), 3) for _ in range(count)]
        columns = {"run_id": [run_id] * count, "stored_in": [run_id] * count, "latency_ms": latencies}
        for name, values in {**columns, "observed_at": moments, "as_of": moments}.items():
            place, field = table.column_names.index(name), table.schema.field(name)
            table = table.set_column(place, field, pa.array(values, field.type))
        return Snapshot({**tables, "observations": table}, payloads=payloads)

    @property
    def _now(self) -> datetime:
        return START + timedelta(days=self._day)

    def _collected(self, bodies: Mapping[int, bytes], run_id: str | None = None) -> Snapshot:
        """What a run over some servers sees, asked a thousand at a time."""
        run_id = run_id or new_run_id(self._now)
        numbers = sorted(bodies)
        parts = []
        for start in range(0, len(numbers), _TOGETHER):
            with tempfile.TemporaryDirectory() as folder:
                servers = []
                for number in numbers[start : start + _TOGETHER]:
                    path = Path(folder, f"{number}.json")
                    path.write_bytes(bodies[number])
                    servers.append(Server(f"file:{path}", _name(number)))
                parts.append(collect(servers, clock=lambda: self._now, run_id=run_id))
        tables = {name: pa.concat_tables([part.tables[name] for part in parts]).combine_chunks() for name in _NAMES}
        return Snapshot(tables, payloads={name: body for part in parts for name, body in part.payloads.items()})


def keep(snapshot: Snapshot, folder: Path, answers: Mapping[str, bytes]) -> None:
    """Keep a snapshot so that a contestant can begin with it; with the bodies of some servers only."""
    folder.mkdir(parents=True)
    for name in _NAMES:
        parquet.write_table(snapshot.tables[name], folder / f"{name}.parquet")
    kept = pa.table({"server": list(answers), "body": pa.array(answers.values(), pa.large_binary())})
    parquet.write_table(kept, folder / "bodies.parquet")


def kept(folder: Path) -> Snapshot:
    """The snapshot that was kept."""
    tables = {name: parquet.read_table(folder / f"{name}.parquet").cast(arrow_schema(TABLES[name])) for name in _NAMES}
    bodies = parquet.read_table(folder / "bodies.parquet")
    names, answers = (bodies.column(name).to_pylist() for name in ("server", "body"))
    return Snapshot(tables, payloads=dict(zip(names, answers, strict=True)))


def full_copy(snapshot: Snapshot, folder: Path) -> None:
    """The snapshot as most would keep it: all rows of every run, in Parquet files with the library's own settings."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _NAMES:
        parquet.write_table(snapshot.tables[name], folder / f"{snapshot.run_id}.{name}.parquet")


def _name(number: int) -> str:
    return f"server-{number:05d}"
