"""How the cost of an append, a diff, a timeline and a verify grows: with servers, with runs, with what changed.

    python scaling.py prepare FOLDER SERVERS RUNS SHARE
    python scaling.py measure FOLDER WORK

The bodies of all models are never asked for twice: ``verify`` alone looks at everything, and is meant to.
"""

import json
import math
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SCALING = "scaling"
SHARES = (0.0, 0.005, 1.0)
WORKS = ("append", "diff", "timeline", "verify")
_ROUNDS = 3
_FULL = {"servers": (1, 100, 10_000, 20_000), "runs": (1, 30, 365)}
_SMALL = {"servers": (1, 100, 300), "runs": (1, 5, 20)}
_FIXED = {"servers": 100, "runs": 2}  # the other one, while one grows
_FROM = {"servers": 100, "runs": 5}  # below this the process's own start is most of it, and is left out of the slope

Point = dict[str, Any]


def measured(folder: Path, *, small: bool, say: Callable[[str], None]) -> list[Point]:
    """One point for each kind of work, number of servers or runs, and share of servers that change in each run."""
    points = []
    for axis, numbers in (_SMALL if small else _FULL).items():
        for number in numbers:
            for share in SHARES:
                size = {**_FIXED, axis: number}
                place = folder / f"{axis}-{number}-{share}"
                _child("prepare", str(place), str(size["servers"]), str(size["runs"]), str(share))
                for work in WORKS:
                    if work == "diff" and size["runs"] < 2:
                        continue
                    seconds = statistics.median(float(_child("measure", str(place), work)) for _ in range(_ROUNDS))
                    points.append({"axis": axis, "number": number, "share": share, "work": work, "seconds": seconds})
                    say(f"scaling: {number} {axis}, {share:.1%} changed: {work} {seconds:.4f} s")
                shutil.rmtree(place)
    return points


def exponents(points: Iterable[Point]) -> dict[tuple[str, str, float], float]:
    """How the time grows: the slope of its logarithm over that of the number, by work, axis and share."""
    lines: dict[tuple[str, str, float], list[tuple[float, float]]] = {}
    for one in points:
        if one["number"] >= _FROM[one["axis"]]:
            line = lines.setdefault((one["work"], one["axis"], one["share"]), [])
            line.append((math.log(one["number"]), math.log(one["seconds"])))
    return {
        key: statistics.linear_regression(*zip(*line, strict=True)).slope
        for key, line in lines.items()
        if len(line) > 1
    }


def scaling_text(points: list[Point]) -> str:
    """The points (CPU time) as Markdown tables, with the exponents."""
    slopes = exponents(points)
    text = ""
    for axis in ("servers", "runs"):
        numbers = sorted({one["number"] for one in points if one["axis"] == axis})
        heads = [f"{number:,} {axis if number > 1 else axis[:-1]}" for number in numbers]
        text += f"| work | changed | {' | '.join(heads)} | exponent |\n|---|---|{'---|' * len(numbers)}---|\n"
        for work in WORKS:
            for share in SHARES:
                times = {
                    one["number"]: one["seconds"]
                    for one in points
                    if (one["axis"], one["work"], one["share"]) == (axis, work, share)
                }
                cells = [f"{times[number] * 1000:,.0f} ms" if number in times else "" for number in numbers]
                slope = slopes.get((work, axis, share))
                text += f"| {work} | {share:.1%} | {' | '.join(cells)} | {'' if slope is None else f'{slope:.2f}'} |\n"
        text += "\n"
    return text


def plot(points: list[Point], file: Path) -> None:
    """Draw the times over servers and over runs, both axes logarithmic."""
    import matplotlib as mpl

    mpl.use("svg" if file.suffix == ".svg" else "agg")
    mpl.rcParams["svg.hashsalt"] = "lms-inventory"
    from matplotlib import pyplot

    figure, places = pyplot.subplots(2, len(WORKS), figsize=(12, 6), sharex="row", sharey=True, layout="constrained")
    colours = dict(zip(SHARES, ("#1b9e77", "#d95f02", "#7570b3"), strict=True))
    for line, axis in zip(places, ("servers", "runs"), strict=True):
        for place, work in zip(line, WORKS, strict=True):
            for share, colour in colours.items():
                found = [
                    (one["number"], one["seconds"])
                    for one in points
                    if (one["axis"], one["work"], one["share"]) == (axis, work, share)
                ]
                if found:
                    place.loglog(*zip(*found, strict=True), "o-", color=colour, label=f"{share:.1%} changed")
            numbers = sorted({one["number"] for one in points if one["axis"] == axis})[:3]
            place.set_xticks(numbers, [f"{number:,}" for number in numbers], minor=False)
            place.xaxis.set_minor_formatter("")
            place.yaxis.set_major_formatter(lambda seconds, _: f"{seconds:g}")
            place.set_title(work)
            place.set_xlabel(axis)
            place.grid(visible=True, which="major", color="#dddddd")
        line[0].set_ylabel("CPU seconds")
    places[0][0].legend(frameon=False)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def _child(*arguments: str) -> str:
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def prepare(folder: Path, servers: int, runs: int, share: float) -> None:
    """A history, and what the next run sees."""
    from bodies import changed, fleet
    from generated_histories import Past, keep

    from inventory import History
    from inventory.history.recorder import record

    history, past = History(folder / "history"), Past(fleet(servers))
    for number in range(runs + 1):
        fresh = changed(past.bodies, share, number) if number else {}
        if number:
            past.next(fresh)
        if number < runs:
            record(history, past.snapshot)
    names = past.snapshot.payloads
    keep(past.snapshot, folder / "next", {name: names[name] for name in map("server-{:05d}".format, fresh)})


def measure(folder: Path, work: str) -> float:
    """The CPU seconds of one piece of work, in a process that has everything imported.

    Of all threads; unlike the time on the wall, they hardly depend on what else the machine does.
    """
    import duckdb  # noqa: F401
    from generated_histories import kept

    from inventory import History
    from inventory.history.recorder import record
    from inventory.history.verify import prove

    snapshot, history = kept(folder / "next") if work == "append" else None, History(folder / "history")
    before = {path for path in history.store.folder.rglob("*") if path.is_file()}
    works: dict[str, Callable[[], Any]] = {
        "append": lambda: record(history, snapshot) if snapshot else None,
        "diff": history.diff,
        "timeline": history.timeline_table,
        "verify": lambda: prove(history.store),
    }
    began = time.process_time()
    works[work]()
    seconds = time.process_time() - began
    for path in set(history.store.folder.rglob("*")) - before:
        if path.is_file():
            path.unlink()
    return seconds


if __name__ == "__main__":
    what, place, *rest = sys.argv[1:]
    if what == "prepare":
        prepare(Path(place), int(rest[0]), int(rest[1]), float(rest[2]))
    else:
        sys.stdout.write(json.dumps(measure(Path(place), rest[0])))
