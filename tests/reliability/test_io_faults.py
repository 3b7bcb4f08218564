"""T2: whichever file operation fails, what stood there stays, one line says so, and nothing is left."""

import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from support.cli_runner import run
from support.fault_injection import (
    HISTORY,
    JOURNAL,
    SERVER,
    Fault,
    Faulty,
    Operation,
    contents,
    copy_world,
    left_over,
    make_world,
    run_faulty,
)
from support.killed_writers import run_limited, started

from inventory import History, formats
from inventory.history.verify import prove
from inventory.schedules import SCHEDULES

CODES = ("ENOSPC", "EIO", "EACCES", "EXDEV")

TOLERATED = {"sync", "lock", "unlink", "rmdir"}
"""May fail without harm: the whole file stands there already; shares without locks; what is left is swept later."""


def tolerated(met: Operation, how: str, *, needs_no_room: bool = False) -> bool:
    """Whether a command may do its work although this failed; a pruning makes its record without room."""
    if needs_no_room and how == "ENOSPC":
        return True
    if met.kind == "mkdir":
        return Path(met.path).is_dir()  # it was there
    if met.kind == "link":  # a copy is made instead, or the file system may have no links
        return met.path.endswith(".tmp") or how in ("EACCES", "EXDEV")
    return met.kind in TOLERATED


@dataclass(frozen=True)
class Scene:
    """A command that writes, in a folder as ``world`` makes it.

    Attributes:
        arguments: of the command.
        named: what the line about a failure names, as a pattern.
        removes: it removes files one after the other, and so may have removed some when it fails.
        quick: how many operations go by from one that is tried at each commit to the next; 0 if none is tried then.
    """

    arguments: tuple[str, ...]
    named: str
    removes: bool = False
    quick: int = 0

    @property
    def slow(self) -> bool:
        """Whether there are so many operations that not all are tried in CI."""
        return "compact" in " ".join(self.arguments) or ("--history" in self.arguments and "snapshot" in self.arguments)


_HISTORY = r"h/(\w+/month=.+|_tmp/.+\.run|runs\.jsonl)|the history h"

SCENES = {
    "history": Scene(("snapshot", "-q", *SERVER, *HISTORY), _HISTORY, quick=10),
    "history and csv": Scene(("snapshot", "-q", *SERVER, *HISTORY, "-o", "out/x.csv"), rf"{_HISTORY}|out/x\.csv"),
    **{
        suffix: Scene(("snapshot", "-q", *SERVER, "--no-history", "-o", f"out/x.{suffix}"), rf"out/x\.{suffix}")
        for suffix in formats.FORMATS
    },
    **{
        f"both {suffix}": Scene(
            ("export", *HISTORY, "-o", f"out/x.{suffix}", "--grain", "both"),
            rf"out/x\.(models|instances)\.{suffix}",
        )
        for suffix in formats.TABLES
    },
    **{
        f"diff {suffix}": Scene(("diff", *HISTORY, "-o", f"out/d.{suffix}"), rf"out/d\.{suffix}")
        for suffix in formats.FORMATS
        if suffix not in formats.METRICS
    },
    **{
        scheduler: Scene(
            ("schedule", scheduler, *SERVER, "--install", "jobs"),
            r"jobs/[\w.]*lms-inventory",
        )
        for scheduler in SCHEDULES
    },
    "baseline": Scene(("baseline", "set", "good", *HISTORY), r"h/baselines/good\.txt|the history h", quick=1),
    "prune": Scene(("prune", "--keep-last", "1", *HISTORY), rf"h/(pruned/|_tmp/prune\.lock)|{_HISTORY}", removes=True),
    "compact": Scene(
        ("prune", "--compact", *HISTORY), rf"h/_tmp/(prune\.lock|staged|replaced)|{_HISTORY}", removes=True, quick=15
    ),
}
"""Every way to write. A command that merges or removes files of the history belongs here beside ``prune``."""

QUICK_FIRST = [pytest.param(name, marks=() if scene.quick else pytest.mark.long) for name, scene in SCENES.items()]
STEPS = [pytest.param(name, scene.quick, id=f"{name} quick") for name, scene in SCENES.items() if scene.quick > 1]
STEPS += [
    pytest.param(name, 1, marks=() if item.quick == 1 else pytest.mark.full if item.slow else pytest.mark.long)
    for name, item in SCENES.items()
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history and a file at every place that is written to."""
    return make_world(tmp_path_factory.mktemp("world"))


def judge(scene: Scene, folder: Path, before: dict[str, bytes], faulty: Faulty) -> None:
    """What must hold after a command in which an operation failed."""
    met, done, after = faulty.met, faulty.done, contents(folder)
    assert met is not None
    changed = {name for name in before if name != JOURNAL and after.get(name) != before[name]}
    assert after[JOURNAL].startswith(before[JOURNAL]), "the journal only grows"
    if done.code == 0:
        assert tolerated(met, faulty.how, needs_no_room=scene.arguments[0] == "prune"), "a failure was not told"
        assert changed or after.keys() > before.keys(), "it was not done"
        assert left_over(after) <= ({str(Path(met.path).relative_to(folder))} if met.kind == "unlink" else set())
    else:
        assert done.code == 4
        assert done.out == "" or scene.arguments[0] in ("diff", "export")
        assert done.err.count("\n") == 1
        assert re.match(rf"lms-inventory: ([^:]*)({scene.named})", done.err)
        assert left_over(after) == set()
        if met.path == str(folder / JOURNAL):
            assert len(History(folder / "h").store.run_ids()) == 5, "the run itself is recorded"
        elif scene.removes:
            assert changed <= before.keys() - after.keys(), "what was not removed is as it was"
        elif "/h/" in met.path or "-q" not in scene.arguments:
            assert changed <= {"out/x.csv"}, "a history that fails spares the files"
            assert after.keys() == before.keys()
        else:
            assert not changed
            assert all(name.startswith("h/") for name in after.keys() - before.keys()), "the run itself is recorded"
    if met.kind == "unlink" or (done.code and (changed or after.keys() != before.keys())):
        go_on(scene, folder)  # else all is as without the command, or as after one that nothing happened to


def go_on(scene: Scene, folder: Path) -> None:
    """The history is whole, the next such command does its work, and then nothing is left."""
    store = History(folder / "h").store
    assert prove(store).problems.num_rows == 0
    other = (
        ("--at", "03:04", "--timeout", "9") if "--install" in scene.arguments else ()
    )  # the same once more would write nothing
    assert run(*scene.arguments, *other, cwd=folder).code == 0
    assert run("snapshot", "-q", *SERVER, *HISTORY, cwd=folder).code == 0
    assert left_over(contents(folder)) == set()
    assert prove(store).problems.num_rows == 0


def sweep(
    scene: Scene,
    world: Path,
    place: Path,
    codes: tuple[str, ...],
    *,
    step: int = 1,
    lasting: bool = False,
    lacks: tuple[str, ...] = (),
) -> set[str]:
    """Let one operation after the other fail, until the command ends untouched; the kinds that ended it in 4.

    ``lacks``: what the file system cannot do, and fails at each time.
    """
    fatal: set[str] = set()
    for nth in count(1, step):
        folder = copy_world(world, place)
        before = contents(folder)
        faulty = run_faulty(folder, Fault(nth, codes[nth % len(codes)], lasting, lacks), *scene.arguments)
        if faulty.met is None:
            assert faulty.done.code == 0, faulty.done.err
            return fatal
        if lasting and faulty.met.kind in TOLERATED:
            continue  # what comes after it is what ends the command: the next turn begins there
        try:
            judge(scene, folder, before, faulty)
        except AssertionError as error:
            raise AssertionError(f"{faulty.met}: {faulty.done}") from error
        if faulty.done.code:
            fatal.add(faulty.met.kind)
    raise AssertionError


@pytest.mark.guard("a file is on the disk before it takes a name")
@pytest.mark.parametrize(("name", "step"), STEPS)
def test_every_operation_fails_once(name: str, step: int, world: Path, tmp_path: Path) -> None:
    """What stood there is byte-identical, exit 4, one line names the path, no temporary file is left.

    The errors take turns.
    """
    fatal = sweep(SCENES[name], world, tmp_path / "case", CODES, step=step)
    assert len(fatal) > 2
    if step == 1:
        without_room = {"flush"} if name == "prune" else set()  # of its record, which then takes the place of a file
        assert fatal >= {"open", "write", "flush", "fsync"} - without_room
        assert name == "prune" or fatal & {"replace", "link"}  # a name is then taken in another way


@pytest.mark.guard("a pair is put back")
def test_a_pair_is_old_or_new(world: Path, tmp_path: Path) -> None:
    """If the second file of a pair cannot take its name, the first has its old content again."""
    scene = SCENES["both csv"]
    intact = run_faulty(copy_world(world, tmp_path / "intact"), Fault(), *scene.arguments)
    moves = [nth for nth, met in enumerate(intact.operations, 1) if met.kind == "replace"]
    assert len(moves) == 2
    folder = copy_world(world, tmp_path / "case")
    before = contents(folder)
    faulty = run_faulty(folder, Fault(moves[1], "EIO", lasting=False), *scene.arguments)
    assert faulty.done.code == 4
    assert contents(folder) == before


NO_LINKS = ("links", "renames", "chmod")


@pytest.mark.long
@pytest.mark.parametrize("lacks", [NO_LINKS, ("chmod", "locks")], ids="-".join)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "baseline" else pytest.mark.long)
        for name in ("history", "history and csv", "both csv", "systemd", "baseline", "prune", "compact")
    ],
)
def test_every_operation_fails_where_little_can_be_done(
    name: str, lacks: tuple[str, ...], world: Path, tmp_path: Path
) -> None:
    """The same where there are no hard links, or nobody may set permissions, and no locks: nothing is lost there."""
    scene = SCENES[name]
    assert sweep(scene, world, tmp_path / "case", CODES, step=9 if scene.slow else 3, lacks=lacks)


def test_the_journal_is_on_the_disk_before_a_run_ends(world: Path, tmp_path: Path) -> None:
    """Its line is flushed to the disk after it is written, as every file of a history is before it has its name."""
    case = copy_world(world, tmp_path / "case")
    done = run_faulty(case, Fault(), *SCENES["history"].arguments)
    kinds = [item.kind for item in done.operations if item.path.endswith(JOURNAL)]
    assert kinds[-2:] == ["write", "fsync"], kinds


@pytest.mark.full
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", SCENES)
def test_every_operation_fails_in_every_way(name: str, code: str, world: Path, tmp_path: Path) -> None:
    """The same with each error at each operation of each output."""
    assert len(sweep(SCENES[name], world, tmp_path / "case", (code,))) >= 5


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in SCENES if name != "history and csv"])
def test_the_disk_stays_full(name: str, world: Path, tmp_path: Path) -> None:
    """From some operation on there is no room: the same holds."""
    assert sweep(SCENES[name], world, tmp_path / "case", ("ENOSPC",), lasting=True)


@pytest.mark.parametrize("limit", [0, 20])
@pytest.mark.parametrize("name", QUICK_FIRST)
def test_the_system_takes_no_more_bytes(name: str, limit: int, world: Path, tmp_path: Path) -> None:
    """The same when it is the system that refuses a write, whoever makes it: no file can be longer than a limit."""
    scene, folder = SCENES[name], copy_world(world, tmp_path / "case")
    before = contents(folder)
    with started(run_limited, scene.arguments, folder, limit) as (_, connection):
        code, output = connection.recv()
    assert code == 4
    line = next(line for line in output.splitlines() if line.startswith("lms-inventory: "))
    assert re.match(rf"lms-inventory: ([^:]*)({scene.named}).* could not be written: File too large", line)
    after = contents(folder)
    assert after | {JOURNAL: before[JOURNAL]} == before
    assert after[JOURNAL].startswith(before[JOURNAL])


@pytest.mark.guard("the name of a file of the history is on the disk")
@pytest.mark.guard("a file of the history is on the disk before it takes a name")
@pytest.mark.parametrize("name", ["history and csv", "both csv", "compact", "baseline", "prune", "systemd"])
def test_what_takes_a_name_is_on_the_disk(name: str, world: Path, tmp_path: Path) -> None:
    """A file is flushed to the disk before it is linked or moved to its name, and then the folder with the name."""
    folder = copy_world(world, tmp_path / "case")
    faulty = run_faulty(folder, Fault(), *SCENES[name].arguments)
    assert faulty.done.code == 0
    operations = [(item.kind, Path(item.path)) for item in faulty.operations]
    renames = [number for number, (kind, _) in enumerate(operations) if kind in ("link", "replace")]
    renames = [
        number for number in renames if operations[number][1].suffix not in (".tmp", ".run")
    ]  # nothing is in them
    assert renames or name == "prune"
    for number in renames:
        path = operations[number][1]
        written = [place for kind, place in operations[:number] if kind == "write" and place.suffix == ".tmp"]
        synced = [place for kind, place in operations[:number] if kind == "fsync"]
        assert written[-1] in synced, path
        folders = [place for kind, place in operations[number:] if kind == "sync"]
        assert any(place in (path.parent, path.parent.parent) or "_tmp" in path.parts for place in folders), path
