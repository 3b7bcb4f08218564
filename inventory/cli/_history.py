"""What the commands that read or write a history share."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import platformdirs

import inventory
from inventory import schema
from inventory.cli._shared import token
from inventory.engines import ENGINES
from inventory.errors import ConfigurationError
from inventory.servers import Server, choose

if TYPE_CHECKING:
    from inventory.diff import Changes
    from inventory.history import History
    from inventory.snapshot import Snapshot

HAPPENED = 10  # exit code: done, and what --fail-on names happened

history_option = click.option(
    "--history",
    "folder",
    metavar="DIR",
    envvar="LMS_INVENTORY_HISTORY",
    help="The history's folder. Default: in the platform's data directory.",
)
engine_option = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default=ENGINES[0],
    help="What runs the queries: DuckDB in this process, or Apache Spark.",
)
fail_on_option = click.option(
    "--fail-on",
    metavar="WORD,...",
    help=f"Exit with 10 if one of these happened: {', '.join((*schema.CHANGES_WORDS, 'any'))}.",
)


def history_at(folder: str | None, engine: str = ENGINES[0]) -> "History":
    """The history in a folder; by default the user's own."""
    from inventory.history import History

    logging.disable()  # Spark's client tells there of every interruption, with a traceback; errors are told in words
    return History(folder or Path(platformdirs.user_data_dir("lms-inventory", appauthor=False)) / "history", engine)


def words(text: str | None) -> frozenset[str]:
    """The words of ``--fail-on``.

    Raises:
        ConfigurationError: one is unknown.
    """
    given = frozenset(word.strip() for word in text.split(",")) if text is not None else frozenset()
    if unknown := given - {*schema.CHANGES_WORDS, "any"}:
        raise ConfigurationError(
            f"--fail-on does not know {', '.join(map(repr, sorted(unknown)))}",
            f"Use {', '.join((*schema.CHANGES_WORDS, 'any'))}",
        )
    return frozenset(schema.CHANGES_WORDS) if "any" in given else given


def failing(changes: "Changes", fatal: frozenset[str]) -> int:
    """The exit code for changes: 10 if one of the fatal words happened."""
    from inventory.snapshot import values

    return HAPPENED if fatal & set(values(changes.table, "change")) else 0


def live(history: "History") -> "Snapshot":
    """Ask the servers of the newest run now; without one, the local server."""
    runs = history.store.run_ids()
    if not runs:
        return inventory.collect(choose([], token()))
    pairs = [(row["server"], row["url"]) for row in history.observed(runs[-1])]
    return inventory.collect([Server(url, name, None if url.startswith("file:") else token()) for name, url in pairs])


def blocks_shown() -> bool:
    """Whether the output can show block characters."""
    try:
        "\u2588".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError, AttributeError):
        return False
    return True
