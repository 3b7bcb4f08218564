"""The small files of a mirror: its own, and those whose bytes are checked before they are fetched."""

import json
from collections.abc import Callable
from pathlib import Path

from inventory.filesystem.atomic import atomic_write
from inventory.filesystem.write_once import make_folders
from inventory.history import run_log
from inventory.history.storage.metadata import not_written
from inventory.history.storage.mirrors import MIRROR, read_mirror
from inventory.history.storage.record_files import baseline_run, baseline_text, record_runs
from inventory.sync.listing import BASELINES, LOGS, PRUNED


def prepare(folder: Path, address: str) -> None:
    """Create the mirror of an address, which holds nothing yet, if there is none.

    Raises:
        FileError: it could not be written.
    """
    try:
        make_folders(folder, folder / "_tmp")
    except OSError as error:
        raise not_written(folder, error) from error
    if not read_mirror(folder):
        write_note(folder, {"address": address})


def write_note(folder: Path, content: dict[str, object]) -> None:
    """Write what is known of a mirror; errors as ``prepare``."""
    try:
        with atomic_write(folder / MIRROR, json.dumps(content).encode()) as move:
            move()
    except OSError as error:
        raise not_written(folder / MIRROR, error) from error


def _is_baseline(path: Path, body: bytes) -> bool:
    return body == baseline_text(path.stem, baseline_run(body))


def _is_record(path: Path, body: bytes) -> bool:
    del path
    return record_runs(body) is not None


WHOLE_RECORD: dict[str, Callable[[Path, bytes], bool]] = {
    BASELINES: _is_baseline,
    "retired": _is_record,
    PRUNED: _is_record,
    LOGS: lambda _, body: run_log.is_whole(body),
}
"""What tells whether the bytes of a small file are whole, by its folder."""
