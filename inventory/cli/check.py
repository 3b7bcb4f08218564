"""``lms-inventory check``."""

import os
from collections.abc import Sequence

import click

from inventory.cli._command import Command
from inventory.cli._exit_codes import exit_code
from inventory.cli._notices import check_notices, tell_test
from inventory.cli._options import (
    concurrency_option,
    config_option,
    json_option,
    option,
    servers_option,
    timeout_option,
    verbose_option,
)
from inventory.cli._output import print_error, print_json, terminal_width
from inventory.cli._progress import progress
from inventory.cli._rules import configured_rules
from inventory.cli._selection import select_servers, with_tokens
from inventory.config.store_address import is_address
from inventory.errors import StoreUnreachable


@click.command(
    cls=Command,
    short_help="Show the settings, query the servers, explain problems.",
    examples=(
        ("lms-inventory check", "Check the configured servers"),
        ("lms-inventory check --failed", "Only the servers that could not be read, each with its error"),
        ("lms-inventory check --notify", "Send a test to everybody who is notified"),
    ),
)
@servers_option
@config_option
@timeout_option
@concurrency_option
@option("Output", "--failed", is_flag=True, help="Only servers that were not read, each with its error.")
@option("Servers", "--notify", is_flag=True, help="Only send a test to each [[notify]] of inventory.toml.")
@json_option
@verbose_option
def check(
    addresses: Sequence[str],
    list_path: str | None,
    allow_files: bool,
    where: Sequence[str],
    timeout: float,
    concurrency: int,
    failed: bool,
    notify: bool,
    as_json: bool,
    verbose: bool,
) -> int:
    """Show the effective settings and their origin, then query the servers and explain any problem.

    Writes nothing, but one object into the store of a shared history, which it deletes again; shows where a token is
    stored, never the token. --notify sends a test to each [[notify]] of inventory.toml, and asks no server.
    """
    configured_rules()
    check_notices()
    if notify:
        return _send_tests(as_json=as_json)
    entries = select_servers(addresses, list_path, where, allow_files)
    servers = with_tokens(entries)
    from inventory.cli._settings import all_settings
    from inventory.collection.collector import query_servers
    from inventory.tables import rows
    from inventory.terminal.settings import server_notes, settings_text
    from inventory.terminal.snapshot import check_text

    store = _probe_store()
    with progress(len(servers), hidden=as_json) as advance:
        snapshot = query_servers(servers, timeout=timeout, concurrency=concurrency, progress=advance)
    settings, observations = all_settings(entries, addresses, list_path), rows(snapshot.tables["observations"])
    if as_json:
        shown = [row for row in observations if row["status"] != "ok" or not failed]
        print_json("check", {"settings": [setting.row for setting in settings], "servers": shown})
    else:
        click.echo("" if failed else settings_text(settings, terminal_width()) + "\n", nl=False)
        notes = server_notes(settings)
        click.echo(check_text(observations, terminal_width(), notes, each=verbose, failed=failed), nl=False)
        if store and not failed:
            click.echo(store)
    return exit_code(incomplete=not snapshot.complete or store == "")


def _probe_store() -> str | None:
    """Check the store of a shared history; return the line about it, empty if it could not be reached.

    Raises:
        ConfigurationError: it would overwrite what other collectors wrote.
    """
    from inventory.cli._settings import effective_setting

    path = effective_setting("history_path")[0]
    if not path or not is_address(path):
        return None
    from inventory.sync.objects import RemoteObjects, probe

    try:
        probe(RemoteObjects(path, os.environ))
    except StoreUnreachable as error:
        print_error(error)
        return ""
    return f"The store of {path} can be read and written, and overwrites nothing"


def _send_tests(*, as_json: bool) -> int:
    """Send a test to everybody who is notified, and say to whom."""
    outcomes = tell_test()
    if as_json:
        print_json("check", {"notices": [outcome.entry for outcome in outcomes]})
    else:
        sent = [outcome.name for outcome in outcomes if outcome.sent]
        click.echo("".join(f"sent a test ({name})\n" for name in sent), nl=False)
    return exit_code(incomplete=not all(outcome.sent for outcome in outcomes))
