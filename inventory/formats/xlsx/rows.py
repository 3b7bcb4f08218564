"""The rows of a data sheet as XML: what stands in many rows is written once."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate, chain

import pyarrow as pa

from inventory.columns import buffer_of, coded, integers, text_array
from inventory.formats.xlsx.cells import CellWriter

_AT_ONCE = 8_000  # rows whose XML is in memory
_FEW, _FEW_OF = 1_000, 16  # combinations of values that are few: so many, or one for so many rows

_Pieces = tuple[str, ...]  # what stands around the number of a row, in some of its cells
_EMPTY: list[_Pieces] = [("",)]


def rows_xml(rows: pa.Table, writers: Sequence[CellWriter]) -> Iterator[memoryview]:
    """Write rows as XML, some thousands at a time; the first of them is the second of its sheet."""
    from pyarrow import compute

    blocks = [*_blocks(rows, writers)]
    for start in range(0, rows.num_rows, _AT_ONCE):
        end = min(start + _AT_ONCE, rows.num_rows)
        numbers = integers(range(start + 2, end + 2)).cast(pa.large_string())
        parts = (compute.binary_join(block(start), numbers) for block in blocks)
        yield buffer_of(compute.binary_join_element_wise(*parts, text_array([""])[0]))


def _blocks(rows: pa.Table, writers: Sequence[CellWriter]) -> Iterator[Callable[[int], pa.LargeListArray]]:
    """Yield what writes the cells of neighbouring columns, of the rows from some place on.

    They are written once for each different combination of their values, as long as there are few.
    """
    from pyarrow import compute

    most = max(_FEW, rows.num_rows // _FEW_OF)
    nothing = integers([0] * rows.num_rows)
    block, codes = [_Pieces(('<row r="', '">'))], nothing
    for writer in writers:
        own, distinct = coded(rows.column(writer.name))
        both = compute.add(compute.multiply(codes, integers([len(distinct) + 1])[0]), own).dictionary_encode()
        if len(both.dictionary) > most:
            if block != _EMPTY:
                yield partial(_few, _lists(block), codes)
            block, codes, both = _EMPTY, nothing, own.dictionary_encode()
        if len(distinct) > most:
            yield partial(_many, rows, writer)
            continue
        contents = [None, *writer.contents(distinct)]
        pairs = (divmod(pair, len(contents)) for pair in both.dictionary.to_pylist())
        block = [_with_cell(block[before], writer.head, contents[cell]) for before, cell in pairs]
        codes = both.indices.cast(pa.int64())
    yield partial(_few, _lists([(*begin, f"{last}</row>") for *begin, last in block]), codes)


def _few(block: pa.LargeListArray, codes: pa.Array, start: int) -> pa.LargeListArray:
    return block.take(codes.slice(start, _AT_ONCE))


def _many(rows: pa.Table, writer: CellWriter, start: int) -> pa.LargeListArray:
    contents = writer.contents(rows.column(writer.name).slice(start, _AT_ONCE))
    return _lists([_with_cell(_EMPTY[0], writer.head, content) for content in contents])


def _with_cell(pieces: _Pieces, head: str, content: str | None) -> _Pieces:
    return pieces if content is None else (*pieces[:-1], pieces[-1] + head, content)


def _lists(block: Sequence[_Pieces]) -> pa.LargeListArray:
    ends = integers(accumulate(map(len, block), initial=0))
    return pa.LargeListArray.from_arrays(ends, text_array(chain.from_iterable(block)))
