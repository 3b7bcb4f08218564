"""``lms-inventory sync``."""

import click

from inventory.cli._command import Command
from inventory.cli._history import history_at
from inventory.cli._mirror import require_store, shared_history
from inventory.cli._options import history_option, json_option, option
from inventory.cli._output import print_json
from inventory.errors import ConfigurationError, ExitCode


@click.command(
    cls=Command,
    short_help="Exchange runs with a shared history.",
    examples=(
        ("lms-inventory sync", "Fetch what is new in the shared history, and send what is only here"),
        ("lms-inventory sync --full", "Compare all months, not only this and the previous one"),
        ("lms-inventory sync --history s3://bucket/inventory", "The same with another shared history"),
    ),
)
@option(
    "History", "--full", is_flag=True, help="Compare all months with the store, not only this and the previous one."
)
@history_option
@json_option
def sync(full: bool, history_path: str | None, as_json: bool) -> int:
    """Fetch what is new in a shared history, and send what only this machine has.

    Every command does the first by itself, and a snapshot both: sync is for a machine that was offline, and for
    programs that read the folder that it names.
    """
    history = history_at(history_path, full=full, records=True, needs_store=True, warn_misdated=False)
    shared = shared_history()
    if shared is None:
        raise ConfigurationError(
            f"the history {history.store.folder} is a folder, not shared", "Give an address: --history s3://..."
        )
    mirror = require_store("sync")
    if mirror is None:
        raise shared.failures[0]
    mirror.push()
    if shared.failures:
        raise shared.failures[0]
    runs = len(history.store.run_ids())
    if as_json:
        numbers = {"received": shared.received, "sent": mirror.sent, "runs": runs}
        print_json("sync", {"address": shared.address, "folder": str(shared.folder), **numbers})
    else:
        from inventory.text import count

        numbers_text = f"{count(runs, 'run')}, {shared.received} new, {mirror.sent} sent"
        click.echo(f"{shared.address}: {numbers_text}\n{shared.folder}")
    return ExitCode.OK
