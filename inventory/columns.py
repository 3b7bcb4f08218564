"""Work by column: distinct values are numbered and become text once, and rows are joined, however large a fleet is.

Nothing here makes a Python object for each row. A column of texts is a dictionary array of ``large_string``. Arrays are
made of buffers, as ``pyarrow.array`` and ``pyarrow.scalar`` import pandas.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa

from inventory.tables import cells, values

_PART = 8_000  # rows whose text is in memory at a time


def coded(column: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Return for each cell the place of its value among the distinct ones, from 1, or 0 for null; and those values."""
    from pyarrow import compute  # takes a while to import

    content = column.combine_chunks()
    is_floating = pa.types.is_floating(content.type)
    encoded = (content.view(pa.int64()) if is_floating else content).dictionary_encode()  # zero has two signs
    codes = compute.add(compute.coalesce(encoded.indices.cast(pa.int64()), integers([-1])[0]), integers([1])[0])
    return codes, encoded.dictionary.view(content.type) if is_floating else encoded.dictionary


def row_numbers(table: pa.Table) -> pa.Array:
    """Return for each row its number among the distinct rows, in the order of their first places."""
    from pyarrow import compute

    numbers, size = integers([0])[0], 1
    for column in table.columns:
        codes, distinct = coded(column)
        count = len(distinct) + 1
        if size * count >= 2**63:
            known = numbers.dictionary_encode()
            numbers, size = known.indices.cast(pa.int64()), len(known.dictionary)
        numbers, size = compute.add(compute.multiply(numbers, integers([count])[0]), codes), size * count
    return numbers.dictionary_encode().indices.cast(pa.int64())


def numbered(table: pa.Table) -> tuple[pa.Array, pa.Table]:
    """Return the ``row_numbers`` of a table, and the distinct rows in their order."""
    from pyarrow import compute

    numbers = row_numbers(table)
    return numbers, table.take(compute.index_in(compute.unique(numbers), numbers))


def grouped(numbers: pa.Array) -> tuple[pa.Array, list[int]]:
    """Group rows by the numbers that ``numbered`` gave them.

    Returns:
        The places of the rows in the order of their numbers, those of one number in their order; and where in it the
        rows of each number begin, with its length at the end.
    """
    from pyarrow import compute

    counts = compute.value_counts(numbers).field("counts").to_pylist()
    return compute.array_sort_indices(numbers), [*accumulate(counts, initial=0)]  # a stable sort


def counted(table: pa.Table, names: Sequence[str]) -> dict[tuple[Any, ...], int]:
    """Count the rows that have the same values in some columns."""
    from pyarrow import compute

    numbers, distinct = numbered(table.select(names))
    counts = compute.value_counts(numbers).field("counts").to_pylist()
    return dict(zip(cells(distinct, names), counts, strict=True))


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


def mapped(column: pa.DictionaryArray, text_of_text: Callable[[str], str]) -> pa.DictionaryArray:
    """Replace the texts of a column, each distinct one once."""
    return pa.DictionaryArray.from_arrays(column.indices, text_array(map(text_of_text, column.dictionary.to_pylist())))


def text_array(texts: Iterable[str]) -> pa.Array:
    """Make an array of texts."""
    return bytes_array([text.encode() for text in texts], pa.large_string())


def bytes_array(pieces: Sequence[bytes], kind: pa.DataType) -> pa.Array:
    """Make an array of bytes, of the type ``large_binary`` or, of texts in UTF-8, ``large_string``."""
    ends = array("q", accumulate(map(len, pieces), initial=0))
    return pa.Array.from_buffers(kind, len(pieces), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(pieces))])


def integers(numbers: Iterable[int]) -> pa.Array:
    """Make an array of integers."""
    content = array("q", numbers)
    return pa.Array.from_buffers(pa.int64(), len(content), [None, pa.py_buffer(content)])


def rows_where(table: pa.Table, name: str, test: Callable[[Any], bool]) -> pa.Array:
    """Return for each row whether the value of a column meets a condition; each distinct value is tested once."""
    numbers, distinct = numbered(table.select([name]))
    return integers(map(test, values(distinct, name))).cast(pa.bool_()).take(numbers)


def parts_of(columns: Sequence[pa.DictionaryArray]) -> Iterator[list[pa.DictionaryArray]]:
    """Yield the columns of a part of the rows at a time."""
    for start in range(0, len(columns[0]), _PART):
        yield [column.slice(start, _PART) for column in columns]


def joined(columns: Sequence[pa.DictionaryArray], separator: str = "") -> pa.Array:
    """Join the texts of each row, with a separator between them."""
    from pyarrow import compute  # takes a while to import

    texts = (column.dictionary.take(column.indices) for column in columns)
    return compute.binary_join_element_wise(*texts, text_array([separator])[0])


def text_of(rows: pa.Array) -> str:
    """Concatenate the texts of some rows."""
    return bytes_of(rows).decode()


def bytes_of(rows: pa.Array) -> bytes:
    """Concatenate the texts of some rows, in UTF-8."""
    return bytes(buffer_of(rows))


def buffer_of(rows: pa.Array) -> memoryview:
    """Return the texts of some rows as they lie one after the other, in UTF-8."""
    _, ends, content = rows.buffers()
    places = memoryview(ends).cast("q")
    return memoryview(content or b"")[places[rows.offset] : places[rows.offset + len(rows)]]
