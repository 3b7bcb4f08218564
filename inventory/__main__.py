"""The command ``lms-inventory``, and ``python -m inventory``; a signal ends it even while it is being imported.

The modules, which stay for good, are not searched for garbage again and again: a short command has nothing else.
"""

import atexit
import gc
import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

_THRESHOLD = 100_000  # objects from which on garbage is looked for: most commands never have as many


def main() -> NoReturn:
    """Import the command line and run the command."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # Shells ignore it for background jobs.
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # No traceback until the command has its own handler.
    exit_codes: list[int] = []
    atexit.register(_exit, exit_codes)  # The first function registered is the last one called.
    gc.disable()
    from inventory.cli import main as run

    gc.freeze()
    gc.set_threshold(_THRESHOLD)
    gc.enable()
    try:
        run()
    except SystemExit as end:
        if isinstance(end.code, int):
            exit_codes.append(end.code)
        raise


def _exit(exit_codes: list[int]) -> None:
    """Exit the process at once with its exit code; without one, let Python shut down as usual.

    The threads of Arrow and DuckDB outlive the interpreter. One that releases a Python object during the shutdown is
    terminated, and the process with it, by SIGABRT: after its work was done, and in place of its exit code.
    """
    if exit_codes:
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):  # The stream is missing or closed, or nobody reads it.
                stream.flush()
        os._exit(exit_codes[0])


if __name__ == "__main__":
    main()
