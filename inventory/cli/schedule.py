"""``lms-inventory schedule``."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from inventory.cli._context import chosen, configuration
from inventory.cli._history import default_history, history_at, parse_fail_on
from inventory.cli._output import PATH, print_error
from inventory.cli._targets import check_targets
from inventory.cli.snapshot import snapshot
from inventory.config import text_input
from inventory.config.servers import Server, parse_server_list, server_of
from inventory.errors import ConfigurationError, FileError
from inventory.filesystem.names import with_home
from inventory.schedules import DEFAULT_AT, SCHEDULES, Job, minutes_between, minutes_of, open_schedule, text_of, write

if TYPE_CHECKING:
    from inventory.config.loader import ServerConfig
    from inventory.schedules import File

_SAID = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
_SET_HERE = ("no_history", "as_json", "quiet")
_FILE = "file:"


_OWN = (
    click.Argument(["scheduler"], type=click.Choice(SCHEDULES)),
    click.Option(
        ["--at", "clocks"], metavar="HH:MM", multiple=True, help=f"Time of day. Repeatable. Default: {DEFAULT_AT}."
    ),
    click.Option(["--every"], metavar="TIME", help="Instead, so often from midnight on: 15m, 1h, 6h, 1d ..."),
    click.Option(["--install"], metavar="DIR", type=PATH, help="Write the files into DIR instead of printing them."),
    click.Option(["--name"], default="lms-inventory", show_default=True, help="What the schedule is called."),
)


@click.command(
    params=[*_OWN, *(option for option in snapshot.params if option.name not in _SET_HERE)],
    short_help="Print or write what a scheduler needs to take snapshots.",
)
def schedule(
    scheduler: str, clocks: Sequence[str], every: str | None, install: str | None, name: str, **passed_on: Any
) -> int:
    """Print what cron, systemd, launchd or Windows needs to take snapshots, or write it into a folder.

    All options of snapshot are passed on, and what the configuration says holds. Paths are made absolute. No token is
    ever written: a run reads it from where the configuration says.
    """
    at, minutes = _times(clocks, every)
    parse_fail_on(passed_on["fail_on"])
    check_targets(passed_on["outputs"], passed_on["grain"], made=False)  # a scheduler works in a folder of its own
    command = (sys.executable, "-P", "-m", "inventory", "snapshot", "-q", *_passed_on())
    entries = chosen(*(passed_on[given] for given in ("addresses", "listing", "where", "allow_files")))
    job = Job(command, at, minutes, name, _log(name))
    files = open_schedule(scheduler).files(job)
    folder = "" if install is None else _absolute(install)
    _deliver(files, folder)
    _say_next(open_schedule(scheduler).install_commands(job, folder and folder + os.sep), files, folder)
    _say_tokens(entries, scheduler)
    return 0


def _log(name: str) -> str:
    """Where macOS keeps the logs of this user; for one without a home, of the system."""
    try:
        return with_home(f"~/Library/Logs/{name}.log")
    except ConfigurationError:
        return f"/Library/Logs/{name}.log"


def _times(clocks: Sequence[str], every: str | None) -> tuple[tuple[int, ...], int]:
    """The times of day, or the minutes between two runs."""
    if every is None:
        return tuple(sorted(set(map(minutes_of, clocks or [DEFAULT_AT])))), 0
    if clocks:
        raise ConfigurationError("--at and --every exclude each other", "Give one of them")
    return (), minutes_between(every)


def _passed_on() -> Iterator[str]:
    """What was said by flags and variables, as options of ``snapshot``, and where the rest is to be found."""
    context = click.get_current_context()
    if (path := configuration().path) is not None:
        yield from ("--config", _absolute(path))
    if context.get_parameter_source("folder") is ParameterSource.DEFAULT:
        yield from ("--history", str(default_history()))
    if not context.params["existing_history"] and _is_begun(context.params["folder"]):
        yield "--existing-history"  # a disk that is not mounted must not look like a history without changes
    for option in snapshot.params:
        name = option.name or ""
        if name in context.params and context.get_parameter_source(name) in _SAID:
            value = context.params[name]
            for one in value if option.multiple else [value]:
                if one is not False:  # which only a variable says
                    yield from (option.opts[0],) if one is True else (option.opts[0], _whole(name, one))


def _is_begun(folder: str | None) -> bool:
    """Whether there is a history already."""
    try:
        return bool(history_at(folder).store.run_ids())
    except FileError:
        return True  # it is there, and cannot be read


def _whole(name: str, value: Any) -> str:
    """The value of an option, as it means the same from another folder."""
    if name in ("outputs", "folder"):
        return _absolute(value)
    if name == "listing":
        if value == "-":
            raise ConfigurationError("a scheduled run has no standard input", "Give --servers-from a file")
        _check_list(value)
        return _absolute(value)
    if name == "addresses":
        server = server_of(value)
        path = server.url.removeprefix(_FILE)
        url = server.url if path == server.url else _FILE + _absolute(path)
        return url if Server(url).name == server.name else f"{server.name}={url}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_list(path: str) -> None:
    """Refuse a list with saved answers that only this folder has."""
    allow_files = click.get_current_context().params["allow_files"]
    for server in parse_server_list(text_input.text_of(Path(path)), path, allow_files=allow_files):
        answer = server.url.removeprefix(_FILE)
        if answer != server.url and not Path(answer).is_absolute():
            raise ConfigurationError(
                f"{path}: {server.url} means another file where a scheduled run starts", "Write its whole path there"
            )


def _absolute(path: str | Path) -> str:
    return str(Path(path).absolute())


def _deliver(files: "Sequence[File]", folder: str) -> None:
    """Write the files, or print them: to the byte if nobody looks, as text on a terminal."""
    if folder:
        for sentence in write(files, Path(folder)):
            click.echo(sentence)
        return
    for file in files:
        shown = text_of(file.body).replace("\r\n", "\n") if sys.stdout and sys.stdout.isatty() else file.body
        click.echo(shown, nl=False)


def _say_next(steps: Sequence[str], files: "Sequence[File]", folder: str) -> None:
    """What to do with the files, on stderr, so that it does not get among them."""
    names = " and ".join(file.name for file in files)
    lines = [
        "Then:" if folder else f"Save this as {names} (or use --install DIR). Then:",
        *(f"  {step}" for step in steps),
    ]
    click.echo("\n".join(lines), err=True)


def _say_tokens(entries: "Sequence[ServerConfig]", scheduler: str) -> None:
    """Warn about tokens in variables that a scheduled run does not have."""
    from inventory.config.credentials import COMMON, DEFAULT_CREDENTIAL

    keeps = dict.fromkeys(entry.credential or DEFAULT_CREDENTIAL for entry in entries if entry.server.source != "file")
    for keep in keeps:
        if keep.kind == "variable" and (keep.name in os.environ or keep.location):
            instead = "token_file in inventory.toml"
            if scheduler == "systemd" and keep.name == COMMON:
                instead += ", or the file ~/.config/lms-inventory/lm-api-token"
            print_error(
                f"{keep.name} is not there in a scheduled run, and is not written into the files. Use {instead}"
            )
