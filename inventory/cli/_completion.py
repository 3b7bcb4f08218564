"""Completion of values: the names that the configuration and the history hold.

A completer returns what may stand where the cursor is. None of them fails: what cannot be read completes to nothing.
The names of files are enough for runs and baselines; servers, labels and models need a few files of the history.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from inventory import schema
from inventory.cli._context import configuration_for_completion, default_history, user_folder
from inventory.cli._exit_codes import FAIL_WORDS
from inventory.config.store_address import checked_address, is_address, mirror_name
from inventory.run_ids import RUN_ID, time_of

if TYPE_CHECKING:
    from inventory.history.storage.store import Store

Items = list[CompletionItem[str]]
Completer = Callable[[click.Context, click.Parameter, str], Items]

_REF_WORDS = {
    "latest": "the newest run",
    "previous": "the run before it",
    "first": "the oldest run",
    "yesterday": "the state at the end of yesterday",
    "live": "query the servers now",
}
_RECENT = 30  # Runs whose servers, labels and models are offered, and dates and ids of runs.


def complete_file(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Let the shell complete the name of a file."""
    del context, parameter
    return [CompletionItem(incomplete, type="file")]


def complete_folder(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Let the shell complete the name of a folder."""
    del context, parameter
    return [CompletionItem(incomplete, type="dir")]


def complete_ref(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete a reference: a word, a baseline, a date or the id of a run, else a file."""
    del parameter
    runs = _run_ids(context)
    dates = dict.fromkeys(f"{time_of(run_id).astimezone():%Y-%m-%d}" for run_id in runs)
    names = [*_REF_WORDS, *(f"baseline:{name}" for name in _baselines(context)), *list(dates)[:_RECENT]]
    items = [
        CompletionItem(name, help=_REF_WORDS.get(name))
        for name in [*names, *(runs[:_RECENT] if len(incomplete) < 8 else runs)]
        if name.startswith(incomplete) and (incomplete or not RUN_ID.fullmatch(name))
    ]
    # The shell's own file names come first in the answer: bash drops what stands before them.
    return [CompletionItem(incomplete, type="file"), *items]


def complete_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the id of a run."""
    del parameter
    return _starting(_run_ids(context), incomplete)


def complete_baseline(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the name of a baseline."""
    del parameter
    return _starting(_baselines(context), incomplete)


def complete_server(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the name of a server: of the configuration, and of the newest runs."""
    del parameter
    return _starting(_servers(context), incomplete)


def complete_address(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete a server to query as ``NAME=URL``: those of the configuration."""
    del parameter
    entries = configuration_for_completion(context).entries
    return _starting((f"{entry.server.name}={entry.server.url}" for entry in entries), incomplete)


def complete_where(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete a condition ``LABEL=VALUE``."""
    del parameter
    conditions = {f"{name}={value}": None for own in _servers(context).values() for name, value in own.items()}
    return _starting(sorted(conditions), incomplete)


def complete_label(*words: str) -> Completer:
    """Return a completer for the name of a label, or one of some words."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
        del parameter
        labels = {name for own in _servers(context).values() for name in own}
        return _starting([*words, *sorted(labels)], incomplete)

    return complete


def complete_model(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the key of a model that a server has now."""
    del parameter
    return _starting(_model_keys(context), incomplete)


def complete_columns(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete a list of columns of the grain that ``--grain`` names."""
    del parameter
    return _listed(_columns(context), incomplete)


def complete_column(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete a column of the grain that ``--grain`` names."""
    del parameter
    return _starting(_columns(context), incomplete)


def complete_field(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete a field that is compared."""
    del context, parameter
    return _starting(dict.fromkeys(name for table in schema.GRAIN_TABLES.values() for name in table.names), incomplete)


def complete_fail_on(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete a list of words of ``--fail-on``."""
    del context, parameter
    return _listed(FAIL_WORDS, incomplete)


COMPLETERS: dict[str, Completer] = {
    "FILE": complete_file,
    "DIR": complete_folder,
    "ID": complete_run,
    "NAME": complete_server,
    "[NAME=]URL": complete_address,
    "LABEL=VALUE": complete_where,
    "LABEL": complete_label("server"),
    "WORD": complete_label("model", "server"),
    "MODEL": complete_model,
    "NAME,...": complete_columns,
    "COLUMN": complete_column,
    "FIELD": complete_field,
    "WORD,...": complete_fail_on,
}
"""What completes the value of an option, by its metavar."""


def _starting(names: Iterable[str], incomplete: str) -> Items:
    """Return the names that begin as the word does."""
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _listed(names: Iterable[str], incomplete: str) -> Items:
    """Return the names that go on with a list of names separated by commas."""
    before, comma, last = incomplete.rpartition(",")
    present = before.split(",")
    return [CompletionItem(before + comma + name) for name in names if name.startswith(last) and name not in present]


def _columns(context: click.Context) -> tuple[str, ...]:
    grain = context.params.get("grain")
    return schema.GRAIN_TABLES[grain if grain in schema.GRAIN_TABLES else "model"].names


def _history_folder(context: click.Context) -> Path:
    """Return the folder of the history that the command would use."""
    path = context.params.get("history_path") or configuration_for_completion(context).settings.get("history")
    if path and is_address(path):  # what this machine has of it: a shell does not wait for a network
        return (user_folder("cache") or Path()) / "mirrors" / mirror_name(checked_address(path))
    return Path(path) if path else default_history()


def _run_ids(context: click.Context) -> list[str]:
    """Return the ids of the runs, the newest first, without those in merged files: they are not names of files."""
    files: list[str] = []
    with suppress(OSError), os.scandir(_history_folder(context) / "observations") as months:
        for month in months:
            with suppress(OSError), os.scandir(month.path) as entries:
                files += [entry.name.removesuffix(".parquet") for entry in entries]
    return sorted(filter(RUN_ID.fullmatch, files), reverse=True)


def _baselines(context: click.Context) -> list[str]:
    with suppress(OSError), os.scandir(_history_folder(context) / "baselines") as entries:
        return sorted(entry.name.removesuffix(".txt") for entry in entries if entry.name.endswith(".txt"))
    return []


def _servers(context: click.Context) -> dict[str, dict[str, str]]:
    """Return the labels of each server of the newest runs and of the configuration, by name."""
    servers: dict[str, dict[str, str]] = {}
    for row in _observed(context):
        servers.setdefault(row["server"], json.loads(row["labels"] or "{}"))
    return servers | {
        entry.server.name: dict(entry.server.labels) for entry in configuration_for_completion(context).entries
    }


def _observed(context: click.Context) -> Iterator[dict[str, Any]]:
    """Yield the observations of the newest runs, the newest first."""
    from inventory.errors import InventoryError
    from inventory.tables import rows

    store = _store(context)
    with suppress(InventoryError, OSError):
        for run_id in sorted(store.run_ids(), reverse=True)[:_RECENT]:
            yield from rows(store.read("observations", run_id).table())


def _model_keys(context: click.Context) -> list[str]:
    """Return the keys in the newest complete response of each server of the newest runs."""
    from inventory.errors import InventoryError
    from inventory.tables import rows

    store = _store(context)
    responses: dict[str, tuple[str, str]] = {}
    for row in _observed(context):
        if row["digest"]:
            responses.setdefault(row["server"], (row["stored_in"], row["digest"]))
    keys: set[str] = set()
    for stored_in in {run_id for run_id, _ in responses.values()}:
        with suppress(InventoryError, OSError):
            digests = {digest for run_id, digest in responses.values() if run_id == stored_in}
            table = store.read("models", stored_in).table(["digest", "key"])
            keys |= {row["key"] for row in rows(table) if row["digest"] in digests}
    return sorted(keys)


def _store(context: click.Context) -> "Store":
    from inventory.history.storage.store import Store

    return Store(_history_folder(context))
