"""What holds in a run, and who said so: what ``check`` shows first."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from inventory.cli._context import PREFIX, configuration, own_times, setting, setting_name, user_folder
from inventory.cli._history import default_history, history_option, ignore_option
from inventory.cli._output import concurrency_option, recheck_option, timeout_option
from inventory.cli._targets import grain_option
from inventory.config import effective as words
from inventory.config.effective import Setting

if TYPE_CHECKING:
    from inventory.config.loader import ServerConfig


@click.command()
@history_option
@timeout_option
@concurrency_option
@recheck_option
@grain_option
@ignore_option
def without_flags(**values: Any) -> dict[str, Any]:
    """Every option that the configuration can set, for what is not on a command line."""
    return values


def all_settings(entries: "Sequence[ServerConfig]", given: Sequence[str], listing: str | None) -> list[Setting]:
    """What holds for all servers, and what is said of each that is asked.

    Args:
        entries: the servers that are asked.
        given: those of ``--server``.
        listing: that of ``--servers-from``.
    """
    common = [_config(), _servers(entries, given, listing), *_options(), *_of_servers()]
    times = own_times()
    return [*common, *_csv(), *(one for entry in entries for one in _own(entry, times))]


def _config() -> Setting:
    from inventory.config.loader import NAME

    path = configuration().path
    if path is None:
        return Setting("config", None)
    source = click.get_current_context().get_parameter_source("config") or ParameterSource.DEFAULT
    origin, said = _origin(source, "--config", f"{PREFIX}CONFIG")
    found = "the working directory" if path == Path(NAME) else "the configuration directory"
    return Setting("config", str(path), origin, said or found)


def _servers(entries: "Sequence[ServerConfig]", given: Sequence[str], listing: str | None) -> Setting:
    listed = f"--servers-from {listing}" if listing is not None else ""
    said = " and ".join(filter(None, ["--server" if given else "", listed]))
    origin = words.FLAG if said else words.DEFAULT
    if not said and configuration().entries:
        origin, said = words.FILE, str(configuration().path)
    return Setting("servers", len(entries), origin, said)


def _options() -> Iterator[Setting]:
    """What is an option of some command."""
    for option in without_flags.params:
        name = setting_name(option)
        if not option.name or option.name == "config":
            continue
        value, source = setting(option.name)
        if source is ParameterSource.DEFAULT_MAP:
            origin, said = words.FILE, configuration().location_of(name)
        else:
            origin, said = _origin(source, option.opts[0], str(option.envvar))
        if name == "history" and value is None:
            folder = user_folder("data")
            value = str(default_history()) if folder else None
        yield Setting(name, value, origin, said)


def _of_servers() -> Iterator[Setting]:
    """What the file says for all servers, and no option does."""
    from inventory.config.credentials import COMMON, DEFAULT_CREDENTIAL
    from inventory.config.spec import APIS

    file = configuration()
    for name, default in (("source", APIS[0]), ("ca_file", None)):
        if name in file.settings:
            yield Setting(name, file.settings[name], words.FILE, file.location_of(name))
        else:
            yield Setting(name, default)
    if keep := file.credential(("defaults",), file.settings):
        yield Setting("token", str(keep), words.FILE, keep.location)
    elif os.environ.get(COMMON):
        yield Setting("token", str(DEFAULT_CREDENTIAL), words.ENVIRONMENT, COMMON)
    else:
        yield Setting("token", None)


def _csv() -> Iterator[Setting]:
    """How CSV files are written, if the file says it."""
    file = configuration()
    for name, value in (("separator", file.csv.separator), ("decimal", file.csv.decimal)):
        if (where := file.location("csv", name)) != file.location("csv"):
            yield Setting(name, "tab" if value == "\t" else value, words.FILE, where)


def _own(entry: "ServerConfig", times: bool) -> Iterator[Setting]:
    """What is said of one server."""
    file, server = configuration(), entry.server
    for name, value in (("labels", server.labels or None), ("timeout", server.timeout if times else None)):
        if value is not None:
            yield Setting(name, value, words.FILE, entry.location, server.name)
    for name, own in (("source", server.source), ("ca_file", server.ca_file)):
        if entry.location and server.source != "file" and own not in (file.settings.get(name), None, "lmstudio"):
            yield Setting(name, own, words.FILE, entry.location, server.name)
    if entry.credential:
        yield Setting("token", str(entry.credential), words.FILE, entry.credential.location, server.name)


def _origin(source: ParameterSource, option: str, variable: str) -> tuple[str, str]:
    """Whose word it is, and what it is called."""
    if source is ParameterSource.COMMANDLINE:
        return words.FLAG, option
    if source is ParameterSource.ENVIRONMENT:
        return words.ENVIRONMENT, variable
    return words.DEFAULT, ""
