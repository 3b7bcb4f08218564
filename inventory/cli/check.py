"""``lms-inventory check``."""

from collections.abc import Sequence

import click

from inventory.cli._context import chosen, config_option, ready
from inventory.cli._output import (
    INCOMPLETE,
    concurrency_option,
    json_option,
    print_json,
    servers_option,
    tables,
    terminal_width,
    timeout_option,
)
from inventory.cli._progress import progress


@click.command(short_help="Show what is set, ask the servers, explain what is wrong; write nothing.")
@servers_option
@config_option
@timeout_option
@concurrency_option
@json_option
def check(
    addresses: Sequence[str],
    listing: str | None,
    allow_files: bool,
    where: Sequence[str],
    timeout: float,
    concurrency: int,
    as_json: bool,
) -> int:
    """Show what is set and who said so; then ask the servers, and explain what was found or what is wrong.

    Writes nothing. Of a token it shows where it is kept, never the token.
    """
    entries = chosen(addresses, listing, where, allow_files)
    servers = ready(entries)
    from inventory.cli._settings import all_settings
    from inventory.collection.collector import query_servers
    from inventory.report.facts import Report
    from inventory.terminal.settings import server_notes, settings_text
    from inventory.terminal.snapshot import check_text

    with progress() as told:
        taken = query_servers(servers, timeout=timeout, concurrency=concurrency, progress=told)
    settings = all_settings(entries, addresses, listing)
    if as_json:
        print_json("check", {"settings": [one.row for one in settings], "servers": tables(taken)["observations"]})
    else:
        click.echo(settings_text(settings, terminal_width()))
        click.echo(check_text(Report(taken).servers, terminal_width(), server_notes(settings)), nl=False)
    return 0 if taken.complete else INCOMPLETE
