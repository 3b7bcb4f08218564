"""Files for a scheduler. FAMILY: ``files(job) -> list[File]`` and ``steps(job, folder) -> list[str]``.

To add a scheduler: one file here with both functions, and one word in ``SCHEDULES``. No file ever holds a token: the
processes that a scheduler starts read it from where the configuration says.
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
DAY = 24 * 60  # minutes
GENERATED_BY = "written by lms-inventory schedule"  # stands in every file, so that it may be replaced by a newer one

_UNITS = {"m": 1, "h": 60, "d": DAY}
_EVEN = "1m 2m 3m 4m 5m 6m 10m 12m 15m 20m 30m 1h 2h 3h 4h 6h 8h 12h 1d"
_NO_TEXT = ("Cc", "Cs")  # control characters, and what is left of a name that is not UTF-8


class File(NamedTuple):
    """One file that a scheduler reads: its name and its content."""

    name: str
    body: bytes


@dataclass(frozen=True)
class Job:
    """What is run, and when.

    Attributes:
        command: the program and its arguments; every path absolute, no token among them.
        at: when it runs each day, local time, in minutes since midnight; empty if ``every`` says so.
        every: minutes from one run to the next, counted from midnight; a divisor of an hour, or of a day in hours.
        name: what the schedule is called, and its files.
        log: a file for what the runs say, for a scheduler that keeps nothing itself.

    Raises:
        ConfigurationError: a name or an argument that cannot stand in a scheduler's file.
    """

    command: tuple[str, ...]
    at: tuple[int, ...] = ()
    every: int = 0
    name: str = "lms-inventory"
    log: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", self.name):
            raise ConfigurationError(
                f"a schedule's name cannot be {self.name!r}", "Use letters, digits, dashes and underscores"
            )
        for text in (*self.command, self.log):
            if any(unicodedata.category(one) in _NO_TEXT or one in "\ufffe\uffff" for one in text):
                raise ConfigurationError(f"{text!r} cannot stand in a scheduler's file", "Rename the file or folder")

    @property
    def spread(self) -> int:
        """Seconds by which a run may be late, so that not everything starts at once: a tenth of the interval."""
        return min(self.every * 6, 120) if self.every else 120


class Schedule(Protocol):
    """One member of the family."""

    def files(self, job: Job) -> list[File]:
        """The files that the scheduler reads.

        Raises:
            ConfigurationError: it cannot say this.
        """
        ...

    def install_commands(self, job: Job, folder: str) -> list[str]:
        """The commands that put the files of a folder into force, each a line; a folder ends in its separator."""
        ...


def open_schedule(scheduler: str) -> Schedule:
    """The member of the family that a word means."""
    return cast("Schedule", import_module(f"inventory.schedules.{scheduler}"))


def minutes_of(clock: str) -> int:
    """A time of day, HH:MM, in minutes since midnight.

    Raises:
        ConfigurationError: it is none.
    """
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", clock, re.ASCII)
    if not found:
        raise ConfigurationError(f"{clock!r} is no time of day", "Give HH:MM, such as 06:00 or 18:30")
    return int(found[1]) * 60 + int(found[2])


def minutes_between(interval: str) -> int:
    """An interval such as 15m, 6h or 1d in minutes.

    Raises:
        ConfigurationError: it is none, or runs would not be evenly apart over a day, which no scheduler can say.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", interval, re.ASCII)
    if not found:
        raise ConfigurationError(f"{interval!r} is no interval", "Give minutes, hours or a day, such as 15m, 6h or 1d")
    minutes = int(found[1]) * _UNITS[found[2]]
    if 60 % minutes and (minutes % 60 or DAY % minutes):
        raise ConfigurationError(
            f"every {interval} does not divide an hour or a day evenly", f"Use one of {_EVEN}, or --at more than once"
        )
    return minutes


def write(files: Sequence[File], folder: Path) -> list[str]:
    """Write the files of a schedule into a folder: all of them or none.

    Returns:
        What became of each, one sentence each.

    Raises:
        FileError: one could not be written, or something that this tool did not write stands there; nothing changed.
    """
    told, moves = [], []
    with ExitStack() as drafts:
        for file in files:
            path = folder / file.name
            try:
                before = read_regular(path) if path.exists() else None
                if before == file.body:
                    told.append(f"{path} is as it was")
                    continue
                if before is not None and GENERATED_BY not in text_of(before):
                    raise FileError(
                        f"{path} is there already, and lms-inventory did not write it",
                        "Move it away, or choose another folder or --name",
                    )
                moves.append((path, drafts.enter_context(atomic_write(path, file.body, several=len(files) > 1))))
            except OSError as error:
                raise _not_written(path, error) from error
            told.append(f"{path} {'written' if before is None else 'replaced'}")
        for path, move in moves:
            try:
                move()
            except OSError as error:
                raise _not_written(path, error) from error
    return told


def text_of(body: bytes) -> str:
    """The content of a file as text: UTF-16 if it begins so, else UTF-8."""
    return body.decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", errors="replace")


def _not_written(path: Path, error: OSError) -> FileError:
    return FileError(
        f"{path} could not be written: {error.strerror or error}", "Make the folder first, or choose another"
    )
