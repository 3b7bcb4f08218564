"""The result of a query as a table of the types that every format has: nothing is lost, only written as text."""

from collections.abc import Sequence

import pyarrow as pa

from inventory import schema
from inventory.tables import arrow_schema, conformed

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_WIDE = ("UBIGINT", "HUGEINT", "UHUGEINT", "BIGNUM")
_PARTS = ("FLOAT", "DOUBLE", "DECIMAL")


def plain_columns(kinds: Sequence[str], *, wide: bool = False) -> str:
    """Return the SQL that turns the columns of a query into simple types.

    Args:
        kinds: DuckDB's type of each column.
        wide: leave whole numbers beyond 64 bits as text, where some value is one.
    """
    return ", ".join(f"{_converted(f'#{place}', kind, wide)} AS c{place}" for place, kind in enumerate(kinds, 1))


def plain_table(names: Sequence[str], content: pa.Table) -> tuple[schema.Table, pa.Table]:
    """Name the columns of a result, none twice, and give it the types of the schema."""
    columns: list[schema.Column] = []
    for name, field in zip(names, content.schema, strict=True):
        unique, number = name or f"column_{len(columns) + 1}", 1
        while unique.lower() in {column.name.lower() for column in columns}:
            number += 1
            unique = f"{name}_{number}"
        columns.append(schema.Column(unique, _kind(field.type)))
    table = schema.Table("query", "a row of the answer", tuple(columns))
    return table, conformed(content.rename_columns(list(table.names)), arrow_schema(table))


def _converted(column: str, kind: str, wide: bool) -> str:
    base = kind.partition("(")[0]
    if kind.endswith("]") or base in ("STRUCT", "MAP", "UNION", "VARIANT", "JSON"):
        return f"CAST(to_json({column}) AS VARCHAR)"
    if kind == "BOOLEAN":
        return column
    if base in _WHOLE or (not wide and (base in _WIDE or (base == "DECIMAL" and kind.endswith(",0)")))):
        return f"CAST({column} AS BIGINT)"
    if base in _PARTS and not (base == "DECIMAL" and kind.endswith(",0)")):
        return f"CAST({column} AS DOUBLE)"
    if base.startswith("TIMESTAMP"):
        return f"CAST({column} AS TIMESTAMP WITH TIME ZONE)"
    return f"CAST({column} AS VARCHAR)"


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return schema.BOOLEAN
    if pa.types.is_integer(kind):
        return schema.INTEGER
    if pa.types.is_floating(kind):
        return schema.NUMBER
    return schema.TIME if pa.types.is_timestamp(kind) else schema.TEXT
