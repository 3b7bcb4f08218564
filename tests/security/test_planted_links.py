"""What others put into a history, or beside a report: links, pipes, and files that are none of it."""

import contextlib
import json
import os
import re
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from support.cli_runner import run
from support.fault_injection import contents
from support.history_builders import day, model
from support.history_builders import run as record_one

from inventory import History
from inventory.errors import FileError
from inventory.history.compaction import compact
from inventory.history.retention import carry_out, plan
from inventory.history.storage.foreign import foreign_files
from inventory.history.verify import prove

SERVER = ("--server", "s=file:a.json")
RUN = "20251101T060000.000000Z-0000"
FOREIGN = (
    ".DS_Store",
    "._{}",
    "desktop.ini",
    "Thumbs.db",
    "{stem} (conflicted copy){suffix}",
    "{stem}-DESKTOP-1234{suffix}",
    "{stem}.sync-conflict-20261128-101112-ABCDEFG{suffix}",
    ".nfs000000000012d687",
    ".fuse_hidden0000000100000001",
    "{}.partial",
    ".{}.Xy12",
    "~${}",
    ".syncthing.{}.tmp",
    "lost+found/",
    "@eaDir/{}",
    ".snapshot/hourly.0/{}",
    "month=2025-11 (conflicted copy)/{}",
)


def made(folder: Path, days: tuple[int, ...] = (-365, -364, -363, -325)) -> History:
    """A history with another answer each day, a baseline and the record of a pruning; a saved answer beside it.

    All of it is a year old: a run of the future would be misdated.
    """
    history = History(folder / "h")
    for number in days:
        record_one(history, {"s": [model("x", "i"), model(f"y{number}")]}, day(number))
    history.save_baseline("good")
    carry_out(history.store, plan(history.store, {"last": 3}))
    (folder / "a.json").write_text(json.dumps({"models": [model("x"), model("z")]}))
    assert (prove(history.store).problems.num_rows, foreign_files(history.store)) == (0, [])
    return history


@contextlib.contextmanager
def elsewhere(folder: Path) -> Iterator[Path]:
    """A folder outside the history; at the end it is as it was."""
    other = folder / "elsewhere"
    for name in ("staged/precious", "replaced/models/month=2025-11/old", "month=2025-11/x", "models/month=2025-11/y"):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text("mine")
    for name in ("0123456789ab.tmp", f"{RUN}.run", "prune.lock", "file", f"{RUN}.parquet", "good.txt"):
        (other / name).write_text("mine")
        (other / name).chmod(0o644)
    shutil.copytree(folder / "h", other / "copy", symlinks=True)
    before = {str(path): path.lstat().st_mode for path in other.rglob("*")}, contents(other)
    yield other
    assert ({str(path): path.lstat().st_mode for path in other.rglob("*")}, contents(other)) == before


@pytest.mark.parametrize(
    ("place", "leads"),
    [
        ("_tmp", "elsewhere"),
        ("_tmp/staged", "elsewhere/staged"),
        ("_tmp/replaced", "elsewhere/replaced"),
        ("_tmp/prune.lock", "elsewhere/file"),
        ("_tmp/prune.lock", "elsewhere/none"),
        ("_tmp/0123456789ab.tmp", "elsewhere/file"),
        (f"_tmp/{RUN}.run", "elsewhere/file"),
        ("runs.jsonl", "elsewhere/file"),
        ("runs.jsonl", "elsewhere/none"),
        ("pruned", "elsewhere/copy/pruned"),
        ("baselines", "elsewhere/copy/baselines"),
        ("baselines/new.txt", "elsewhere/none"),
        *((kind, f"elsewhere/copy/{kind}") for kind in ("observations", "payloads", "models", "instances")),
        *(
            (f"{kind}/month={month}", f"elsewhere/copy/{kind}/month={month}")
            for kind in ("observations", "payloads")
            for month in ("2025-11", "2025-12")
        ),
    ],
)
def test_no_link_is_followed(place: str, leads: str, tmp_path: Path) -> None:
    """Whatever in a history is a link, recording, pruning, merging and freezing change nothing outside of it.

    A command that would have to is refused in one line that names the link.
    """
    history = made(tmp_path)
    path = history.store.folder / place
    refused = []
    with elsewhere(tmp_path):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(tmp_path / leads)
        for arguments in (
            ("snapshot", "-q", *SERVER),
            ("prune", "--keep-last", "1"),
            ("prune", "--compact"),
            ("baseline", "set", "new"),
        ):
            done = run(*arguments, "--history", "h", cwd=tmp_path)
            assert done.code in (0, 4), done
            if done.code:
                assert done.err.startswith(f"lms-inventory: h/{place}") or "new.txt" in done.err, done
                assert re.search("link|File exists|new.txt is damaged", done.err)
                assert done.err.count("\n") == 1
                refused.append(arguments)
        assert path.is_symlink()
    swept = place.endswith(("0123456789ab.tmp", f"{RUN}.run"))
    assert bool(refused) == (not swept)


def test_the_history_itself_may_be_a_link(tmp_path: Path) -> None:
    """A user's own link to a folder on another disk is that folder."""
    made(tmp_path)
    (tmp_path / "h").rename(tmp_path / "disk")
    (tmp_path / "h").symlink_to("disk")
    assert run("snapshot", "-q", *SERVER, "--history", "h", cwd=tmp_path).code == 0
    assert run("prune", "--keep-last", "1", "--compact", "--history", "h", cwd=tmp_path).code == 0
    assert run("verify", "--history", "h", cwd=tmp_path).out.endswith("\n2 runs, 0 problems\n")  # and the baseline


def pipe(path: Path) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(path)


def listening(path: Path) -> None:
    """A socket of the file system."""
    with socket.socket(socket.AF_UNIX) as link:
        before = Path.cwd()
        os.chdir(path.parent)  # its whole path may be too long for one
        try:
            link.bind(path.name)
        finally:
            os.chdir(before)


def endless(path: Path) -> None:
    """A link to a device without an end."""
    path.symlink_to("/dev/zero")


@pytest.mark.long
@pytest.mark.parametrize(
    "thing",
    [
        pytest.param(pipe, id="pipe"),
        pytest.param(listening, id="socket", marks=pytest.mark.full),
        pytest.param(endless, id="device", marks=pytest.mark.full),
        pytest.param(Path.mkdir, id="folder"),
    ],
)
@pytest.mark.parametrize(
    ("place", "commands"),
    [
        ("observations", ("verify", "diff", "show", "history", "snapshot", "prune")),
        ("payloads", ("verify",)),
        ("models", ("verify", "diff", "show")),
        ("merged", ("verify", "diff", "show", "history", "snapshot", "prune")),
        ("runs.jsonl", ("verify", "snapshot")),
        ("_tmp/prune.lock", ("prune",)),
        ("pruned", ("verify", "prune")),
        ("baselines", ("verify", "prune")),
    ],
)
def test_nobody_waits_for_a_pipe(
    place: str, commands: tuple[str, ...], thing: Callable[[Path], None], tmp_path: Path
) -> None:
    """What is no regular file where a file of the history is: one line that names it, exit 4, and nobody waits.

    A command that would wait is killed by the runner, and ends in -9.
    """
    history = made(tmp_path)
    if place == "merged":
        compact(history.store)
        path = next((tmp_path / "h/observations").rglob("merged-*"))
    elif "." in place:
        path = tmp_path / "h" / place
    else:
        path = max((tmp_path / "h" / place).rglob("*.*"))
    path.unlink(missing_ok=True)
    thing(path)
    kind = stat.S_IFMT(path.lstat().st_mode)
    more = {"snapshot": ("-q", *SERVER), "prune": ("--keep-last", "1")}
    for command in commands:
        done = run(command, *more.get(command, ()), "--history", "h", cwd=tmp_path)
        assert done.code == 4, (command, done)
        where = str(path.relative_to(tmp_path / "h"))
        assert where in (done.out if command == "verify" and not done.err else done.err), (command, done)
        assert done.err.count("\n") <= 1
    assert stat.S_IFMT(path.lstat().st_mode) == kind, "it is left alone"


@pytest.mark.long
@pytest.mark.parametrize("thing", [pipe, listening, endless, Path.mkdir], ids=["pipe", "socket", "device", "folder"])
def test_nobody_waits_for_what_is_nobodys(thing: Callable[[Path], None], tmp_path: Path) -> None:
    """In the folder for temporary files, or beside a report under the name of one, it is in nobody's way."""
    made(tmp_path)
    for name in ("h/_tmp/0123456789ab.tmp", f"h/_tmp/{RUN}.run", "h/observations/month=2025-11/x.parquet"):
        thing(tmp_path / name)
    given = ("-q", *SERVER, "--history", "h", "-o", "x.csv")
    assert run("snapshot", *given, cwd=tmp_path) == (0, "", "")
    left = tmp_path / f".lms-inventory-{sha256(b'x.csv').hexdigest()[:12]}-0123456789ab.tmp"
    thing(left)
    assert run("snapshot", *given, cwd=tmp_path) == (0, "", "")
    assert os.path.lexists(left)
    assert run("prune", "--keep-last", "1", "--compact", "--history", "h", cwd=tmp_path).code == 0
    assert run("verify", "--history", "h", cwd=tmp_path).code == 0


def scattered(folder: Path) -> list[Path]:
    """Foreign files of all sorts in a history, some of them copies of its own."""
    there = []
    own = [path for path in folder.rglob("*.*") if path.is_file() and "_tmp" not in path.parts]
    for path in [*own, folder / "observations", folder / "models"]:
        for pattern in FOREIGN:
            if path.is_dir() and "{stem}" in pattern:
                continue
            name = pattern.format(path.name, stem=path.stem, suffix=path.suffix)
            target = path.parent / name
            if target.exists():
                continue
            if name.endswith("/"):
                target.mkdir()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes() if path.is_file() else b"whatever")
            there.append(target)
    return there


@pytest.mark.long
def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    """What desktops and shares leave, and copies that conflict, stop no command, are no data, and never go."""
    history = made(tmp_path)
    baselines = history.store.baselines()
    told = run("history", "--json", "--history", "h", cwd=tmp_path).data, history.timeline_table()
    there = scattered(history.store.folder)
    there += [history.store.workshop / name for name in ("thesis.tmp", "x.run", ".DS_Store")]
    for path in there[-3:]:
        path.write_text("mine")
    before = {path: path.read_bytes() for path in there}
    assert len(there) > 100
    assert run("history", "--json", "--history", "h", cwd=tmp_path).data == told[0]
    assert History(tmp_path / "h").timeline_table().equals(told[1])
    assert History(tmp_path / "h").store.baselines() == baselines
    remarks = [row["file"] for row in foreign_files(history.store)]
    assert {".DS_Store", "baselines/.DS_Store", "models/month=2025-11/@eaDir", "pruned/lost+found"} <= {*remarks}
    done = run("verify", "--history", "h", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(f"3 runs, 0 problems, {len(remarks)} remarks\n")
    assert "remark: baselines/good-DESKTOP-1234.txt: not part of the history, and left alone\n" in done.out
    assert run("verify", "--json", "--history", "h", cwd=tmp_path).data["problems"] == []
    for arguments in (
        ("snapshot", "-q", *SERVER),
        ("baseline", "set", "better"),
        ("prune", "--compact"),
        ("prune", "--keep-last", "1"),
        ("snapshot", "-q", *SERVER),
        ("show",),
    ):
        assert run(*arguments, "--history", "h", cwd=tmp_path).code == 0
        if "--compact" in arguments:
            assert any((tmp_path / "h").rglob("merged-????????????????.parquet")), "the month was merged around them"
    assert {path: path.read_bytes() for path in there} == before
    assert run("verify", "--history", "h", cwd=tmp_path).code == 0


@pytest.mark.parametrize("name", ["good.txt", "better.txt"])
def test_damage_is_no_foreign_file(name: str, tmp_path: Path) -> None:
    """A baseline that was changed, or renamed to what is no copy's name, is damage as ever."""
    history = made(tmp_path)
    body = history.store.baseline_path("good").read_bytes()
    history.store.baseline_path("good").unlink()
    (history.store.folder / "baselines" / name).write_bytes(body.replace(b"\n", b"0\n") if name == "good.txt" else body)
    with pytest.raises(FileError, match="is damaged"):
        history.store.baselines()
    assert prove(history.store).problems.num_rows == 1


@pytest.mark.guard("another users link in a folder for everybody")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's link")
@pytest.mark.parametrize("kind", ["file", "folder", "of many", "none"])
def test_a_report_through_another_users_link(kind: str, tmp_path: Path) -> None:
    """In a folder that everybody may write to it is refused and named; one's own, and any elsewhere, is followed."""
    (tmp_path / "a.json").write_text('{"models": []}')
    victim, target = tmp_path / "victim", tmp_path / "open" / "r.csv"
    for mode in (0o1777, 0o777, 0o755):
        for owner in (4001, 0):
            shutil.rmtree(tmp_path / "open", ignore_errors=True)
            shutil.rmtree(victim, ignore_errors=True)
            victim.mkdir()
            (tmp_path / "open").mkdir()
            (tmp_path / "open").chmod(mode)
            if kind != "none":
                (victim / "r.csv").write_text("mine")
            link = tmp_path / "open" / ("folder" if kind == "folder" else "r.csv")
            link.symlink_to(victim if kind == "folder" else victim / "r.csv")
            if kind == "of many":
                link.rename(tmp_path / "open/second")
                link.symlink_to("second")
            for path in (tmp_path / "open").iterdir():
                os.chown(path, owner, owner, follow_symlinks=False)
            given = link / "r.csv" if kind == "folder" else target
            done = run("snapshot", "-q", *SERVER, "--no-history", "-o", given, cwd=tmp_path)
            if owner and mode & stat.S_IWOTH:
                assert done.code == 4
                assert done.err.startswith(
                    f"lms-inventory: {given} could not be written: {link} is another user's link"
                )
                assert contents(victim) == ({} if kind == "none" else {"r.csv": b"mine"})
            else:
                assert (done.code, done.err) == (0, "")
                assert (victim / "r.csv").read_text() not in ("", "mine")
                assert link.is_symlink()


def test_a_run_is_recorded_beside_planted_signs(tmp_path: Path) -> None:
    """A pipe or a link named as the sign of a run keeps nothing from being pruned."""
    history = made(tmp_path)
    pipe(history.store.workshop / f"{RUN}.run")
    (history.store.workshop / f"{RUN[:-1]}1.run").symlink_to(tmp_path / "a.json")
    assert history.store.active_runs() == set()
    record_one(history, {"s": [model("q")]}, day(50))
    carry_out(history.store, plan(history.store, {"last": 1}))
    assert history.store.holding() == {*history.store.run_ids()}
