"""Ownership of files: who else could have written a configuration that merely lies in the working directory."""

import os
import stat
from pathlib import Path

_ROOT = 0


def foreign(path: Path) -> str:
    """Return why a file may not be this user's own, in words; empty if it is, and on Windows.

    The file and its folder belong to this user or to root, and nobody else may write there. A folder like /tmp, where
    everybody may write but remove only what is their own, is accepted.
    """
    if os.name != "posix":
        return ""
    real = Path(os.path.realpath(path))
    paths = dict.fromkeys((path, path.parent, real, real.parent))  # of a link, also what it leads to
    return next((reason for path in paths if (reason := _foreign(path))), "")


def _foreign(path: Path) -> str:
    try:
        status = os.lstat(path)
    except OSError:  # whoever reads it reports why it cannot
        return ""
    what = "its folder" if stat.S_ISDIR(status.st_mode) else "it"
    if status.st_uid not in (_ROOT, os.geteuid()):  # guard: a file of another user
        return f"{what} belongs to another user, {_user(status.st_uid)}"
    if stat.S_ISLNK(status.st_mode) or status.st_mode & stat.S_ISVTX:
        return ""
    if status.st_mode & stat.S_IWOTH:
        return f"everybody may write to {what}"
    if status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid):
        return f"the group {_group(status.st_gid)} may write to {what}"
    return ""


def _is_private(gid: int) -> bool:
    """Return whether a group is root's, or this user's own, as many systems give one to each user."""
    if gid == _ROOT:
        return True
    import grp

    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return gid == os.getegid()  # a group that the system does not know has no other members
    name = _user(os.geteuid())
    return group.gr_name == name and not set(group.gr_mem) - {name}


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
