"""Monthly partitions: their folders, the file of each run in them, and how merged files replace small ones.

The new folder is completed under ``_tmp/staged``; then the old one moves to ``_tmp/replaced``, the new one into its
place, and the old one is removed. So a reader that globs the tables never sees a row twice, and misses a month only
between these two renames. Readers of this package do not miss it even then: while a month is both staged and replaced,
they read the replaced one too. ``recover`` completes or rolls back what a killed process left.
"""

import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from inventory.errors import FileError
from inventory.filesystem.listing import identities, names
from inventory.filesystem.regular_files import read_regular
from inventory.filesystem.temporary_files import sync_folder
from inventory.filesystem.write_once import make_folders, require_no_links, write_new
from inventory.history.storage.data_file import KINDS, listed
from inventory.history.storage.file_names import MONTH, is_ours
from inventory.run_ids import RUN_ID


class Months:
    """The monthly partitions of a history's tables.

    Args:
        folder: the history.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staged = folder / "_tmp" / "staged"
        self._replaced = folder / "_tmp" / "replaced"

    def files(self, kind: str, months: Collection[str] | None = None) -> list[str]:
        """List the paths of one kind, of some months or all, at one moment: each month small or merged.

        They are texts, since most of many thousand files are only named, and never opened.
        """
        while True:
            before = self.partitions([kind])
            staged = {folder.name for folder in before if folder.parent.parent == self._staged}
            folders = [
                folder
                for folder in before
                if (months is None or folder.name in months)
                and folder.parent.parent != self._staged
                and (folder.parent.parent != self._replaced or folder.name in staged)
            ]
            inside = {folder: [name for name in names(folder) if name.endswith(".parquet")] for folder in folders}
            if self.partitions([kind]) == before:  # no folder was replaced meanwhile
                return [f"{folder}{os.sep}{name}" for folder in folders for name in sorted(inside[folder])]

    def partitions(self, kinds: Iterable[str] = KINDS) -> dict[Path, int]:
        """List the folders of the months, each with its inode number."""
        return {
            folder / name: identity
            for folder in [top / kind for kind in kinds for top in (self._folder, self._staged, self._replaced)]
            for name, identity in identities(folder).items()
            if MONTH.fullmatch(name)
        }

    def replace(self, kind: str, month: str, files: Iterable[tuple[str, bytes]]) -> int:
        """Replace the files of a month by merged ones; small files whose runs are not in them stay.

        Args:
            kind: the kind.
            month: the name of the month's folder.
            files: the names and the bytes of the merged files, one at a time.

        Returns:
            The number of merged files.

        Raises:
            OSError: it failed; the month is unchanged.
        """
        staged = self._staged / kind / month
        require_no_links(self._folder, self._folder / kind / month)
        make_folders(self._folder, staged)
        number = 0
        for number, (name, body) in enumerate(files, 1):  # noqa: B007 - their number is what is returned
            try:
                write_new(staged / name, body, self._folder / "_tmp")
            except OSError as error:
                error.filename = str(self._folder / kind / month / name)  # not the temporary one
                raise
        make_folders(self._folder, self._replaced / kind)
        (self._folder / kind / month).rename(self._replaced / kind / month)
        self._finish(kind, month)
        return number

    def recover(self) -> None:
        """Complete or roll back interrupted replacements, while nobody else replaces anything.

        Raises:
            OSError: it failed; the history is intact all the same.
        """
        for folder in self.partitions():
            kind, month = folder.parent.name, folder.name
            require_no_links(self._folder, folder)
            if folder.parent.parent == self._replaced:
                if (self._staged / kind / month).is_dir():
                    self._finish(kind, month)
                else:
                    self._clear(kind, month, self._recorded(self._folder / kind / month))
        for top in (self._staged, self._replaced):
            if top.is_dir():
                require_no_links(self._folder, top)
                _discard(top)

    @property
    def needs_recovery(self) -> bool:
        """Return whether a replacement was interrupted or is under way."""
        return self._staged.is_dir() or self._replaced.is_dir()

    def _finish(self, kind: str, month: str) -> None:
        """Put the new folder into the place of the old one, which was moved away, and remove the old one."""
        top, staged, replaced = self._folder / kind, self._staged / kind / month, self._replaced / kind / month
        covered = self._recorded(staged) | self._recorded(top / month)
        before = list(replaced.iterdir())
        for path in before:
            if not is_ours(path):  # a foreign file stays in the month
                with suppress(OSError):  # one that a network share shows until it is closed
                    path.rename(staged / path.name)
            elif RUN_ID.fullmatch(path.stem) and path.stem not in covered:  # one that was recorded meanwhile
                with suppress(FileNotFoundError):  # of a killed run, which another process just removed
                    self._copy(path, staged / path.name)
        try:
            staged.rename(top / month)
        except OSError:
            if not (top / month).is_dir():
                replaced.rename(top / month)
                raise
            for path in staged.iterdir():  # a run created the folder anew meanwhile
                path.rename(top / month / path.name)
            staged.rmdir()
        for folder in (top, staged.parent, replaced.parent):
            sync_folder(folder)
        self._clear(kind, month, covered | {path.stem for path in before})

    def _clear(self, kind: str, month: str, covered: Collection[str]) -> None:
        """Remove a replaced folder and the files in it whose runs are covered by the month.

        A run that had looked up the folder before it was moved may still have written into it: its file goes to the
        month. Once the folder is gone nothing can come into it.
        """
        replaced, target = self._replaced / kind / month, self._folder / kind / month
        while True:
            inside = [path for path in replaced.iterdir() if is_ours(path)]
            for path in inside:
                if RUN_ID.fullmatch(path.stem) and path.stem not in covered:  # guard: a run recorded meanwhile stays
                    make_folders(self._folder, target)
                    path.rename(target / path.name)
                    sync_folder(target)
                else:
                    path.unlink(missing_ok=True)
            try:
                return replaced.rmdir()
            except OSError:
                if not inside:
                    return _discard(replaced)  # what is not this tool's

    def _recorded(self, folder: Path) -> set[str]:
        return {run_id for path in folder.glob("*.parquet") for run_id in listed(path)}

    def _copy(self, path: Path, target: Path) -> None:
        """Link a file to a second name, or copy it where there are no hard links."""
        try:
            os.link(path, target, follow_symlinks=False)
        except FileNotFoundError:
            raise
        except OSError:
            write_new(target, read_regular(path), self._folder / "_tmp")


def locate_runs(own: Mapping[str, str], merged: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return the path of the file of each run.

    A run is in one file. Only a copy from which nothing was removed also has the files that merged files replaced: then
    the file with the most runs counts.

    Args:
        own: the path of each run's own file.
        merged: the runs in each merged file, by its path.

    Raises:
        FileError: a run would be read twice.
    """
    where = {**own}
    for path in sorted(merged, key=lambda path: len(merged[path])):
        where |= dict.fromkeys(merged[path], path)
    if len(where) < len(own) + sum(map(len, merged.values())):
        numbers = Counter(where.values())
        for path, runs in merged.items():
            if 0 < numbers[path] < len(runs):  # guard: no run of a merged file is read twice
                raise FileError(
                    f"{path} holds runs that another file holds too",
                    "It seems to be a copy: remove from it the files that the original does not have",
                )
    return where


def _discard(folder: Path) -> None:
    """Remove a folder and its content; what a network share shows until it is closed stays for the next time.

    Raises:
        OSError: something could not be removed.
    """
    try:
        shutil.rmtree(folder)
    except OSError:
        remaining = [name for _, _, files in os.walk(folder) for name in files]
        if not remaining or not all(name.startswith((".nfs", ".fuse_hidden")) for name in remaining):
            raise
