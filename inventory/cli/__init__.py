"""The command line: parse, call one function, print what it returned.

Only these rooms print, exit and read the environment. What is heavy is imported inside the commands that need it, so
that ``--help``, ``--version`` and usage errors need none of it. To add a command: one file here, and one line below.
"""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from inventory.about import VERSION
from inventory.cli._output import PROGRAM, print_error, silence
from inventory.cli.check import check
from inventory.cli.demo import demo
from inventory.cli.diff import diff
from inventory.cli.export import export
from inventory.cli.help import help_command
from inventory.cli.history import history
from inventory.cli.prune import prune
from inventory.cli.schedule import schedule
from inventory.cli.show import show
from inventory.cli.snapshot import snapshot
from inventory.cli.verify import verify
from inventory.errors import ConfigurationError, FileError, InventoryError

INTERRUPTED, TERMINATED = 130, 143

_SIGNALS = {int(signal.SIGINT): INTERRUPTED, int(signal.SIGTERM): TERMINATED}
_ended: list[int] = []  # the exit code of the signal that came, if one did

_EPILOG = """\b
Exit codes:
  0    done, and every server answered
  1    a defect of this tool
  2    wrong usage or configuration
  3    incomplete: some server was not read, or is suspect
  4    a file or the history could not be written or read, or is not there
  10   something that --fail-on names happened, even if some server was not read
  130  interrupted; 143 terminated: nothing half-written
"""


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name=PROGRAM)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Tables people can trust of the models on LM Studio servers.

    Asks each server once (GET /api/v1/models) and changes nothing there. Which servers, and where their tokens are
    kept, stands in inventory.toml; without it, the token is taken from LM_API_TOKEN.
    """


for _command in (snapshot, diff, history, show, export, verify, prune, check, schedule, demo, help_command):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit with the documented code; the one place where errors become words."""
    _prepare_terminal()
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]  # it may stand anywhere
    try:
        code = cli.main(given, prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = 2
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else PROGRAM
        print_error(ConfigurationError(error.format_message().rstrip("."), f"See {command} --help"))
        code = 2
    except SystemExit:
        code = 0  # click ends so when whoever read the output has gone, which is no failure of ours
    except (InventoryError, OSError, MemoryError) as error:
        code = _report_error(error, debug=debug)
    except BaseException:
        if not _ended:  # what is cancelled, and DuckDB in the middle of a query, end in errors of their own
            raise
        code = 0
    if INTERRUPTED in _ended:
        print_error(InventoryError("interrupted", "Nothing was half-written"))
    for number in _SIGNALS:  # the work is done, and its code stands: a signal that comes now would replace it
        signal.signal(number, signal.SIG_IGN)
    sys.exit(_ended[0] if _ended else code if isinstance(code, int) else 0)


def _prepare_terminal() -> None:
    """Make any text printable anywhere, honour NO_COLOR, and end in good order on a signal."""
    if os.name == "posix" and not os.environ.get("HOME", "/").startswith("/"):
        del os.environ["HOME"]  # an empty one would make / the home, and another a folder of the working directory
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("NO_COLOR"):
        cli.context_settings["color"] = False
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as a shell has it for what runs in the background
        signal.signal(signal.SIGINT, _end)


def _end(number: int, frame: FrameType | None) -> None:
    """End in good order at the first signal, and at once at the second: nothing that is written needs that order.

    While a library is being imported it is at once too: an exception in the middle of that ends some by an abort.
    """
    if _is_importing(frame):
        if _SIGNALS[number] == INTERRUPTED:
            print_error(InventoryError("interrupted", "Nothing was half-written"))
        os._exit(_SIGNALS[number])
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda number, _: os._exit(_SIGNALS[number]))
    sys.unraisablehook = lambda _: os._exit(_SIGNALS[number])  # it came in a finalizer, which lets nothing through
    _ended.append(_SIGNALS[number])
    if (asyncio := sys.modules.get("asyncio")) and (loop := asyncio._get_running_loop()):
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
    else:
        sys.exit(_SIGNALS[number])


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _report_error(error: InventoryError | OSError | MemoryError, *, debug: bool) -> int:
    """Say an error, and return its exit code; what the system, the output or the memory refuses is a file's."""
    if isinstance(error, MemoryError):
        error = FileError("there is not enough memory for this", "Nothing was half-written; ask for less at a time")
    elif isinstance(error, OSError) and error.filename is not None:
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else error.filename
        error = FileError(f"{path} could not be used: {error.strerror}", "Check the path and its permissions")
    elif isinstance(error, OSError):
        silence(sys.stdout)
        error = FileError(f"the output could not be printed: {error.strerror}", "Is the disk full?")
    if debug:
        traceback.print_exc()
    print_error(error)
    return error.exit_code
