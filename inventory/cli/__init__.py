"""The command line: one file per command, which parses its options, calls the core and prints the result.

In: arguments and the environment. Out: text on stdout and stderr, and an exit code. For others: ``main``, ``cli``.
Only this folder prints, exits and reads the environment. Heavy imports stand inside the commands that need them, so
that ``--help``, ``--version`` and usage errors need none. To add a command: one file here, and a name in ``_COMMANDS``.
"""

import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from inventory.about import PROGRAM, VERSION
from inventory.cli._command import Group
from inventory.cli._exit_codes import EXIT_CODES
from inventory.cli._mirror import final_code
from inventory.cli._output import print_error, silence
from inventory.cli._shells import COMPLETE_VARIABLE, complete
from inventory.cli._usage_errors import usage_error
from inventory.errors import ExitCode, FileError, InventoryError

_SIGNALS = {int(signal.SIGINT): ExitCode.INTERRUPTED, int(signal.SIGTERM): ExitCode.TERMINATED}
_received: list[ExitCode] = []  # The exit code of the first signal, if there was one.

_COMMANDS = (
    "snapshot", "show", "diff", "report", "history", "servers", "unused", "baseline", "audit", "query", "export",
    "check", "schedule", "prune", "verify", "sync", "init", "demo", "help",
)  # fmt: skip
"""The commands in the order of use, which is that of ``--help``; each is the file of its name."""

_EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {int(code):<5}{meaning}" for code, meaning in EXIT_CODES.items())


class _Commands(Mapping[str, click.Command]):
    """The commands by name, each of which is imported when it is asked for."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in _COMMANDS:
            raise KeyError(name)
        members = vars(import_module(f"{__name__}.{name}")).values()
        return next(each for each in members if isinstance(each, click.Command) and each.name == name)

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


@click.group(
    cls=Group,
    commands=_Commands(),
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples=(
        ("lms-inventory demo", "See what it does, without LM Studio"),
        ("lms-inventory snapshot -o inventory.xlsx", "Take a snapshot and write a workbook"),
        ("lms-inventory diff", "Show what changed since the run before"),
    ),
)
@click.version_option(VERSION, prog_name=PROGRAM)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Inventory the models on LM Studio servers: tables, snapshots and change reports.

    Queries each server once (GET /api/v1/models) and changes nothing there. Servers and token locations are configured
    in inventory.toml. Without it, the token is read from LM_API_TOKEN.
    """


@cli.result_callback()
def _ended(code: ExitCode, debug: bool) -> ExitCode:
    """Choose the exit code once a command has ended."""
    del debug
    return final_code(code)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit with its exit code; the one place where errors become messages."""
    _prepare_terminal()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]  # It is accepted anywhere on the command line.
    try:
        instruction = os.environ.get(COMPLETE_VARIABLE)
        if instruction:
            complete(cli, PROGRAM, instruction)
            code = ExitCode.OK
        else:
            code = cli.main(words, prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = ExitCode.USAGE
    except click.UsageError as error:
        print_error(usage_error(error, PROGRAM))
        code = ExitCode.USAGE
    except SystemExit:
        code = ExitCode.OK  # Click exits when the reader of the output is gone, which is no failure.
    except (InventoryError, OSError, MemoryError) as error:
        code = _report_error(error, debug=debug)
    except BaseException:
        if not _received:  # A signal cancels tasks, and DuckDB's queries, with errors of their own.
            raise
        code = ExitCode.OK
    if ExitCode.INTERRUPTED in _received:
        _report_interruption()
    for number in _SIGNALS:  # The work is done and its exit code is final: a late signal must not replace it.
        signal.signal(number, signal.SIG_IGN)
    sys.exit(_received[0] if _received else code if isinstance(code, int) else ExitCode.OK)


def _prepare_terminal() -> None:
    """Make any text printable on any terminal, honour NO_COLOR, and handle signals."""
    if os.name == "posix" and not os.environ.get("HOME", "/").startswith("/"):
        del os.environ["HOME"]  # An empty one would mean / and a relative one a folder of the working directory.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy, which Arrow imports, would start threads for nothing
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # Arrow's own keeps 20 MB of what it let go
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("NO_COLOR"):
        cli.context_settings["color"] = False
    signal.signal(signal.SIGTERM, _on_signal)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # Shells ignore it for background jobs.
        signal.signal(signal.SIGINT, _on_signal)


def _on_signal(number: int, frame: FrameType | None) -> None:
    """Unwind at the first signal, exit at once at the second; files stay intact either way.

    While a library is being imported, exit at once too: an exception at that point makes some libraries abort.
    """
    if _is_importing(frame):
        if _SIGNALS[number] == ExitCode.INTERRUPTED:
            _report_interruption()
        os._exit(_SIGNALS[number])
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: os._exit(_SIGNALS[number]))
    sys.unraisablehook = lambda _: os._exit(_SIGNALS[number])  # A finalizer lets no exception pass.
    _received.append(_SIGNALS[number])
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


def _report_interruption() -> None:
    print_error(InventoryError("interrupted", "Nothing was half-written"))


def _report_error(error: InventoryError | OSError | MemoryError, *, debug: bool) -> ExitCode:
    """Print an error and return its exit code; errors of the system and a lack of memory count as file errors."""
    if isinstance(error, MemoryError):
        error = FileError("there is not enough memory", "Nothing was half-written; select fewer servers or runs")
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
