"""Why a folder holds no history to read, in words: not there, empty, a part of one, or the folder around one."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from inventory.errors import FileError
from inventory.filesystem.listing import names
from inventory.history.storage.data_file import KINDS

_PARTS = (*KINDS, "_tmp", "baselines", "pruned")  # the folders in a history
_DEEP = 3  # folders from a history to the folder of a month that is just being merged
_CHECK = "Check --history, and whether its disk is mounted. A first run begins a history: lms-inventory snapshot"


def no_runs(folder: Path) -> FileError:
    """Return the error for a folder in which no run was found."""
    place = folder.absolute()
    if home := home_of(folder):
        return FileError(f"{place} is a part of the history {home}, not a history", f"Give --history {home}")
    inside = names(folder)
    if not folder.exists():
        return FileError(f"there is no history at {place}: there is no such folder", _CHECK)
    if not inside:
        return FileError(f"there is no history at {place}: the folder is empty", _CHECK)
    if set(inside) & set(KINDS):
        return FileError(f"the history {place} holds no run", "Put back what is missing, or take a snapshot")
    if homes := _histories(place / name for name in sorted(inside)):
        return FileError(
            f"there is no history at {place}, but there is one at {homes[0]}", f"Give --history {homes[0]}"
        )
    return FileError(f"there is no history at {place}: the folder holds something else", _CHECK)


def home_of(folder: Path) -> Path | None:
    """Return the history of which a folder is a part; None if it is none."""
    way = [folder.absolute(), *folder.absolute().parents][: _DEEP + 1]
    around = [home for inner, home in pairwise(way) if inner.name in _PARTS]
    return next(iter(_histories(around)), None)


def _histories(folders: Iterable[Path]) -> list[Path]:
    return [folder for folder in folders if next((folder / KINDS[0]).glob("month=*/*.parquet"), None)]
