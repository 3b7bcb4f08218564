"""What the commands share that depend on ``inventory.toml``: who is asked, with which token, and what holds.

Each option with an environment variable ``LMS_INVENTORY_NAME`` has a key of that name in the file; click then keeps the
order default < file < variable < flag.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import platformdirs
from click.core import ParameterSource

from inventory.cli._output import PATH, print_error
from inventory.config.servers import (
    DEFAULT_ADDRESS,
    DEFAULT_NAME,
    Server,
    duplicate_addresses,
    parse_server_list,
    server_of,
    unique,
)
from inventory.errors import ConfigurationError
from inventory.filesystem.names import with_home

if TYPE_CHECKING:
    from inventory.config.loader import Configuration, ServerConfig

PREFIX = "LMS_INVENTORY_"
_KEPT = "inventory.config.loader"  # its place in click's context
_TWINS = 5  # said one by one


def _load(context: click.Context, _: click.Parameter, value: str | None) -> None:
    """Read the configuration, before any other option is looked at, and make it click's defaults."""
    if context.resilient_parsing:
        return
    named = context.get_parameter_source("config") is ParameterSource.COMMANDLINE
    if named or _KEPT not in context.meta:  # a group's own --config holds for its commands
        context.meta[_KEPT] = found(value)
    settings = context.meta[_KEPT].settings
    context.default_map = {
        option.name: settings[name]
        for option in context.command.params
        if option.name and (name := setting_name(option)) in settings
    }


config_option = click.option(
    "--config",
    metavar="FILE",
    type=PATH,
    envvar=f"{PREFIX}CONFIG",
    is_eager=True,
    expose_value=False,
    callback=_load,
    help="The configuration. Default: inventory.toml here, else in the user's configuration directory.",
)


def setting_name(option: click.Parameter) -> str:
    """What the file calls an option; empty if it has no place there."""
    variable = option.envvar
    return variable.removeprefix(PREFIX).lower() if isinstance(variable, str) else ""


def flagged(context: click.Context) -> bool:
    """Whether the history was named on the command line itself."""
    return context.get_parameter_source("folder") is ParameterSource.COMMANDLINE


def found(path: str | None) -> "Configuration":
    """The configuration in a file; by default in the first that is there of those that are looked for.

    Raises:
        ConfigurationError: it cannot be read, says something that cannot be, or merely lies in the working directory
            and may be somebody else's: it could send any token anywhere.
    """
    from inventory.config.loader import NAME, Configuration, read

    if path is not None:
        return read(Path(path))
    if os.path.lexists(NAME):
        from inventory.filesystem.ownership import foreign

        if reason := foreign(Path(NAME)):
            raise ConfigurationError(
                f"{NAME} in the working directory is not used: {reason}, and it could send your tokens anywhere",
                f"Look at it, then name it with --config ./{NAME}, or take it over with chown and chmod",
            )
        return read(Path(NAME))
    folder = user_folder("config")
    return read(folder / NAME) if folder and os.path.lexists(folder / NAME) else Configuration()


def user_folder(kind: str) -> Path | None:
    """This user's own folder for the tool's ``config`` or ``data``; None for a user without a home."""
    find = {"config": platformdirs.user_config_dir, "data": platformdirs.user_data_dir}[kind]
    try:
        folder = Path(with_home(find("lms-inventory", appauthor=False)))
    except (RuntimeError, ConfigurationError):
        return None
    return folder if folder.is_absolute() else None


def configuration() -> "Configuration":
    """The configuration of the command that runs."""
    kept: Configuration = click.get_current_context().meta[_KEPT]
    return kept


def chosen(
    addresses: Sequence[str], listing: str | None, where: Sequence[str], allow_files: bool = False
) -> "list[ServerConfig]":
    """The servers that are meant: those of ``--server`` and ``--servers-from``, else the file's, else the local one.

    Raises:
        ConfigurationError: an address cannot be one, two have one name, or no server is as ``--where`` says.
    """
    from inventory.config.labels import conditions_of, matching_servers

    conditions = conditions_of(where)
    file = configuration()
    given = unique([*(_listed(listing, allow_files) if listing is not None else ()), *map(server_of, addresses)])
    entries = [file.entry(server) for server in given] or list(file.entries)
    entries = entries or [file.entry(Server(DEFAULT_ADDRESS, DEFAULT_NAME))]
    if not conditions:
        return entries
    names = set(matching_servers({entry.server.name: entry.server.labels for entry in entries}, conditions))
    return [entry for entry in entries if entry.server.name in names]


def ready(entries: "Sequence[ServerConfig]", *, quiet: bool = False) -> list[Server]:
    """The servers with their tokens, and with the time that a flag or a variable gives all of them.

    Args:
        entries: the servers.
        quiet: do not warn.

    Raises:
        ConfigurationError: a token or a certificate file is not where it should be.
    """
    from inventory.config.credentials import DEFAULT_CREDENTIAL, permission_warning, read_token

    kept = {
        keep: read_token(keep, os.environ)
        for keep in dict.fromkeys(entry.credential or DEFAULT_CREDENTIAL for entry in entries)
    }
    _check_certificates(entries)
    own, servers = own_times(), []
    for entry in entries:
        keep, timeout = entry.credential or DEFAULT_CREDENTIAL, entry.server.timeout if own else None
        try:
            token = None if entry.server.source == "file" else kept[keep]
            servers.append(replace(entry.server, token=token, timeout=timeout))
        except ConfigurationError as error:
            raise ConfigurationError(error.what, f"{error.advice}, in the {keep}") from error
    if not quiet:
        for warning in (*filter(None, map(permission_warning, kept)), *_few(duplicate_addresses(servers))):
            print_error(warning)
    return servers


def own_times() -> bool:
    """Whether a server's own timeout holds: not where a flag or a variable gives all servers another."""
    return setting("timeout")[1] in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)


def _few(warnings: list[str]) -> list[str]:
    hidden = len(warnings) - _TWINS
    return [*warnings[:_TWINS], *([f"{hidden} more addresses have several names"] if hidden > 0 else [])]


def setting(name: str) -> tuple[Any, ParameterSource]:
    """What holds for a setting, and who said so; also where the command that runs has no such option."""
    context = click.get_current_context()
    if name not in context.params:
        from inventory.cli._settings import without_flags

        context = without_flags.make_context("settings", [], parent=context)
    return context.params[name], context.get_parameter_source(name) or ParameterSource.DEFAULT


def _listed(path: str, allow_files: bool) -> list[Server]:
    """The servers of a list in a file, or for ``-`` on standard input."""
    from inventory.config.text_input import text_in, text_of

    if path != "-":
        path = with_home(path)
        return parse_server_list(text_of(Path(path)), path, allow_files=allow_files)
    if sys.stdin is None:
        raise ConfigurationError("standard input is closed", "Give --servers-from a file, or pipe a list into it")
    return parse_server_list(text_in(sys.stdin.buffer, "standard input"), "standard input", allow_files=allow_files)


def _check_certificates(entries: "Sequence[ServerConfig]") -> None:
    for path, entry in {entry.server.ca_file: entry for entry in reversed(entries)}.items():
        if path is not None and not os.path.isfile(path):  # noqa: PTH113 - is_file raises for a name that is too long
            said = entry.location or configuration().location_of("ca_file")
            what = f"{said}: there is no file {path} with certificate authorities"
            raise ConfigurationError(what, "Give ca_file the path of a PEM file")
