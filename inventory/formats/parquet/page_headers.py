"""The pages of a Parquet file, before anything unpacks them: each says in its header what it will unpack to.

What the footer says of it need not be true, and the reader believes the headers. They are structs of Thrift's compact
protocol (parquet.thrift, PageHeader; thrift-compact-protocol.md); only the first three fields of one are looked at.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from inventory import limits
from inventory.formats._limits import row_bytes, size_of, too_large

THRIFT_LIMITS = {"thrift_string_size_limit": limits.PARQUET_FOOTER, "thrift_container_size_limit": limits.PARQUET_ITEMS}
"""What the reader may find in a footer."""

_PATTERN = re.compile(r"[*?\[]")
_CHUNKS = """
    SELECT row_group_id, path_in_schema, type, encodings, data_page_offset, dictionary_page_offset,
           total_compressed_size
    FROM parquet_metadata(?) ORDER BY row_group_id, column_id"""

_MAGIC = b"PAR1"
_TAIL = 8  # the footer's length, and PAR1
_BOOLEANS, _BYTE, _VARINTS, _DOUBLE, _BINARY, _STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, 12


def check_footer(path: Path) -> None:
    """Check that the footer is not too large.

    Raises:
        FileError: it is, or the file is.
    """
    size = size_of(path)
    with path.open("rb") as file:
        file.seek(max(size - _TAIL, 0))
        length = int.from_bytes(file.read(4), "little")
    if length > min(limits.PARQUET_FOOTER, size):
        raise too_large(path, f"its footer has {length:,} bytes")


class Chunk(NamedTuple):
    """Where one column of one group of rows lies in a file, and how it is written."""

    group: int
    name: str
    kind: str
    encodings: frozenset[str]
    data: int
    dictionary: int | None
    size: int


def column_chunks(path: Path) -> list[Chunk]:
    """Read the footer's list of columns. By DuckDB: pyarrow ends the process where statistics in it are damaged.

    Raises:
        ValueError: it is damaged.
    """
    import duckdb

    with TemporaryDirectory() as folder:
        file = path.absolute()
        if _PATTERN.search(str(file)):  # which DuckDB would take for several files
            file = Path(folder) / "file.parquet"
            file.symlink_to(path.absolute())
        try:
            with duckdb.connect() as connection:
                columns = connection.execute(_CHUNKS, [str(file)]).fetchall()
        except duckdb.Error as error:
            raise ValueError(str(error).partition("\n")[0]) from error
    return [
        Chunk(group, name, kind, frozenset(encodings.split(", ")), data, dictionary or None, size)
        for group, name, kind, encodings, data, dictionary, size in columns
    ]


def check_pages(path: Path, chunks: Sequence[Chunk]) -> None:
    """Check that the pages do not unpack to too much.

    Args:
        path: the file.
        chunks: where its columns lie.

    Raises:
        FileError: they do.
        ValueError: they are damaged.
    """
    limit = row_bytes(size_of(path))
    total = pages = 0
    with path.open("rb") as file:
        for chunk in chunks:
            start = min(chunk.data, chunk.dictionary or chunk.data)
            if start < len(_MAGIC):
                continue  # a column without rows; where the file begins there is no page
            file.seek(start)
            content = file.read(chunk.size)
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
