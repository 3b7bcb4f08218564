"""CSV that Excel and LibreOffice open right: UTF-8 with a byte order mark, CRLF, and no live formula.

- Null is nothing, the empty text is ``""``; all texts are quoted, numbers and booleans are plain.
- Where a spreadsheet could read a formula, a ``'`` goes in front: at the start of a text, and after a character that
  another separator setting (``;``, tab) or a line break would make a start; spaces, quotes and control characters
  between, which spreadsheets skip, change nothing. A text that has a ``'`` there gets one more, so that our reader
  takes exactly one off.
- The last line ends in a line break: without one, the file was cut off.
"""

import csv
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from inventory import schema
from inventory.formats._limits import gathered, row_bytes, size_of, too_large
from inventory.snapshot import Snapshot, arrow_schema, build, concat

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.overview import Overview

_BOM = b"\xef\xbb\xbf"
_HEADER_LIMIT = 2**16
_BLOCK, _LARGEST = 2**20, 34 * 2**20  # bytes read at a time, and where a row has more: twice those of an answer
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
    """The table that the header names; its servers count as read, at a time that the file does not tell.

    Raises:
        FileError: it would take too much memory.
    """
    header, lines = _looked_over(path)
    names = next(csv.reader([header]))
    grain = next((grain for grain, one in schema.GRAIN_TABLES.items() if list(one.names) == names), None)
    if grain is None:
        raise ValueError("other columns than this version's")
    kept = schema.GRAIN_TABLES[grain]
    if lines * _width(kept) > row_bytes(size_of(path)):
        raise too_large(path, f"it has {lines:,} lines")
    table = concat(kept, gathered(path, _batches(path, kept)))
    tables = {one.name: concat(one, []) for one in schema.GRAIN_TABLES.values()} | {kept.name: table}
    servers = sorted(set(table.column("server").to_pylist()))
    observed: dict[str, list[Any]] = {name: [None] * len(servers) for name in schema.OBSERVATIONS.names}
    observed |= {"run_id": [""] * len(servers), "server": servers, "status": ["ok"] * len(servers)}
    return Snapshot(tables | {"observations": build(schema.OBSERVATIONS, observed)}, (grain,))


def _looked_over(path: Path) -> tuple[str, int]:
    """The first line of a file, and how many there are after it.

    Raises:
        FileError: it is too large.
        ValueError: it was cut off.
    """
    size_of(path)
    with path.open("rb") as file:
        header = block = file.readline(_HEADER_LIMIT)
        lines = 0
        while more := file.read(_BLOCK):
            lines, block = lines + more.count(b"\n"), more
    if not block.endswith(b"\n"):
        raise ValueError("cut off")
    return header.removeprefix(_BOM).decode(), lines


def _width(table: schema.Table) -> int:
    """Bytes that a row takes at least: a number, or where a text ends, in each column."""
    return sum(4 if pa.types.is_string(field.type) else 8 for field in arrow_schema(table))


def _batches(path: Path, table: schema.Table) -> Iterator[pa.Table]:
    """The rows, some at a time: those of a small block, unless one of them has more than that."""
    read = 0
    try:
        for batch in _blocks(path, table, _BLOCK):
            read += batch.num_rows
            yield batch
    except pa.ArrowInvalid as error:
        if "block size" not in str(error):
            raise
        for batch in _blocks(path, table, _LARGEST):
            left = batch.slice(min(read, batch.num_rows))
            read -= batch.num_rows - left.num_rows
            yield left


def _blocks(path: Path, table: schema.Table, size: int) -> Iterator[pa.Table]:
    """The rows, as many at a time as so many bytes of the file hold."""
    target = arrow_schema(table)
    with arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=min(path.stat().st_size, size), use_threads=False),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types={field.name: field.type for field in target},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["true", "TRUE"],
            false_values=["false", "FALSE"],
        ),
    ) as reader:
        for batch in reader:
            yield _replaced(pa.Table.from_batches([batch]), _UNGUARD).cast(target)


def _replaced(table: pa.Table, rules: tuple[tuple[str, str], ...]) -> pa.Table:
    """The table with every text put through the replacements, in their order."""
    columns = []
    for column in table.columns:
        if pa.types.is_string(column.type):
            for pattern, replacement in rules:
                column = compute.replace_substring_regex(column, pattern, replacement)
        columns.append(column)
    return pa.table(columns, schema=table.schema)
