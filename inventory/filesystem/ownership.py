"""Who else than this user can say what a file says: a configuration that merely lies there may be a stranger's."""

import os
import stat
from pathlib import Path

_ROOT = 0


def foreign(path: Path) -> str:
    """Why a file cannot be taken for this user's own, in words; empty if it can be, and on Windows.

    The file and its folder belong to this user or to root, and nobody else may write there. A folder like /tmp, where
    everybody may write but only remove what is their own, is as good as any.
    """
    if os.name != "posix":
        return ""
    real = Path(os.path.realpath(path))
    places = dict.fromkeys((path, path.parent, real, real.parent))  # of a link, also what it leads to
    return next((reason for place in places if (reason := _foreign(place))), "")


def _foreign(place: Path) -> str:
    try:
        status = os.lstat(place)
    except OSError:  # what cannot be looked at cannot be read either, which is told then
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
    """Whether a group is root's, or this user's own, as many systems give one to each user."""
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
