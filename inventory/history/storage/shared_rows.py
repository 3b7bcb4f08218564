"""Rows that servers share in a history: without fields that tick, which hold for one server at one moment."""

from collections.abc import Sequence

import pyarrow as pa

from inventory import schema
from inventory.normalize.flatten import Columns
from inventory.normalize.ticking import without_ticking
from inventory.tables import build, values

_EXTRA = schema.Table("extra", "unknown fields", (schema.Column("extra", schema.OBJECT),))


def without_clocks(table: pa.Table, ignore: Sequence[str] = ()) -> pa.Table:
    """Return the same rows, null where a column of ``schema.CLOCKS`` had a value, and without what ticks in ``extra``.

    Args:
        table: rows of models or instances.
        ignore: globs of further unknown fields that tick.
    """
    for name in schema.CLOCKS:
        if name in table.column_names:
            place, field = table.column_names.index(name), table.schema.field(name)
            table = table.set_column(place, field, pa.nulls(table.num_rows, field.type))
    if "extra" not in table.column_names or table.column("extra").null_count == table.num_rows:
        return table
    place = table.column_names.index("extra")
    texts = values(table, "extra")
    steady = [text and without_ticking(text, ignore) for text in texts]
    if steady == texts:
        return table
    column = build(_EXTRA, {"extra": steady}).column("extra")
    return table.set_column(place, table.schema.field(place).with_type(column.type), column)


def steady_columns(columns: Columns, ignore: Sequence[str] = ()) -> Columns:
    """Clear the same fields in the columns of one response."""
    steady = [text and without_ticking(text, ignore) for text in columns["extra"]]
    cleared = {name: [None] * len(steady) for name in schema.CLOCKS if name in columns}
    return {**columns, **cleared, "extra": steady}
