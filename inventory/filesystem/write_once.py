"""Files that are written once: they appear as a whole, under a new name, and never overwrite another.

A file gets its name by a hard link. Where the file system has none, it is renamed, if the system can refuse to
overwrite (RENAME_NOREPLACE); else after an exclusive claim to the name in the folder for temporary files. In each case
the name appears with the whole file, and a killed process leaves no more than a temporary file.
"""

import contextlib
import ctypes
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO

from inventory.filesystem.regular_files import open_regular
from inventory.filesystem.rights import file_mode, folder_mode, is_shared, widen
from inventory.filesystem.temporary_files import (
    NO_ROOM,
    UNSUPPORTED,
    Temporary,
    fcntl,
    lock,
    remove_abandoned,
    sync_folder,
    temporary,
    to_disk,
)

_NOT_HERE = UNSUPPORTED | {errno.EPERM, errno.EACCES, errno.EMLINK, errno.EXDEV}
"""Error numbers of a file system without hard links, or without a rename that refuses to overwrite."""

_NO_REPLACE = {"linux": ("renameat2", 1), "darwin": ("renameatx_np", 4)}
_WORKING_FOLDER = {"linux": -100, "darwin": -2}


def write_new(path: Path, body: bytes, workshop: Path) -> None:
    """Write a file that must not exist yet; it appears as a whole, and overwrites nothing.

    Args:
        path: the file.
        body: its content.
        workshop: a folder on the same disk for the temporary file; its permissions say who may read the new one.

    Raises:
        FileExistsError: the name is taken.
        OSError: it failed; nothing is left.
    """
    mode = file_mode(workshop)
    new = temporary(workshop, "", mode)
    try:
        with new.file:
            widen(new.file.fileno(), mode)
            new.file.write(body)
            to_disk(new.file)  # guard: a file of the history is on the disk before it takes a name
            _take_name(new, path)
    finally:
        with contextlib.suppress(OSError):
            new.path.unlink()
    sync_folder(path.parent)  # guard: the name of a file of the history is on the disk


def create_marker(path: Path) -> IO[bytes]:
    """Create an empty file that is locked while its process lives; on a share without locks its age tells.

    It is locked before it takes its name, so that one that is not locked is that of a process that has ended. On
    Windows it is locked just after, where nobody can remove it while it is open.

    Raises:
        OSError: it could not be created, or exists already; nothing is left.
    """
    if not fcntl:
        file = path.open("xb")
        lock(file)
        return file
    mode = file_mode(path.parent)
    new = temporary(path.parent, "", mode)
    try:
        widen(new.file.fileno(), mode)
        _take_name(new, path)
    except BaseException:
        new.file.close()
        raise
    finally:
        with contextlib.suppress(OSError):
            new.path.unlink()
    return new.file


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Hold a lock alone until the block ends or this process is killed; on a share without locks, do nothing.

    Yields whether it is held. The folder is locked too: a full disk may have no room for the lock file.

    Raises:
        BlockingIOError: another process holds it.
        OSError: the lock file could not be created.
    """
    with _locked_folder(path.parent) as locked:
        try:
            file = _locked_file(path)
        except OSError as error:
            if not locked or error.errno not in NO_ROOM:
                raise
            yield True
            return
        with file:
            try:
                yield locked
            finally:
                with contextlib.suppress(OSError):
                    path.unlink()


def make_folders(top: Path, folder: Path) -> None:
    """Create a folder inside another, and that one, where they do not exist; nothing between them may be a link.

    Only their owner may use them, or, if the outer one is a group's, the group too.

    Raises:
        OSError: it failed.
    """
    if not top.is_dir():
        outer = next(parent for parent in top.absolute().parents if parent.is_dir())
        top.parent.mkdir(parents=True, exist_ok=True)
        _make_folder(top, folder_mode(outer) if is_shared(outer) else 0o700)
    mode = folder_mode(top)
    for inner in _between(top, folder):
        try:
            _require_folder(inner)
        except FileNotFoundError:
            _make_folder(inner, mode)
            sync_folder(inner.parent)
            _require_folder(inner)


def require_no_links(top: Path, folder: Path) -> None:
    """Refuse a folder inside another that is reached through a link, or is one; it need not exist.

    Raises:
        OSError: it is.
    """
    with contextlib.suppress(FileNotFoundError):
        for inner in _between(top, folder):
            _require_folder(inner)


def unlink_inside(top: Path, path: Path) -> None:
    """Remove a file inside a folder if it exists, but never one that is reached through a link.

    Raises:
        OSError: it could not be removed, or a folder between them is a link.
    """
    require_no_links(top, path.parent)
    path.unlink(missing_ok=True)


def _between(top: Path, folder: Path) -> list[Path]:
    """Return the folders inside one down to another, the outermost first."""
    return [folder, *folder.parents][: len(folder.relative_to(top).parts)][::-1]


def _require_folder(folder: Path) -> None:
    mode = folder.lstat().st_mode
    if stat.S_ISLNK(mode):  # guard: no link is followed in a history
        raise OSError(errno.ELOOP, "it is a link, and links in a history are not followed", str(folder))
    if not stat.S_ISDIR(mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is not a folder", str(folder))


def _make_folder(folder: Path, mode: int) -> None:
    folder.mkdir(mode=mode & 0o777, exist_ok=True)
    if mode != 0o700:  # the umask withholds from a group what the folder gives it
        widen(folder, mode)


def _take_name(new: Temporary, path: Path) -> None:
    """Give a temporary file its name; its old one may be left.

    Raises:
        FileExistsError: the name is taken.
        OSError: it could not be done.
    """
    if os.name == "nt":
        new.file.close()  # else it could not be renamed
        new.path.rename(path)  # which refuses to overwrite there
        return
    for naming in (os.link, _rename_if_free):
        with _unsupported():
            naming(new.path, path)
            return
    with _claim(path, new.path.parent):
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        new.path.rename(path)


@contextlib.contextmanager
def _unsupported() -> Iterator[None]:
    """Ignore the error of an operation that the file system does not support."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise


def _rename_if_free(old: Path, new: Path) -> None:
    """Rename a file, but not over another one.

    Raises:
        FileExistsError: the name is taken.
        OSError: it failed; with EINVAL or ENOSYS if the system or the file system has no such rename.
    """
    name, flag = _NO_REPLACE.get(sys.platform, ("", 0))
    try:
        rename: Callable[..., int] = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (AttributeError, OSError, TypeError):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(new)) from None
    here = _WORKING_FOLDER[sys.platform]
    if rename(here, os.fsencode(old), here, os.fsencode(new), flag):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(new))


@contextlib.contextmanager
def _claim(path: Path, workshop: Path) -> Iterator[None]:
    """Claim a name that is about to be taken; a killed process leaves its claim as a temporary file.

    Raises:
        FileExistsError: another process is taking it.
        OSError: the claim could not be created.
    """
    whole = os.path.relpath(path, workshop)  # the same wherever the history is mounted
    claim = workshop / f"{sha256(os.fsencode(whole)).hexdigest()[:12]}.tmp"
    while True:
        try:
            file = os.fdopen(os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file_mode(workshop)), "wb")
        except FileExistsError:
            if not remove_abandoned(claim):
                raise
            continue
        lock(file, wait=True)
        if _has_name(file, claim):
            break
        file.close()  # another process took it for an abandoned one
    with file:
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                claim.unlink()


@contextlib.contextmanager
def _locked_folder(folder: Path) -> Iterator[bool]:
    """Lock a folder, where that can be done; yields whether it could.

    Raises:
        BlockingIOError: another process has locked it.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_NONBLOCK) if fcntl else -1
    try:
        yield handle >= 0 and lock(handle)
    finally:
        if handle >= 0:
            os.close(handle)


def _locked_file(path: Path) -> IO[bytes]:
    """Open or create a lock file, and lock it.

    Raises:
        BlockingIOError: another process has locked it.
        OSError: it could not be created.
    """
    mode = file_mode(path.parent)
    while True:
        file = os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT, mode, follow=False), "wb")
        try:
            lock(file)
            if _has_name(file, path):  # else the holder has just removed it
                widen(file.fileno(), mode)
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _has_name(file: IO[bytes], path: Path) -> bool:
    """Return whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False
