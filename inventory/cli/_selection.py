"""Select the servers that a command queries, and read their tokens."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from inventory.cli._context import configuration
from inventory.cli._output import print_error
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
    from inventory.config.loader import ServerConfig

_WARNINGS = 5  # Addresses with several names that have a line each; the others are counted.


def select_servers(
    addresses: Sequence[str], list_path: str | None, where: Sequence[str], allow_files: bool = False
) -> "list[ServerConfig]":
    """Return the servers of ``--server`` and ``--servers-from``, else the configured ones, else the local one.

    Raises:
        ConfigurationError: an address is invalid, two servers have the same name, or none matches ``--where``.
    """
    from inventory.config.labels import conditions_of, matching_servers

    conditions = conditions_of(where)
    file = configuration()
    listed = _read_list(list_path, allow_files) if list_path is not None else []
    servers = unique([*listed, *map(server_of, addresses)])
    entries = [file.entry(server) for server in servers] or list(file.entries)
    entries = entries or [file.entry(Server(DEFAULT_ADDRESS, DEFAULT_NAME))]
    if not conditions:
        return entries
    names = set(matching_servers({entry.server.name: entry.server.labels for entry in entries}, conditions))
    return [entry for entry in entries if entry.server.name in names]


def with_tokens(entries: "Sequence[ServerConfig]", *, quiet: bool = False) -> list[Server]:
    """Return the servers with their tokens, and with the timeout that a flag or a variable sets for all.

    Args:
        entries: the servers.
        quiet: print no warnings.

    Raises:
        ConfigurationError: a token or a file of certificate authorities is missing.
    """
    from inventory.cli._settings import uses_own_timeouts
    from inventory.config.credentials import DEFAULT_CREDENTIAL, permission_warning, read_token

    sources = dict.fromkeys(entry.credential or DEFAULT_CREDENTIAL for entry in entries)
    tokens = {source: read_token(source, os.environ) for source in sources}
    _check_certificates(entries)
    own_timeouts, servers = uses_own_timeouts(), []
    for entry in entries:
        source, timeout = entry.credential or DEFAULT_CREDENTIAL, entry.server.timeout if own_timeouts else None
        try:
            token = None if entry.server.source == "file" else tokens[source]
            servers.append(replace(entry.server, token=token, timeout=timeout))
        except ConfigurationError as error:
            raise ConfigurationError(error.what, f"{error.advice}, in the {source}") from error
    if not quiet:
        for warning in (*filter(None, map(permission_warning, sources)), *_first(duplicate_addresses(servers))):
            print_error(warning)
    return servers


def _first(warnings: list[str]) -> list[str]:
    """Return the first warnings, and one line that counts the others."""
    more = len(warnings) - _WARNINGS
    return [*warnings[:_WARNINGS], *([f"{more} more addresses have several names"] if more > 0 else [])]


def _read_list(path: str, allow_files: bool) -> list[Server]:
    """Read a list of servers from a file, or from standard input for ``-``."""
    from inventory.config.text_input import text_in, text_of

    if path != "-":
        path = with_home(path)
        return parse_server_list(text_of(Path(path)), path, allow_files=allow_files)
    if sys.stdin is None:
        raise ConfigurationError("standard input is closed", "Pass a file to --servers-from, or pipe a list into it")
    return parse_server_list(text_in(sys.stdin.buffer, "standard input"), "standard input", allow_files=allow_files)


def _check_certificates(entries: "Sequence[ServerConfig]") -> None:
    """Refuse a file of certificate authorities that does not exist."""
    for path, entry in {entry.server.ca_file: entry for entry in reversed(entries)}.items():
        if path is not None and not os.path.isfile(path):  # noqa: PTH113 - is_file raises for a name that is too long
            location = entry.location or configuration().location_of("ca_file")
            what = f"{location}: there is no file {path} with certificate authorities"
            raise ConfigurationError(what, "Set ca_file to the path of a PEM file")
