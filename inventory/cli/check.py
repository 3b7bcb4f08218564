"""``lms-inventory check``."""

from collections.abc import Sequence

import click

import inventory
from inventory.cli._shared import (
    INCOMPLETE,
    json_option,
    print_json,
    servers_option,
    tables,
    terminal_width,
    timeout_option,
    token,
)
from inventory.servers import choose


@click.command(short_help="Ask the servers and explain what is wrong; write nothing.")
@servers_option
@timeout_option
@json_option
def check(addresses: Sequence[str], timeout: float, as_json: bool) -> int:
    """Ask the servers and explain what was found or what is wrong; write nothing."""
    servers = choose(addresses, token())
    from inventory.report import check_text

    taken = inventory.collect(servers, timeout=timeout)
    if as_json:
        print_json("check", {"servers": tables(taken)["observations"]})
    else:
        click.echo(check_text(taken, terminal_width()), nl=False)
    return 0 if taken.complete else INCOMPLETE
