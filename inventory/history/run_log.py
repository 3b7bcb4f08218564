"""The journal of a history: ``runs.jsonl``, one JSON object a line for each run, for those who watch over it.

It is the only file of a history that grows; no reading depends on it, but ``verify`` misses a run that it names, and
lines that were there when a run was recorded. Each line is written by one call that appends, so that runs at the same
time do not mix, and holds the SHA-256 of what it says, so that damage is told. A line that a crash has torn is left:
the next run marks it, and begins a line of its own.
"""

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from inventory import schema
from inventory.about import VERSION
from inventory.errors import FileError
from inventory.filesystem.regular_files import open_regular, read_regular
from inventory.filesystem.rights import file_mode, widen
from inventory.filesystem.temporary_files import to_disk
from inventory.run_ids import time_of
from inventory.tables import values

if TYPE_CHECKING:
    from inventory.diff.changes import ChangeSet
    from inventory.tables import RunTables

NAME = "runs.jsonl"
_TORN = b" [cut off]"  # after a line that a crash has torn: that its rest is missing is known, and no damage


class Journal(NamedTuple):
    """What a journal says.

    Attributes:
        entries: the lines that are as they were written, oldest first, each as ``entry_of`` makes it.
        damaged: the numbers of those that are not, from 1; those that are known to be torn are no damage.
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
    """What the journal says of one run.

    Args:
        snapshot: what it saw.
        changes: since the run before; None if it was compared with none.
        seconds: how long it took, files included.
        exit_code: what it ended with.
        failures: what could not be written, a sentence each.
        recorded: the run is in the history: ``verify`` misses it when it is not there any more.
    """
    began = time_of(snapshot.run_id)
    counts = [changes.counts(grain) for grain in schema.GRAINS] if changes else []
    return {
        "began": _told(began),
        "ended": _told(began + timedelta(seconds=seconds)),
        "seconds": round(seconds, 3),
        "run_id": snapshot.run_id,
        "recorded": recorded,
        "statuses": dict(Counter(values(snapshot.tables["observations"], "status"))),
        "changes": {word: sum(count[word] for count in counts) for word in schema.CHANGES_WORDS} if counts else None,
        "exit_code": exit_code,
        "failures": list(failures),
        "version": VERSION,
    }


def append(folder: Path, entry: Mapping[str, Any]) -> None:
    """Add a line to the journal of a history.

    Args:
        folder: the history's.
        entry: as ``entry_of`` makes it; written with sorted keys, and ``sha256`` among them.

    Raises:
        FileError: it could not be written, or not whole.
    """
    path = folder / NAME
    line = _line(entry) + b"\n"
    try:
        with io.FileIO(path, "a+", opener=_opened) as file:
            if file.seek(0, io.SEEK_END) and _last_byte(file) != b"\n":
                line = _TORN + b"\n" + line
            written = file.write(line)
            to_disk(file)
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from error
    if written != len(line):
        raise _not_written(path, "No space left on device")


def state(folder: Path) -> dict[str, Any]:
    """How far a journal goes: its ``size`` in bytes, whole lines only, and their ``sha256``.

    A run notes it, so that lines which are lost afterwards are missed; of one that cannot be read nothing is noted.
    """
    body = _bytes(folder)
    size = body.rfind(b"\n") + 1
    return {"size": size, "sha256": sha256(body[:size]).hexdigest()}


def reaches(folder: Path, noted: Mapping[str, Any]) -> bool:
    """Whether a journal still begins with what a run has noted of it."""
    begin = _bytes(folder)[: noted["size"]]
    return sha256(begin).hexdigest() == str(noted["sha256"])


def read(folder: Path) -> Journal:
    """The journal of a history.

    Args:
        folder: the history's; without a journal there are no lines.

    Raises:
        FileError: it could not be read.
    """
    path = folder / NAME
    try:
        lines = read_regular(path).split(b"\n")
    except FileNotFoundError:
        return Journal([], [])
    except OSError as error:
        raise FileError(f"{path} could not be read: {error.strerror or error}", "Check the folder") from error
    if len(lines) > 1 and not lines[-1]:
        lines.pop()  # what follows the last line break; a file with nothing in it is damaged
    entries = [_entry(line.removesuffix(_TORN)) for line in lines]
    damaged = [number for number, line in enumerate(lines) if entries[number] is None and not line.endswith(_TORN)]
    return Journal([entry for entry in entries if entry is not None], [number + 1 for number in damaged])


def _bytes(folder: Path) -> bytes:
    try:
        return read_regular(folder / NAME)
    except OSError:
        return b""


def _told(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _opened(path: str, flags: int) -> int:
    mode = file_mode(Path(path).parent)  # for its owner only or for a group, as all files of a history
    handle = open_regular(Path(path), flags, mode, follow=False)
    widen(handle, mode)
    return handle


def _last_byte(file: io.FileIO) -> bytes:
    file.seek(-1, io.SEEK_END)
    return file.read(1)


def _line(entry: Mapping[str, Any]) -> bytes:
    """A line without its end. Its ``sha256`` is that of the same line without it."""
    proof = sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
    return json.dumps({**entry, "sha256": proof}, sort_keys=True).encode()


def _entry(line: bytes) -> dict[str, Any] | None:
    """What a line says; None if it is not as it was written."""
    try:
        entry = json.loads(line)
        del entry["sha256"]
        return entry if _line(entry) == line else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _not_written(path: Path, reason: str) -> FileError:
    return FileError(f"{path} could not be written: {reason}", "The run itself is recorded")
