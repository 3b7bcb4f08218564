"""S14: a year of hourly runs of one server: every command as a whole, and how an append grows with the runs."""

import json
import math
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness import OURS, Contestant, Costly, Race, Size, Target, Work

_CHANGE = 40  # runs from one change to the next
_COMMANDS: dict[str, Sequence[str]] = {
    "history": (),
    "unused": (),
    "prune": ("--dry-run", "--keep-last", "24"),
    "show": (),
    "diff": (),
    "snapshot": ("--server",),
}
_APPENDS = "appends.json"


def _prepare(folder: Path, numbers: dict[str, int]) -> None:
    """Record the runs as a schedule would, each an hour after the one before, and keep the time of each append."""
    from bodies import changed, fleet

    from inventory import History, collect
    from inventory.config.servers import Server
    from inventory.history.recorder import record
    from inventory.run_ids import new_run_id
    from inventory.schema import OBSERVATIONS
    from inventory.tables import rows, table_of

    history, answer = History(folder / "history"), folder / "answer.json"
    bodies = fleet(1, models=numbers["models"])
    first = datetime.now(UTC) - timedelta(hours=numbers["runs"])
    seconds, chance = [], random.Random(1)
    for number in range(numbers["runs"]):
        moment = first + timedelta(hours=number)
        run_id = new_run_id(moment)
        if number % _CHANGE == 0:
            bodies = [changed(bodies, 1.0, number)[0]] if number else bodies
            answer.write_bytes(bodies[0])
            snapshot = collect([Server(f"file:{answer}", "s")], clock=lambda: moment, run_id=run_id)  # noqa: B023
        else:  # asking again would find the same
            observations = snapshot.tables["observations"]
            seen = moment + timedelta(microseconds=chance.randrange(2_000_000))
            latency = round(chance.lognormvariate(3, 1), 3)
            again = {"run_id": run_id, "observed_at": seen, "as_of": seen, "stored_in": run_id, "latency_ms": latency}
            table = table_of(OBSERVATIONS, [row | again for row in rows(observations)])
            snapshot = replace(snapshot, tables={**snapshot.tables, "observations": table})
        began = time.process_time()
        record(history, snapshot)
        seconds.append(time.process_time() - began)
    (folder / _APPENDS).write_text(json.dumps(seconds))


def _growth(folder: Path) -> Work:
    """How an append grows: the exponent of a power of the number of runs, fitted to the means of ten parts.

    Means, not medians: what merges the files of many runs at once counts too.
    """
    seconds = json.loads((folder / _APPENDS).read_text())
    part = len(seconds) // 10
    points = [
        (math.log((number + 0.5) * part), math.log(statistics.mean(seconds[number * part : (number + 1) * part])))
        for number in range(10)
    ]
    slope = statistics.linear_regression(*zip(*points, strict=True)).slope
    return lambda: Costly("done", slope)


def _command(word: str, more: Sequence[str]) -> Contestant:
    def command(folder: Path) -> Sequence[str]:
        asked = [f"s=file:{folder / 'answer.json'}"] if word == "snapshot" else []
        return [sys.executable, "-m", "inventory", word, "--history", str(folder / "history"), *more, *asked]

    return Contestant(f"{OURS} {word}", command=command, answer=lambda _, text: "done" if text else "nothing")


LONG = (
    Race(
        "S14",
        "one server asked every hour for a year",
        Size({"runs": 8760, "models": 60}, 3),
        Size({"runs": 800, "models": 60}, 2),
        _prepare,
        (
            *(_command(word, more) for word, more in _COMMANDS.items()),
            Contestant(f"{OURS} append", start=_growth),
        ),
        (
            Target("seconds", 1.0, (), tuple(f"{OURS} {word}" for word in _COMMANDS)),
            Target("cost", 0.3, (), (f"{OURS} append",)),
        ),
    ),
)
