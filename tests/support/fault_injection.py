"""Commands in which one file operation fails, and what lies in a folder afterwards."""

import json
import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from inventory import History, formats
from inventory.config.servers import Server
from inventory.history import run_log
from inventory.operations.snapshot import take_snapshot
from inventory.schedules import SCHEDULES
from support.cli_runner import Done, clean, run
from support.history_builders import day, model

SERVER = ("--server", "s=file:answer.json")
HISTORY = ("--history", "h")
JOURNAL = "h/runs.jsonl"
SHIM = Path(__file__).parent / "faults"


class Operation(NamedTuple):
    """One file operation of a command: its number, what it was, and where."""

    number: int
    kind: str
    path: str


@dataclass(frozen=True)
class Fault:
    """What is to happen to the N-th file operation under some folders: see ``faults/sitecustomize.py``."""

    nth: int = 0
    how: str = "ENOSPC"
    lasting: bool = False
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Faulty:
    """What became of a command, and its file operations up to the one that failed, or all of them."""

    done: Done
    operations: list[Operation]
    nth: int
    how: str = ""

    @property
    def met(self) -> Operation | None:
        """The operation that failed; None if the command ended before it came to that."""
        return self.operations[self.nth - 1] if 0 < self.nth <= len(self.operations) else None


def run_faulty(folder: Path, fault: Fault, *arguments: str | Path) -> Faulty:
    """Run a command in a folder; its operations there, and those in its temporary folder ``tmp``, are counted."""
    log = folder.with_name(f"{folder.name}.log")
    log.unlink(missing_ok=True)
    fault_settings = {
        "under": [str(folder)],
        "log": str(log),
        "nth": fault.nth,
        "how": fault.how,
        "lasting": fault.lasting,
    }
    fault_settings["lacks"] = list(fault.lacks)
    base_env = clean()
    env = base_env | {
        "INVENTORY_FAULT": json.dumps(fault_settings),
        "PYTHONPATH": f"{SHIM}{os.pathsep}{base_env['PYTHONPATH']}",
        "TMPDIR": str(folder / "tmp"),
    }
    done = run(*arguments, cwd=folder, env=env)
    lines = [line.split(" ", 2) for line in log.read_text().splitlines()]
    return Faulty(done, [Operation(int(number), kind, path) for number, kind, path in lines], fault.nth, fault.how)


def contents(folder: Path) -> dict[str, bytes]:
    """The files under a folder, by their path from there, and what they hold."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def left_over(files: dict[str, bytes]) -> set[str]:
    """Temporary files, and signs of runs that are being written."""
    return {name for name in files if name.endswith((".tmp", ".run")) or name.startswith("tmp/") or "/_tmp/" in name}


def make_world(top: Path) -> Path:
    """A folder with a history of four runs in two months, an old file wherever one is written, and a new answer."""
    folder = top / "world"
    for name in ("out", "jobs", "tmp"):
        (folder / name).mkdir(parents=True)
    answer = folder / "answer.json"
    for number, keys in enumerate(("ab", "bc", "ab", "c")):
        answer.write_text(json.dumps({"models": [model(key, "i") for key in keys]}))
        clock = partial(type(day(0)).fromisoformat, day(number * 3 - 99).isoformat())
        take_snapshot(History(folder / "h"), [Server(f"file:{answer}", "s")], timeout=60, clock=clock)
    answer.write_text(json.dumps({"models": [model(key, "j") for key in "cd"]}))
    run_log.append(folder / "h", {})
    for suffix in formats.FORMATS:
        for name in ("x", "x.models", "x.instances", "d"):
            (folder / "out" / f"{name}.{suffix}").write_text(f"old {name}")
    for scheduler in SCHEDULES:
        assert run("schedule", scheduler, "--at", "01:02", "--install", folder / "jobs").code == 0
    return folder


def copy_world(world: Path, place: Path) -> Path:
    """A copy of a world."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(world, place)
    return place
