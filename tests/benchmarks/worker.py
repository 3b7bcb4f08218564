"""One contestant, or the preparing of a race, in a process of its own; started by ``harness.py``.

python worker.py prepare RACE FOLDER NUMBERS
python worker.py contest RACE FOLDER CONTESTANT
"""

import json
import sys
import time
from pathlib import Path

from bench_single_process import ROOMS
from cold import COLD
from commands import COMMANDS
from diffs import DIFFS
from fleets import FLEETS
from harness import Costly, Race, peak_mb
from long_history import LONG

RACES: dict[str, Race] = {race.name: race for race in (*COLD, *DIFFS, *FLEETS, *ROOMS, *COMMANDS, *LONG)}


def main(what: str, name: str, folder: str, rest: str) -> None:
    """Do the work, and print the seconds and the answer as JSON."""
    race = RACES[name]
    if what == "prepare":
        race.prepare(Path(folder), json.loads(rest))
        return
    one = next(one for one in race.contestants if one.name == rest)
    assert one.start is not None
    work = one.start(Path(folder))
    began, used = time.perf_counter(), time.process_time()
    answer = work()
    told = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used, "peak_mb": peak_mb()}
    if callable(answer):  # what the answer is follows from the work, but is none of it
        answer = answer()
    told |= {"answer": answer.answer, "cost": answer.cost} if isinstance(answer, Costly) else {"answer": answer}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
