"""What is in a folder, of this machine or at an address that an engine reads."""

import os
from pathlib import Path
from typing import Protocol

from inventory.errors import FileError

_ADVICE = "Check its permissions, or give another history with --history DIR"


class Remote(Protocol):
    """A folder that is not on a disk of this machine."""

    def names(self) -> list[str]:
        """The names in it."""
        ...

    def identities(self) -> dict[str, int]:
        """The names in it, each with what tells what bears it from another of that name."""
        ...


def names(folder: Path | Remote) -> list[str]:
    """The names in a folder; none if it is not there.

    Raises:
        FileError: it is no folder, or could not be read.
    """
    if isinstance(folder, Path):
        return list(identities(folder))
    try:
        return folder.names()
    except FileNotFoundError:
        return []


def identities(folder: Path | Remote) -> dict[str, int]:
    """The names in a folder, each with what tells what bears it from another of that name; none if it is not there.

    Raises:
        FileError: it is no folder, or could not be read.
    """
    try:
        if not isinstance(folder, Path):
            return folder.identities()
        with os.scandir(folder) as entries:
            return {entry.name: entry.inode() for entry in entries}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _not_read(folder, error) from error


def _not_read(folder: object, error: OSError) -> FileError:
    return FileError(f"{folder} could not be read: {error.strerror or error}", _ADVICE)
