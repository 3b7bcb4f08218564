"""Regular files, opened without ever blocking: a pipe, a device or a socket in their place is refused by name."""

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
    """A file that is not opened or read; ``str`` says why, to follow a path: ``is a pipe, not a ...``.

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
    """Open a regular file and return its descriptor.

    Args:
        path: the file.
        flags: as for ``os.open``.
        mode: the permissions of a file that is created.
        follow: accept a link to a regular file; else it is refused.

    Raises:
        OSError: it could not be opened, or is not a regular file; such a file is not opened.
    """
    try:
        require_regular(path, path.stat(follow_symlinks=follow).st_mode)  # opening a device may already act on it
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    flags |= _BINARY | (0 if follow else _NO_LINK)
    try:
        handle = os.open(path, flags | _NEVER_WAIT, mode)
    except BlockingIOError:  # a regular file with a lease that its server is about to revoke
        handle = os.open(path, flags, mode)
    try:
        require_regular(path, os.fstat(handle).st_mode)  # it may have been replaced since
    except BaseException:
        os.close(handle)
        raise
    return handle


def open_to_read(path: Path) -> IO[bytes]:
    """Open a regular file, or a link to one, for reading.

    Raises:
        OSError: it could not be opened, or is not a regular file.
    """
    return os.fdopen(open_regular(path), "rb")


def read_regular(path: Path, limit: int | None = None) -> bytes:
    """Read a regular file as ``open_to_read`` opens it.

    With a limit no more than the file's size is read: the system's own files, as in ``/proc``, have no size and perhaps
    no end, and so count as empty. So does the null device then.

    Args:
        path: the file.
        limit: its greatest size in bytes; any by default.

    Raises:
        UnsuitableFileError: it is not a regular file, or is larger.
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
    """Read a file from the system's cache, without waiting for any disk or network.

    Returns:
        The bytes; None if they are not cached, or the file cannot be read: ``read_regular`` says why.
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
            count = os.preadv(descriptor, [body], 0, nowait)
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return None
    return bytes(body) if count == len(body) else None


def is_regular(path: Path) -> bool:
    """Return whether a path is a regular file, not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def require_regular(path: Path, mode: int) -> None:
    """Refuse what is not a regular file, by its mode.

    Raises:
        UnsuitableFileError: it is not; the text says what it is.
    """
    kind = stat.S_IFMT(mode)
    if kind != stat.S_IFREG:  # guard: only a regular file is read
        what = _OTHER.get(kind, "something else")
        raise UnsuitableFileError(path, f"is {what}, not a regular file", _CODES.get(kind, errno.EINVAL))


def _is_null_device(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev


def _checked_size(path: Path, status: os.stat_result, limit: int) -> int:
    """Return the size of a regular file, in bytes."""
    require_regular(path, status.st_mode)
    if status.st_size > limit:
        raise UnsuitableFileError(path, f"is larger than {limit // 2**20} MiB", too_large=True)
    return status.st_size
