"""Makes the N-th file operation of a command fail, or its process die there, without a line in the product.

Python runs this file when its folder stands in PYTHONPATH; so does the nursery of ``support/forkserver.py``. What is to
happen stands in INVENTORY_FAULT, as ``support/fault_injection.py`` writes it:

    {"under": [folders], "log": file, "nth": 7, "how": "ENOSPC", "lasting": false, "lacks": ["links"]}

Counted are the operations that change something under the folders: a file opened for writing, each write, flush and
fsync, replace, rename, link, mkdir, unlink, rmdir, chmod and lock; a folder's fsync is called ``sync``. All of the
product goes through them, as Arrow's, DuckDB's and openpyxl's output are bytes before they are a file's. The log gets a
line each, ``number kind path``. ``how`` is the name of an errno, ``kill`` (SIGKILL before the operation) or ``torn``
(SIGKILL too, but half of a write is done); ``lasting``: from the N-th on every operation that takes room fails.
``lacks``: what the file system cannot do at all, words of ``LACKING``.
"""

import builtins
import ctypes
import errno
import fcntl
import io
import json
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

_TAKES_ROOM = {"open", "write", "flush", "fsync", "link", "mkdir"}
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_real_open, _real_os_open = io.open, os.open


class Faults:
    """Counts the operations of this process, and lets one fail."""

    def __init__(self, under: list[str], log: str, nth: int, how: str, lasting: bool) -> None:
        self._under = [os.path.realpath(folder) for folder in under]
        self._log = _real_os_open(log, _APPEND)
        self._nth = nth
        self._how = how
        self._lasting = lasting
        self._count = 0

    def concerns(self, path: str) -> bool:
        """Whether a path lies under the folders."""
        return any(path == folder or path.startswith(folder + os.sep) for folder in self._under)

    def meet(self, kind: str, path: str, torn: Callable[[], object] | None = None) -> None:
        """Count an operation; if it is the one, fail as was asked."""
        if not self.concerns(path):
            return
        self._count += 1
        os.write(self._log, f"{self._count} {kind} {path}\n".encode(errors="surrogateescape"))
        if self._count == self._nth or (self._lasting and 0 < self._nth < self._count and kind in _TAKES_ROOM):
            self._fail(path, torn)

    def _fail(self, path: str, torn: Callable[[], object] | None) -> None:
        if self._how in ("kill", "torn"):
            if self._how == "torn" and torn:
                torn()
            os.kill(os.getpid(), signal.SIGKILL)
        code = getattr(errno, self._how)
        raise OSError(code, os.strerror(code), path)


def place_of(target: Any, folder: int | None = None) -> str:
    """The whole path of what an operation is given: a path, or the number of an open file."""
    if isinstance(target, int):
        try:
            return str(Path(f"/proc/self/fd/{target}").readlink()).removesuffix(" (deleted)")
        except OSError:
            return ""
    path = Path(os.fsdecode(target))
    if folder is not None:
        path = Path(place_of(folder)) / path
    return str(Path(os.path.realpath(path.parent)) / path.name)


def install(faults: Faults) -> None:
    """Put the counting in front of Python's own operations."""
    for name in ("fsync", "mkdir", "unlink", "rmdir", "chmod"):
        _wrap(faults, os, name)
    _wrap(faults, os, "remove", "unlink")
    for name in ("replace", "rename", "link"):
        _wrap(faults, os, name, which=1)  # where it is to stand
    _wrap(faults, fcntl, "flock", "lock")
    _open(faults)
    _open_by_number(faults)


def _wrap(faults: Faults, module: Any, name: str, kind: str = "", which: int = 0) -> None:
    """Count the calls of a function; ``which`` of what it is given says where."""
    real = getattr(module, name)

    def call(*given: Any, **named: Any) -> Any:
        target = given[which]
        number = target if isinstance(target, int) else target.fileno() if hasattr(target, "fileno") else None
        is_folder = number is not None and stat.S_ISDIR(os.fstat(number).st_mode)
        place = place_of(target if number is None else number, named.get("dir_fd"))
        faults.meet("sync" if is_folder and name == "fsync" else kind or name, place)
        return real(*given, **named)

    setattr(module, name, call)


def _open(faults: Faults) -> None:
    """Count the opening of files, and what is written to them."""

    class Raw(io.FileIO):
        """An open file whose writes are counted."""

        def __init__(self, file: Any, mode: str = "r", *more: Any, **named: Any) -> None:
            self.place = place_of(file)
            if writes(file, mode):
                faults.meet("open", self.place)
            super().__init__(file, mode, *more, **named)

        def write(self, data: Any) -> int:
            body = bytes(data)
            faults.meet("write", self.place, lambda: io.FileIO.write(self, body[: len(body) // 2]))
            return super().write(body)

    class Buffered(io.BufferedWriter):
        """The same with a buffer; a flush counts if there may be something in it."""

        filled = False

        def write(self, data: Any) -> int:
            self.filled = True
            return super().write(data)

        def flush(self) -> None:
            raw: Any = self.raw
            if self.filled:
                self.filled = False
                faults.meet("flush", raw.place)
            super().flush()

    def opened(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        plain = {*more, *named.values()} <= {None, -1, True}
        if plain and "b" in mode and "+" not in mode and set(mode) & set("wxa") and faults.concerns(place_of(file)):
            return Buffered(Raw(file, mode.replace("b", "")))
        if writes(file, mode):
            faults.meet("open", place_of(file))
        return _real_open(file, mode, *more, **named)

    setattr(io, "FileIO", Raw)  # noqa: B010 - for mypy these are others
    setattr(io, "open", opened)  # noqa: B010
    setattr(builtins, "open", opened)  # noqa: B010


def _open_by_number(faults: Faults) -> None:
    """Count the opening of files that the system gives a number."""

    def opened(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            faults.meet("open", place_of(path, named.get("dir_fd")))
        return _real_os_open(path, flags, *more, **named)

    setattr(os, "open", opened)  # noqa: B010


def writes(file: Any, mode: str) -> bool:
    """Whether this opens a file for writing; one whose number is given is open."""
    return bool(set(mode) & set("wxa+")) and not isinstance(file, int)


LACKING: dict[str, tuple[tuple[Any, str, str], ...]] = {
    "links": ((os, "link", "EPERM"),),  # exFAT, many shares
    "renames": ((ctypes, "CDLL", "ENOSYS"),),  # FUSE: no rename that refuses to overwrite
    "chmod": ((os, "chmod", "EPERM"), (os, "fchmod", "EPERM"), (os, "fchown", "EPERM")),  # CIFS, synchronised folders
    "sync": ((os, "fsync", "EINVAL"),),  # some FUSE
    "locks": ((fcntl, "flock", "ENOTSUP"),),  # some shares
}


def take_away(lacks: list[str]) -> None:
    """Make the file system one that cannot do some things."""
    for word in lacks:
        for module, name, code in LACKING[word]:
            setattr(module, name, _refusing(getattr(errno, code)))


def _refusing(code: int) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return refuse


if "INVENTORY_FAULT" in os.environ:
    asked = json.loads(os.environ["INVENTORY_FAULT"])
    take_away(asked.pop("lacks"))
    Path(asked["log"]).touch()
    install(Faults(**asked))
