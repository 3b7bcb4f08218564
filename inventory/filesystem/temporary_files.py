"""Temporary files: locked while their process lives, removed by the next run after a kill."""

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
    import fcntl as fcntl  # for the other files of this folder too
except ImportError:  # Windows, whose own locks filelock takes
    fcntl = None  # type: ignore[assignment]

_OLD = 3600.0  # seconds after which a file counts as abandoned, where files cannot be locked
_NAME = re.compile(r"[0-9a-f]{12}(\.old)?\.tmp")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
"""Error numbers of a full disk, or of a full quota."""

UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY})
"""Error numbers of an operation that a file system does not support."""


class Temporary(NamedTuple):
    """An open temporary file and its path."""

    file: BufferedWriter
    path: Path


def temporary(folder: Path, stem: str, mode: int = 0o666) -> Temporary:
    """Create a temporary file, locked so that no other process removes it.

    Raises:
        OSError: it could not be created.
    """
    while True:
        path = folder / f"{stem}{secrets.token_hex(6)}.tmp"
        file = os.fdopen(os.open(path, _NEW, mode), "wb")
        with contextlib.suppress(OSError):  # a share without locks; there, only old files are removed
            lock(file, wait=True)
        if os.path.lexists(path):
            return Temporary(file, path)
        file.close()  # another process removed it before it was locked


def to_disk(file: IO[bytes]) -> None:
    """Write a file's content to the disk, where the file system supports that.

    Raises:
        OSError: it failed.
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
    """Return whether the writer of a file has ended: it is not locked; where files cannot be locked, it is old."""
    return _if_abandoned(path, lambda: None)


def remove_abandoned(path: Path) -> bool:
    """Remove a file whose writer has ended; return whether it was removed."""
    if not fcntl:
        with contextlib.suppress(OSError):
            path.unlink()
            return True
        return False
    return _if_abandoned(path, path.unlink)


def remove_leftovers(folder: Path, stem: str) -> None:
    """Remove the temporary files of killed runs; one that is being written is locked, and stays.

    Files with other names stay too, whatever their endings.
    """
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            if path.name.startswith(stem) and _NAME.fullmatch(path.name, len(stem)):
                remove_abandoned(path)


def sync_folder(folder: Path) -> None:
    """Make a new name durable, where folders can be synced (not on Windows, nor on every share).

    An error is ignored: the whole new file is in place already, and cannot be taken back.
    """
    if os.name == "posix":
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_NONBLOCK)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _if_abandoned(path: Path, action: Callable[[], object]) -> bool:
    """Act on a regular file whose writer has ended, while holding its lock; return whether it was one."""
    try:
        with os.fdopen(open_regular(path, follow=False), "rb") as file:
            if not lock(file) and time.time() - os.fstat(file.fileno()).st_mtime <= _OLD:
                return False
            action()
            return True
    except OSError:
        return False
