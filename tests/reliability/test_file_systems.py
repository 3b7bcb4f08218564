"""T21: real file systems that are full, without hard links, or a group's: recorded, or one line; nothing is lost."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from support.cli_runner import BEGINNING, run
from support.fault_injection import HISTORY, SERVER, Fault, contents, left_over, run_faulty
from support.history_builders import day, files, model
from support.history_builders import run as record_one
from support.users import Step, by_users

from inventory import History
from inventory.history.compaction import compact
from inventory.history.verify import prove
from inventory.tables import rows

PRUNE = ("prune", "--keep-last", "1", *HISTORY)


@contextlib.contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[Path]:
    """A file system at a folder, as ``mount`` takes it; left out where nobody may mount."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *arguments, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@dataclass(frozen=True)
class Past:
    """The runs of a history.

    Attributes:
        answers: what each run was told: the same letter, the same answer.
        merged: closed months are merged.
        days: when the runs were, from a day a year ago; one each day by default.
        frozen: the number of a run that is a baseline.
    """

    answers: tuple[str, ...]
    merged: bool = False
    days: tuple[int, ...] = ()
    frozen: int = -1


PASTS = {
    "all new": Past(("a", "b", "c", "d", "e")),
    "one answer": Past(("a",) * 5),
    "two runs": Past(("a", "a")),
    "merged": Past(("a", "b", "c", "c", "d", "d", "e"), merged=True, days=(0, 1, 2, 3, 40, 41, 42)),
    "merged, pointed at": Past(("a", "b", "c", "b", "b"), merged=True, days=(0, 1, 2, 40, 41)),
    "one frozen": Past(("b", "a", *"cccccccc", "b", "d", "d"), True, (0, 1, *range(40, 49), 80, 81), frozen=2),
    "all merged but one": Past(("a", "b", "c", "d"), merged=True, days=(0, 1, 2, 40)),
}


def made(folder: Path, past: Past) -> History:
    """A history, and a saved answer beside it."""
    history = History(folder / "h")
    answers = {key: [model(key, "i", noise=os.urandom(1500).hex()), model(f"{key}2")] for key in past.answers}
    for number, key in zip(past.days or count(), past.answers, strict=False):
        record_one(history, {"s": answers[key]}, day(number - 365))
    if past.frozen >= 0:
        history.save_baseline("good", history.store.run_ids()[past.frozen])
    if past.merged:
        compact(history.store)
    (folder / "answer.json").write_text(json.dumps({"models": [model("x")]}))
    return history


def fill(folder: Path) -> None:
    """Take the last byte, and the last file, that a disk has."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while file.write(b"0" * 512):
            pass
    for number in count():
        try:
            (folder / f"filler{number}").touch()
        except OSError:
            return


def empty(folder: Path) -> None:
    """Give all that back."""
    for path in folder.glob("filler*"):
        path.unlink()


def whole(folder: Path) -> list[str]:
    """What is wrong with a history, or left over in it."""
    return [f"{row['file']}: {row['problem']}" for row in rows(prove(History(folder / "h").store).problems)]


@pytest.mark.parametrize("options", ["size=2m,nr_inodes=150", "size=2m,nr_inodes=4000"], ids=["no file", "no byte"])
@pytest.mark.parametrize("name", PASTS)
def test_a_full_disk_is_pruned(name: str, options: str, tmp_path: Path) -> None:
    """Without a byte and a file to spare: what needs no room goes, and all of it once there is room."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", options, "tmpfs") as disk:
        history = made(disk, PASTS[name])
        before = len(files(history)), len(history.store.run_ids())
        fill(disk)
        assert run("snapshot", "-q", *SERVER, *HISTORY, cwd=disk).code == 4
        done = run(*PRUNE, cwd=disk)
        assert whole(disk) == []
        assert len(files(history)) < before[0] or len(history.store.run_ids()) < before[1]
        if done.code:
            assert done.code == 4
            assert PASTS[name].merged
            assert "No space left on device. The history is intact; free some space, and prune again" in done.err, (
                done.err
            )
            assert done.err.count("\n") == 1
            empty(disk)
            assert run(*PRUNE, cwd=disk).code == 0
        assert len(history.store.run_ids()) == 1 + (PASTS[name].frozen >= 0)
        assert whole(disk) == []
        empty(disk)
        assert run("snapshot", "-q", *SERVER, *HISTORY, cwd=disk).code == 0
        assert [*history.store.workshop.iterdir()] == []
        assert whole(disk) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "step"),
    [
        *((name, 9) for name in PASTS),
        *(pytest.param(name, 1, marks=pytest.mark.full) for name in PASTS),
    ],
)
def test_killed_while_a_full_disk_is_pruned(name: str, step: int, tmp_path: Path) -> None:
    """Killed at any operation the history is whole, and the next pruning goes on."""
    with mounted(tmp_path / "start", "-t", "tmpfs", "-o", "size=4m", "tmpfs") as start:
        made(start, PASTS[name])
        for nth in count(1, step):
            with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=2m,nr_inodes=150", "tmpfs") as disk:
                shutil.copytree(start, disk, dirs_exist_ok=True)
                fill(disk)
                faulty = run_faulty(disk, Fault(nth, "kill"), *PRUNE)
                assert whole(disk) == [], faulty.met
                if faulty.met is None:
                    assert nth > 10
                    return
                assert run(*PRUNE, cwd=disk).code in (0, 4)
                assert whole(disk) == [], faulty.met
                empty(disk)
                assert run(*PRUNE, cwd=disk).code == 0
                assert run("snapshot", "-q", *SERVER, *HISTORY, cwd=disk).code == 0
                assert whole(disk) == [], faulty.met
                assert left_over(contents(disk)) == set(), faulty.met


@pytest.mark.long
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.full)])
def test_an_error_while_a_full_disk_is_pruned(step: int, tmp_path: Path) -> None:
    """Where not even a file's own bytes can be written over, its name alone is the record."""
    history = made(tmp_path, PASTS["all new"])
    for nth in count(1, step):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        (tmp_path / "copy").mkdir()
        shutil.copytree(history.store.folder, tmp_path / "copy/h")
        shutil.copy(tmp_path / "answer.json", tmp_path / "copy")
        faulty = run_faulty(tmp_path / "copy", Fault(nth, "ENOSPC", lasting=True), *PRUNE)
        assert whole(tmp_path / "copy") == [], faulty.met
        if faulty.met is None:
            return
        if faulty.done.code:
            assert (faulty.done.code, faulty.done.err.count("\n")) == (4, 1)
        assert run(*PRUNE, cwd=tmp_path / "copy").code == 0
        assert run("snapshot", "-q", *SERVER, *HISTORY, cwd=tmp_path / "copy").code == 0
        assert left_over(contents(tmp_path / "copy")) == set(), faulty.met
        assert whole(tmp_path / "copy") == [], faulty.met


@pytest.mark.long
def test_a_file_system_without_hard_links(tmp_path: Path) -> None:
    """On exFAT everything works; that others may read it is said, to those who want quiet only when it begins."""
    if not shutil.which("mkfs.exfat") or not shutil.which("mount.exfat-fuse"):
        pytest.skip("needs exfatprogs and exfat-fuse, to make and to mount exFAT")
    image = tmp_path / "image"
    image.write_bytes(b"")
    os.truncate(image, 16 * 2**20)
    subprocess.run(["mkfs.exfat", image], check=True, capture_output=True)
    loop = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True, check=False)
    if loop.returncode:
        pytest.skip(f"no loop device: {loop.stderr.strip()}")
    try:
        with mounted(tmp_path / "disk", "-t", "exfat-fuse", loop.stdout.strip()) as disk:
            _work(disk)
    finally:
        subprocess.run(["losetup", "-d", loop.stdout.strip()], check=True)


def _work(disk: Path) -> None:
    (disk / "probe").touch()
    with pytest.raises(OSError, match="not permitted"):
        os.link(disk / "probe", disk / "link")
    (disk / "probe").unlink()
    said = []
    for number in range(4):
        (disk / "answer.json").write_text(json.dumps({"models": [model(f"m{number}", "i"), model("x")]}))
        given = ("-q", "--accept-suspect", *SERVER, *HISTORY, "-o", "r.xlsx", "-o", "r.csv", "--grain", "both")
        done = run("snapshot", *given, cwd=disk)
        assert done.code == 0, done
        said.append(done.err)
    beginning, warning = said[0].splitlines(keepends=True)
    assert beginning == f"{BEGINNING}{disk / 'h'}\n"
    assert warning.startswith("lms-inventory: warning: other users can read the history h: ")
    assert said[1:] == ["", "", ""]
    assert run("snapshot", *SERVER, *HISTORY, cwd=disk).err == warning
    assert run("baseline", "set", "good", "previous", *HISTORY, cwd=disk).code == 0
    assert run("baseline", "set", "good", "latest", *HISTORY, cwd=disk).code == 2
    assert whole(disk) == []
    assert run(*PRUNE, cwd=disk).code == 0
    done = run("verify", *HISTORY, cwd=disk)
    assert (done.code, done.out.splitlines()[-1], done.err) == (0, "2 runs, 0 problems", "")
    assert left_over(contents(disk)) == set()
    assert {path.name for path in disk.iterdir()} == {
        "answer.json", "h", "r.xlsx", "r.models.csv", "r.instances.csv",
    }  # fmt: skip


@pytest.fixture
def team() -> Iterator[Path]:
    """A folder of a group, where all users find it."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "team"
        folder.mkdir()
        os.chown(folder, 0, 4000)
        folder.chmod(0o2775)
        yield folder


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_two_users_of_a_group(umask: int, team: Path) -> None:
    """In a folder of a group both record, freeze, verify and prune; nobody else reads it."""
    (team / "answer.json").write_text(json.dumps({"models": [model("x", "i"), model("y")]}))
    snapshot = ("snapshot", "-q", *SERVER, *HISTORY)
    steps = [Step(4001 + turn % 2, 4000, snapshot) for turn in range(4)]
    steps += [
        Step(4002, 4000, ("baseline", "set", "good", *HISTORY)),
        Step(4001, 4000, ("verify", *HISTORY)),
        Step(4002, 4000, PRUNE),
        Step(4001, 4000, ("prune", "--compact", *HISTORY)),
        Step(4001, 4000, snapshot),
        Step(4002, 4000, ("verify", *HISTORY)),
    ]
    assert by_users(team, umask, steps) == [0] * len(steps)
    assert by_users(team, umask, [Step(4003, 4003, ("history", *HISTORY))]) == [4]
    assert len((team / "h/runs.jsonl").read_bytes().splitlines()) == 5
    for path in [team / "h", *(team / "h").rglob("*")]:
        status = path.stat()
        assert (status.st_gid, status.st_mode & 0o7777) == (4000, 0o2770 if path.is_dir() else 0o660), path
    assert whole(team) == []
