"""How far a run over many servers is: a line on the terminal that is gone when the run is."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_AFTER = 0.5  # seconds before the line is shown: most runs are over by then
_EVERY = 0.2  # seconds between two times that it is drawn
_BAR = 20

Progress = Callable[[dict[str, Any], int, int], None]


class _Line:
    """The line, drawn by a thread of its own, so that its clock goes on while nobody answers."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.monotonic()
        self._failed = self._done = self._total = 0
        self._over = threading.Event()
        self._shown = False
        self._length = 0
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._thread.start()

    def note(self, observation: dict[str, Any], done: int, total: int) -> None:
        """Take note of one more server."""
        self._failed += observation["status"] != "ok"
        self._done, self._total = done, total

    def end(self) -> None:
        """Take the line away."""
        self._over.set()
        self._thread.join()
        if self._shown:
            self._show("")
            self._write("\r")

    def _draw(self) -> None:
        if self._over.wait(_AFTER):
            return
        self._shown = True
        while True:
            self._show(line(self._done, self._total, self._failed, time.monotonic() - self._began))
            if self._over.wait(_EVERY):
                return

    def _show(self, told: str) -> None:
        """Draw the line over the one before, with nothing but blanks: not every terminal knows more."""
        columns = shutil.get_terminal_size().columns - 1
        self._write(f"\r{told[:columns].ljust(min(self._length, columns))}")
        self._length = len(told)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal has gone; the run goes on
            self._over.set()


def line(done: int, total: int, failed: int, seconds: float) -> str:
    """What is shown: ``[######------]  412 of 1,000 servers   3 failed   0:05``; before the first answer only the time.

    Args:
        done: servers that were asked.
        total: servers; 0 as long as that is not known.
        failed: those of ``done`` that were not read.
        seconds: since the run began.
    """
    clock = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    if not total:
        return f"asking ...   {clock}"
    full = _BAR * done // total
    told = f"[{'#' * full}{'-' * (_BAR - full)}]  {done:,} of {total:,} server{'s' if total > 1 else ''}"
    return f"{told}   {failed:,} failed   {clock}"


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress | None]:
    """What ``collect`` tells how far it is; nothing unless there is a terminal that wants to know.

    In a log there is one line a failure, which the command prints in any case.
    """
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    shown = _Line(sys.stderr)
    try:
        yield shown.note
    finally:
        shown.end()
