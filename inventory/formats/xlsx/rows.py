"""The rows of a data sheet as XML: what stands in many rows is written once."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from inventory.columns import buffer_of, integers, parts_of, row_columns, text_array
from inventory.formats.xlsx.cells import NUMBER, CellWriter

_FIRST = 2  # the header is above


def rows_xml(rows: pa.Table, writers: Sequence[CellWriter]) -> Iterator[memoryview]:
    """Write rows as XML, some thousands at a time."""
    from pyarrow import compute

    first = _FIRST
    cells = [([writer.name], writer.cell) for writer in writers]
    columns = row_columns(rows, cells, begin=f'<row r="{NUMBER}">', end="</row>")
    pieces = [compute.split_pattern(column.dictionary, pattern=NUMBER) for column in columns]
    for part in parts_of(columns):
        numbers = integers(range(first, first + len(part[0]))).cast(pa.large_string())
        texts = [
            compute.binary_join(own.take(column.indices), numbers) for own, column in zip(pieces, part, strict=True)
        ]
        yield buffer_of(compute.binary_join_element_wise(*texts, text_array([""])[0]))
        first += len(part[0])
