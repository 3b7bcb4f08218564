"""Tables as Parquet files that prove themselves: a SHA-256 of the whole file, its *seal*, stands in its footer.

The seal is counted with zeros in its own place. A flipped bit or a truncation anywhere breaks it.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any

import pyarrow as pa
from pyarrow import parquet

import inventory

_WRITTEN: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": False,  # most values are digests and keys, of which no two are equal; zstd finds the others
    "write_statistics": False,
    "store_schema": False,  # Arrow's own copy of the schema, which would be half of a small file
}
_ABOUT = "lms-inventory"
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"')
_BEGIN = b'{"tool": "lms-inventory"'  # how what a file says about itself begins; its seal stands last in it
_OPEN = b'"seal": "' + b"0" * 64 + b'"'


def sealed(table: pa.Table, about: Mapping[str, Any]) -> bytes:
    """A Parquet file with ``about`` and the seal in its footer."""
    told = {"tool": "lms-inventory", "version": inventory.__version__, **about}
    metadata = table.schema.metadata or {}
    sink = BytesIO()
    with parquet.ParquetWriter(sink, table.schema, **_WRITTEN) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({**metadata, _ABOUT: json.dumps({**told, "seal": "0" * 64})})
    body = sink.getvalue()
    at = body.rindex(_OPEN)
    seal = sha256(body).hexdigest().encode()
    return body[:at] + _OPEN.replace(b"0" * 64, seal) + body[at + len(_OPEN) :]


def unsealed(body: bytes) -> dict[str, Any] | None:
    """What a sealed file says about itself; None if its seal is broken."""
    found = list(_SEAL.finditer(body))[-1:]
    if (
        not found
        or sha256(body[: found[0].start()] + _OPEN + body[found[0].end() :]).hexdigest().encode() != found[0][1]
    ):
        return None
    about: dict[str, Any] = json.loads(body[body.rindex(_BEGIN, 0, found[0].start()) : found[0].end() + 1])
    return about
