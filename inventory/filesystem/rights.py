"""Owners and permissions: those that a replaced file passes on, and those that a shared folder gives."""

import contextlib
import errno
import os
import stat
from pathlib import Path

_LINKS = 40  # links on the way to a file, as many as Linux follows


def folder_mode(folder: Path) -> int:
    """Return the permissions of a folder that is made inside a folder: its owner's only; in a group's, the group's too.

    A folder is a group's if its set-group-ID bit is set: what is made in it belongs to the group.
    """
    mode = folder.stat().st_mode
    return 0o700 | (mode & (stat.S_ISGID | stat.S_IRWXG) if mode & stat.S_ISGID else 0)


def file_mode(folder: Path) -> int:
    """Return the permissions of a file that is made inside a folder, by the same rule."""
    return folder_mode(folder) & 0o660


def is_shared(folder: Path) -> bool:
    """Return whether a folder is one in which all of a group may write."""
    shared = stat.S_ISGID | stat.S_IWGRP
    return folder.stat().st_mode & shared == shared


def widen(path: Path | int, mode: int) -> None:
    """Give a new file the permissions that the umask withheld, where the file system has permissions."""
    now = os.stat(path).st_mode  # noqa: PTH116 - it may be an open file
    if stat.S_IMODE(now) & mode != mode:
        with contextlib.suppress(OSError):
            os.chmod(path, mode)  # noqa: PTH101 - it may be an open file


def others_may_read(path: Path) -> bool:
    """Return whether everybody may read a file; not on Windows, where its mode does not say so."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def is_read_only(target: Path, status: os.stat_result) -> bool:
    """Return whether a file's owner made it read-only, or this user may not write to it."""
    frozen = os.name == "posix" and not status.st_mode & stat.S_IWUSR
    return frozen or not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def keep_rights(handle: int, old: Path, status: os.stat_result) -> None:
    """Give an open new file the owner, the group, the permissions and the access list of the one that it replaces.

    Where the owner or the group cannot be kept, no other group may do more than everybody.

    Raises:
        OSError: others could read it who could not read the old one.
    """
    if os.name != "posix":
        return
    mode = status.st_mode & 0o777
    now = os.fstat(handle)
    if (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid):
        for owner in (status.st_uid, -1):
            with contextlib.suppress(OSError):
                os.fchown(handle, owner, status.st_gid)
                break
        now = os.fstat(handle)
        if now.st_gid != status.st_gid:
            mode &= ~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3
    if now.st_mode & 0o777 != mode:
        with contextlib.suppress(OSError):
            os.fchmod(handle, mode)
        if os.fstat(handle).st_mode & 0o777 & ~mode:
            raise PermissionError(errno.EPERM, "its permissions cannot be kept, and others could read it", str(old))
    _keep_attributes(handle, old)


def _keep_attributes(handle: int, old: Path) -> None:
    """Copy the access list and the user's own attributes, where there are such."""
    if not hasattr(os, "listxattr"):
        return
    with contextlib.suppress(OSError):
        for name in os.listxattr(old):
            if name.startswith("user.") or name == "system.posix_acl_access":
                with contextlib.suppress(OSError):
                    os.setxattr(handle, name, os.getxattr(old, name))


def followed(path: Path) -> Path:
    """Follow the links of a path; what they lead to need not be there.

    Raises:
        OSError: there is no end to them, or one in a folder that everybody may write to is another user's.
    """
    if os.name != "posix":
        return Path(os.path.realpath(path))
    whole = Path.cwd() / path
    current, rest, links = Path(whole.anchor), list(reversed(whole.parts[1:])), 0
    while rest:
        name = rest.pop()
        if name == "..":
            current = current.parent
            continue
        step = current / name
        try:
            status = step.lstat()
        except FileNotFoundError:
            current = step
            continue
        if not stat.S_ISLNK(status.st_mode):
            current = step
            continue
        trusted = status.st_uid in (0, os.geteuid())
        if current.stat().st_mode & stat.S_IWOTH and not trusted:  # guard: another users link in a folder for everybody
            what = f"{step} is another user's link in a folder that everybody may write to"
            raise OSError(errno.EPERM, what, str(path))
        links += 1
        if links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        leads = step.readlink()
        if leads.is_absolute():
            current = Path(leads.anchor)
        rest += reversed(leads.parts[1:] if leads.is_absolute() else leads.parts)
    return current
