"""The files that a scheduler reads, and the commands that install them.

A family: each member has ``files(job) -> list[File]`` and ``install_commands(job, folder) -> list[str]``. To add a
scheduler: one file here with both functions, and one word in ``SCHEDULES``. No file ever holds a token: a scheduled run
reads it from where the configuration says.
"""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from inventory.errors import ConfigurationError, FileError
from inventory.filesystem.atomic import atomic_write
from inventory.filesystem.regular_files import read_regular

SCHEDULES = ("cron", "systemd", "launchd", "windows")
DEFAULT_AT = "06:00"
PERIODS = ("month", "week")
"""What a schedule may report: it runs on the first day of the next one, which every month and every week has."""
DAY = 24 * 60
"""Minutes of a day."""

GENERATED_BY = "written by lms-inventory schedule"
"""Marks every file, so that a newer one may replace it."""

_UNITS = {"m": 1, "h": 60, "d": DAY}
_EVEN = "1m 2m 3m 4m 5m 6m 10m 12m 15m 20m 30m 1h 2h 3h 4h 6h 8h 12h 1d"
# Unicode categories of control characters, and of the surrogates in a name that is not UTF-8.
_UNWRITABLE = ("Cc", "Cs")


class File(NamedTuple):
    """A file that a scheduler reads: its name and its content."""

    name: str
    body: bytes


@dataclass(frozen=True)
class Job:
    """A command and the times at which it runs.

    Attributes:
        command: the program and its arguments; every path absolute, no token among them.
        at: daily times in minutes since local midnight; empty if ``every`` is set.
        every: minutes from one run to the next, counted from midnight; a divisor of an hour, or of a day in hours.
        name: the name of the schedule and of its files.
        log: path of a log file, for a scheduler that keeps no output itself.
        first_day_of: a word of ``PERIODS``: it runs only on the first day of each; empty for every day.

    Raises:
        ConfigurationError: a name or an argument that a scheduler's file cannot hold.
    """

    command: tuple[str, ...]
    at: tuple[int, ...] = ()
    every: int = 0
    name: str = "lms-inventory"
    log: str = ""
    first_day_of: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", self.name):
            raise ConfigurationError(
                f"a schedule cannot be named {self.name!r}", "Use letters, digits, dashes and underscores"
            )
        for text in (*self.command, self.log):
            if any(unicodedata.category(character) in _UNWRITABLE or character in "\ufffe\uffff" for character in text):
                raise ConfigurationError(f"a scheduler's file cannot hold {text!r}", "Rename the file or folder")

    @property
    def spread(self) -> int:
        """Maximum random delay of a run in seconds: a tenth of the interval, at most two minutes."""
        return min(self.every * 6, 120) if self.every else 120


class Schedule(Protocol):
    """A member of the family."""

    def files(self, job: Job) -> list[File]:
        """Return the files that the scheduler reads.

        Raises:
            ConfigurationError: the scheduler cannot express this job.
        """
        ...

    def install_commands(self, job: Job, folder: str) -> list[str]:
        """Return the commands that install the files of a folder, a line each; the folder ends in its separator."""
        ...


def open_schedule(scheduler: str) -> Schedule:
    """Return the member of the family with a name out of ``SCHEDULES``."""
    return cast("Schedule", import_module(f"inventory.schedules.{scheduler}"))


def minutes_of(clock: str) -> int:
    """Convert a time of day, HH:MM, to minutes since midnight.

    Raises:
        ConfigurationError: it is not a time of day.
    """
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", clock, re.ASCII)
    if not match:
        raise ConfigurationError(f"{clock!r} is not a time of day", "Write HH:MM, such as 06:00 or 18:30")
    return int(match[1]) * 60 + int(match[2])


def minutes_between(interval: str) -> int:
    """Convert an interval such as 15m, 6h or 1d to minutes.

    Raises:
        ConfigurationError: it is not an interval, or does not divide a day evenly, which no scheduler supports.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", interval, re.ASCII)
    if not match:
        raise ConfigurationError(
            f"{interval!r} is not an interval", "Write minutes, hours or a day, such as 15m, 6h or 1d"
        )
    minutes = int(match[1]) * _UNITS[match[2]]
    if 60 % minutes and (minutes % 60 or DAY % minutes):
        raise ConfigurationError(
            f"every {interval} does not divide an hour or a day evenly", f"Use one of {_EVEN}, or --at more than once"
        )
    return minutes


def write(files: Sequence[File], folder: Path) -> list[str]:
    """Write the files of a schedule into a folder: all of them or none.

    Returns:
        A line for each file: written, replaced or unchanged.

    Raises:
        FileError: one could not be written, or would replace a file of another program; nothing was changed.
    """
    lines, moves = [], []
    with ExitStack() as drafts:
        for file in files:
            path = folder / file.name
            try:
                before = read_regular(path) if path.exists() else None
                if before == file.body:
                    lines.append(f"{path} unchanged")
                    continue
                if before is not None and GENERATED_BY not in text_of(before):
                    raise FileError(
                        f"{path} already exists, and lms-inventory did not write it",
                        "Move it away, or choose another folder or --name",
                    )
                moves.append((path, drafts.enter_context(atomic_write(path, file.body, several=len(files) > 1))))
            except OSError as error:
                raise _not_written(path, error) from error
            lines.append(f"{path} {'written' if before is None else 'replaced'}")
        for path, move in moves:
            try:
                move()
            except OSError as error:
                raise _not_written(path, error) from error
    return lines


def text_of(body: bytes) -> str:
    """Decode the content of a file: as UTF-16 if it has that byte order mark, else as UTF-8."""
    return body.decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", errors="replace")


def _not_written(path: Path, error: OSError) -> FileError:
    return FileError(
        f"{path} could not be written: {error.strerror or error}", "Create the folder first, or choose another"
    )
