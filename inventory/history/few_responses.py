"""Rows of stored responses, loaded in Python where few are read: to import Arrow's functions would take longer."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.history.storage.store import Store
from inventory.tables import cells, rows, table_of

FEW = 5_000
"""Rows of the files of one kind up to which Python is faster."""

Row = dict[str, Any]
_Rows = dict[tuple[str, str], list[Row]]  # by digest, and run that holds it


def read_few(store: Store, stored: Iterable[str], kinds: Iterable[str]) -> dict[str, pa.Table] | None:
    """Return the rows of the files of some kinds that runs stored, by kind; None if they are not few.

    Raises:
        FileError: a file is missing or damaged.
    """
    stored = list(stored)
    files = {kind: store.checked(kind, stored) for kind in kinds}
    tables = {kind: table for kind, (_, table) in files.items() if table is not None}
    is_small = not any(large for large, _ in files.values()) and all(table.num_rows <= FEW for table in tables.values())
    return tables if is_small else None


def load_responses(files: Mapping[str, pa.Table], table: schema.Table, wanted: Sequence[Row]) -> pa.Table:
    """Load the rows of one grain of some responses, under their servers.

    Args:
        files: as ``read_few`` returns them.
        table: the grain's.
        wanted: for each response its server, ``digest``, ``stored_in`` and ``as_of``.
    """
    stored = by_response(files.get(table.name), {(row["digest"], row["stored_in"]) for row in wanted})
    chosen = [
        {**row, "server": response["server"], "as_of": response["as_of"]}
        for response in wanted
        for row in stored[response["digest"], response["stored_in"]]
    ]
    return table_of(table, sorted(chosen, key=lambda row: [(row[name] is not None, row[name]) for name in table.keys]))


def by_response(table: pa.Table | None, names: Collection[tuple[str, str]]) -> _Rows:
    """Return the rows of some responses, which mostly stand together."""
    result: _Rows = defaultdict(list)
    stored = cells(table, ["digest", "stored_in"]) if table is not None else ()
    places = [place for place, name in enumerate(stored) if name in names]
    if table is not None and places:
        for row in rows(table.slice(places[0], places[-1] - places[0] + 1)):
            result[row["digest"], row["stored_in"]].append(row)
    return result
