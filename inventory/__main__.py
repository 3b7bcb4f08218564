"""The command ``lms-inventory``, and ``python -m inventory``: ends at a signal also while it is being loaded."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Load the command line, and run the command."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as a shell has it for what runs in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the command has its own way to end: no traceback
    from inventory.cli import main as run

    run()


if __name__ == "__main__":
    main()
