"""A history at an address such as ``s3://bucket/prefix``: its mirror, which each command brings up to date first."""

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from inventory.cli._context import configuration, no_home_error, user_folder
from inventory.cli._options import OFFLINE
from inventory.cli._output import print_error
from inventory.config.store_address import mirror_name
from inventory.errors import ConfigurationError, ExitCode, FileError, InventoryError, StoreUnreachable
from inventory.run_ids import utc_now

if TYPE_CHECKING:
    from inventory.sync.mirror import Mirror

_META_KEY = "inventory.shared_history"
_READ = "What this machine has of it is used, which may lack newer runs"
_RECORDED = "The run is kept on this machine; the next run, or lms-inventory sync, sends it"


@dataclass
class SharedHistory:
    """The shared history of the running command.

    Attributes:
        address: its address.
        folder: its mirror.
        mirror: what exchanges files with the store; None if it was not reached, or is not to be.
        unreached: why the store could not be reached, once that was printed.
        failures: what else went wrong.
        received: the number of runs that were fetched.
    """

    address: str
    folder: Path
    mirror: "Mirror | None" = None
    unreached: StoreUnreachable | None = None
    failures: list[FileError] = field(default_factory=list)
    received: int = 0


def open_shared(address: str, *, full: bool = False, records: bool = False, needs_store: bool = False) -> SharedHistory:
    """Bring the mirror of a shared history up to date, unless ``--offline`` is given.

    If the store cannot be reached, one line on stderr says so, and the command ends with exit code 3.

    Args:
        address: as ``checked_address`` returns it.
        full: list all months.
        records: the command records a run, which a damaged object or an empty mirror does not stop.
        needs_store: the command can do nothing without the store.

    Raises:
        ConfigurationError: there is no home directory, or the store cannot be used.
        StoreUnreachable: the store could not be reached, and the mirror holds no run, or the command needs the store.
        FileError: an object is damaged, or the mirror could not be written.
    """
    meta = click.get_current_context().meta
    if _META_KEY in meta:
        shared: SharedHistory = meta[_META_KEY]
        return shared
    cache = user_folder("cache")
    if cache is None:
        raise no_home_error()
    from inventory.sync.mirror import Mirror, prepare
    from inventory.sync.objects import RemoteObjects

    shared = meta[_META_KEY] = SharedHistory(address, cache / "mirrors" / mirror_name(address))
    prepare(shared.folder, address)
    if is_offline():
        return shared
    try:
        shared.mirror = Mirror(RemoteObjects(address, os.environ), shared.folder)
        shared.received = shared.mirror.pull(utc_now(), full=full)
    except StoreUnreachable as error:
        from inventory.history.storage.store import Store

        shared.mirror = None
        if needs_store or (not records and not Store(shared.folder).run_ids()):
            raise
        _print_unreached(shared, error, _RECORDED if records else _READ)
    except (FileError, ConfigurationError) as error:
        if not records or shared.mirror is None:
            raise
        _note_failure(shared, error)
    return shared


def _note_failure(shared: SharedHistory, error: FileError | ConfigurationError) -> None:
    """Note what does not keep a run from being recorded; a store that would overwrite is not used any more."""
    if isinstance(error, ConfigurationError):
        shared.mirror = None
    if str(error) not in map(str, shared.failures):
        shared.failures.append(FileError(error.what, error.advice))


def shared_history() -> SharedHistory | None:
    """Return the shared history that the running command opened; None if it opened none."""
    shared: SharedHistory | None = click.get_current_context().meta.get(_META_KEY)
    return shared


def is_offline() -> bool:
    """Return whether ``--offline`` was given."""
    return bool(click.get_current_context().meta.get(OFFLINE))


def send_run() -> list[FileError]:
    """Send a run that was just recorded, and others that the store lacks; return what went wrong beside the network."""
    shared = shared_history()
    if shared is None:
        return []
    if shared.mirror is not None:
        try:
            shared.mirror.push()
        except StoreUnreachable as error:
            shared.mirror = None
            _print_unreached(shared, error, _RECORDED)
        except (FileError, ConfigurationError) as error:
            _note_failure(shared, error)
    return shared.failures


def send_log(run_id: str) -> None:
    """Send the entry of a run in the run log, after the run itself; otherwise the next full listing sends it."""
    shared = shared_history()
    if shared is not None and shared.mirror is not None:
        try:
            shared.mirror.push_log(run_id)
        except StoreUnreachable as error:
            _print_unreached(shared, error, "The run is there; its entry in the run log follows with: sync --full")
        except FileError as error:
            print_error(error)


def send_records() -> None:
    """Send what was recorded beside the runs, such as servers that were retired."""
    for failure in send_run():
        raise failure


def require_store(what: str) -> "Mirror | None":
    """Return the mirror of a shared history whose store was reached; None if the history is not shared.

    Args:
        what: what needs the store.

    Raises:
        ConfigurationError: the command was told not to use the store.
    """
    shared = shared_history()
    if shared is None:
        return None
    if is_offline():
        raise ConfigurationError(f"{what} of a shared history needs its store", "Leave out --offline")
    return shared.mirror


def final_code(code: ExitCode) -> ExitCode:
    """Return the exit code of the command: 3 instead of 0 if a shared history could not be reached."""
    shared = shared_history()
    return ExitCode.INCOMPLETE if shared and shared.unreached and code == ExitCode.OK else code


def collector() -> str:
    """Return the name of this machine in the runs that it records."""
    return str(configuration().settings.get("collector") or platform.node())


def _print_unreached(shared: SharedHistory, error: StoreUnreachable, consequence: str) -> None:
    shared.unreached = error
    print_error(InventoryError(error.what, f"{consequence}. {error.advice}"))
