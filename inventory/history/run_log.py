"""The run log of a history: ``runs.jsonl``, a JSON object per line for each run, for monitoring.

It is the only file of a history that grows. No table is read from it: ``verify`` reports a run that the log names and
that is missing, and lines that were there when a run was recorded and are not any more; notices know from it what was
told last. Each line is appended by one call, so that concurrent runs do not mix, and has a SHA-256 of its content, so
that damage is found. A line that a crash cut off stays: the next run marks it and begins a line of its own.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from inventory.about import VERSION
from inventory.errors import FileError
from inventory.filesystem.listing import names
from inventory.filesystem.regular_files import open_regular, read_regular
from inventory.filesystem.rights import file_mode, widen
from inventory.filesystem.temporary_files import to_disk
from inventory.filesystem.write_once import make_folders, write_new
from inventory.history.storage.metadata import RUN_LOG
from inventory.history.storage.mirrors import address_of
from inventory.run_ids import RUN_ID, time_of
from inventory.tables import rows

if TYPE_CHECKING:
    from inventory.diff.changes import ChangeSet
    from inventory.tables import RunTables

_CUT_OFF = b" [cut off]"  # marks a line that a crash cut off, which is no damage


class RunLog(NamedTuple):
    """The content of a run log.

    Attributes:
        entries: the intact lines, oldest first, each as ``entry_of`` makes it.
        damaged: the numbers of the others, from 1, without lines that are marked as cut off.
    """

    entries: list[dict[str, Any]]
    damaged: list[int]


def entry_of(
    snapshot: "RunTables",
    changes: "ChangeSet | None",
    seconds: float,
    exit_code: int,
    failures: Sequence[str],
    *,
    recorded: bool = True,
) -> dict[str, Any]:
    """Make the entry of one run.

    Args:
        snapshot: its snapshot.
        changes: since the run before; None if it was not compared. The entry has no counts, not counts of 0, where
            none of its servers was compared.
        seconds: its duration, files included.
        exit_code: its exit code.
        failures: what could not be written, a sentence each.
        recorded: the run is in the history: ``verify`` reports it when it is missing.
    """
    began, observed = time_of(snapshot.run_id), rows(snapshot.tables["observations"])
    return {
        "began": _utc_text(began),
        "ended": _utc_text(began + timedelta(seconds=seconds)),
        "seconds": round(seconds, 3),
        "run_id": snapshot.run_id,
        "recorded": recorded,
        "statuses": dict(Counter(row["status"] for row in observed)),
        "unread": [row["server"] for row in observed if row["status"] != "ok"],
        "changes": changes.word_counts(row["server"] for row in observed) if changes else None,
        "exit_code": exit_code,
        "failures": list(failures),
        "version": VERSION,
    }


def append(folder: Path, entry: Mapping[str, Any]) -> None:
    """Append a line to the run log of a history.

    Args:
        folder: the history's.
        entry: as ``entry_of`` makes it; written with sorted keys and a ``sha256``.

    Raises:
        FileError: it could not be written completely.
    """
    line = _line(entry) + b"\n"
    if address_of(folder):
        _write_object(folder / "runs" / f"{entry['run_id']}.json", line)
        return
    path = folder / RUN_LOG
    try:
        with io.FileIO(path, "a+", opener=_open) as file:
            if file.seek(0, io.SEEK_END):
                file.seek(-1, io.SEEK_END)
                if file.read(1) != b"\n":
                    line = _CUT_OFF + b"\n" + line
            written = file.write(line)
            to_disk(file)
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from error
    if written != len(line):
        raise _not_written(path, "No space left on device")


def _write_object(path: Path, line: bytes) -> None:
    """Write the line of a run of a shared history as a file: an object cannot be appended to."""
    try:
        make_folders(path.parent.parent, path.parent)
        write_new(path, line, path.parent.parent / "_tmp")
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from error


def is_whole(body: bytes) -> bool:
    """Return whether bytes are the line of one run, undamaged."""
    return _entry(body.removesuffix(b"\n")) is not None


def checkpoint(folder: Path) -> dict[str, Any]:
    """Return the ``size`` of a run log in bytes, whole lines only, and their ``sha256``; an unreadable one is empty.

    A run records it, so that lines which are lost afterwards are noticed.
    """
    body = _bytes(folder)
    size = body.rfind(b"\n") + 1
    return {"size": size, "sha256": sha256(body[:size]).hexdigest()}


def reaches(folder: Path, recorded: Mapping[str, Any]) -> bool:
    """Return whether a run log still begins with the lines that a run recorded by ``checkpoint``."""
    begin = _bytes(folder)[: recorded["size"]]
    return sha256(begin).hexdigest() == str(recorded["sha256"])


def read(folder: Path) -> RunLog:
    """Read the run log of a history; it is empty if there is none.

    Raises:
        FileError: it could not be read.
    """
    lines = _lines(folder)
    entries = [_entry(line.removesuffix(_CUT_OFF)) for line in lines]
    damaged = [number for number, line in enumerate(lines) if entries[number] is None and not line.endswith(_CUT_OFF)]
    return RunLog([entry for entry in entries if entry is not None], [number + 1 for number in damaged])


def newest_first(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the intact lines of a run log, the newest first; each is checked when it is asked for.

    Raises:
        FileError: it could not be read.
    """
    for line in _objects(folder, newest_first=True) if address_of(folder) else reversed(_lines(folder)):
        if (entry := _entry(line.removesuffix(_CUT_OFF))) is not None:
            yield entry


def _objects(folder: Path, *, newest_first: bool = False) -> Iterator[bytes]:
    """Yield the lines of a shared history, each from a file of its own."""
    for name in sorted(names(folder / "runs"), reverse=newest_first):
        if RUN_ID.fullmatch(name.removesuffix(".json")):
            path = folder / "runs" / name
            try:
                yield read_regular(path).removesuffix(b"\n")
            except OSError as error:
                raise FileError(f"{path} could not be read: {error.strerror or error}", "Check the folder") from error


def _lines(folder: Path) -> list[bytes]:
    if address_of(folder):
        return list(_objects(folder))
    path = folder / RUN_LOG
    try:
        lines = read_regular(path).split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FileError(f"{path} could not be read: {error.strerror or error}", "Check the folder") from error
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines  # an empty file is damaged


def _bytes(folder: Path) -> bytes:
    try:
        return read_regular(folder / RUN_LOG)
    except OSError:
        return b""


def _utc_text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _open(path: str, flags: int) -> int:
    mode = file_mode(Path(path).parent)  # for its owner only or a group, like all files of a history
    handle = open_regular(Path(path), flags, mode, follow=False)
    widen(handle, mode)
    return handle


def _line(entry: Mapping[str, Any]) -> bytes:
    """Encode a line without its line break. Its ``sha256`` is that of the same line without it."""
    proof = sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
    return json.dumps({**entry, "sha256": proof}, sort_keys=True).encode()


def _entry(line: bytes) -> dict[str, Any] | None:
    """Decode a line; None if it is damaged."""
    try:
        entry = json.loads(line)
        del entry["sha256"]
        return entry if _line(entry) == line else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _not_written(path: Path, reason: str) -> FileError:
    return FileError(f"{path} could not be written: {reason}", "The run itself is recorded")
