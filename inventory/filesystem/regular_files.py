"""Regular files, opened so that nobody ever waits: a pipe, a device or a socket in their place is refused by name."""

import errno
import os
import stat
from pathlib import Path
from typing import IO

_OTHER = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_CODES = {stat.S_IFDIR: errno.EISDIR, stat.S_IFLNK: errno.ELOOP}
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NEVER_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class UnsuitableFileError(OSError):
    """A file that is not opened, or not read; ``str`` says why, as it stands after a path: ``is a pipe, not a ...``.

    Attributes:
        too_large: whether it is a regular file, and larger than the limit.
    """

    def __init__(self, path: Path, why: str, code: int = errno.EINVAL, *, too_large: bool = False) -> None:
        super().__init__(code, f"it {why}", str(path))
        self._why = why
        self.too_large = too_large

    def __str__(self) -> str:
        return self._why


def open_regular(path: Path, flags: int = os.O_RDONLY, mode: int = 0o600, *, follow: bool = True) -> int:
    """Open a regular file; returns its number.

    Args:
        path: the file.
        flags: as for ``os.open``.
        mode: the permissions of a file that is made.
        follow: a link to a regular file is one too; else it is refused.

    Raises:
        OSError: it could not be opened, or something else stands there, which is not opened.
    """
    try:
        require_regular(path, path.stat(follow_symlinks=follow).st_mode)  # opening a device may already do something
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    flags |= _BINARY | (0 if follow else _NO_LINK)
    try:
        handle = os.open(path, flags | _NEVER_WAIT, mode)
    except BlockingIOError:  # a regular file that a file server has lent out, which it is about to take back
        handle = os.open(path, flags, mode)
    try:
        require_regular(path, os.fstat(handle).st_mode)  # what stood there may have been changed since
    except BaseException:
        os.close(handle)
        raise
    return handle


def open_to_read(path: Path) -> IO[bytes]:
    """Open a regular file, or a link to one, for reading.

    Raises:
        OSError: it could not be opened, or something else stands there.
    """
    return os.fdopen(open_regular(path), "rb")


def read_regular(path: Path, limit: int | None = None) -> bytes:
    """Read a regular file as ``open_to_read`` opens it.

    With a limit no more than the file's size is read: the system's own files, as in ``/proc``, tell no size and may
    have no end, and so are empty here. The null device is an empty file then.

    Args:
        path: the file.
        limit: bytes that it may have; any number by default.

    Raises:
        UnsuitableFileError: something else stands there, or it is larger.
        OSError: it could not be read.
    """
    if limit is None:
        with open_to_read(path) as file:
            return file.read()
    if _is_null_device(path.stat()):
        return b""
    with open_to_read(path) as file:
        return file.read(_checked_size(path, os.fstat(file.fileno()), limit))


def read_cached(path: Path, limit: int) -> bytes | None:
    """Read a file that the system has at hand, without waiting for any disk or network.

    Returns:
        The bytes; None if they are not at hand, or the file cannot be read: ``read_regular`` says why.
    """
    nowait = getattr(os, "RWF_NOWAIT", 0)  # Linux only
    try:
        if not nowait or not _checked_size(path, path.stat(), limit):
            return None
        descriptor = os.open(path, os.O_RDONLY | _BINARY | _NEVER_WAIT)
        try:
            status = os.fstat(descriptor)
            require_regular(path, status.st_mode)
            body = bytearray(_checked_size(path, status, limit))
            came = os.preadv(descriptor, [body], 0, nowait)
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return None
    return bytes(body) if came == len(body) else None


def is_regular(path: Path) -> bool:
    """Tell whether a regular file stands there, and no link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def require_regular(path: Path, mode: int) -> None:
    """Refuse what is no regular file, by the mode that the system tells.

    Raises:
        UnsuitableFileError: it is none; its text says what it is.
    """
    kind = stat.S_IFMT(mode)
    if kind != stat.S_IFREG:  # guard: only a regular file is read
        what = _OTHER.get(kind, "something else")
        raise UnsuitableFileError(path, f"is {what}, not a regular file", _CODES.get(kind, errno.EINVAL))


def _is_null_device(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev


def _checked_size(path: Path, status: os.stat_result, limit: int) -> int:
    """The size of a regular file, in bytes."""
    require_regular(path, status.st_mode)
    if status.st_size > limit:
        raise UnsuitableFileError(path, f"is larger than {limit // 2**20} MiB", too_large=True)
    return status.st_size
