"""The rows of a data sheet as XML: what stands in many rows is written once."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from inventory.columns import buffer_of, integers, row_columns, text_array
from inventory.formats.xlsx.cells import NUMBER, CellWriter

_AT_ONCE = 2_000  # rows whose XML is in memory
_FIRST = 2  # the header is above


def rows_xml(rows: pa.Table, writers: Sequence[CellWriter]) -> Iterator[memoryview]:
    """Write rows as XML, some thousands at a time."""
    from pyarrow import compute

    cells = [([writer.name], writer.cell) for writer in writers]
    columns = [
        (compute.split_pattern(column.dictionary, pattern=NUMBER), column.indices)
        for column in row_columns(rows, cells, begin=f'<row r="{NUMBER}">', end="</row>")
    ]
    for start in range(0, rows.num_rows, _AT_ONCE):
        end = min(start + _AT_ONCE, rows.num_rows)
        numbers = integers(range(start + _FIRST, end + _FIRST)).cast(pa.large_string())
        texts = (compute.binary_join(own.take(places[start:end]), numbers) for own, places in columns)
        yield buffer_of(compute.binary_join_element_wise(*texts, text_array([""])[0]))
