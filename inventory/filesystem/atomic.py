"""Atomic replacement of files: all of the new content or all of the old, with owners and permissions kept."""

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from inventory.errors import FileError
from inventory.filesystem.regular_files import require_regular
from inventory.filesystem.rights import followed, is_read_only, keep_rights
from inventory.filesystem.temporary_files import fcntl, remove_leftovers, sync_folder, temporary, to_disk

WINDOWS = os.name == "nt"
_PATIENCE = 2.0 if WINDOWS else 0.0  # seconds for whoever has a target open: Windows does not replace it then
_PAUSE = 0.1


@contextlib.contextmanager
def atomic_write(path: Path, body: bytes, *, several: bool = False) -> Iterator[Callable[[], None]]:
    """Write a temporary file beside the target; what this yields, when called, moves it over the target.

    Whenever it stops, the path holds all of the old content or all of the new. Leftovers of killed runs are removed.

    Args:
        path: the target.
        body: its new content.
        several: other files change with it: the old content is restored if the block fails after this one was moved.

    Raises:
        OSError: it failed; the target is unchanged, and no temporary file is left.
        FileError: one of several files failed, and another could not be restored.
    """
    target = followed(path)  # a link stays a link
    before = _status(target)
    stem = f".lms-inventory-{sha256(target.name.encode(errors='surrogatepass')).hexdigest()[:12]}-"
    remove_leftovers(target.parent, stem)  # guard: what was left is swept
    file, draft = temporary(target.parent, stem, 0o666 if before is None else before.st_mode & 0o777)
    old = draft.with_suffix(".old.tmp")
    moved = False
    try:
        if before is not None:
            keep_rights(file.fileno(), target, before)
        file.write(body)
        to_disk(file)  # guard: a file is on the disk before it takes a name

        def move() -> None:
            nonlocal moved
            if not fcntl:
                file.close()  # Windows does not move a file that is open
            if several and before is not None:
                _keep(target, old)
            _replace(draft, target)
            moved = True
            sync_folder(target.parent)

        yield move  # still open, and so locked: nobody sweeps it before it is moved
    except BaseException as error:
        if several and moved:  # guard: a pair is put back
            _put_back(target, old if before is not None else None, error)
        raise
    finally:
        with contextlib.suppress(OSError):  # all of it is on the disk, or an error was raised
            file.close()
        for left in (draft, old) if several else (draft,):
            with contextlib.suppress(OSError):
                left.unlink()


def _put_back(target: Path, old: Path | None, cause: BaseException) -> None:
    """Restore the old content of a target, or remove it if it is new.

    Raises:
        FileError: it failed.
    """
    try:
        if old is None:
            target.unlink()
        else:
            old.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        advice = "Remove it: it belongs to another run than the file beside it"
        if old is not None:
            with contextlib.suppress(OSError):
                backup = target.with_name(f"{target.name}.before")
                _keep(old, backup)
                advice = f"Its previous content is in {backup}"
        raise FileError(f"{target} was replaced and could not be restored: {error.strerror}", advice) from cause


def _replace(file: Path, target: Path) -> None:
    """Move a file over its target; on Windows, wait until nobody has the target open.

    Raises:
        OSError: it could not be moved.
    """
    ends = time.monotonic() + _PATIENCE
    while True:
        try:
            file.replace(target)
        except PermissionError as error:
            if time.monotonic() < ends:
                time.sleep(_PAUSE)
                continue
            if _PATIENCE:
                error.strerror = f"{error.strerror}; is it open in another program?"
            raise
        return


def _status(target: Path) -> os.stat_result | None:
    """Return the status of a target, None if it does not exist. Only a writable regular file is replaced.

    Raises:
        OSError: it is not a regular file, or is read-only.
    """
    try:
        status = target.lstat()
    except FileNotFoundError:
        return None
    require_regular(target, status.st_mode)  # guard: a device is not replaced
    if is_read_only(target, status):
        raise PermissionError(errno.EACCES, "it is read-only", str(target))
    return status


def _keep(target: Path, path: Path) -> None:
    """Give a file a second name, or copy it where links cannot be made."""
    try:
        os.link(target, path)
    except OSError:
        with target.open("rb") as source, path.open("xb") as copy:  # never through an existing link
            keep_rights(copy.fileno(), target, target.stat())
            shutil.copyfileobj(source, copy)
