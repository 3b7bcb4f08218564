"""The rows of stored answers under the names of their servers: read column by column, each file once."""

from array import array
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.history.storage.store import Store
from inventory.tables import arrow_schema, build, concat, values

if TYPE_CHECKING:
    from pathlib import Path

_OWNERS = schema.Table(
    "owners",
    "the server of a row, and when it answered",
    (schema.Column("server", schema.TEXT, "", ""), schema.Column("as_of", schema.TIME, "", "")),
)


def answer_rows(store: Store, table: schema.Table, stored: Sequence[dict[str, Any]]) -> pa.Table:
    """Build the rows of one grain of some answers, in the order of the servers.

    The rows of an answer stand in the order of their keys, as they were written. Servers that are alike share them.

    Args:
        store: the files.
        table: the grain.
        stored: for each answer its server, digest and time (``as_of``), and the run that holds it (``stored_in``).

    Raises:
        FileError: a file is missing or damaged.
    """
    target = arrow_schema(table)
    texts = [name for name in table.response_names if pa.types.is_string(target.field(name).type)]
    files: dict[Path, tuple[int, pa.Table]] = {}
    places: dict[str, dict[str, array[int]]] = {}
    end = 0
    for run_id in sorted({row["stored_in"] for row in stored}):
        segment = store.read(table.name, run_id)
        if segment.path not in files:
            content = segment.file.read(["digest", *table.response_names], texts)
            files[segment.path] = end, content
            end += content.num_rows
        start, content = files[segment.path]
        begin = segment.begin or 0
        own = content if segment.begin is None else content.slice(begin, segment.about["rows"])
        by_digest = places[run_id] = defaultdict(lambda: array("q"))
        for place, digest in enumerate(values(own, "digest"), start + begin):
            by_digest[digest].append(place)
    owners = sorted(stored, key=lambda row: row["server"])
    indexes, owner_indexes = array("q"), array("q")
    for number, row in enumerate(owners):
        answer_places = places[row["stored_in"]].get(row["digest"], ())
        indexes.extend(answer_places)
        owner_indexes.extend([number] * len(answer_places))
    if not indexes:
        return concat(table, [])
    whole = pa.concat_tables([content for _, content in files.values()]).unify_dictionaries().combine_chunks()
    named = build(_OWNERS, {name: [row[name] for row in owners] for name in _OWNERS.names})
    columns = []
    for field in target:
        source, order = (named, owner_indexes) if field.name in _OWNERS.names else (whole, indexes)
        columns.append(source.column(field.name).take(_indices(order)).cast(field.type))
    return pa.Table.from_arrays(columns, schema=target).combine_chunks()


def _indices(values: "array[int]") -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])
