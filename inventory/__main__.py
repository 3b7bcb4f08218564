"""The command ``lms-inventory``, and ``python -m inventory``: ends at a signal also while it is being loaded."""

import atexit
import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn


def main() -> NoReturn:
    """Load the command line, and run the command."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as a shell has it for what runs in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the command has its own way to end: no traceback
    exit_codes: list[int] = []
    atexit.register(_leave, exit_codes)  # the first one registered is the last one called
    from inventory.cli import main as run

    try:
        run()
    except SystemExit as end:
        if isinstance(end.code, int):
            exit_codes.append(end.code)
        raise


def _leave(exit_codes: list[int]) -> None:
    """End the process at once, with the exit code that it was to have; without one it ends as Python ends it.

    The threads of Arrow and DuckDB live on while Python takes itself apart. One that lets go of something of Python's
    then is ended by force, and with it the process, by SIGABRT: after its work, and instead of its exit code.
    """
    if exit_codes:
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):  # there is none, it is closed, or nobody reads it
                stream.flush()
        os._exit(exit_codes[0])


if __name__ == "__main__":
    main()
