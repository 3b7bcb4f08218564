"""Errors for a folder without a history: it does not exist, is empty, is a part of one, or contains one."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from inventory.errors import FileError
from inventory.filesystem.listing import names
from inventory.history.storage.data_file import KINDS
from inventory.history.storage.mirrors import address_of

_PARTS = (*KINDS, "_tmp", "baselines", "pruned", "retired")  # the folders in a history
_DEEP = 3  # folders from a history to the folder of a month that is just being merged
_CHECK = "Check --history, and that its disk is mounted. To start a history: lms-inventory snapshot"


def no_runs(folder: Path) -> FileError:
    """Return the error for a folder in which no run was found."""
    path = folder.absolute()
    if address := address_of(folder):
        return FileError(f"the history {address} holds no run", "Check its address, or take a snapshot")
    if home := home_of(folder):
        return FileError(f"{path} is part of the history {home}, not a history itself", f"Give --history {home}")
    inside = names(folder)
    if not folder.exists():
        return FileError(f"there is no history at {path}: the folder does not exist", _CHECK)
    if not inside:
        return FileError(f"there is no history at {path}: the folder is empty", _CHECK)
    if set(inside) & set(KINDS):
        return FileError(f"the history {path} holds no run", "Restore what is missing, or take a snapshot")
    if homes := _histories(path / name for name in sorted(inside)):
        return FileError(f"there is no history at {path}, but there is one at {homes[0]}", f"Give --history {homes[0]}")
    return FileError(f"there is no history at {path}: the folder holds something else", _CHECK)


def home_of(folder: Path) -> Path | None:
    """Return the history of which a folder is a part; None if it is none."""
    parents = [folder.absolute(), *folder.absolute().parents][: _DEEP + 1]
    homes = [home for inner, home in pairwise(parents) if inner.name in _PARTS]
    return next(iter(_histories(homes)), None)


def _histories(folders: Iterable[Path]) -> list[Path]:
    return [folder for folder in folders if next((folder / KINDS[0]).glob("month=*/*.parquet"), None)]
