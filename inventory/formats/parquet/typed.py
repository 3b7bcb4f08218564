"""Columns of a Parquet file in the types of the schema, whatever types another program gave them."""

import pyarrow as pa

from inventory import schema
from inventory.formats._texts import parsed
from inventory.formats._unreadable import Unreadable

_SHOWN = 40  # characters of a value that a sentence shows


def typed(cells: pa.Array, column: schema.Column, target: pa.DataType, before: int) -> pa.Array:
    """Convert a column to the type that its table gives it.

    Args:
        cells: the column, or a part of it.
        column: what it should be.
        target: its type.
        before: rows before the first of these.

    Raises:
        Unreadable: a value is none of this column; the error says where it is.
    """
    if cells.type == target:
        return cells
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_timestamp(target) and pa.types.is_timestamp(cells.type) and cells.type.tz is None:
        cells = cells.cast(pa.timestamp(cells.type.unit, "UTC"))  # files hold UTC
    if _is_text(cells.type) and not pa.types.is_string(target):
        return _parsed(cells, column, target, before)
    if pa.types.is_string(target) and not (_is_text(cells.type) or pa.types.is_binary(cells.type) or _empty(cells)):
        raise Unreadable(f"column {column.name} holds {cells.type} where texts should be")
    try:
        return cells.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _first_wrong(cells, column, target, before) from error


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _empty(cells: pa.Array) -> bool:
    return bool(cells.null_count == len(cells))


def _parsed(cells: pa.Array, column: schema.Column, target: pa.DataType, before: int) -> pa.Array:
    results = []
    for number, text in enumerate(cells.to_pylist(), before + 1):
        try:
            results.append(parsed(text, column.kind) if text else None)
        except Unreadable as error:
            raise _wrong(column, number, text, error.what) from error
    return pa.array(results, target)


def _first_wrong(cells: pa.Array, column: schema.Column, target: pa.DataType, before: int) -> Unreadable:
    """Find the value that cannot be converted to a type."""
    for place in range(len(cells)):
        try:
            cells.slice(place, 1).cast(target)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return _wrong(column, before + place + 1, str(cells[place]), f"is not {_words(column.kind)}")
    return Unreadable(f"column {column.name} holds {cells.type}, which is not {_words(column.kind)}")


def _wrong(column: schema.Column, number: int, text: str, why: str) -> Unreadable:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return Unreadable(f"row {number:,}, column {column.name}: {shown!r} {why}")


def _words(kind: str) -> str:
    return {schema.INTEGER: "a whole number of 64 bits", schema.BOOLEAN: "true or false"}.get(kind, f"a {kind}")
