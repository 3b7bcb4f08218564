"""Temporary files: locked while their process lives, and removed by the next one when it was killed."""

import contextlib
import errno
import os
import re
import secrets
import time
from collections.abc import Callable
from io import BufferedWriter
from pathlib import Path
from typing import IO, NamedTuple

from inventory.filesystem.regular_files import open_regular

try:
    import fcntl
except ImportError:  # Windows, whose own locks filelock takes
    fcntl = None  # type: ignore[assignment]

__all__ = (
    "NO_ROOM",
    "UNSUPPORTED",
    "Temporary",
    "fcntl",
    "is_abandoned",
    "lock",
    "remove_left",
    "remove_leftovers",
    "sync_folder",
)
_OLD = 3600.0  # seconds after which nobody writes a file any more, where files cannot be locked
_NAME = re.compile(r"[0-9a-f]{12}(\.old)?\.tmp")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
"""What the system says when a disk is full, or a user's share of it."""

UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY})
"""What file systems say to what they cannot do."""


class Temporary(NamedTuple):
    """An open temporary file, and where it is."""

    file: BufferedWriter
    path: Path


def temporary(folder: Path, stem: str, mode: int = 0o666) -> Temporary:
    """Make a new file, locked so that nobody sweeps it.

    Raises:
        OSError: it could not be made.
    """
    while True:
        path = folder / f"{stem}{secrets.token_hex(6)}.tmp"
        file = os.fdopen(os.open(path, _NEW, mode), "wb")
        with contextlib.suppress(OSError):  # a share without locks; there, only what is old is swept
            lock(file, wait=True)
        if os.path.lexists(path):
            return Temporary(file, path)
        file.close()  # another process swept it before it was locked


def to_disk(file: IO[bytes]) -> None:
    """Put what was written on the disk, where the file system can tell it so.

    Raises:
        OSError: it could not be done.
    """
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def lock(file: IO[bytes] | int, *, wait: bool = False) -> bool:
    """Lock a file or a folder until it is closed or this process ends; return False where the share has no locks.

    Raises:
        BlockingIOError: another process has locked it, and this one does not wait.
    """
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            return True
        # Only on Windows: its import would make each cold snapshot 5 % slower.
        from filelock import lock_descriptor

        is_locked = lock_descriptor(file if isinstance(file, int) else file.fileno(), blocking=wait)
    except BlockingIOError:
        raise
    except OSError:
        return False
    if not is_locked:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return True


def is_abandoned(path: Path) -> bool:
    """Tell whether nobody writes a file any more: it is not locked; where files cannot be locked, it is old."""
    return _if_left(path, lambda: None)


def remove_left(path: Path) -> bool:
    """Remove a file that nobody writes any more; tells whether it was one."""
    if not fcntl:
        with contextlib.suppress(OSError):
            path.unlink()
            return True
        return False
    return _if_left(path, path.unlink)


def remove_leftovers(folder: Path, stem: str) -> None:
    """Remove the temporary files of runs that were killed; one that is being written is locked, and stays.

    Nothing else is removed, whatever its name ends in.
    """
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            if path.name.startswith(stem) and _NAME.fullmatch(path.name, len(stem)):
                remove_left(path)


def sync_folder(folder: Path) -> None:
    """Make the new name durable, where folders can be synced (not on Windows, nor on every share).

    A failure is no failure of the write: the whole new file stands there already, and cannot be taken back.
    """
    if os.name == "posix":
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_NONBLOCK)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _if_left(path: Path, action: Callable[[], object]) -> bool:
    """Do something with a file, if it is a regular one that nobody writes any more, before anybody else locks it."""
    try:
        with os.fdopen(open_regular(path, follow=False), "rb") as file:
            if not lock(file) and time.time() - os.fstat(file.fileno()).st_mtime <= _OLD:
                return False
            action()
            return True
    except OSError:
        return False
