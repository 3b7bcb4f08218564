"""Files whose seals were checked: the small ones are read at the same time, and stay in memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from inventory import schema
from inventory.columns import encoded
from inventory.filesystem.listing import file_status
from inventory.history.storage.data_file import ARROW, TEXTS, queried, verified

if TYPE_CHECKING:
    from inventory.history.engines import Files

_SMALL = 256 * 2**10  # bytes of a file that is read as a whole when its seal is checked
_CACHE = 64 * 2**20  # bytes of such files that stay in memory


class _Checked(NamedTuple):
    """A file whose seal was checked: its status then, the version of its schema, and its rows if it is small."""

    status: object
    version: int
    table: pa.Table | None


class CheckedFiles:
    """The files of one history that this process has checked; each is checked again once it changes."""

    def __init__(self) -> None:
        self._checked: dict[str, _Checked] = {}
        self._cached = 0

    def checked(self, kind: str, paths: Sequence[str]) -> "Files":
        """Check the seals of some files; errors and return value as ``Store.checked``."""
        for path in paths:
            status = file_status(path)
            known = self._checked.get(path)
            if status is None or known is None or known.status != status:  # guard: a file that changed is checked again
                self._checked[path] = self._check(kind, path, status)
        files = {path: self._checked[path] for path in paths}
        large = {path: file for path, file in files.items() if file.table is None}
        tables = [file.table for file in files.values() if file.table is not None]
        if any(file.version != schema.SCHEMA_VERSION for file in large.values()):
            empty = pa.Table.from_batches([], ARROW[kind]).select(queried(kind))
            tables.append(encoded(empty) if kind in TEXTS else empty)
        return [*map(Path, large)], pa.concat_tables(tables) if tables else None

    def _check(self, kind: str, path: str, status: object) -> _Checked:
        file = verified(kind, Path(path), _SMALL)
        table, size = None, len(file.body)
        if size and self._cached + size <= _CACHE:
            table = file.read(queried(kind), TEXTS.get(kind, ()))
            self._cached += size
        return _Checked(status, file.about["schema_version"], table)
