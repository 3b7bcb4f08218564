"""Files are there as a whole or not at all, whatever fails."""

import contextlib
import errno
import os
import stat
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from support.snapshots import snapshot

import inventory
from inventory import formats
from inventory.errors import FileError
from inventory.filesystem.atomic import atomic_write

# The metrics of both snapshots are the same.
FORMATS = pytest.mark.parametrize("suffix", [suffix for suffix in formats.FORMATS if suffix not in formats.METRICS])
OLD, NEW = (snapshot([{"server": "s", "key": key * 20_000, "ordinal": 0}]) for key in "on")
PRELUDE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
from pathlib import Path
from support.snapshots import snapshot
from inventory import FileError, formats
OLD, NEW = (snapshot([dict(server="s", key=key * 20_000, ordinal=0)]) for key in "on")
folder, suffix = Path(sys.argv[1]), sys.argv[2]
target = folder / f"x.{{suffix}}"
"""
WRITE_OFTEN = f"""{PRELUDE}
for _ in range(40):
    NEW.write(target)
"""


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def whose(path: Path) -> str:
    """Which of the two snapshots a file holds, to the byte; one that can be read back holds that one's models too."""
    suffix = formats.format_of(path)
    for name in ("old", "new"):
        if path.read_bytes() == encoded(name, suffix):
            back = (
                {str(key)[:1] for key in inventory.read(path).models["key"]}
                if suffix in formats.READABLE
                else {name[0]}
            )
            assert back == {name[0]}
            return name
    return "neither"


@cache
def encoded(name: str, suffix: str) -> bytes:
    """The bytes of one of the two in a format."""
    with tempfile.TemporaryDirectory() as folder:
        [path] = {"old": OLD, "new": NEW}[name].write(Path(folder) / f"x.{suffix}")
        return path.read_bytes()


def test_live_not_swept(tmp_path: Path) -> None:
    """A temporary file that somebody is writing is not swept by another write to the same target."""
    target = tmp_path / "x.csv"
    with atomic_write(target, b"mine") as move:
        NEW.write(target)
        assert whose(target) == "new"
        move()
    assert target.read_bytes() == b"mine"
    assert names(tmp_path) == ["x.csv"]


@pytest.mark.long
def test_many_writers(tmp_path: Path) -> None:
    """Processes that write one target at the same time all succeed, and one of them wins as a whole."""
    command = [sys.executable, "-c", WRITE_OFTEN, str(tmp_path), "csv"]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for writer in writers:
        _, texts = writer.communicate(timeout=60)
        assert writer.returncode == 0, texts
    assert whose(tmp_path / "x.csv") == "new"
    assert names(tmp_path) == ["x.csv"]


def test_draft_dropped(tmp_path: Path) -> None:
    """A draft that is not moved leaves nothing."""
    with atomic_write(tmp_path / "x.csv", b"x"):
        pass
    assert names(tmp_path) == []


@FORMATS
def test_link_stays(tmp_path: Path, suffix: str) -> None:
    """A target that is a link stays a link; what it points to is replaced, also if it is not there yet."""
    for name in ("there", "not-there"):
        (tmp_path / name).mkdir()
        real, link = tmp_path / name / f"real.{suffix}", tmp_path / f"{name}.{suffix}"
        link.symlink_to(real)
        if name == "there":
            OLD.write(real)
        NEW.write(link)
        assert link.is_symlink()
        assert whose(real) == "new"
        assert names(real.parent) == [real.name]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@FORMATS
def test_permissions(tmp_path: Path, suffix: str) -> None:
    """A file that exists keeps its permissions; a new one has those of the umask."""
    target = tmp_path / f"x.{suffix}"
    before = os.umask(0o027)
    try:
        NEW.write(target)
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    for mode in (0o604, 0o666, 0o600):
        target.chmod(mode)
        OLD.write(target)
        assert stat.S_IMODE(target.stat().st_mode) == mode


def refuse(*_: object, **__: object) -> None:
    """What a share says that keeps its own permissions."""
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("grain", ["model", "both"])
def test_where_nobody_may_set_permissions(grain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share may refuse that: a report is replaced each day all the same, and a history written."""
    for name in ("chmod", "fchmod", "fchown"):
        monkeypatch.setattr(os, name, refuse)
    for original, name in ((OLD, "old"), (NEW, "new"), (OLD, "old")):
        for path in original.write(tmp_path / "x.csv", grain=grain):
            assert whose(path) == name or "instances" in path.name


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_that_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file would become one that others may read, it is left as it was."""
    target = tmp_path / "x.csv"
    OLD.write(target)
    target.chmod(0o640)
    real = os.fstat

    def fixed(handle: int) -> os.stat_result:
        status = list(real(handle))
        status[0] = int(status[0]) | 0o777  # as a share that gives all files the same
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", fixed)
    with pytest.raises(FileError, match="its permissions cannot be kept, and others could read it"):
        NEW.write(target)
    monkeypatch.undo()
    assert whose(target) == "old"
    assert names(tmp_path) == ["x.csv"]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("grain", ["model", "both"])
@pytest.mark.parametrize("mode", [0o444, 0o400, 0o000, 0o464])
def test_read_only(mode: int, grain: str, tmp_path: Path) -> None:
    """What its owner made read-only is left alone, also by root, and so is the other file of a pair."""
    paths = OLD.write(tmp_path / "x.csv", grain=grain)
    before = {path: path.read_bytes() for path in paths}
    paths[-1].chmod(mode)
    with pytest.raises(FileError, match=rf"{paths[-1].name} could not be written: it is read-only"):
        NEW.write(tmp_path / "x.csv", grain=grain)
    assert stat.S_IMODE(paths[-1].stat().st_mode) == mode
    paths[-1].chmod(0o600)
    assert {path: path.read_bytes() for path in paths} == before
    assert names(tmp_path) == sorted(path.name for path in paths)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("grain", ["model", "both"])
def test_owner_stays(grain: str, tmp_path: Path) -> None:
    """A report that root writes over a user's stays that user's, with its group, permissions and attributes."""
    for mode in (0o640, 0o600, 0o664, 0o604):
        paths = OLD.write(tmp_path / "x.csv", grain=grain)
        for path in paths:
            os.chown(path, 4001, 4000)
            path.chmod(mode)
            with contextlib.suppress(OSError):  # not every file system has attributes
                os.setxattr(path, "user.note", b"mine")
        had = [os.listxattr(path) for path in paths]
        NEW.write(tmp_path / "x.csv", grain=grain)
        for path in paths:
            status = path.stat()
            assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (4001, 4000, mode)
        assert [os.listxattr(path) for path in paths] == had


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file to another user")
def test_another_group_gets_no_more_than_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the group of a file cannot be kept, what that group could do another one cannot."""
    target = tmp_path / "x.csv"
    OLD.write(target)
    os.chown(target, 4001, 4000)
    target.chmod(0o664)
    monkeypatch.setattr(os, "fchown", refuse)
    NEW.write(target)
    assert (target.stat().st_gid, stat.S_IMODE(target.stat().st_mode)) == (os.getegid(), 0o644)


@pytest.mark.guard("a device is not replaced")
@pytest.mark.skipif(os.name != "posix", reason="needs FIFOs and devices")
@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "loop", "missing folder", "file as folder"])
@FORMATS
def test_no_place(tmp_path: Path, suffix: str, kind: str) -> None:
    """A target that is no file, or has no folder, gives an error that names it, and stays as it is."""
    target = tmp_path / f"x.{suffix}"
    if kind == "folder":
        target.mkdir()
    elif kind == "fifo":
        os.mkfifo(target)
    elif kind == "device":
        target.symlink_to("/dev/full")
    elif kind == "loop":
        target.symlink_to(target)
    elif kind == "missing folder":
        target = tmp_path / "no" / target.name
    else:
        (tmp_path / "no").touch()
        target = tmp_path / "no" / target.name
    before = names(tmp_path), Path("/dev/full").lstat().st_mode
    with pytest.raises(FileError) as caught:
        NEW.write(target)
    assert str(target) in str(caught.value)
    assert (names(tmp_path), Path("/dev/full").lstat().st_mode) == before
    assert not target.is_file()


def test_pair_untouched(tmp_path: Path) -> None:
    """When one file of a pair cannot be written, the other is not touched either."""
    OLD.write(tmp_path / "x.csv", "both")
    before = (tmp_path / "x.models.csv").read_bytes()
    (tmp_path / "x.instances.csv").unlink()
    (tmp_path / "x.instances.csv").mkdir()
    with pytest.raises(FileError, match=r"x\.instances\.csv"):
        NEW.write(tmp_path / "x.csv", "both")
    assert (tmp_path / "x.models.csv").read_bytes() == before
    assert names(tmp_path) == ["x.instances.csv", "x.models.csv"]


def test_a_close_that_fails_afterwards(tmp_path: Path) -> None:
    """When all of a file is on the disk and in its place, what its closing says changes nothing."""
    with atomic_write(tmp_path / "x.csv", b"new") as move:
        move()
        for handle in Path("/proc/self/fd").iterdir():
            if os.path.realpath(handle) == str(tmp_path / "x.csv"):
                os.close(int(handle.name))  # so that closing it fails
    assert (tmp_path / "x.csv").read_bytes() == b"new"
    assert names(tmp_path) == ["x.csv"]


@pytest.mark.parametrize("there", [True, False])
def test_what_cannot_be_put_back_is_kept(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a pair of which one cannot be moved, and the other not put back, the old one stays under another name."""
    first, second = (tmp_path / name for name in ("x.models.csv", "x.instances.csv"))
    for path in (first, second) if there else (second,):
        path.write_text(f"old {path.name}")

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    replaced = Path.replace

    def once(path: Path, target: Path) -> None:
        for name in ("replace", "unlink"):
            monkeypatch.setattr(Path, name, fails)
        replaced(path, target)

    monkeypatch.setattr(Path, "replace", once)
    with pytest.raises(
        FileError, match=r"x\.models\.csv was replaced and could not be restored: the disk is broken"
    ) as caught:
        OLD.write(tmp_path / "x.csv", "both")
    monkeypatch.undo()
    assert second.read_text() == "old x.instances.csv"
    assert first.read_bytes() != b"old x.models.csv"
    if there:
        remaining = tmp_path / "x.models.csv.before"
        assert remaining.read_text() == "old x.models.csv"
        assert caught.value.advice == f"Its previous content is in {remaining}"
    else:
        assert "Remove it" in caught.value.advice
    OLD.write(tmp_path / "x.csv", "both")
    assert names(tmp_path) == sorted([first.name, second.name, *(["x.models.csv.before"] if there else [])])
