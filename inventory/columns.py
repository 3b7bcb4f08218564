"""Work by column: distinct values are numbered and become text once, and rows are joined, however large a fleet is.

Nothing here makes a Python object for each row. A column of texts is a dictionary array of ``large_string``. Arrays are
made of buffers, as ``pyarrow.array`` and ``pyarrow.scalar`` import pandas.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from operator import sub
from typing import Any

import pyarrow as pa

from inventory.tables import cells, values

_PART = 8_000  # rows whose text is in memory at a time
_MANY = 100_000  # rows from which on threads are worth their memory
_SHARED = 16  # rows for each distinct text of two columns from which on it is worth while to join these


def coded(column: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Return for each cell the place of its value among the distinct ones, of which null is one; and those values."""
    content = column.combine_chunks()
    if pa.types.is_dictionary(content.type):
        known = content.indices.dictionary_encode(null_encoding="encode")
        return known.indices.cast(pa.int64()), content.dictionary.take(known.dictionary)
    exact = content.view(pa.int64()) if pa.types.is_floating(content.type) else content  # zero has two signs
    known = exact.dictionary_encode(null_encoding="encode")
    return known.indices.cast(pa.int64()), known.dictionary.view(content.type)


def pair_numbers(firsts: pa.Array, seconds: pa.Array, count: int) -> pa.Array:
    """Number pairs of numbers, of which the second is less than a count; null where one of both is."""
    from pyarrow import compute

    return compute.add(compute.multiply(firsts.cast(pa.int64()), integers([count])[0]), seconds)


def row_numbers(table: pa.Table) -> pa.Array:
    """Return for each row its number among the distinct rows, in the order of their first places."""
    numbers, size = integers([0])[0], 1
    for column in table.columns:
        codes, distinct = coded(column)
        count = max(len(distinct), 1)
        if size * count >= 2**63:
            known = numbers.dictionary_encode()
            numbers, size = known.indices.cast(pa.int64()), len(known.dictionary)
        numbers, size = pair_numbers(numbers, codes, count), size * count
    return numbers.dictionary_encode().indices.cast(pa.int64())


def numbered(table: pa.Table) -> tuple[pa.Array, pa.Table]:
    """Return the ``row_numbers`` of a table, and the distinct rows in their order."""
    from pyarrow import compute

    if table.num_columns == 1:
        numbers, only = coded(table.column(0))
        return numbers, pa.Table.from_arrays([only], table.column_names)
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


def sums(numbers: pa.ChunkedArray, bounds: Sequence[int]) -> list[int | None]:
    """Sum the integers between each two bounds; None where none is known. No sum is too large."""
    from pyarrow import compute

    def running(part: pa.ChunkedArray) -> list[int]:
        totals = compute.cumulative_sum(pa.concat_arrays([integers([0]), *part.cast(pa.int64()).chunks]))
        return totals.take(integers(bounds)).to_pylist()  # type: ignore[no-any-return]

    half, mask = integers([32])[0], integers([2**32 - 1])[0]
    known = compute.coalesce(numbers, integers([0])[0])
    parts = (compute.shift_right(known, half), compute.bit_wise_and(known, mask), numbers.is_valid())
    totals = [[*map(sub, ends[1:], ends)] for ends in map(running, parts)]
    return [(high << 32) + low if count else None for high, low, count in zip(*totals, strict=True)]


def matches(numbers: pa.Array, wanted: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Find the rows that have wanted numbers.

    Returns:
        For each row that is found, in the order of what is wanted and then of the rows, the place of what it was wanted
        for, and its own place.
    """
    from pyarrow import compute

    known = numbers.dictionary_encode()
    order, bounds = grouped(known.indices)
    rows_of_number = pa.LargeListArray.from_arrays(integers(bounds), order.cast(pa.int64()))
    matching = rows_of_number.take(compute.index_in(wanted, value_set=known.dictionary))
    return compute.list_parent_indices(matching), compute.list_flatten(matching)


def whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece; ``combine_chunks`` imports pandas where there is none."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def side_by_side(function: Callable[[Any], Any], items: Sequence[Any], rows: int) -> list[Any]:
    """Call a function with each of some items: where there are many rows, some at a time, as Arrow needs no lock.

    Each thread has memory of its own, which few rows would not be worth.
    """
    if rows < _MANY:
        return [*map(function, items)]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(pa.cpu_count()) as threads:
        return [*threads.map(function, items)]


def encoded(table: pa.Table) -> pa.Table:
    """Return a table with its texts as dictionaries."""
    columns = [column.dictionary_encode() if pa.types.is_string(column.type) else column for column in table.columns]
    return pa.Table.from_arrays(columns, table.column_names)


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


def row_texts(
    table: pa.Table,
    cells: Sequence[tuple[Sequence[str], Callable[..., str]]],
    separator: str = "",
    begin: str = "",
    end: str = "",
) -> Iterator[pa.Array]:
    """Yield the texts of the rows of each part of a table; arguments as ``row_columns``."""
    if table.num_rows:  # without rows it has no columns, where those without a value are left out
        columns = row_columns(table, cells, separator, begin, end)
        yield from (joined(part, separator) for part in parts_of(columns))


def row_columns(
    table: pa.Table,
    cells: Sequence[tuple[Sequence[str], Callable[..., str]]],
    separator: str = "",
    begin: str = "",
    end: str = "",
) -> list[pa.DictionaryArray]:
    """Return columns whose texts make those of the rows; what stands in many rows is formatted once.

    Args:
        table: the table.
        cells: the columns of each cell of a row, and what makes a text of one value of each.
        separator: stands between two cells.
        begin: stands before the first.
        end: stands after the last.
    """
    columns = _merged((text_column(table, names, format_one) for names, format_one in cells), separator)
    columns[0] = mapped(columns[0], begin.__add__)
    columns[-1] = mapped(columns[-1], lambda text: text + end)
    return columns


def _merged(columns: Iterable[pa.DictionaryArray], separator: str) -> list[pa.DictionaryArray]:
    """Join neighbouring columns where that leaves few distinct texts: most of a row follows from its key."""
    from pyarrow import compute

    merged: list[pa.DictionaryArray] = []
    for column in columns:
        if merged and len(merged[-1].dictionary) * _SHARED <= len(column):
            last, size = merged[-1], integers([max(len(column.dictionary), 1)])[0]
            pairs = compute.add(compute.multiply(last.indices.cast(pa.int64()), size), column.indices)
            first = pairs[:_PART]  # to number pairs of which no two are equal would take time and memory
            pairs = pairs.dictionary_encode() if 2 * len(first.unique()) <= len(first) else None
            if pairs is not None and len(pairs.dictionary) * _SHARED <= len(column):
                before = compute.divide(pairs.dictionary, size)
                after = compute.subtract(pairs.dictionary, compute.multiply(before, size))
                both = (last.dictionary.take(before), column.dictionary.take(after), text_array([separator])[0])
                merged[-1] = pa.DictionaryArray.from_arrays(pairs.indices, compute.binary_join_element_wise(*both))
                continue
        merged.append(column)
    return merged


def mapped(column: pa.DictionaryArray, text_of_text: Callable[[str], str]) -> pa.DictionaryArray:
    """Replace the texts of a column, each distinct one once."""
    return pa.DictionaryArray.from_arrays(column.indices, text_array(map(text_of_text, column.dictionary.to_pylist())))


def text_array(texts: Iterable[str]) -> pa.Array:
    """Make an array of texts."""
    return bytes_array([text.encode() for text in texts], pa.large_string())


def bytes_array(pieces: Sequence[bytes | memoryview], kind: pa.DataType) -> pa.Array:
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


def views(column: pa.ChunkedArray) -> Iterator[memoryview]:
    """Yield the bytes of each cell of a column of bytes, which are not copied."""
    for chunk in column.cast(pa.large_binary()).chunks:
        _, ends, content = chunk.buffers()
        places = memoryview(ends).cast("q")[chunk.offset : chunk.offset + len(chunk) + 1]
        yield from map(memoryview(content or b"").__getitem__, map(slice, places, places[1:]))
