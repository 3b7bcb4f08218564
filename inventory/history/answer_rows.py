"""The rows of stored answers under the names of their servers: read column by column, each file once."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.columns import grouped, integers, numbered
from inventory.history.storage.store import Store
from inventory.tables import arrow_schema, build, concat, values

if TYPE_CHECKING:
    from pathlib import Path

_OWNERS = schema.Table(
    "owners",
    "the server of a row, and when it answered",
    (schema.Column("server", schema.TEXT, "", ""), schema.Column("as_of", schema.TIME, "", "")),
)


def answer_rows(
    store: Store, table: schema.Table, stored: Sequence[dict[str, Any]], columns: Sequence[str] | None = None
) -> pa.Table:
    """Build the rows of one grain of some answers, in the order of the servers.

    The rows of an answer stand in the order of their keys, as they were written. Servers that are alike share them.

    Args:
        store: the files.
        table: the grain.
        stored: for each answer its server, digest and time (``as_of``), and the run that holds it (``stored_in``).
        columns: only these, with texts as dictionaries; by default all, with the schema's types.

    Raises:
        FileError: a file is missing or damaged.
    """
    target = [field for field in arrow_schema(table) if columns is None or field.name in columns]
    if not target:
        return concat(table, [])
    names = [field.name for field in target if field.name not in _OWNERS.names]
    texts = ["digest", *(field.name for field in target if pa.types.is_string(field.type))]
    files: dict[Path, tuple[int, pa.Table]] = {}
    places: dict[str, dict[str, pa.Array]] = {}
    end = 0
    for run_id in sorted({row["stored_in"] for row in stored}):
        segment = store.read(table.name, run_id)
        if segment.path not in files:
            content = segment.file.read(["digest", *names], texts)
            files[segment.path] = end, content
            end += content.num_rows
        start, content = files[segment.path]
        begin = segment.begin or 0
        own = content if segment.begin is None else content.slice(begin, segment.about["rows"])
        places[run_id] = _places(own.select(["digest"]), start + begin)
    owners = sorted(stored, key=lambda row: row["server"])
    order: list[pa.Array] = []
    owner_order: list[int] = []
    for number, row in enumerate(owners):
        if (answer_places := places[row["stored_in"]].get(row["digest"])) is not None:
            order.append(answer_places)
            owner_order.extend([number] * len(answer_places))
    if not order:
        return concat(table, [])
    whole = pa.concat_tables([content.select(names) for _, content in files.values()])
    whole = whole.unify_dictionaries().combine_chunks()
    named = build(_OWNERS, {name: [row[name] for row in owners] for name in _OWNERS.names})
    named = named.set_column(0, "server", named.column("server").dictionary_encode())
    of_owners, of_answers = integers(owner_order), pa.concat_arrays(order)
    arrays = []
    for field in target:
        source, places_of_rows = (named, of_owners) if field.name in _OWNERS.names else (whole, of_answers)
        column = source.column(field.name).combine_chunks().take(places_of_rows)
        arrays.append(column.cast(field.type) if columns is None else column)
    fields = [field.with_type(column.type) for field, column in zip(target, arrays, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, arrow_schema(table).metadata))


def _places(digests: pa.Table, first: int) -> dict[str, pa.Array]:
    """Return the places of the rows of each answer, in their order, counted from ``first``."""
    from pyarrow import compute  # takes a while to import

    numbers, distinct = numbered(digests)
    order, bounds = grouped(numbers)
    places = compute.add(order.cast(pa.int64()), integers([first])[0])
    return {
        digest: places.slice(begin, end - begin)
        for digest, (begin, end) in zip(values(distinct, "digest"), pairwise(bounds), strict=True)
    }
