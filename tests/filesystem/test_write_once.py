"""Files that are written once, also where there are no hard links: whole, and nothing is overwritten."""

import ctypes
import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.cli_runner import clean

from inventory.errors import FileError
from inventory.filesystem import temporary_files, write_once
from inventory.filesystem.temporary_files import is_abandoned, remove_leftovers
from inventory.filesystem.write_once import create_marker, exclusive, make_folders, unlink_inside, write_new
from inventory.history.storage.data_file import opened

RUN = "20261101T060000.000000Z-0000"

NO_LINKS = ("EPERM", "EACCES", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EMLINK", "EXDEV", "EINVAL")


def take_away(patch: pytest.MonkeyPatch, code: str, renames: bool) -> None:
    """Make a file system without hard links, and perhaps without a rename that refuses to overwrite."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(getattr(errno, code), code)

    patch.setattr(os, "link", refuse)
    if not renames:
        patch.setattr(ctypes, "CDLL", refuse)


@pytest.mark.parametrize("renames", [True, False], ids=["a rename that refuses", "a claim"])
@pytest.mark.parametrize("code", NO_LINKS)
def test_nothing_is_overwritten(code: str, renames: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a file system says that has no links, the first file under a name stays, and nothing else is left."""
    take_away(monkeypatch, code, renames)
    (tmp_path / "work").mkdir()
    path = tmp_path / "x"
    write_new(path, b"first", tmp_path / "work")
    with pytest.raises(FileExistsError):
        write_new(path, b"second", tmp_path / "work")
    assert path.read_bytes() == b"first"
    with create_marker(tmp_path / "work/a.run") as file:
        assert not is_abandoned(tmp_path / "work/a.run"), "it is locked under its new name too"
        with pytest.raises(FileExistsError):
            create_marker(tmp_path / "work/a.run")
        assert os.path.samestat(os.fstat(file.fileno()), (tmp_path / "work/a.run").stat())
    assert is_abandoned(tmp_path / "work/a.run")
    assert [one.name for one in (tmp_path / "work").iterdir()] == ["a.run"]


@pytest.mark.parametrize("renames", [True, False], ids=["a rename that refuses", "a claim"])
def test_one_of_many_writers_has_the_name(renames: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many that publish under one name at once, one does, and a reader only ever sees its whole file."""
    take_away(monkeypatch, "EPERM", renames)
    (tmp_path / "work").mkdir()
    for turn in range(20):
        path, seen = tmp_path / f"x{turn}", set()
        won: list[int] = []
        start = threading.Barrier(9)

        def write(number: int, path: Path = path, won: list[int] = won, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                write_new(path, bytes([number]) * 100_000, tmp_path / "work")
            except FileExistsError:
                return
            won.append(number)

        writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for writer in writers:
            writer.start()
        start.wait()
        while any(writer.is_alive() for writer in writers):
            if path.exists():
                seen.add(path.read_bytes())
        assert len(won) == 1
        assert seen | {path.read_bytes()} == {bytes(won) * 100_000}
    assert [*(tmp_path / "work").iterdir()] == []


@pytest.mark.parametrize("code", ["ENOSPC", "EIO", "EDQUOT", "EROFS"])
def test_an_error_is_no_file_system_without_links(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full or broken is told as that."""
    take_away(monkeypatch, code, True)
    with pytest.raises(OSError, match=code):
        write_new(tmp_path / "x", b"x", tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_a_claim_of_a_process_that_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It bars nobody: the next writer of that name takes it over."""
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom inventory.filesystem.write_once import _claim\n"
        "with _claim(Path(sys.argv[1]) / 'x', Path(sys.argv[1]) / 'work'):\n    os.kill(os.getpid(), 9)\n"
    )
    (tmp_path / "work").mkdir()
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False, timeout=60, env=clean())
    assert len([*(tmp_path / "work").iterdir()]) == 1
    take_away(monkeypatch, "EPERM", False)
    write_new(tmp_path / "x", b"x", tmp_path / "work")
    assert [*(tmp_path / "work").iterdir()] == []
    with write_once._claim(tmp_path / "y", tmp_path / "work"), pytest.raises(FileExistsError):
        write_new(tmp_path / "y", b"y", tmp_path / "work")


def test_what_a_file_system_cannot_sync_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some say EINVAL to fsync; that is no failure. One that says EIO has lost something."""
    for code in ("EINVAL", "ENOTSUP", "ENOSYS", "EIO"):

        def refuse(_: int, code: str = code) -> None:
            raise OSError(getattr(errno, code), code)

        monkeypatch.setattr(os, "fsync", refuse)
        if code == "EIO":
            with pytest.raises(OSError, match="EIO"):
                write_new(tmp_path / code, b"x", tmp_path)
        else:
            write_new(tmp_path / code, b"x", tmp_path)
            assert (tmp_path / code).read_bytes() == b"x"


def test_alone_where_there_is_no_room_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk may have no file left to make: then the folder's lock alone keeps everybody else out."""

    def full(path: Path, *_: int, **__: bool) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(write_once, "open_regular", full)
    with exclusive(tmp_path / "prune.lock"):
        monkeypatch.undo()
        with pytest.raises(BlockingIOError), exclusive(tmp_path / "prune.lock"):
            pass
    with exclusive(tmp_path / "prune.lock"):
        pass


def test_locks_where_there_is_no_flock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows' locks: a marker is held while its file is open, however old it is, and one process prunes at a time."""
    for module in (write_once, temporary_files):
        monkeypatch.setattr(module, "fcntl", None)
    marker = tmp_path / "x.run"
    with create_marker(marker):
        os.utime(marker, (0, 0))
        assert not is_abandoned(marker)
        with pytest.raises(FileExistsError):
            create_marker(marker)
    marker.touch()
    assert is_abandoned(marker)
    with exclusive(tmp_path / "prune.lock"), pytest.raises(BlockingIOError), exclusive(tmp_path / "prune.lock"):
        pass
    with exclusive(tmp_path / "prune.lock"):
        pass
    body = b"x" * 100_000
    write_new(tmp_path / "body", body, tmp_path)
    assert (tmp_path / "body").read_bytes() == body


@pytest.mark.guard("no link is followed in a history")
def test_a_link_between_is_refused(tmp_path: Path) -> None:
    """Nothing is made or removed behind a link, and no link takes the place of a folder."""
    (tmp_path / "victim/inner").mkdir(parents=True)
    (tmp_path / "victim/inner/x").write_text("mine")
    (tmp_path / "top").mkdir()
    (tmp_path / "top/link").symlink_to(tmp_path / "victim")
    for change, name in ((make_folders, "link"), (make_folders, "link/new"), (unlink_inside, "link/inner/x")):
        with pytest.raises(OSError, match="it is a link, and links in a history are not followed"):
            change(tmp_path / "top", tmp_path / "top" / name)
    assert {path.name for path in (tmp_path / "victim").rglob("*")} == {"inner", "x"}


def test_only_temporary_files_are_swept(tmp_path: Path) -> None:
    """Another name that ends alike is somebody else's."""
    for name in ("0123456789ab.tmp", "0123456789ab.old.tmp", "thesis.tmp", "0123456789ab.tmp.tmp", "a0123456789ab.tmp"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, "")
    assert {path.name for path in tmp_path.iterdir()} == {"thesis.tmp", "0123456789ab.tmp.tmp", "a0123456789ab.tmp"}


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    """A pipe is refused as one at once; whoever would wait for its writer gets nothing out of it."""
    os.mkfifo(tmp_path / f"{RUN}.parquet")
    writer = threading.Timer(30, lambda: os.close(os.open(tmp_path / f"{RUN}.parquet", os.O_RDWR)))
    writer.start()
    with pytest.raises(FileError, match="it is a pipe, not a regular file"):
        opened("observations", tmp_path / f"{RUN}.parquet")
    assert writer.is_alive()
    writer.cancel()
