"""T1: killed at any moment, nothing published is unreadable, nothing acknowledged is lost, and the next run sweeps."""

import contextlib
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from support.cli_runner import clean, run
from support.fault_injection import (
    HISTORY,
    JOURNAL,
    SERVER,
    Fault,
    contents,
    copy_world,
    left_over,
    make_world,
    run_faulty,
)
from support.history_builders import START, files, model
from support.history_builders import run as record_one
from support.killed_writers import acknowledgements, kill_at_random, record_runs, started, two_snapshots, write_in_turns

import inventory
from inventory import History, formats
from inventory.filesystem.atomic import atomic_write
from inventory.history.verify import prove
from inventory.tables import values

KILLS = [5, pytest.param(30, marks=pytest.mark.long), pytest.param(500, marks=pytest.mark.full)]
WRITERS = 5  # at a time
NO_LINKS = ("links", "renames", "chmod")
OUTPUTS = tuple(word for suffix in formats.FORMATS for word in ("-o", f"out/x.{suffix}"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history and a file at every place that is written to."""
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.mark.guard("what was left is swept")
@pytest.mark.parametrize("kills", KILLS)
@pytest.mark.parametrize("suffix", [suffix for suffix in formats.FORMATS if suffix not in formats.METRICS])  # all alike
def test_a_file_is_the_acknowledged_one_or_the_next(suffix: str, kills: int, tmp_path: Path) -> None:
    """After each kill the file holds, to the byte, what was acknowledged last or what was being written then."""
    complete_files = {}
    for name, captured in two_snapshots().items():
        [path] = captured.write(tmp_path / f"{name}.{suffix}")
        complete_files[name] = path.read_bytes()
        if suffix in formats.READABLE:
            assert inventory.read(path).models["key"][0].startswith(name)
        path.rename(tmp_path / f"x.{suffix}")
    chance = random.Random(suffix)
    for _ in range(kills):
        last = kill_at_random(chance, 0.03, write_in_turns, tmp_path, suffix)[-1]
        assert (tmp_path / f"x.{suffix}").read_bytes() in (
            complete_files[last],
            complete_files["old" if last == "new" else "new"],
        )
        assert complete_files[last] != complete_files["old" if last == "new" else "new"]
    (tmp_path / "other.tmp").touch()
    two_snapshots()["old"].write(tmp_path / f"x.{suffix}")
    assert {path.name for path in tmp_path.iterdir()} == {"other.tmp", f"x.{suffix}"}


@pytest.mark.parametrize("kills", KILLS)
def test_no_acknowledged_run_is_lost(kills: int, tmp_path: Path) -> None:
    """Of runs at the same time that are killed, the history keeps all that were acknowledged, and stays whole."""
    chance = random.Random(11)
    acknowledged_ids: list[str] = []
    history = History(tmp_path / "history")
    for _ in range(kills // WRITERS):
        with contextlib.ExitStack() as stack:
            writers = [stack.enter_context(started(record_runs, tmp_path, n, -1, False, ())) for n in range(WRITERS)]
            for _, connection in writers:
                acknowledged_ids.append(connection.recv())
            for process, _ in writers:
                time.sleep(chance.uniform(0, 0.03))
                process.kill()
            for _, connection in writers:
                acknowledged_ids += acknowledgements(connection)
        assert prove(history.store).problems.num_rows == 0
        assert set(acknowledged_ids) <= set(history.store.run_ids())
    record_one(history, {"s": [model("last")]}, START + timedelta(days=9999))
    assert [*history.store.workshop.iterdir()] == []
    runs = history.store.run_ids()
    assert {path.stem for path in files(history)} == set(runs)
    assert prove(history.store).problems.num_rows == 0
    assert len(history.runs()) == len(runs)
    assert history.load(acknowledged_ids[0]).complete


@pytest.mark.parametrize(
    ("how", "outputs", "step", "lacks"),
    [
        ("kill", (), 25, ()),
        pytest.param("kill", (), 15, (), marks=pytest.mark.long),
        ("torn", (), 6, ()),
        pytest.param("torn", (), 1, (), marks=pytest.mark.long),
        ("kill", (), 7, NO_LINKS),
        pytest.param("kill", OUTPUTS[:2], 1, (), marks=pytest.mark.full),
        pytest.param("kill", OUTPUTS, 1, (), marks=pytest.mark.full),
        pytest.param("torn", OUTPUTS, 1, (), marks=pytest.mark.full),
        pytest.param("kill", OUTPUTS[:2], 1, NO_LINKS, marks=pytest.mark.full),
    ],
    ids=[
        "kill",
        "kill more",
        "torn",
        "torn each",
        "kill without links",
        "kill with csv",
        "kill with everything",
        "torn with everything",
        "kill with csv without links",
    ],
)
def test_killed_at_every_file_operation(
    how: str, outputs: tuple[str, ...], step: int, lacks: tuple[str, ...], world: Path, tmp_path: Path
) -> None:
    """Killed before any of a run's file operations, or in the middle of a write: all is whole, and the next run sweeps.

    A plain run tries every twenty-fifth operation of a run into a history; where there are no links, every seventh.
    """
    arguments = ("snapshot", "-q", *SERVER, *HISTORY, *outputs)
    case = tmp_path / "case"
    operations = run_faulty(copy_world(world, case), Fault(lacks=lacks), *arguments).operations
    new = contents(case)
    assert len(operations) > 30
    for operation in [each for each in operations if how == "kill" or each.kind == "write"][::step]:
        old = contents(copy_world(world, case))
        faulty = run_faulty(case, Fault(operation.number, how, lacks=lacks), *arguments)
        assert faulty.done.code == -9
        assert faulty.met is not None
        after = contents(case)
        for name in old:
            if name.startswith("out/"):
                same = after[name] == old[name]
                assert same or (name in " ".join(outputs) and len(after[name]) > 0.5 * len(new[name])), name
                if not same and name.rpartition(".")[2] in formats.READABLE:
                    assert inventory.read(case / name).models["key"].tolist() == ["c", "d"]
        assert all(name in after for name in old)
        history = History(case / "h")
        torn = {JOURNAL} if how == "torn" and faulty.met.path.endswith(JOURNAL) else set()  # till it is marked
        assert {f"h/{name}" for name in values(prove(history.store).problems, "file")} == torn, faulty.met
        assert run(*arguments, cwd=case).code == 0
        assert left_over(contents(case)) == set(), faulty.met
        assert {path.stem for path in (case / "h").rglob("*.parquet")} == set(history.store.run_ids()), faulty.met
        assert prove(history.store).problems.num_rows == 0, faulty.met


def test_a_left_over_is_swept_by_its_own_target(tmp_path: Path) -> None:
    """The temporary file of a killed run is removed by the next write to the same target, and by no other."""
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom inventory.filesystem.atomic import atomic_write\n"
        "with atomic_write(Path(sys.argv[1]), b'half'):\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "x.csv"], check=False, timeout=60, env=clean())
    [leftover] = [path.name for path in tmp_path.iterdir()]
    assert leftover.endswith(".tmp")
    for name, there in (("y.csv", {leftover, "y.csv"}), ("x.csv", {"x.csv", "y.csv"})):
        with atomic_write(tmp_path / name, b"") as move:
            move()
        assert {path.name for path in tmp_path.iterdir()} == there
