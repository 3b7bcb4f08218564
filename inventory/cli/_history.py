"""Open a history and resolve references to its runs."""

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from inventory.cli._context import PREFIX, configuration, default_history, no_home_error, user_folder
from inventory.cli._mirror import collector, open_shared
from inventory.cli._output import print_error, print_errors
from inventory.cli._selection import select_servers, with_tokens
from inventory.config.servers import Server
from inventory.config.store_address import is_address
from inventory.errors import ConfigurationError, FileError
from inventory.history.engines import ENGINES

if TYPE_CHECKING:
    from inventory.history.reader import RunHistory
    from inventory.operations.compare import ResolvedRef
    from inventory.tables import RunTables

_NAMED = 3  # Misdated runs that are named; the others are counted.


def history_at(
    path: str | None,
    engine: str = ENGINES[0],
    ignore: Sequence[str] | None = None,
    *,
    warn_misdated: bool = True,
    full: bool = False,
    records: bool = False,
    needs_store: bool = False,
) -> "RunHistory":
    """Open the history in a folder; by default the user's own.

    Args:
        path: the folder, or the address of a shared history, whose mirror is brought up to date.
        engine: what runs the queries.
        ignore: fields that are not compared; by default the configured ones.
        warn_misdated: print one line on stderr if it has misdated runs.
        full: as for ``open_shared``.
        records: as for ``open_shared``.
        needs_store: as for ``open_shared``.

    Raises:
        ConfigurationError: the folder's name is not UTF-8, as file names in SQL must be, or there is no home directory.
        StoreUnreachable: the store of a shared history could not be reached, and nothing of it is here.
    """
    from inventory.history.reader import RunHistory

    if engine == "spark":
        logging.disable()  # Its client logs every interruption with a traceback; errors are printed as one line.
    shared = None
    if path and is_address(path):
        shared = open_shared(path, full=full, records=records, needs_store=needs_store)
    folder = str(shared.folder) if shared else path or str(default_history())
    try:
        folder.encode(errors="surrogateescape").decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{folder!r} cannot be the folder of a history", "Rename the folder: its name is not UTF-8"
        ) from error
    ignored = configured_ignore() if ignore is None else ignore
    history = RunHistory(
        folder, engine, ignore=ignored, retire_after=_retire_after(), collector=collector() if records else ""
    )
    if shared and shared.mirror is None:  # offline, or it was not reached
        history.store.address = ""
    if warn_misdated:
        _warn_misdated(history)
    return history


def optional_history(
    path: str | None, engine: str = ENGINES[0], ignore: Sequence[str] | None = None
) -> "RunHistory | None":
    """Open the history as ``history_at`` does; return None for a user without a home directory, and so without one."""
    return history_at(path, engine, ignore) if path or user_folder("data") else None


def require_runs(history: "RunHistory | None") -> "RunHistory":
    """Return the history if it holds a run.

    Raises:
        ConfigurationError: there is no home directory, and so no history.
        FileError: there is no history, or no run in it: not the same as a history in which nothing changed.
    """
    if history is None:
        raise no_home_error()
    if not history.store.run_ids():
        from inventory.history.storage.absence import no_runs

        raise no_runs(history.store.folder)
    return history


def _retire_after() -> timedelta | None:
    """Return how long a server that no run asks stays part of the state; None for ever."""
    from inventory.cli._settings import effective_setting

    days: float = effective_setting("retire_after")[0]
    return timedelta(days=days) if days else None


def stale_after() -> timedelta:
    """Return how old the last complete answer of a server may be before it is stale."""
    from inventory.cli._settings import effective_setting

    return timedelta(days=effective_setting("stale_after")[0])


def configured_ignore() -> tuple[str, ...]:
    """Return the fields that are not compared by a command without ``--ignore``."""
    if variable := os.environ.get(f"{PREFIX}IGNORE"):
        return tuple(variable.split())
    return tuple(configuration().settings.get("ignore", ()))


def resolve_refs(refs: Sequence[str], history: "RunHistory | None") -> "list[ResolvedRef]":
    """Resolve references, and print what their files do not tell; ``live`` queries the servers.

    Raises:
        ConfigurationError: a reference means nothing.
        FileError: one means a run, and the history holds none; or a file could not be read.
    """
    from inventory.operations.compare import is_recorded, resolve_ref

    if any(map(is_recorded, refs)):
        require_runs(history)
    sides = [resolve_ref(ref, history, lambda: _query_live(history)) for ref in refs]
    print_errors(dict.fromkeys(note for side in sides if side.snapshot for note in side.snapshot.gaps.notes))
    return sides


def _query_live(history: "RunHistory | None") -> "RunTables":
    """Query the servers of the list or the configuration, else those of the newest run, else the local one."""
    from inventory.cli._settings import effective_setting
    from inventory.collection.collector import query_servers

    list_path = os.environ.get(f"{PREFIX}SERVERS_FROM") or None
    allow_files = click.BOOL.convert(os.environ.get(f"{PREFIX}ALLOW_FILES") or "no", None, None)
    entries = select_servers((), list_path, (), allow_files)
    runs = [] if list_path or configuration().entries or history is None else history.dated()
    if history is not None and runs:
        servers = [Server(row["url"], row["server"]) for row in history.observed(runs[-1])]
        entries = [configuration().entry(server) for server in servers]
    timeout, concurrency = (effective_setting(name)[0] for name in ("timeout", "concurrency"))
    return query_servers(with_tokens(entries), timeout=timeout, concurrency=concurrency)


def _warn_misdated(history: "RunHistory") -> None:
    """Print one line on stderr that names the misdated runs and how to delete them."""
    with suppress(FileError):  # The command itself reports what is wrong with the history.
        if misdated := history.misdated():
            named = misdated[:_NAMED]
            more = f" and {len(misdated) - _NAMED} more" if len(misdated) > _NAMED else ""
            print_error(
                f"misdated runs, used only by history: {', '.join(named)}{more} (the clock was ahead). "
                f"Delete them with: lms-inventory prune {' '.join(f'--run {run_id}' for run_id in named)}"
            )
