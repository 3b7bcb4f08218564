"""Regular files, read whole, and nothing that only looks like one: no pipe, no device, no file without an end."""

import os
import stat
from pathlib import Path

_NOW = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)


class UnsuitableFileError(Exception):
    """A file that is not read; the text says why, as it stands after its path: ``is not a regular file``.

    Attributes:
        too_large: whether it is a regular file, and larger than the limit.
    """

    def __init__(self, why: str, *, too_large: bool = False) -> None:
        super().__init__(why)
        self.too_large = too_large


def read_regular(path: Path, limit: int) -> bytes:
    """Read a file, and wait for no writer.

    What was opened is looked at once more, as the name may mean something else by then. No more than its size is read:
    the system's own files, as in ``/proc``, tell no size and may have no end, and so are empty here. The null device
    is an empty file.

    Args:
        path: the file.
        limit: bytes that it may have.

    Raises:
        UnsuitableFileError: it is not a regular file, or larger.
        OSError: it cannot be read.
    """
    _check(path.stat(), limit)  # opening a device may already do something
    with os.fdopen(_opened(path), "rb") as file:
        return file.read(_check(os.fstat(file.fileno()), limit))


def read_cached(path: Path, limit: int) -> bytes | None:
    """A file that the system has at hand, read without waiting for any disk or network.

    Returns:
        The bytes; None if they are not at hand, or the file cannot be read or told whether: ``read_regular`` says why.
    """
    nowait = getattr(os, "RWF_NOWAIT", 0)  # Linux only
    try:
        if not nowait or not _check(path.stat(), limit):
            return None
        descriptor = os.open(path, _NOW)
        try:
            body = bytearray(_check(os.fstat(descriptor), limit))
            came = os.preadv(descriptor, [body], 0, nowait)
        finally:
            os.close(descriptor)
    except (OSError, ValueError, UnsuitableFileError):
        return None
    return bytes(body) if came == len(body) else None


def _opened(path: Path) -> int:
    try:
        return os.open(path, _NOW | _BINARY)
    except BlockingIOError:  # a regular file that a file server has lent out, which it is about to take back
        return os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | _BINARY)


def _check(status: os.stat_result, limit: int) -> int:
    """The size of a file that can be read."""
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev:
        return 0
    if not stat.S_ISREG(status.st_mode):
        raise UnsuitableFileError("is not a regular file")
    if status.st_size > limit:
        raise UnsuitableFileError(f"is larger than {limit // 2**20} MiB", too_large=True)
    return status.st_size
