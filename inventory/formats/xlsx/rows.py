"""The rows of a data sheet as XML: what stands in many rows is written once."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain

import pyarrow as pa

from inventory.columns import buffer_of, integers, text_array
from inventory.formats.xlsx.cells import CellWriter

_AT_ONCE = 20_000  # rows in memory
_FEW, _FEW_OF = 1_000, 32  # combinations of values that are few: so many, or one for so many rows


def rows_xml(rows: pa.Table, writers: Sequence[CellWriter]) -> Iterator[memoryview]:
    """Write rows as XML, some thousands at a time; the first of them is the second of its sheet."""
    from pyarrow import compute

    for start in range(0, rows.num_rows, _AT_ONCE):
        part = rows.slice(start, _AT_ONCE)
        numbers = integers(range(start + 2, start + 2 + part.num_rows)).cast(pa.large_string())
        blocks = [compute.binary_join(pieces, numbers) for pieces in _blocks(part, writers)]
        yield buffer_of(compute.binary_join_element_wise(*blocks, text_array([""])[0]))


def _blocks(rows: pa.Table, writers: Sequence[CellWriter]) -> Iterator[pa.LargeListArray]:
    """Write the cells of neighbouring columns together: for each row a list of what stands around its number.

    They are written once for each different combination of their values, as long as there are few.
    """
    from pyarrow import compute

    most = max(_FEW, rows.num_rows // _FEW_OF)
    block: list[tuple[str, ...]] = [('<row r="', '">')]
    codes = integers([0] * rows.num_rows)
    for writer in writers:
        own, contents = writer.contents(rows)
        count = len(contents)
        both = compute.add(compute.multiply(codes, integers([count])[0]), own).dictionary_encode()
        if len(both.dictionary) <= most:
            pairs = (divmod(pair, count) for pair in both.dictionary.to_pylist())
            block = [_with_cell(block[before], writer.head, contents[cell]) for before, cell in pairs]
            codes = both.indices.cast(pa.int64())
        else:
            yield _lists(block, codes)
            block, codes = [_with_cell(("",), writer.head, content) for content in contents], own
    yield _lists([(*begin, f"{last}</row>") for *begin, last in block], codes)


def _with_cell(pieces: tuple[str, ...], head: str, content: str | None) -> tuple[str, ...]:
    return pieces if content is None else (*pieces[:-1], pieces[-1] + head, content)


def _lists(block: Sequence[tuple[str, ...]], codes: pa.Array) -> pa.LargeListArray:
    ends = integers(accumulate(map(len, block), initial=0))
    return pa.LargeListArray.from_arrays(ends, text_array(chain.from_iterable(block))).take(codes)
