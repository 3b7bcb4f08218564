"""Parquet files with a checksum: the SHA-256 of the whole file, its *seal*, is in its footer.

The seal is computed with zeros in its own place. A flipped bit or a truncation anywhere breaks it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from io import SEEK_END, BytesIO
from typing import IO, Any

import pyarrow as pa
from pyarrow import parquet

from inventory.about import VERSION

_WRITTEN: dict[str, Any] = {
    "compression": "zstd",
    # The digests of a fleet must fit into one dictionary: a merged file would hold them anew for every run.
    "dictionary_pagesize_limit": 64 * 2**20,
    "max_rows_per_page": 2**20,  # With Arrow's 20,000, most pages would take longer to begin than to unpack.
    "write_statistics": False,
    "store_schema": False,  # Arrow's own copy of the schema, which would be half of a small file
}
_TINY = 2 * 2**10  # bytes of rows up to which compression saves nothing, and takes most of the time of reading a file
_PART = 2**18  # bytes of a file that are in memory at a time when its seal is checked
_ABOUT = "lms-inventory"
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"')
_BEGIN = b'{"tool": "lms-inventory"'  # how the metadata of a file begins; its seal is last
_NAME = b'"seal": "'
_OPEN = _NAME + b"0" * 64 + b'"'

_DIGESTS = ("digest", "payload_digest", "row_digest")
_DISTINCT = ("observed_at", "as_of", "latency_ms")  # hardly two values are equal: a dictionary would only cost
_LEVELS = {"body": 7, **dict.fromkeys(_DIGESTS, 1)}  # by column, others 3: digests hold nothing to search for
_THOROUGH, _LARGE = 11, 16 * 2**20  # the level of so many bytes of bodies: a fleet's first run, or a merged month

SINGLE = ("body",)
"""Columns in which no two values are equal: a dictionary would only cost."""

ENCODINGS = {
    **dict.fromkeys(_DIGESTS, "DELTA_LENGTH_BYTE_ARRAY"),
    **dict.fromkeys(("observed_at", "as_of", "size_bytes"), "DELTA_BINARY_PACKED"),
}
"""How columns without a dictionary are written, unless plainly: what Spark and DuckDB can read too."""

_PACKED = ("observations", "payloads")
"""The kinds of which small files are written so too."""


def write_checksummed(table: pa.Table, about: Mapping[str, Any], repeated: Sequence[str] = ()) -> bytes:
    """Write a table as a Parquet file with metadata and a seal in its footer; return its bytes.

    Args:
        table: the rows.
        about: the metadata.
        repeated: the columns whose values repeat many times, which are stored by a dictionary.
    """
    own = {"tool": "lms-inventory", "version": VERSION, **about}
    metadata = table.schema.metadata or {}
    sink = BytesIO()
    packed, is_large = {*ENCODINGS} if about.get("kind") in _PACKED else set(), table.nbytes > _LARGE
    dictionary = [name for name in repeated if name not in _DISTINCT]
    if is_large and not packed:  # A dictionary of a million texts would have to be unpacked for any of them.
        dictionary = [name for name in dictionary if _repeats(table.column(name))]
        packed = {*ENCODINGS} - {"digest"}  # which is read as a dictionary: Arrow makes one only of plain texts
    settings = {**_WRITTEN, "use_dictionary": dictionary or False}
    levels = {name: _LEVELS.get(name, 3) for name in table.column_names}
    levels |= dict.fromkeys(levels.keys() & set(SINGLE), _THOROUGH) if is_large else {}
    settings["compression_level"] = levels
    settings["column_encoding"] = {name: ENCODINGS[name] for name in levels.keys() & packed - {*dictionary}}
    if table.nbytes <= _TINY:
        settings |= {"compression": "none", "compression_level": None}
    with parquet.ParquetWriter(sink, table.schema, **settings) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({**metadata, _ABOUT: json.dumps({**own, "seal": "0" * 64})})
    body = sink.getvalue()
    at = body.rindex(_OPEN)
    seal = sha256(body).hexdigest().encode()
    return body[:at] + _OPEN.replace(b"0" * 64, seal) + body[at + len(_OPEN) :]


def _repeats(column: pa.ChunkedArray) -> bool:
    """Return whether most values of a column stand in it more than once."""
    from pyarrow import compute

    return bool(compute.count_distinct(column).as_py() * 2 <= len(column))


def read_verified(body: bytes) -> dict[str, Any] | None:
    """Return the metadata of a file; None if its seal is broken."""
    return check_seal(BytesIO(body))


def check_seal(file: IO[bytes]) -> dict[str, Any] | None:
    """Return the metadata of a file, of which only a part is in memory at a time; None if its seal is broken."""
    footer = _footer(file)
    seal = _SEAL.match(footer, max(footer.rfind(_NAME), 0))  # it is last: nothing like it follows
    if not seal:
        return None
    computed, rest = sha256(), file.seek(0, SEEK_END) - len(footer)
    file.seek(0)
    while part := file.read(min(rest, _PART)):
        computed.update(part)
        rest -= len(part)
    computed.update(memoryview(footer)[: seal.start()])
    computed.update(_OPEN)
    computed.update(memoryview(footer)[seal.end() :])
    if computed.hexdigest().encode() != seal[1]:  # guard: the seal
        return None
    about: dict[str, Any] = json.loads(footer[footer.rindex(_BEGIN, 0, seal.start()) : seal.end() + 1])
    return about


def read_metadata(file: IO[bytes]) -> dict[str, Any]:
    """Read the metadata at the end of a file, without the rest and without checking its seal.

    Raises:
        OSError: it could not be read.
        ValueError: it has no metadata.
    """
    footer = _footer(file)
    begin = footer.rindex(_BEGIN)
    about: dict[str, Any] = json.JSONDecoder().raw_decode(footer[begin:].decode(errors="replace"))[0]
    return about


def _footer(file: IO[bytes]) -> bytes:
    """Read the end of a file: what its last bytes say that its footer takes."""
    size = file.seek(0, SEEK_END)
    file.seek(max(size - 8, 0))
    length = int.from_bytes(file.read(4), "little") + 8
    file.seek(max(size - length, 0))
    return file.read(length)


def rows_sha256(table: pa.Table) -> str:
    """Compute the SHA-256 of a run's rows, in whichever file: as CSV, times as microseconds since 1970.

    Bodies are left out, as their own digests are included; so are columns without a value, which another version may
    not have.
    """
    from pyarrow import csv

    columns = {}
    for name in sorted(table.column_names):
        column = table.column(name)
        if name not in SINGLE and column.null_count < table.num_rows:
            columns[name] = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    if not columns:
        return sha256().hexdigest()
    sink = BytesIO()
    csv.write_csv(pa.table(columns), sink)
    return sha256(sink.getbuffer()).hexdigest()
