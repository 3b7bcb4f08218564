"""Processes that write until they are killed, or under a limit; forked from a server that has imported what they need.

Each takes, as its last argument, the connection by which it acknowledges what it has done.
"""

import contextlib
import itertools
import json
import multiprocessing
import os
import random
import resource
import runpy
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from inventory import History, Snapshot
from inventory.config.servers import Server
from inventory.operations.snapshot import take_snapshot
from support.snapshots import snapshot

SECONDS = 60
ROOMS = (
    "cli",
    "history.recorder",
    "history.verify",
    "history.engines.duckdb",
    "sources.file",
    *(f"formats.{name}" for name in ("csv", "parquet", "xlsx", "html", "md")),
)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["pytest", __name__, *(f"inventory.{room}" for room in ROOMS)])


def two_snapshots() -> dict[str, Snapshot]:
    """Two runs of which the files differ in every format."""
    return {name: snapshot([{"server": "s", "key": name * 7_000, "ordinal": 0}]) for name in ("old", "new")}


def write_in_turns(folder: Path, suffix: str, acknowledge: Connection) -> None:
    """Write the new and the old to one file, over and over; acknowledges the name of each."""
    snapshots = two_snapshots()
    for name in itertools.cycle(("new", "old")):
        snapshots[name].write(folder / f"x.{suffix}")
        acknowledge.send(name)


def record_runs(
    folder: Path, number: int, runs: int, same: bool, lacks: Sequence[str], acknowledge: Connection
) -> None:
    """Record runs with another answer each, ``runs`` of them or without end; acknowledges each id.

    ``same``: the answers are those of the other writers; ``lacks``: what the file system cannot do, if anything.
    """
    runpy.run_path(str(Path(__file__).parent / "faults/sitecustomize.py"))["take_away"](lacks)
    answer = folder / f"s{number}.json"
    for turn in itertools.count() if runs < 0 else range(runs):
        own = turn if same else f"{turn}-{os.getpid()}"
        answer.write_text(json.dumps({"models": [{"key": f"m{own}"}, {"key": "x", "loaded_instances": [{"id": "i"}]}]}))
        result = take_snapshot(History(folder / "history"), [Server(f"file:{answer}", answer.stem)], timeout=SECONDS)
        assert result.failure is None, result.failure
        acknowledge.send(result.snapshot.run_id)


def run_limited(arguments: Sequence[str], folder: Path, limit: int, acknowledge: Connection) -> None:
    """Run a command that can make no file longer than so many bytes; acknowledges its exit code and what it said."""
    from inventory.cli import main

    os.chdir(folder)
    read_end, write_end = os.pipe()  # to which the limit does not apply
    sys.stdout = sys.stderr = os.fdopen(write_end, "w")
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        main(arguments)
    except SystemExit as end:
        sys.stdout.close()
        acknowledge.send((end.code, os.read(read_end, 65536).decode()))


@contextlib.contextmanager
def started(work: Callable[..., None], *arguments: Any) -> Iterator[tuple[Any, Connection]]:
    """A process that does this, and what it acknowledges; killed at the end of the block if it is still there."""
    _serve()
    receiver, sender = _context.Pipe(duplex=False)
    process = _context.Process(target=work, args=(*arguments, sender), daemon=True)
    process.start()
    sender.close()
    try:
        yield process, receiver
    finally:
        process.kill()
        process.join(SECONDS)
        receiver.close()


@cache
def _serve() -> None:
    """Start the server with this room and the package's loaded: by itself it does not find those of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()


def acknowledgements(connection: Connection) -> list[Any]:
    """All that a process acknowledges until it ends."""
    received = []
    with contextlib.suppress(EOFError, ConnectionResetError):
        while connection.poll(SECONDS):
            received.append(connection.recv())
    return received


def kill_at_random(chance: random.Random, longest: float, work: Callable[..., None], *arguments: Any) -> list[Any]:
    """Kill a process at a random moment after its first acknowledgement; returns all that it acknowledged."""
    with started(work, *arguments) as (process, connection):
        assert connection.poll(SECONDS)
        time.sleep(chance.uniform(0, longest))
        process.kill()
        return acknowledgements(connection)
