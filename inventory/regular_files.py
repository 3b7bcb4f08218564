"""Regular files, opened so that nobody ever waits: a pipe, a device or a socket in their place is refused by name."""

import errno
import os
import stat
from pathlib import Path
from typing import IO, Literal, Protocol

_OTHER = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_NEVER_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


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
        require_regular(path, path.stat(follow_symlinks=follow).st_mode)
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    handle = os.open(path, flags | _NEVER_WAIT | (0 if follow else _NO_LINK), mode)
    try:
        require_regular(path, os.fstat(handle).st_mode)  # what stood there may have been changed since
    except BaseException:
        os.close(handle)
        raise
    return handle


class Readable(Protocol):
    """What is read: a path, or a file at an address that an engine opens by itself."""

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        """Open it."""
        ...

    def read_bytes(self) -> bytes:
        """Read it."""
        ...


def open_to_read(path: Readable) -> IO[bytes]:
    """Open a regular file, or a link to one, for reading; what is at an address of an engine is opened by that.

    Raises:
        OSError: it could not be opened, or something else stands there.
    """
    if not isinstance(path, Path):
        return path.open("rb")
    return os.fdopen(open_regular(path), "rb")


def read_regular(path: Readable) -> bytes:
    """Read a regular file as ``open_to_read`` opens it.

    Raises:
        OSError: it could not be read, or something else stands there.
    """
    if not isinstance(path, Path):
        return path.read_bytes()
    with open_to_read(path) as file:
        return file.read()


def is_regular(path: Path) -> bool:
    """Tell whether a regular file stands there, and no link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def require_regular(path: Path, mode: int) -> None:
    """Refuse what is no regular file, by the mode that the system tells.

    Raises:
        OSError: it is none; its text says what it is.
    """
    if stat.S_ISREG(mode):
        return
    what = _OTHER.get(stat.S_IFMT(mode), "something else")
    code = {stat.S_IFDIR: errno.EISDIR, stat.S_IFLNK: errno.ELOOP}.get(stat.S_IFMT(mode), errno.EINVAL)
    raise OSError(code, f"it is {what}, not a regular file", str(path))
