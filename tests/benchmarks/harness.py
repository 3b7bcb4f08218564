"""Races: each contestant does the same work in a process of its own, one after the other, round after round.

Before a time is compared the answers are: a contestant that says something else than the others ends the race.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OURS = "lms-inventory"

Work = Callable[[], Any]
"""Returns the answer; or the answer and a cost, such as the bytes on the disk, as a ``Costly``."""


@dataclass(frozen=True)
class Costly:
    """An answer, and what it cost beside time."""

    answer: Any
    cost: float


@dataclass(frozen=True)
class Size:
    """How large a race is.

    Attributes:
        numbers: of servers, models and so on, by name.
        rounds: how often each contestant runs.
    """

    numbers: dict[str, int]
    rounds: int


@dataclass(frozen=True)
class Contestant:
    """One way of doing the work.

    Attributes:
        name: how the table calls it.
        start: given the folder, makes ready and returns the work, which returns the answer; importing and opening is
            making ready. None if the whole process is the work.
        command: given the folder, the command that is the work as a whole, from its start to its end.
        answer: given the folder and what the command printed, its answer.
        slow: it runs once, however many rounds there are.
    """

    name: str
    start: Callable[[Path], Work] | None = None
    command: Callable[[Path], Sequence[str]] | None = None
    answer: Callable[[Path, str], Any] | None = None
    slow: bool = False


@dataclass(frozen=True)
class Target:
    """What is to be reached: a share of what another contestant needs.

    Attributes:
        measure: ``seconds``, ``cpu``, ``peak_mb``, or ``cost``: a number that the work told
            with its answer.
        most: the greatest share that reaches it.
        against: the names of the others; the best of them counts. Without any, ``most`` is the number itself.
        ours: the contestants of which the worst counts.
    """

    measure: str
    most: float
    against: tuple[str, ...]
    ours: tuple[str, ...] = (OURS,)


@dataclass(frozen=True)
class Race:
    """One figure.

    Attributes:
        name: such as S4.
        title: what the work is.
        full: its size.
        small: its size when it has to be quick.
        prepare: given the folder and the size, writes what all contestants begin with.
        contestants: who runs.
        targets: what is to be reached.
        serve: given the folder, a command that serves while the race lasts; it prints a line when it is ready.
    """

    name: str
    title: str
    full: Size
    small: Size
    prepare: Callable[[Path, dict[str, int]], None]
    contestants: tuple[Contestant, ...]
    targets: tuple[Target, ...]
    serve: Callable[[Path], Sequence[str]] | None = None


@dataclass
class Lane:
    """What one contestant needed, round after round."""

    seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def median(self, measure: str) -> float:
        """The median of one measure."""
        found: list[float] = getattr(self, measure)
        return statistics.median(found)


class Disagreement(Exception):
    """Two contestants gave different answers."""


def run(race: Race, folder: Path, *, small: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Run a race; returns what the table needs.

    Raises:
        Disagreement: the answers differ, so that the times mean nothing.
    """
    size = race.small if small else race.full
    folder.mkdir(parents=True)
    say(f"{race.name}: preparing {size.numbers or ''}")
    _child(_here("prepare", race.name, str(folder), json.dumps(size.numbers)))
    server = None
    try:
        if race.serve:
            server = subprocess.Popen(race.serve(folder), stdout=subprocess.PIPE)
            assert server.stdout is not None
            server.stdout.readline()
        lanes: dict[str, Lane] = {one.name: Lane() for one in race.contestants}
        answers: dict[str, Any] = {}
        for number in range(size.rounds):
            for one in race.contestants:
                if number and one.slow:
                    continue
                seconds, peak, told = _contest(race, one, folder, asked=number == 0)
                if number == 0:
                    say(f"{race.name}: {one.name}: {seconds:.3f} s, {peak:.0f} MB")
                    _agree(race, answers, one.name, told.get("answer"))
                lane = lanes[one.name]
                lane.seconds.append(seconds)
                lane.peak_mb.append(peak)
                for measure in ("cost", "cpu"):
                    if measure in told:
                        getattr(lane, measure).append(told[measure])
    finally:
        if server:
            server.kill()
            server.wait()
    return {**_result(race, size, lanes), "small": small}


def _contest(race: Race, one: Contestant, folder: Path, *, asked: bool) -> tuple[float, float, dict[str, Any]]:
    """Seconds, peak memory in MB and what was told, of one contestant in one round; ``asked``: for its answer too."""
    if one.command:
        seconds, peak, text, cpu = _child(one.command(folder))
        return seconds, peak, {"cpu": cpu, "answer": one.answer(folder, text) if one.answer and asked else text}
    _, _, text, _ = _child(_here("contest", race.name, str(folder), one.name))
    told: dict[str, Any] = json.loads(text.splitlines()[-1])
    return told["seconds"], told["peak_mb"], told


def _agree(race: Race, answers: dict[str, Any], name: str, answer: Any) -> None:
    for other, said in answers.items():
        if said != answer:
            raise Disagreement(f"{race.name}: {name} says {str(answer)[:300]}, {other} says {str(said)[:300]}")
    answers[name] = answer


def _child(command: Sequence[str]) -> tuple[float, float, str, float]:
    """Run one process to its end: its seconds, its greatest memory in MB, what it printed, its CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "output"
        launcher = [sys.executable, "-S", "-E", str(HERE / "scripts" / "launched.py"), str(file), *command]
        measured = subprocess.run(launcher, stdout=subprocess.PIPE, cwd=HERE, check=True).stdout
        seconds, peak, cpu, code = json.loads(measured)
        text = file.read_text(encoding="utf-8")
    if code not in (0, 2, 4):  # a usage error is work too, and a refusal
        raise subprocess.CalledProcessError(code, command)
    return seconds, peak, text, cpu


def peak_mb() -> float:
    """The greatest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _here(*arguments: str) -> list[str]:
    return [sys.executable, str(HERE / "worker.py"), *arguments]


def _result(race: Race, size: Size, lanes: dict[str, Lane]) -> dict[str, Any]:
    found = []
    for target in race.targets:
        ours = max(lanes[name].median(target.measure) for name in target.ours)
        others = {name: lanes[name].median(target.measure) for name in target.against}
        against = min(others, key=lambda name: others[name]) if others else ""
        share = ours / others[against] if others else ours
        found.append(
            {
                "measure": target.measure,
                "against": against,
                "share": round(share, 3),
                "most": target.most,
                "met": share <= target.most,
            }
        )
    return {
        "name": race.name,
        "title": race.title,
        "numbers": size.numbers,
        "rounds": size.rounds,
        "contestants": {
            name: {
                measure: round(lane.median(measure), 4)
                for measure in ("seconds", "cpu", "peak_mb", "cost")
                if getattr(lane, measure)
            }
            for name, lane in lanes.items()
        },
        "targets": found,
    }
