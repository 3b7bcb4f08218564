"""S5 to S7: the history of a fleet, beside full copies of every run."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from diffs import JOIN, summed
from harness import OURS, Contestant, Costly, Race, Size, Target, Work


def _one_run_more(folder: Path, numbers: dict[str, int]) -> None:
    """A history of some runs, the full copies of them, and what the next run sees."""
    from bodies import changed, fleet
    from generated_histories import Past, full_copy, keep

    from inventory import History
    from inventory.history.recorder import record

    history = History(folder / "history")
    past = Past(fleet(numbers["servers"], models=numbers["models"]))
    for number in range(numbers["runs"] + 1):
        fresh = changed(past.bodies, 0.005, number) if number else {}
        if number:
            past.next(fresh)
        if number < numbers["runs"]:
            record(history, past.snapshot)
            full_copy(past.snapshot, folder / "copies")
    _compacted(folder)
    names = [f"server-{number:05d}" for number in fresh]
    keep(past.snapshot, folder / "next", {name: past.snapshot.payloads[name] for name in names})


def _compacted(folder: Path) -> None:
    """The same history beside it, with the files of its closed months merged."""
    shutil.copytree(folder / "history", folder / "compacted")
    command = [sys.executable, "-m", "inventory", "prune", "--compact", "--history", str(folder / "compacted")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _append(folder: Path) -> Work:
    import duckdb  # noqa: F401
    from generated_histories import kept

    from inventory import History
    from inventory.history.recorder import record

    snapshot, history = kept(folder / "next"), History(folder / "history")
    before = {path for path in history.store.folder.rglob("*") if path.is_file()}

    def finish() -> Any:
        taken = history.load()
        for path in set(history.store.folder.rglob("*")) - before:
            if path.is_file():
                path.unlink()
        return [taken.run_id, taken.tables["models"].num_rows, taken.tables["instances"].num_rows]

    def work() -> Any:
        record(history, snapshot)
        return finish

    return work


def _copy(folder: Path) -> Work:
    from generated_histories import full_copy, kept
    from pyarrow import parquet

    snapshot, target = kept(folder / "next"), folder / "copied"

    def finish() -> Any:
        counts = [
            parquet.read_metadata(target / f"{snapshot.run_id}.{name}.parquet").num_rows
            for name in ("models", "instances")
        ]
        shutil.rmtree(target)
        return [snapshot.run_id, *counts]

    def work() -> Any:
        full_copy(snapshot, target)
        return finish

    return work


def _duckdb_file(folder: Path) -> Work:
    import duckdb
    from generated_histories import kept

    snapshot, target = kept(folder / "next"), folder / "all.duckdb"
    target.unlink(missing_ok=True)

    def work() -> Any:
        with duckdb.connect(str(target)) as base:
            for name, table in snapshot.tables.items():
                base.register(f"_{name}", table)
                base.execute(f"CREATE TABLE {name} AS FROM _{name}")
            return [
                snapshot.run_id,
                *(base.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in ("models", "instances")),
            ]

    return work


def _on_disk(name: str, *, closed: bool = False) -> Callable[[Path], Work]:
    """How many runs a folder holds, and its size in MB; if ``closed``, that of the first month, which is over."""

    def start(folder: Path) -> Work:
        from generated_histories import START

        from inventory import History

        files = list((folder / name).rglob("*.parquet"))
        copies = [path for path in files if path.name.endswith(".observations.parquet")]
        of_month = (f"/month={START:%Y-%m}/", f"/{START:%Y%m}")  # of the history, and of the copies
        counted = [path for path in files if not closed or any(text in str(path) for text in of_month)]

        def work() -> Any:
            runs = len(copies) or len(History(folder / name).store.run_ids())
            return Costly(runs, sum(path.stat().st_size for path in counted) / 1e6)

        return work

    return start


def _timeline_runs(folder: Path, numbers: dict[str, int]) -> None:
    from bodies import changed, fleet
    from generated_histories import Past, full_copy

    from inventory import History
    from inventory.history.recorder import record

    history, past = History(folder / "history"), Past(fleet(numbers["servers"]))
    for number in range(numbers["runs"]):
        if number:
            past.next(changed(past.bodies, 0.005, number))
        record(history, past.snapshot)
        full_copy(past.snapshot, folder / "copies")
    _compacted(folder)


def _timeline(name: str) -> Callable[[Path], Work]:
    def start(folder: Path) -> Work:
        import duckdb  # noqa: F401

        from inventory import History
        from inventory.tables import values

        def work() -> Any:
            table = History(folder / name).timeline_table()
            names = ("change", "server", "key", "run_id", "grain")
            cells = zip(*(values(table, name) for name in names), strict=True)
            return lambda: summed(
                (change, f"{run} {server}", key) for change, server, key, run, grain in cells if grain == "model"
            )

        return work

    return start


def _pairs(folder: Path) -> Work:
    import duckdb

    copies = sorted((folder / "copies").glob("*.models.parquet"))

    def work() -> Any:
        base = duckdb.connect()
        found = []
        for old, new in pairwise(copies):
            rows = base.sql(JOIN.replace("OLD", f"'{old}'").replace("NEW", f"'{new}'")).fetchall()
            run = new.name.removesuffix(".models.parquet")
            found += [(change, f"{run} {server}", key) for change, server, key in rows]
        return lambda: summed(found)

    return work


_CLOSED, _CLOSED_COPIES = f"{OURS}, closed month, compacted", "full Parquet copies, closed month"

FLEETS = (
    Race(
        "S5",
        "history on disk over two months, 0.5 % of the servers changed in each run; cost in MB",
        Size({"servers": 20_000, "models": 60, "runs": 30}, 1),
        Size({"servers": 200, "models": 60, "runs": 20}, 1),
        _one_run_more,
        (
            Contestant(OURS, _on_disk("history")),
            Contestant(f"{OURS}, compacted", _on_disk("compacted")),
            Contestant("full Parquet copies", _on_disk("copies")),
            Contestant(_CLOSED, _on_disk("compacted", closed=True)),
            Contestant(_CLOSED_COPIES, _on_disk("copies", closed=True)),
        ),
        (Target("cost", 0.18, ("full Parquet copies",)), Target("cost", 0.06, (_CLOSED_COPIES,), (_CLOSED,))),
    ),
    Race(
        "S6",
        "appending such a run",
        Size({"servers": 20_000, "models": 60, "runs": 5}, 3),
        Size({"servers": 200, "models": 60, "runs": 3}, 3),
        _one_run_more,
        (Contestant(OURS, _append), Contestant("full Parquet copy", _copy), Contestant("DuckDB file", _duckdb_file)),
        (Target("seconds", 0.2, ("full Parquet copy",)),),
    ),
    Race(
        "S7",
        "timeline of all changes over daily runs",
        Size({"servers": 1000, "runs": 365}, 3),
        Size({"servers": 50, "runs": 40}, 2),
        _timeline_runs,
        (
            Contestant(OURS, _timeline("history")),
            Contestant(f"{OURS}, compacted", _timeline("compacted")),
            Contestant("DuckDB, copies pair by pair", _pairs),
        ),
        (
            Target("seconds", 0.25, ("DuckDB, copies pair by pair",)),
            Target("seconds", 0.15, ("DuckDB, copies pair by pair",), (f"{OURS}, compacted",)),
        ),
    ),
)
