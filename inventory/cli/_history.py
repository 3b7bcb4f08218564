"""What the commands that read or write a history share."""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from inventory import schema
from inventory.cli._context import PREFIX, chosen, config_option, configuration, ready, setting, user_folder
from inventory.cli._output import INCOMPLETE, PATH, print_error
from inventory.config.servers import Server
from inventory.errors import ConfigurationError, FileError
from inventory.history.engines import ENGINES

if TYPE_CHECKING:
    from inventory.diff.changes import ChangeSet
    from inventory.history.reader import RunHistory
    from inventory.tables import RunTables

HAPPENED = 10  # exit code: done, and what --fail-on names happened
FAIL_WORDS = (*schema.CHANGES_WORDS, "any", "incomplete")  # any is any change; incomplete: a server was not read

_Command = TypeVar("_Command", bound=Callable[..., Any])

engine_option = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default=ENGINES[0],
    help="What runs the queries: DuckDB in this process, or Apache Spark.",
)
fail_on_option = click.option(
    "--fail-on",
    metavar="WORD,...",
    help=f"Exit with 10 if one of these happened: {', '.join(FAIL_WORDS)}.",
)
ignore_option = click.option(
    "--ignore",
    metavar="FIELD",
    multiple=True,
    envvar=f"{PREFIX}IGNORE",
    help="A field that is not compared; * and ? are wild. Repeatable.",
)


def history_option(command: _Command) -> _Command:
    """The options that say which history is meant: its folder, or the file that may name it."""
    folder = click.option(
        "--history",
        "folder",
        metavar="DIR",
        type=PATH,
        envvar="LMS_INVENTORY_HISTORY",
        help="The history's folder. Default: in the platform's data directory.",
    )
    return folder(config_option(command))


def default_history() -> Path:
    """The user's own history.

    Raises:
        ConfigurationError: the user has no home directory, and so no history.
    """
    folder = user_folder("data")
    if folder is None:
        raise _no_home()
    return folder / "history"


def _no_home() -> ConfigurationError:
    return ConfigurationError("there is no home directory", "Give --history DIR")


class _NoHistory:
    """Stands for the history of a user without a home, where none may be needed; whoever asks it hears that."""

    def __init__(self, ignore: Sequence[str]) -> None:
        self.ignore = tuple(ignore)

    def __getattr__(self, name: str) -> Any:
        raise _no_home()


def history_at(
    folder: str | None,
    engine: str = ENGINES[0],
    ignore: Sequence[str] | None = None,
    *,
    needed: bool = True,
    misdated_told: bool = True,
) -> "RunHistory":
    """The history in a folder; by default the user's own. Of misdated runs in it one line is told on stderr.

    Args:
        folder: the folder.
        engine: what runs the queries.
        ignore: fields that no comparison looks at; by default what the configuration says.
        needed: whether it is an error here that there is no place for one; else only once it is asked something.
        misdated_told: whether that line is told.

    Raises:
        ConfigurationError: its name is not UTF-8, as the names of files in SQL are; or there is no home directory.
    """
    from inventory.history.reader import RunHistory

    if engine == "spark":
        logging.disable()  # its client tells there of every interruption, with a traceback; errors are told in words
    if not (folder or needed or user_folder("data")):
        return cast("RunHistory", _NoHistory(_ignored() if ignore is None else ignore))
    place = folder or str(default_history())
    try:
        place.encode(errors="surrogateescape").decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{place!r} cannot be the folder of a history", "Rename the folder: its name is not UTF-8"
        ) from error
    history = RunHistory(place, engine, ignore=_ignored() if ignore is None else ignore)
    if misdated_told:
        _tell_misdated(history)
    return history


def _ignored() -> tuple[str, ...]:
    """The fields that no comparison looks at, for a command without ``--ignore``."""
    if variable := os.environ.get(f"{PREFIX}IGNORE"):
        return tuple(variable.split())
    return tuple(configuration().settings.get("ignore", ()))


def recorded_at(folder: str | None, engine: str = ENGINES[0], *, misdated_told: bool = True) -> "RunHistory":
    """The history in a folder, with at least one run in it; by default the user's own.

    Raises:
        ConfigurationError: its name is not UTF-8.
        FileError: there is none, or no run in it: that is not the same as a history in which all is well.
    """
    return with_runs(history_at(folder, engine, misdated_told=misdated_told))


def with_runs(history: "RunHistory") -> "RunHistory":
    """The same history, once it is known to hold a run; errors as ``recorded_at``."""
    if not history.store.run_ids():
        from inventory.history.storage.absence import no_runs

        raise no_runs(history.store.folder)
    return history


def _tell_misdated(history: "RunHistory") -> None:
    """Say once on stderr which runs are misdated, and how they are removed."""
    with suppress(FileError):  # what needs the history says what is wrong with it
        if wrong := history.misdated():
            named = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if wrong[3:] else "")
            removal = " ".join(f"--run {run_id}" for run_id in wrong[:3])
            print_error(
                f"misdated, and left out of everything but history: {named} (the clock was ahead). "
                f"Remove: lms-inventory prune {removal}"
            )


def parse_fail_on(text: str | None) -> frozenset[str]:
    """The words of ``--fail-on``.

    Raises:
        ConfigurationError: one is unknown.
    """
    given = frozenset(word.strip() for word in text.split(",")) if text is not None else frozenset()
    if unknown := sorted(given - set(FAIL_WORDS)):
        from difflib import get_close_matches

        near = get_close_matches(unknown[0].lower(), FAIL_WORDS, 1, 0.5)
        advice = f"Did you mean {near[0]!r}? There are" if near else "Use"
        raise ConfigurationError(
            f"--fail-on does not know {', '.join(map(repr, unknown))}", f"{advice} {', '.join(FAIL_WORDS)}"
        )
    return given - {"any"} | (frozenset(schema.CHANGES_WORDS) if "any" in given else frozenset())


def outcome(changes: "ChangeSet | None", fatal: frozenset[str], *, incomplete: bool) -> int:
    """The exit code of what was done: 10 if one of the fatal words happened, which counts more than 3.

    Args:
        changes: what changed; None if nothing was compared.
        fatal: the words of ``--fail-on``.
        incomplete: a server was not read, or is suspect.
    """
    from inventory.tables import values

    happened = set(values(changes.table, "change")) if changes else set()
    happened |= {"incomplete"} if incomplete else set()
    return HAPPENED if fatal & happened else INCOMPLETE if incomplete else 0


def live(history: "RunHistory") -> "RunTables":
    """Ask the servers of the list or the configuration now; without any, the newest run's; without one, the local."""
    listing = os.environ.get("LMS_INVENTORY_SERVERS_FROM") or None
    allowed = click.BOOL.convert(os.environ.get("LMS_INVENTORY_ALLOW_FILES") or "no", None, None)
    entries = chosen((), listing, (), allowed)
    is_said = listing or configuration().entries or isinstance(history, _NoHistory)
    runs = [] if is_said else history.dated()
    if runs:
        asked = [Server(row["url"], row["server"]) for row in history.observed(runs[-1])]
        entries = [configuration().entry(server) for server in asked]
    from inventory.collection.collector import query_servers

    return query_servers(ready(entries), timeout=setting("timeout")[0], concurrency=setting("concurrency")[0])


def supports_unicode() -> bool:
    """Whether the output can show block characters."""
    try:
        "\u2588".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError, AttributeError):
        return False
    return True
