"""The rows of stored answers under the names of their servers: read column by column, each file once."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.history.storage.store import Store
from inventory.history.stored_rows import StoredRows
from inventory.tables import arrow_schema, build, concat

_OWNERS = schema.Table(
    "owners",
    "the server of a row, and when it answered",
    (schema.Column("server", schema.TEXT, "", ""), schema.Column("as_of", schema.TIME, "", "")),
)


def answer_rows(
    store: Store, table: schema.Table, stored: Sequence[dict[str, Any]], columns: Sequence[str] | None = None
) -> pa.Table:
    """Build the rows of one grain of some answers, in the order of the servers.

    Servers that are alike share their rows.

    Args:
        store: the files.
        table: the grain.
        stored: for each answer its server, digest and time (``as_of``), and the run that holds it (``stored_in``).
        columns: only these, with texts as dictionaries; by default all, with the schema's types.

    Raises:
        FileError: a file is missing or damaged.
    """
    target = [field for field in arrow_schema(table) if columns is None or field.name in columns]
    if not target or not stored:
        return concat(table, [])
    owners = sorted(stored, key=lambda row: row["server"])
    rows = StoredRows(store, table.name, [(row["digest"], row["stored_in"]) for row in owners])
    if not rows.rows:
        return concat(table, [])
    content = rows.columns([field.name for field in target if field.name not in _OWNERS.names], rows.rows)
    named = build(_OWNERS, {name: [row[name] for row in owners] for name in _OWNERS.names})
    named = named.set_column(0, "server", named.column("server").dictionary_encode())
    named = named.take(rows.owners)
    arrays = []
    for field in target:
        column = (named if field.name in _OWNERS.names else content).column(field.name).combine_chunks()
        arrays.append(column.cast(field.type) if columns is None else column)
    fields = [field.with_type(column.type) for field, column in zip(target, arrays, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, arrow_schema(table).metadata))
