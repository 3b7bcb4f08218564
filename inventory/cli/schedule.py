"""``lms-inventory schedule``."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from inventory.cli._command import Command
from inventory.cli._context import configuration, default_history
from inventory.cli._exit_codes import parse_fail_on
from inventory.cli._history import history_at
from inventory.cli._options import PATH, option
from inventory.cli._output import is_terminal, print_error
from inventory.cli._selection import select_servers
from inventory.cli._targets import check_targets, report_targets
from inventory.cli.snapshot import snapshot
from inventory.config import text_input
from inventory.config.addresses import FILE
from inventory.config.servers import Server, parse_server_list, server_of
from inventory.config.store_address import is_address
from inventory.errors import ConfigurationError, ExitCode, FileError
from inventory.filesystem.names import with_home
from inventory.schedules import (
    DEFAULT_AT,
    PERIODS,
    SCHEDULES,
    Job,
    minutes_between,
    minutes_of,
    open_schedule,
    text_of,
    write,
)

if TYPE_CHECKING:
    from inventory.config.loader import ServerConfig
    from inventory.schedules import File

_EXPLICIT = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
_NOT_PASSED_ON = ("no_history", "as_json", "quiet")
_REPORT, _REPORT_AT = "lms-inventory-report", "07:00"
_REPORT_OPTIONS = ("outputs", "csv_for", "where", "history_path", "config")


@click.command(
    cls=Command,
    params=[parameter for parameter in snapshot.params if parameter.name not in _NOT_PASSED_ON],
    short_help="Print what a scheduler needs to take snapshots.",
    examples=(
        ("lms-inventory schedule cron", "A line for crontab that takes a snapshot daily at 06:00"),
        ("lms-inventory schedule systemd --every 6h --install .", "Write a service and a timer into this folder"),
        ("lms-inventory schedule cron --report month -o reports/{month}.xlsx", "A line that reports each month"),
    ),
)
@click.argument("scheduler", metavar="SCHEDULER", type=click.Choice(SCHEDULES))
@option(
    "Schedule",
    "--at",
    "clocks",
    metavar="HH:MM",
    multiple=True,
    help=f"Run daily at this local time. Repeatable. Default: {DEFAULT_AT}.",
)
@option(
    "Schedule",
    "--every",
    metavar="TIME",
    help="Run at this interval instead, counted from midnight: 15m, 1h, 6h or 1d.",
)
@option(
    "Schedule",
    "--report",
    "period",
    type=click.Choice(PERIODS),
    help="Report the last month or week, on the first day of the next, instead of taking snapshots; to the files of -o "
    "or of [report] output. Default time: 07:00.",
)
@option("Schedule", "--install", metavar="DIR", type=PATH, help="Write the files into DIR instead of printing them.")
@option("Schedule", "--name", default="lms-inventory", show_default=True, help="Name of the schedule and of its files.")
def schedule(
    scheduler: str,
    clocks: Sequence[str],
    every: str | None,
    period: str | None,
    install: str | None,
    name: str,
    **passed_on: Any,
) -> int:
    """Print the files that SCHEDULER needs to take snapshots, or to report each month, or write them into a folder.

    SCHEDULER is cron, systemd, launchd or windows. The options of snapshot are passed on, and the configuration applies
    to scheduled runs as well. Paths become absolute. No token is ever written, and no address of a notice: a run
    reads them from where the configuration says.
    """
    if period:
        is_default = click.get_current_context().get_parameter_source("name") is ParameterSource.DEFAULT
        name = _REPORT if is_default else name
        job = Job(_report_command(period), _report_times(clocks, every), 0, name, _log_path(name), period)
        entries: Sequence[ServerConfig] = ()
    else:
        at, minutes = _times(clocks, every)
        parse_fail_on(passed_on["fail_on"])
        check_targets(passed_on["outputs"], passed_on["grain"], create=False)  # Another working directory is used.
        command = (sys.executable, "-P", "-m", "inventory", "snapshot", "-q", *_arguments())
        entries = select_servers(*(passed_on[name] for name in ("addresses", "list_path", "where", "allow_files")))
        job = Job(command, at, minutes, name, _log_path(name))
    files = open_schedule(scheduler).files(job)
    folder = "" if install is None else _absolute(install)
    _write_or_print(files, folder)
    _print_next_steps(open_schedule(scheduler).install_commands(job, folder and folder + os.sep), files, folder)
    _warn_token_variables(entries, scheduler)
    _warn_notice_variables()
    return ExitCode.OK


def _report_command(period: str) -> tuple[str, ...]:
    """Return the command that reports a period, with the options that apply to it.

    Raises:
        ConfigurationError: another option was given, or no file to write was named.
    """
    context = click.get_current_context()
    for parameter in snapshot.params:
        name = parameter.name or ""
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and name not in _REPORT_OPTIONS:
            raise ConfigurationError(
                f"{parameter.opts[0]} is about snapshots, not about --report", "Remove one of them"
            )
    outputs = report_targets(context.params["outputs"])
    check_targets(outputs, create=False)
    arguments = _arguments(_REPORT_OPTIONS)
    return (sys.executable, "-P", "-m", "inventory", "report", period, "-q", *arguments)


def _report_times(clocks: Sequence[str], every: str | None) -> tuple[int, ...]:
    if every is not None:
        raise ConfigurationError("--every and --report exclude each other", "A report is made once a month or week")
    return tuple(sorted(set(map(minutes_of, clocks or [_REPORT_AT]))))


def _log_path(name: str) -> str:
    """Return where macOS keeps this user's logs; the system's logs for a user without a home directory."""
    try:
        return with_home(f"~/Library/Logs/{name}.log")
    except ConfigurationError:
        return f"/Library/Logs/{name}.log"


def _times(clocks: Sequence[str], every: str | None) -> tuple[tuple[int, ...], int]:
    """Return the times of day in minutes since midnight, or the minutes between two runs."""
    if every is None:
        return tuple(sorted(set(map(minutes_of, clocks or [DEFAULT_AT])))), 0
    if clocks:
        raise ConfigurationError("--at and --every exclude each other", "Give one of them")
    return (), minutes_between(every)


def _arguments(names: Sequence[str] = ()) -> Iterator[str]:
    """List the arguments that repeat the flags and variables, and locate everything else.

    Args:
        names: only these options of ``snapshot``; by default all.
    """
    context = click.get_current_context()
    if (path := configuration().path) is not None:
        yield from ("--config", _absolute(path))
    if context.get_parameter_source("history_path") is ParameterSource.DEFAULT:
        yield from ("--history", str(default_history()))
    if not names and not context.params["existing_history"] and _history_exists(context.params["history_path"]):
        yield "--existing-history"  # A disk that is not mounted must not look like a history without changes.
    passed_on = [name for name in context.params if not names or name in names]
    for parameter in snapshot.params:
        name = parameter.name or ""
        if name in passed_on and context.get_parameter_source(name) in _EXPLICIT:
            value = context.params[name]
            for item in value if parameter.multiple else [value]:
                if item is not False:  # Only a variable can set a flag to false.
                    yield from (parameter.opts[0],) if item is True else (parameter.opts[0], _portable(name, item))


def _history_exists(path: str | None) -> bool:
    """Return whether the history exists and holds a run."""
    try:
        return bool(history_at(path).store.run_ids())
    except FileError:
        return True  # It exists and cannot be read.


def _portable(name: str, value: Any) -> str:
    """Return the value of an option in a form that means the same in another working directory."""
    if name == "history_path" and is_address(value):
        return str(value)
    if name in ("outputs", "history_path"):
        return _absolute(value)
    if name == "list_path":
        if value == "-":
            raise ConfigurationError("a scheduled run has no standard input", "Pass a file to --servers-from")
        _check_list(value)
        return _absolute(value)
    if name == "addresses":
        server = server_of(value)
        path = server.url.removeprefix(FILE)
        url = server.url if path == server.url else FILE + _absolute(path)
        return url if Server(url).name == server.name else f"{server.name}={url}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_list(list_path: str) -> None:
    """Refuse a list with relative paths of saved responses."""
    allow_files = click.get_current_context().params["allow_files"]
    for server in parse_server_list(text_input.text_of(Path(list_path)), list_path, allow_files=allow_files):
        path = server.url.removeprefix(FILE)
        if path != server.url and not Path(path).is_absolute():
            raise ConfigurationError(
                f"{list_path}: {server.url} is relative, and a scheduled run starts in another folder",
                "Write the absolute path in the list",
            )


def _absolute(path: str | Path) -> str:
    return str(Path(path).absolute())


def _write_or_print(files: "Sequence[File]", folder: str) -> None:
    """Write the files, or print them: their exact bytes into a pipe, as text on a terminal."""
    if folder:
        for sentence in write(files, Path(folder)):
            click.echo(sentence)
        return
    for file in files:
        content = text_of(file.body).replace("\r\n", "\n") if is_terminal(sys.stdout) else file.body
        click.echo(content, nl=False)


def _print_next_steps(commands: Sequence[str], files: "Sequence[File]", folder: str) -> None:
    """Print how to install the files, on stderr so that the files on stdout can be piped."""
    names = " and ".join(file.name for file in files)
    title = "Then run:" if folder else f"Save this as {names} (or use --install DIR). Then run:"
    click.echo("\n".join([title, *(f"  {command}" for command in commands)]), err=True)


def _warn_token_variables(entries: "Sequence[ServerConfig]", scheduler: str) -> None:
    """Warn about tokens in environment variables, which a scheduled run does not have."""
    from inventory.config.credentials import COMMON, DEFAULT_CREDENTIAL

    sources = dict.fromkeys(
        entry.credential or DEFAULT_CREDENTIAL for entry in entries if entry.server.source != "file"
    )
    for source in sources:
        if source.kind == "variable" and (source.name in os.environ or source.location):
            alternative = "token_file in inventory.toml"
            if scheduler == "systemd" and source.name == COMMON:
                alternative += ", or the file ~/.config/lms-inventory/lm-api-token"
            print_error(
                f"{source.name} is not set in a scheduled run, and is not written into the files. Use {alternative}"
            )


def _warn_notice_variables() -> None:
    """Warn about addresses of notices in environment variables, which a scheduled run does not have either."""
    for notice in configuration().notices:
        if notice.address and notice.address.kind == "variable":
            name = notice.address.name
            print_error(f"{name} is not set in a scheduled run, and is not written into the files. Use url_file")
