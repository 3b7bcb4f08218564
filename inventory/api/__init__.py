"""What a Python user holds: snapshots, changes and histories with pandas DataFrames, and in Jupyter a view of each.

In: addresses, files, histories and responses. Out: ``Snapshot``, ``Changes``, ``History`` and DataFrames.
For others: the names in ``__all__``.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from inventory import schema
from inventory.api.frames import frame
from inventory.api.history import History
from inventory.api.snapshot import Changes, Snapshot
from inventory.collection.collector import CONCURRENCY, TIMEOUT, Progress, ServerLike, query_servers
from inventory.collection.plausibility import PreviousState
from inventory.config.servers import DEFAULT_ADDRESS
from inventory.diff.compare import compare_tables
from inventory.errors import wrong_type
from inventory.filesystem.names import local_folder
from inventory.formats import read_file
from inventory.history import run_log
from inventory.normalize.payload import Payload, parse_payload
from inventory.run_ids import utc_now
from inventory.tables import RunTables, build, named_rows

__all__ = [
    "Changes",
    "History",
    "Snapshot",
    "collect",
    "compare",
    "flatten_instances",
    "flatten_models",
    "frame",
    "read",
    "read_run_log",
]

if TYPE_CHECKING:
    import pandas as pd


def collect(
    servers: ServerLike | Iterable[ServerLike] = DEFAULT_ADDRESS,
    *,
    token: str | None = None,
    timeout: float = TIMEOUT,
    clock: Callable[[], datetime] = utc_now,
    run_id: str | None = None,
    expected: Mapping[str, PreviousState] | None = None,
    recheck: float = 5.0,
    concurrency: int = CONCURRENCY,
    progress: Progress | None = None,
    chance: Callable[[], float] = random.random,
    ignore: Iterable[str] = (),
) -> Snapshot:
    """Ask LM Studio servers for their models: one GET each, at the same time.

    Args:
        servers: an address (``[NAME=]URL``), a ``Server``, the path of a saved response, or several of these.
        token: the API token for the servers that are given as addresses.
        timeout: seconds that each server has for its whole response, unless it has a timeout of its own.
        clock: gives the time in UTC.
        run_id: the run's id; a new one by default.
        expected: what is known of the servers, by name: a response that lost most of its models is doubted.
        recheck: seconds before a doubtful server is queried once more.
        concurrency: servers queried at the same time.
        progress: called as each server is done, with its observation, how many are done, and how many there are.
        chance: gives a random number from 0 to 1, for the pauses before further attempts.
        ignore: globs of unknown fields, such as ``extra.last_used_at``, that do not count when two responses are
            compared.

    Returns:
        The snapshot. ``snapshot.complete`` says whether every server was read; ``snapshot.observations`` says why not.

    Raises:
        ConfigurationError: an address, a name, a token or a file of certificate authorities that cannot be one, or two
            servers with one name.
    """
    return Snapshot.of(
        query_servers(
            servers,
            token=token,
            timeout=timeout,
            clock=clock,
            run_id=run_id,
            expected=expected,
            recheck=recheck,
            concurrency=concurrency,
            progress=progress,
            chance=chance,
            ignore=ignore,
        )
    )


def read(path: str | Path) -> Snapshot:
    """Read a snapshot from a file that this tool wrote.

    Args:
        path: a ``.csv``, ``.parquet`` or ``.xlsx``; for ``NAME.csv`` also the pair that ``both`` grains make.

    Raises:
        ConfigurationError: an unknown suffix, or no path.
        FileError: the file is missing, damaged or not written by this tool.
    """
    return Snapshot.of(read_file(path))


def compare(old: RunTables, new: RunTables, ignore: Sequence[str] = ()) -> Changes:
    """Say what changed from one snapshot to another.

    Args:
        old: the earlier one.
        new: the later one.
        ignore: names of fields whose values are not compared, with all that is in them; ``*`` and ``?`` stand for any
            text.

    Raises:
        ConfigurationError: one of them is no snapshot.
    """
    for argument in (old, new):
        if not isinstance(argument, RunTables):
            raise wrong_type(argument, "a snapshot", "Get one from inventory.collect, inventory.read or History.load")
    return Changes.of(compare_tables(old, new, ignore))


def flatten_models(payload: Payload, server: str = "local") -> "pd.DataFrame":
    """Flatten a response into one row per model, as a DataFrame with nullable types.

    Args:
        payload: the response of ``GET /api/v1/models``: the object that ``json.loads`` gives, the list of models in it,
            or the JSON itself.
        server: the name in the ``server`` column.

    Raises:
        ServerError: the payload is not a response of this endpoint.
        ConfigurationError: it is neither of these.
    """
    return frame(build(schema.MODELS, named_rows(parse_payload(payload).models, server)))


def flatten_instances(payload: Payload, server: str = "local") -> "pd.DataFrame":
    """Flatten a response into one row per loaded instance; arguments and errors as ``flatten_models``."""
    return frame(build(schema.INSTANCES, named_rows(parse_payload(payload).instances, server)))


def read_run_log(history: str | Path) -> run_log.RunLog:
    """Read the run log of a history: one entry for each run of ``lms-inventory snapshot``, also of one that failed.

    Args:
        history: the history's folder.

    Returns:
        ``entries``, the intact lines as dictionaries, oldest first, and ``damaged``, the numbers of the others. Both
        are empty if there is no log.

    Raises:
        ConfigurationError: it is an address that is no folder, such as ``s3://bucket``.
        FileError: it could not be read.
    """
    if not isinstance(history, str | Path):
        raise wrong_type(history, "the folder of a history", "Give a text or a pathlib.Path")
    return run_log.read(local_folder(history))
