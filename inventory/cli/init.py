"""``lms-inventory init``."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from inventory.cli._command import Command
from inventory.cli._exit_codes import exit_code
from inventory.cli._options import concurrency_option, option, timeout_option
from inventory.cli._output import terminal_width
from inventory.cli._progress import progress
from inventory.cli._targets import check_folder, write_text
from inventory.config.servers import DEFAULT_ADDRESS, DEFAULT_NAME, Server, server_of, unique
from inventory.errors import ConfigurationError
from inventory.filesystem.names import with_home

if TYPE_CHECKING:
    from inventory.config.starter import FoundServer

_file_option = option(
    "Output",
    "-o",
    "--output",
    "path",
    metavar="FILE",
    default="inventory.toml",
    show_default=True,
    help="Write the configuration to FILE.",
)
_force_option = option("Output", "--force", is_flag=True, help="Replace the file if there is one.")


@click.command(
    cls=Command,
    short_help="Write a first inventory.toml, with the servers found.",
    examples=(
        ("lms-inventory init gpu=http://127.0.0.1:1234", "Look for LM Studio here and at one address"),
        ("lms-inventory init http://127.0.0.1:1234 -o fleet.toml", "Write the configuration to another file"),
        ("lms-inventory init http://127.0.0.1:1234 --force", "Write inventory.toml again"),
    ),
)
@click.argument("addresses", nargs=-1, metavar="[[NAME=]ADDRESS]...")
@_file_option
@_force_option
@timeout_option
@concurrency_option
def init(addresses: Sequence[str], path: str, force: bool, timeout: float, concurrency: int) -> int:
    """Query 127.0.0.1:1234 and each ADDRESS, and write a commented inventory.toml with what was found.

    The token is read from LM_API_TOKEN. A server that did not respond is written too if you named it. Nothing else is
    written: no snapshot, no history.
    """
    path = with_home(path)
    if not force and os.path.lexists(path):
        raise ConfigurationError(f"{path} exists already", "Edit it, or write it again with --force")
    check_folder(path, create=False)
    named = unique([server_of(address) for address in addresses])
    local = Server(DEFAULT_ADDRESS, DEFAULT_NAME)
    servers = _with_token(named if local.url in {server.url for server in named} else unique([local, *named]))
    from inventory.collection.collector import query_servers
    from inventory.config.starter import starter_text
    from inventory.report.facts import Report
    from inventory.rules.example import EXAMPLE
    from inventory.tables import rows
    from inventory.terminal.snapshot import check_text

    with progress(len(servers)) as advance:
        snapshot = query_servers(servers, timeout=timeout, concurrency=concurrency, progress=advance)
    observed = {row["server"]: row for row in rows(snapshot.tables["observations"])}
    required = {server.name for server in named or servers}
    responding = {name for name, row in observed.items() if row["status"] in ("ok", "unauthorized", "too_old")}
    entries = _entries([server for server in servers if server.name in required | responding], observed)
    click.echo(check_text(Report(snapshot).servers, terminal_width()))
    write_text(path, f"{starter_text(entries)}\n{EXAMPLE}")
    click.echo(_next_steps(path, entries))
    return exit_code(incomplete=any(observed[name]["status"] != "ok" for name in required))


def _with_token(servers: Sequence[Server]) -> list[Server]:
    """Return the servers with the token of the environment; of an older LM Studio the older API is queried."""
    from inventory.config.credentials import DEFAULT_CREDENTIAL, read_token

    token = read_token(DEFAULT_CREDENTIAL, os.environ)
    return [server if server.source == "file" else replace(server, token=token, source="auto") for server in servers]


def _entries(servers: Sequence[Server], observed: dict[str, dict[str, Any]]) -> "list[FoundServer]":
    """Return the servers for the file, each with what it answered."""
    from inventory.config.starter import FoundServer
    from inventory.text import count

    entries = []
    for server in servers:
        row = observed[server.name]
        answer = f"Not read when this file was written: {row['status']}."
        if row["status"] == "ok":
            answer = f"It had {count(row['model_count'], 'model')} when this file was written."
        is_older = row["source"] == "lmstudio_v0" or row["status"] == "too_old"
        source = "file" if server.source == "file" else "auto" if is_older else "lmstudio"
        entries.append(FoundServer(replace(server, source=source), answer, row["status"] == "unauthorized"))
    return entries


def _next_steps(path: str, entries: "Sequence[FoundServer]") -> str:
    from inventory.config.loader import NAME
    from inventory.text import count

    config = "" if path == NAME else f" --config {shlex.quote(path)}"
    lines = [f"Wrote {path}, with {count(len(entries), 'server')}. Next:"]
    if any(server.needs_token for server in entries):
        lines.append(
            "  set LM_API_TOKEN to an API token of LM Studio, or name its file in the configuration (token_file)"
        )
    lines += [f"  lms-inventory check{config}", f"  lms-inventory snapshot{config} -o inventory.xlsx"]
    return "\n".join(lines)
