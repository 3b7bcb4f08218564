"""Completion of values: the names that the configuration and the history hold.

A completer returns what may stand where the cursor is. None of them fails: what cannot be read completes to nothing.
The names of files are enough for runs and baselines; servers, labels and models need a few files of the history.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from inventory import schema
from inventory.cli._context import configuration_for_completion, default_history, user_folder
from inventory.config.store_address import checked_address, is_address, mirror_name
from inventory.run_ids import RUN_ID, time_of

if TYPE_CHECKING:
    from inventory.history.storage.store import Store

Items = list["CompletionItem[str]"]  # generic only in newer versions of click
Completer = Callable[[click.Context, click.Parameter, str], Items]

_REF_WORDS = {
    "latest": "the newest run",
    "previous": "the run before it",
    "first": "the oldest run",
    "yesterday": "the state at the end of yesterday",
    "live": "query the servers now",
}
_RECENT = 30  # Runs whose servers, labels and models are offered, and dates and ids of runs.


def _path_completer(kind: str) -> Completer:
    """Return a completer for the name of a ``file``, or of a folder (``dir``)."""
    return lambda _context, _parameter, incomplete: [CompletionItem(incomplete, type=kind)]


def complete_ref(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Complete a reference: a word, a baseline, a date or the id of a run, else a file."""
    del parameter
    runs = _run_ids(context)
    names = [*_REF_WORDS, *(f"baseline:{name}" for name in _baselines(context)), *_dates(context)]
    items = [
        CompletionItem(name, help=_REF_WORDS.get(name))
        for name in [*names, *(runs[:_RECENT] if len(incomplete) < 8 else runs)]
        if name.startswith(incomplete) and (incomplete or not RUN_ID.fullmatch(name))
    ]
    # The shell's own file names come first in the answer: bash drops what stands before them.
    return [CompletionItem(incomplete, type="file"), *items]


def _completer(names: Callable[[click.Context], Iterable[str]], *, several: bool = False) -> Completer:
    """Return a completer for one of the names that a function gives, or for ``several``, separated by commas."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
        del parameter
        before, comma, last = incomplete.rpartition(",") if several else ("", "", incomplete)
        present = before.split(",") if several else ()
        return [
            CompletionItem(before + comma + name)
            for name in names(context)
            if name.startswith(last) and name not in present
        ]

    return complete


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


def _conditions(context: click.Context) -> list[str]:
    """Return ``LABEL=VALUE`` for each label of a server."""
    return sorted({f"{name}={value}" for own in _servers(context).values() for name, value in own.items()})


def _labels(context: click.Context) -> list[str]:
    return sorted({name for own in _servers(context).values() for name in own})


def _addresses(context: click.Context) -> list[str]:
    """Return the configured servers as ``NAME=URL``."""
    return [f"{entry.server.name}={entry.server.url}" for entry in configuration_for_completion(context).entries]


def _rules(context: click.Context) -> list[str]:
    """Return the names of the rules of the configuration, whether the rules are valid or not."""
    return [str(rule["name"]) for rule in configuration_for_completion(context).rules if "name" in rule]


def _dates(context: click.Context) -> list[str]:
    """Return the newest days that have a run, in local time."""
    days = dict.fromkeys(f"{time_of(run_id).astimezone():%Y-%m-%d}" for run_id in _run_ids(context))
    return list(days)[:_RECENT]


def complete_words(words: Sequence[str]) -> Completer:
    """Return a completer for a list of these words, separated by commas."""
    return _completer(lambda _: words, several=True)


complete_server = _completer(_servers)
complete_baseline = _completer(_baselines)
complete_rule = _completer(_rules)
complete_period = _completer(lambda context: ["day", "week", "month", *_dates(context)])

COMPLETERS: dict[str, Completer] = {
    "FILE": _path_completer("file"),
    "DIR": _path_completer("dir"),
    "REF": complete_ref,
    "ID": _completer(_run_ids),
    "NAME": complete_server,
    "[NAME=]URL": _completer(_addresses),
    "LABEL=VALUE": _completer(_conditions),
    "LABEL": _completer(lambda context: ["server", *_labels(context)]),
    "WORD": _completer(lambda context: ["model", "server", *_labels(context)]),
    "MODEL": _completer(_model_keys),
    "NAME,...": _completer(_columns, several=True),
    "COLUMN": _completer(_columns),
    "FIELD": _completer(lambda _: dict.fromkeys(schema.MODELS.names + schema.INSTANCES.names)),
}
"""What completes the value of an option, by its metavar."""
