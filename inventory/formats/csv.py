"""CSV that Excel and LibreOffice open right: UTF-8 with a byte order mark, CRLF, and no live formula.

- Null is nothing, the empty text is ``""``; all texts are quoted, numbers and booleans are plain.
- Where a spreadsheet could read a formula, a ``'`` goes in front: at the start of a text, and after a character that
  another separator setting (``;``, tab) or a line break would make a start; spaces, quotes and control characters
  between, which spreadsheets skip, change nothing. A text that has a ``'`` there gets one more, so that our reader
  takes exactly one off.
- The last line ends in a line break: without one, the file was cut off.
"""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from inventory import schema
from inventory.snapshot import Snapshot, arrow_schema, build, concat

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.overview import Overview

_BOM = b"\xef\xbb\xbf"
_DANGEROUS = r"'=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}"  # the last four are the full-width ones
_SKIPPED = r"[\x00-\x20\"]*"
_INNER = rf"([;\t\r\n]{_SKIPPED})"
_GUARD = ((rf"{_INNER}([{_DANGEROUS}])", r"\1'\2"), (rf"^({_SKIPPED}[{_DANGEROUS}]|[\t\r\n|%])", r"'\1"))
_UNGUARD = ((r"^'", ""), (rf"{_INNER}'", r"\1"))


def encode(overview: "Overview", grain: str) -> bytes:
    """One table, a header line of its column names first."""
    return encode_tables([(schema.GRAIN_TABLES[grain], overview.snapshot.tables[schema.GRAIN_TABLES[grain].name])])


def encode_tables(tables: "Tables") -> bytes:
    """The first of some tables."""
    table = tables[0][1]
    buffer = BytesIO()
    buffer.write(_BOM)
    arrow_csv.write_csv(_replaced(table, _GUARD), buffer, arrow_csv.WriteOptions(eol="\r\n"))
    return buffer.getvalue()


def read(path: Path) -> Snapshot:
    """The table that the header names; its servers count as read, at a time that the file does not tell."""
    body = path.read_bytes()
    if not body.endswith(b"\n"):
        raise ValueError("cut off")
    types = {
        column.name: arrow_schema(table).field(column.name).type
        for table in schema.GRAIN_TABLES.values()
        for column in table.columns
    }
    table = arrow_csv.read_csv(
        pa.BufferReader(body.removeprefix(_BOM)),
        read_options=arrow_csv.ReadOptions(block_size=len(body), use_threads=False),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["true", "TRUE"],
            false_values=["false", "FALSE"],
        ),
    )
    grain = next((grain for grain, one in schema.GRAIN_TABLES.items() if list(one.names) == table.column_names), None)
    if grain is None:
        raise ValueError("other columns than this version's")
    kept = schema.GRAIN_TABLES[grain]
    table = _replaced(table, _UNGUARD).combine_chunks().cast(arrow_schema(kept))
    tables = {one.name: concat(one, []) for one in schema.GRAIN_TABLES.values()} | {kept.name: table}
    servers = sorted(set(table.column("server").to_pylist()))
    observed: dict[str, list[Any]] = {name: [None] * len(servers) for name in schema.OBSERVATIONS.names}
    observed |= {"run_id": [""] * len(servers), "server": servers, "status": ["ok"] * len(servers)}
    return Snapshot(tables | {"observations": build(schema.OBSERVATIONS, observed)}, (grain,))


def _replaced(table: pa.Table, rules: tuple[tuple[str, str], ...]) -> pa.Table:
    """The table with every text put through the replacements, in their order."""
    columns = []
    for column in table.columns:
        if pa.types.is_string(column.type):
            for pattern, replacement in rules:
                column = compute.replace_substring_regex(column, pattern, replacement)
        columns.append(column)
    return pa.table(columns, schema=table.schema)
