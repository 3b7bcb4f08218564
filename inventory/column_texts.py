"""Columns as texts, and rows joined of them: each distinct value becomes text once, however large a fleet is.

Nothing here makes a Python object for each row. A column of texts is a dictionary array of ``large_string``.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

import pyarrow as pa

from inventory.tables import numbered, values

_PART = 50_000  # rows whose text is in memory at a time


def text_column(table: pa.Table, names: Sequence[str], format_one: Callable[..., str]) -> pa.DictionaryArray:
    """Format a column of a table, or several columns as one; what stands in many rows is formatted once.

    Args:
        table: the table.
        names: the columns.
        format_one: makes a text of one value of each column; None is a value too.
    """
    numbers, distinct = numbered(table.select(names))
    texts = map(format_one, *(values(distinct, name) for name in names))
    return pa.DictionaryArray.from_arrays(numbers.cast(pa.int32()), text_array(texts))


def text_array(texts: Iterable[str]) -> pa.Array:
    """Make an Arrow array of texts; ``pyarrow.array`` would import pandas."""
    pieces = [text.encode() for text in texts]
    ends = array("q", accumulate(map(len, pieces), initial=0))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(pieces))]
    return pa.Array.from_buffers(pa.large_string(), len(pieces), buffers)


def parts_of(columns: Sequence[pa.DictionaryArray]) -> Iterator[list[pa.DictionaryArray]]:
    """Yield the columns of a part of the rows at a time."""
    for start in range(0, len(columns[0]), _PART):
        yield [column.slice(start, _PART) for column in columns]


def joined(columns: Sequence[pa.DictionaryArray], separator: str = "") -> pa.Array:
    """Join the texts of each row, with a separator between them."""
    from pyarrow import compute  # takes a while to import

    texts = (column.dictionary.take(column.indices) for column in columns)
    return compute.binary_join_element_wise(*texts, pa.scalar(separator, pa.large_string()))


def text_of(rows: pa.Array) -> str:
    """Return the text that the texts of some rows are, one after the other."""
    _, ends, content = rows.buffers()
    places = memoryview(ends).cast("q")
    first, last = places[rows.offset], places[rows.offset + len(rows)]
    return str(memoryview(content)[first:last], "utf-8") if content else ""
