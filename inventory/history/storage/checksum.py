"""Tables as Parquet files that prove themselves: a SHA-256 of the whole file, its *seal*, stands in its footer.

The seal is counted with zeros in its own place. A flipped bit or a truncation anywhere breaks it.
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
    "write_statistics": False,
    "store_schema": False,  # Arrow's own copy of the schema, which would be half of a small file
}
_ABOUT = "lms-inventory"
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"')
_BEGIN = b'{"tool": "lms-inventory"'  # how what a file says about itself begins; its seal stands last in it
_NAME = b'"seal": "'
_OPEN = _NAME + b"0" * 64 + b'"'

SINGLE = ("body",)
"""Columns in which no two values are equal: a dictionary would only cost."""


def write_checksummed(table: pa.Table, about: Mapping[str, Any], repeated: Sequence[str] = ()) -> bytes:
    """A Parquet file with ``about`` and the seal in its footer.

    Args:
        table: what is in it.
        about: what it says about itself.
        repeated: the columns in which the same values stand many times.
    """
    told = {"tool": "lms-inventory", "version": VERSION, **about}
    metadata = table.schema.metadata or {}
    sink = BytesIO()
    dictionary = {"use_dictionary": list(repeated) or False}  # of digests and keys mostly no two are equal
    with parquet.ParquetWriter(sink, table.schema, **_WRITTEN, **dictionary) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({**metadata, _ABOUT: json.dumps({**told, "seal": "0" * 64})})
    body = sink.getvalue()
    at = body.rindex(_OPEN)
    seal = sha256(body).hexdigest().encode()
    return body[:at] + _OPEN.replace(b"0" * 64, seal) + body[at + len(_OPEN) :]


def read_verified(body: bytes) -> dict[str, Any] | None:
    """What a sealed file says about itself; None if its seal is broken."""
    found = _SEAL.match(body, max(body.rfind(_NAME), 0))  # it stands last: none of its like follows
    if not found:
        return None
    counted = sha256(memoryview(body)[: found.start()])
    counted.update(_OPEN)
    counted.update(memoryview(body)[found.end() :])
    if counted.hexdigest().encode() != found[1]:  # guard: the seal
        return None
    about: dict[str, Any] = json.loads(body[body.rindex(_BEGIN, 0, found.start()) : found.end() + 1])
    return about


def read_metadata(file: IO[bytes]) -> dict[str, Any]:
    """What a file says about itself in its end, which is all that is read of it; its seal is not looked at.

    Raises:
        OSError: it could not be read.
        ValueError: it says nothing.
    """
    size = file.seek(0, SEEK_END)
    file.seek(max(size - 8, 0))
    length = int.from_bytes(file.read(4), "little") + 8
    file.seek(max(size - length, 0))
    footer = file.read(length)
    begin = footer.rindex(_BEGIN)
    about: dict[str, Any] = json.JSONDecoder().raw_decode(footer[begin:].decode(errors="replace"))[0]
    return about


def rows_sha256(table: pa.Table) -> str:
    """SHA-256 over the rows of one run, whatever the file: as CSV, times as microseconds since 1970.

    Bodies are left out, their own digests are in; so are columns without a value, which another version may not have.
    """
    from pyarrow import csv

    told = {}
    for name in sorted(table.column_names):
        column = table.column(name)
        if name not in SINGLE and column.null_count < table.num_rows:
            told[name] = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    if not told:
        return sha256().hexdigest()
    sink = BytesIO()
    csv.write_csv(pa.table(told), sink)
    return sha256(sink.getbuffer()).hexdigest()
