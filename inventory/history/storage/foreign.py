"""Foreign files in a history: what desktops, network shares and synchronisation leave there.

They are left alone, and never read as data.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from inventory.filesystem.listing import names
from inventory.history.storage.data_file import KINDS
from inventory.history.storage.file_names import MONTH, is_ours
from inventory.history.storage.metadata import RUN_LOG
from inventory.history.storage.mirrors import MIRROR
from inventory.history.storage.record_files import is_foreign
from inventory.history.storage.store import Store

_OURS = {*KINDS, "_tmp", "pruned", "baselines", "retired", "runs", MIRROR, RUN_LOG}
_OTHERS = re.compile(rf"[.@#]|lost\+found$|month=(?!{MONTH.pattern.removeprefix('month=')}$)")
_REMARK = "not part of the history, and left alone"


def foreign_files(store: Store) -> list[dict[str, str]]:
    """List the foreign files in the folders of a history, a row each: ``REMARKS``.

    Of a folder that holds nothing of a history, only the folder is listed.

    Raises:
        FileError: a folder of the history could not be read.
    """
    beside = [store.folder / name for name in sorted(names(store.folder)) if name not in _OURS]
    paths = [*beside, *_among_tables(store.folder), *_among_metadata(store)]
    return [{"file": str(path.relative_to(store.folder)), "remark": _REMARK} for path in paths]


def out_of_place(folder: Path) -> list[Path]:
    """List the files under a folder, at any depth, whose names are those of a history's files.

    A folder that cannot be read holds none: those of the months are read by whoever reads a history. Nor do those of
    other programs, which may keep copies of everything: ``.snapshot``, ``@eaDir``, ``#recycle``.
    """
    paths = []
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _OTHERS.match(name)]
        paths += [path for name in files if is_ours(path := Path(where, name))]
    return sorted(paths)


def _among_tables(history: Path) -> Iterator[Path]:
    for kind in KINDS:
        for name in sorted(names(history / kind)):
            path = history / kind / name
            if not MONTH.fullmatch(name) or not path.is_dir():
                yield from _foreign(path)
                continue
            for inner in sorted(names(path)):
                yield from _foreign(path / inner)


def _foreign(path: Path) -> list[Path]:
    ours = is_ours(path) or (path.is_dir() and not _OTHERS.match(path.name) and out_of_place(path))
    return [] if ours else [path]


def _among_metadata(store: Store) -> Iterator[Path]:
    for kind in ("pruned", "baselines", "retired"):
        records = store.records(kind)
        for name in sorted(names(store.folder / kind)):
            path = store.folder / kind / name
            if path not in records and is_foreign(path):
                yield path
