"""The pages of a Parquet file, before anything unpacks them: each says in its header what it will unpack to.

What the footer says of it need not be true, and the reader believes the headers. They are structs of Thrift's compact
protocol (parquet.thrift, PageHeader; thrift-compact-protocol.md); only the first three fields of one are looked at.
"""

from pathlib import Path
from typing import Any

from inventory import limits
from inventory.formats._limits import row_bytes, size_of, too_large

THRIFT_LIMITS = {
    "thrift_string_size_limit": limits.PARQUET_FOOTER,
    "thrift_container_size_limit": limits.PARQUET_ITEMS,
}
"""What the reader may find in a footer."""

_MAGIC = b"PAR1"
_TAIL = 8  # the footer's length, and PAR1
_BOOLEANS, _BYTE, _VARINTS, _DOUBLE, _BINARY, _STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, 12


def check_footer(path: Path) -> None:
    """See to it that the footer is not too large.

    Raises:
        FileError: it is, or the file is.
    """
    size = size_of(path)
    with path.open("rb") as file:
        file.seek(max(size - _TAIL, 0))
        length = int.from_bytes(file.read(4), "little")
    if length > min(limits.PARQUET_FOOTER, size):
        raise too_large(path, f"its footer has {length:,} bytes")


def check_pages(path: Path, metadata: Any) -> None:
    """See to it that the pages do not unpack to too much.

    Args:
        path: the file.
        metadata: its footer, as pyarrow gives it.

    Raises:
        FileError: they do.
        ValueError: they are damaged.
    """
    limit = row_bytes(size_of(path))
    total = pages = 0
    with path.open("rb") as file:
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(column)
                first = chunk.dictionary_page_offset if chunk.has_dictionary_page else None
                start = min(chunk.data_page_offset, first or chunk.data_page_offset)
                if start < len(_MAGIC):
                    continue  # a column without rows; where the file begins there is no page
                file.seek(start)
                content = file.read(chunk.total_compressed_size)
                place = 0
                while place < len(content):
                    unpacked, packed, place = _header(content, place)
                    place += packed
                    total, pages = total + unpacked, pages + 1
                    is_too_much = unpacked > limits.PARQUET_PAGE or total > limit or pages > limits.PARQUET_PAGES
                    if is_too_much:  # guard: what pages unpack to
                        raise too_large(path, f"it unpacks to more than {total:,} bytes")


def _header(content: bytes, place: int) -> tuple[int, int, int]:
    """Return the unpacked size of a page, its size in the file, and where its header ends."""
    sizes = {}
    field = 0
    while (kind := content[place]) & 15:
        place += 1
        if kind >> 4:
            field += kind >> 4
        else:
            field, place = _zigzag(content, place)
        kind &= 15
        if field in (2, 3) and kind in _VARINTS:
            sizes[field], place = _zigzag(content, place)
        else:
            place = _skipped(content, place, kind, 0)
    unpacked, packed = sizes[2], sizes[3]
    if unpacked < 0 or packed < 0:
        raise ValueError("a page of less than nothing")
    return unpacked, packed, place + 1


def _skipped(content: bytes, place: int, kind: int, depth: int) -> int:
    """Find the end of a value that is skipped."""
    if depth > 8:
        raise ValueError("nested too deep")
    if kind in _BOOLEANS:
        return place
    if kind == _BYTE:
        return place + 1
    if kind in _VARINTS:
        return _varint(content, place)[1]
    if kind == _DOUBLE:
        return place + 8
    if kind == _BINARY:
        length, place = _varint(content, place)
        return place + length
    if kind == _STRUCT:
        while (inner := content[place]) & 15:
            place += 1
            if not inner >> 4:
                place = _varint(content, place)[1]
            place = _skipped(content, place, inner & 15, depth + 1)
        return place + 1
    raise ValueError("no page header has such a field")  # lists and maps: there are none in one


def _zigzag(content: bytes, place: int) -> tuple[int, int]:
    number, place = _varint(content, place)
    return (number >> 1) ^ -(number & 1), place


def _varint(content: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
        shift += 7
        if shift > 63:
            raise ValueError("a number beyond 64 bits")
