"""Files that are there as a whole or not at all: those that replace another, and those that are written once."""

import contextlib
import errno
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BufferedWriter
from pathlib import Path
from typing import IO

from inventory.errors import FileError

try:
    import fcntl
except ImportError:  # Windows: there, a file that is open cannot be removed, which serves as well
    fcntl = None  # type: ignore[assignment]

_OLD = 3600.0  # seconds after which nobody writes a file any more, where files cannot be locked
WINDOWS = os.name == "nt"
_PATIENCE = 2.0 if WINDOWS else 0.0  # seconds for whoever has a target open: Windows does not replace it then
_PAUSE = 0.1


@contextlib.contextmanager
def drafted(path: Path, body: bytes, *, several: bool = False) -> Iterator[Callable[[], None]]:
    """Write a temporary file beside the target; what this yields, when called, moves it over the target.

    Whenever it stops, the path holds all of the old content or all of the new. Left-overs of runs that were killed are
    removed.

    Args:
        path: the target.
        body: its new content.
        several: other files change with it: what stood there is put back if the block fails after this one was moved.

    Raises:
        OSError: it could not be done; the target is as it was, and no temporary file is left.
        FileError: several were to change, one could not, and another could not be put back.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    mode = _mode(target)
    stem = f".lms-inventory-{sha256(target.name.encode(errors='surrogatepass')).hexdigest()[:12]}-"
    sweep(target.parent, stem)
    file = _temporary(target.parent, stem)
    old = Path(file.name).with_suffix(".old.tmp")
    moved = False
    try:
        if mode is not None:
            Path(file.name).chmod(mode)
        file.write(body)
        file.flush()
        os.fsync(file.fileno())

        def move() -> None:
            nonlocal moved
            if not fcntl:
                file.close()  # Windows does not move a file that is open
            if several and mode is not None:
                _keep(target, old)
            _replace(Path(file.name), target)
            moved = True
            sync_folder(target.parent)

        yield move  # still open, and so locked: nobody sweeps it before it is moved
    except BaseException as error:
        if several and moved:
            _put_back(target, old if mode is not None else None, error)
        raise
    finally:
        with contextlib.suppress(OSError):  # all of it is on the disk, or else that was said
            file.close()
        for left in (Path(file.name), old) if several else (Path(file.name),):
            with contextlib.suppress(OSError):
                left.unlink()


def _put_back(target: Path, old: Path | None, cause: BaseException) -> None:
    """Put back what stood at a target, or nothing if there was nothing.

    Raises:
        FileError: it could not be done.
    """
    try:
        if old is None:
            target.unlink()
        else:
            old.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        advice = "Remove it: it is of another run than the file beside it"
        if old is not None:
            with contextlib.suppress(OSError):
                kept = target.with_name(f"{target.name}.before")
                _keep(old, kept)
                advice = f"What was there before is in {kept}"
        raise FileError(f"{target} is new and could not be put back: {error.strerror}", advice) from cause


def _replace(file: Path, target: Path) -> None:
    """Move a file over its target, as soon as nobody has that open any more, where this matters.

    Raises:
        OSError: it could not be moved.
    """
    ends = time.monotonic() + _PATIENCE
    while True:
        try:
            file.replace(target)
        except PermissionError as error:
            if time.monotonic() < ends:
                time.sleep(_PAUSE)
                continue
            if _PATIENCE:
                error.strerror = f"{error.strerror}; is it open in another program?"
            raise
        return


def publish_once(path: Path, body: bytes, workshop: Path) -> None:
    """Write a file that must not exist yet; it appears as a whole, and nothing is overwritten.

    Args:
        path: the file.
        body: its content.
        workshop: a folder on the same disk for the temporary file.

    Raises:
        FileExistsError: the name is taken.
        OSError: it could not be done; nothing is left.
    """
    file = _temporary(workshop, "")
    try:
        with file:
            Path(file.name).chmod(0o600)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)
    finally:
        with contextlib.suppress(OSError):
            Path(file.name).unlink()
    sync_folder(path.parent)


def sign(path: Path) -> IO[bytes]:
    """A new empty file that, while it is open, says that a living process works; where files cannot be locked, by age.

    It is locked before it takes its name: one that is not locked is that of a process that has ended.

    Raises:
        OSError: it could not be made, or is there already; nothing is left.
    """
    file = _temporary(path.parent, "")
    try:
        Path(file.name).chmod(0o600)
        os.link(file.name, path)
    except BaseException:
        file.close()
        raise
    finally:
        with contextlib.suppress(OSError):
            Path(file.name).unlink()
    return file


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the only process that holds a name, until the end or until it is killed; not where files cannot be locked.

    Raises:
        BlockingIOError: another process holds it.
        OSError: the file that stands for the name could not be made.
    """
    while True:
        file = path.open("ab")
        try:
            _lock(file)
            if os.fstat(file.fileno()).st_nlink:  # else who held it has just removed it
                break
        except BaseException:
            file.close()
            raise
        file.close()
    with file:
        try:
            path.chmod(0o600)
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


def _lock(file: IO[bytes]) -> None:
    """Lock a file, where the system and the share have locks.

    Raises:
        BlockingIOError: another process has locked it.
    """
    if fcntl:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            return


def is_left(path: Path) -> bool:
    """Whether nobody writes a file any more: it is not locked; where files cannot be locked, it is old."""
    try:
        if not fcntl:
            return time.time() - path.stat().st_mtime > _OLD
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False


def _mode(target: Path) -> int | None:
    """The permissions of what stands there; None for nothing. Only a file is replaced, never a folder or a device."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(target))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(target))
    return mode & 0o777


def _keep(target: Path, path: Path) -> None:
    """Another name for what stands there; a copy of it where links cannot be made."""
    try:
        os.link(target, path)
    except OSError:
        shutil.copy2(target, path)


def _temporary(folder: Path, stem: str) -> BufferedWriter:
    """A new file, locked so that nobody sweeps it."""
    while True:
        path = folder / f"{stem}{secrets.token_hex(6)}.tmp"
        file = path.open("xb")
        if fcntl:
            with contextlib.suppress(OSError):  # a share without locks; there, nobody sweeps either
                fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            return file
        file.close()  # another process swept it before it was locked


def sweep(folder: Path, stem: str) -> None:
    """Remove the temporary files of runs that were killed; one that is being written is locked, and stays."""
    for left in folder.glob(f"{stem}*.tmp"):
        with contextlib.suppress(OSError):
            if not fcntl:
                left.unlink()
                continue
            with left.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()


def make_folders(top: Path, folder: Path) -> None:
    """Make a folder inside another, and that one, readable by their owner only, where they are not there yet.

    Raises:
        OSError: it could not be done.
    """
    top.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in reversed([folder, *folder.parents][: len(folder.relative_to(top).parts)]):
        if not one.is_dir():
            one.mkdir(mode=0o700, exist_ok=True)
            sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Make the new name durable, where folders can be synced (not on Windows, nor on every share).

    A failure is no failure of the write: the whole new file stands there already, and cannot be taken back.
    """
    if os.name == "posix":
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
