"""Files that are there as a whole or not at all."""

import contextlib
import os
import secrets
from hashlib import sha256
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: there, a file that is open cannot be removed, which serves as well
    fcntl = None  # type: ignore[assignment]


def publish(path: Path, body: bytes) -> None:
    """Write a file so that, whenever this stops, the path holds all of the old content or all of the new.

    A temporary file beside the target is written, synced and moved over it, then the folder is synced. Left-overs of
    runs that were killed are removed.

    Raises:
        OSError: it could not be done; the target is as it was, and no temporary file is left.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    if target.is_dir():
        raise IsADirectoryError(21, "it is a folder", str(path))
    stem = f".lms-inventory-{sha256(target.name.encode(errors='surrogatepass')).hexdigest()[:12]}-"
    _sweep(target.parent, stem)
    temporary = target.with_name(f"{stem}{secrets.token_hex(6)}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - opens a descriptor, not a path
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o777)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)


def _sweep(folder: Path, stem: str) -> None:
    """Remove the temporary files of runs that were killed; one that is being written is locked, and stays."""
    for left in folder.glob(f"{stem}*.tmp"):
        with contextlib.suppress(OSError), left.open("rb") as file:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where folders can be opened (not on Windows)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
