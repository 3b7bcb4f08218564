"""Contents of a folder."""

import os
from pathlib import Path

from inventory.errors import FileError

_ADVICE = "Check its permissions, or give another history with --history DIR"


def names(folder: Path) -> list[str]:
    """List the names in a folder; none if it does not exist.

    Raises:
        FileError: it is not a folder, or could not be read.
    """
    try:
        return os.listdir(folder)  # noqa: PTH208 - texts: of most files only the name is needed
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(folder, error) from error


def identities(folder: Path) -> dict[str, int]:
    """List the names in a folder, each with its inode number; none if the folder does not exist.

    Raises:
        FileError: it is not a folder, or could not be read.
    """
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry.inode() for entry in entries}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: OSError) -> FileError:
    return FileError(f"{folder} could not be read: {error.strerror or error}", _ADVICE)


def size_of(path: Path) -> int:
    """Return the size of a file in bytes; 0 if it does not exist any more."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def file_status(path: str | Path) -> object:
    """Return the status that changes when a file is written to; None if it does not exist."""
    try:
        status = os.stat(path)  # noqa: PTH116 - of many thousand files
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
