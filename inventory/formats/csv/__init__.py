"""CSV that Excel and LibreOffice open right: UTF-8 with a byte order mark, CRLF, and no live formula.

- Null is nothing, the empty text is ``""``; all texts are quoted, numbers and booleans are plain.
- Where a spreadsheet could read a formula, a ``'`` goes in front: at the start of a text, and after a character that
  another separator setting (``;``, tab) or a line break would make a start; spaces, quotes and control characters
  between, which spreadsheets skip, change nothing. A text that has a ``'`` there gets one more, so that our reader
  takes exactly one off.
- Where cells are not separated by commas, a comma in a text would make a start too: there it is ``'~'``. A mark of its
  own, since a file does not tell how it was separated before a spreadsheet saved it again.
- What a spreadsheet saved again is read by ``foreign``.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from inventory import schema
from inventory.config.dialects import Dialect
from inventory.formats._columns import SkippedRows, gaps_of, grain_of, numbered, observed_of
from inventory.formats._limits import gathered, row_bytes, size_of, too_large
from inventory.formats._unreadable import check_kind
from inventory.formats.csv import foreign
from inventory.formats.csv.sniff import BOM, Layout, sniff_layout
from inventory.schema.gaps import Gaps
from inventory.tables import RunTables, arrow_schema, concat

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.report.facts import Report

_BLOCK, _LARGEST = 2**20, 34 * 2**20  # bytes read at a time, and where a row has more: twice those of an answer
_DANGEROUS = r"'=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}"  # the last four are the full-width ones
_SKIPPED = r"[\x00-\x20\"]*"
_INNER = rf"([;\t\r\n]{_SKIPPED})"
_COMMA = rf"(,{_SKIPPED})"
_STARTS = ((rf"{_INNER}([{_DANGEROUS}])", r"\1'\2"), (rf"^({_SKIPPED}[{_DANGEROUS}]|[\t\r\n|%])", r"'\1"))
_GUARD = ((rf"{_COMMA}('~')", r"\1'~'\2"), *_STARTS)
_GUARD_COMMAS = ((rf"{_COMMA}([{_DANGEROUS}])", r"\1'~'\2"), *_STARTS)
_UNGUARD = (  # only where one would be put: other programs write no guards, and a text may begin with a quote
    (rf"^'({_SKIPPED}[{_DANGEROUS}]|[\t\r\n|%])", r"\1"),
    (rf"{_INNER}'([{_DANGEROUS}])", r"\1\2"),
    (rf"{_COMMA}'~'([{_DANGEROUS}])", r"\1\2"),
)

_TOO_LONG = "block size"  # what Arrow says of a row that is larger than what it reads at a time


def encode(report: "Report", grain: str, dialect: Dialect = Dialect()) -> bytes:  # noqa: B008 - frozen
    """Write one table, a header line of its column names first."""
    table = schema.GRAIN_TABLES[grain]
    return encode_tables([(table, report.snapshot.tables[table.name])], dialect)


def encode_tables(tables: "Tables", dialect: Dialect = Dialect(), *, plain: bool = False) -> bytes:  # noqa: B008 - frozen
    """Encode the first of several tables; plain for a pipe, where programs expect no byte order mark and no CR."""
    buffer = BytesIO()
    buffer.write(b"" if plain else BOM)
    table = _replaced(tables[0][1], _GUARD if dialect.separator == "," else _GUARD_COMMAS)
    options = arrow_csv.WriteOptions(eol="\n" if plain else "\r\n", delimiter=dialect.separator)
    arrow_csv.write_csv(_with_decimal(table, dialect.decimal), buffer, options)
    return buffer.getvalue()


def read(path: Path) -> RunTables:
    """Read the table that the header names; its servers count as read, at a time that the file does not give.

    Raises:
        FileError: it would take too much memory.
        Unreadable: it is no CSV file of a snapshot, or a cell of it is none of its column.
    """
    check_kind(path, "csv")
    layout = sniff_layout(path)
    grain = grain_of(layout.names)
    table = schema.GRAIN_TABLES[grain]
    gaps = gaps_of(table, layout.names) | Gaps(servers=True)
    if layout.lines * _width(table) > row_bytes(size_of(path)):
        raise too_large(path, f"it has {layout.lines:,} lines")
    content, more = _content(path, layout, table)
    if not layout.ended:
        more |= Gaps(notes=("its last line has no line break: if it was cut off, that line may not be whole",))
    content = numbered(table, content, gaps)
    tables = {each.name: concat(each, []) for each in schema.GRAIN_TABLES.values()} | {table.name: content}
    return RunTables(tables | {"observations": observed_of(content)}, (grain,), gaps=gaps | more)


def _content(path: Path, layout: Layout, table: schema.Table) -> tuple[pa.Table, Gaps]:
    """Read the rows, and describe what they lack."""
    for like_ours in (True, False):
        if layout.ours if like_ours else layout.plain:
            skipped = SkippedRows()
            try:
                content = concat(table, gathered(path, _batches(path, layout, table, skipped, like_ours)))
                return content, Gaps(blanks=not like_ours) | skipped.gaps(content.num_rows)
            except pa.ArrowInvalid as error:  # what is odd is told below
                if _TOO_LONG in str(error):
                    break  # so would it be read the other way, with as much memory again
    skipped = SkippedRows()
    texts = (_replaced(batch, _UNGUARD) for batch in foreign.batches(path, layout, table, skipped))
    content = concat(table, gathered(path, texts))
    return content, Gaps(blanks=True) | skipped.gaps(content.num_rows)


def _width(table: schema.Table) -> int:
    """Return the bytes that a row takes at least: a number, or where a text ends, in each column."""
    return sum(4 if pa.types.is_string(field.type) else 8 for field in arrow_schema(table))


def _batches(
    path: Path, layout: Layout, table: schema.Table, skipped: SkippedRows, like_ours: bool
) -> Iterator[pa.Table]:
    """Read the rows in small blocks, unless a single row is larger than a block."""
    read = 0
    try:
        for batch in _blocks(path, layout, table, _BLOCK, like_ours):
            yield skipped.left_out(batch, layout.names, read + 2)
            read += batch.num_rows
    except pa.ArrowInvalid as error:
        if _TOO_LONG not in str(error):
            raise
        for batch in _blocks(path, layout, table, _LARGEST, like_ours):
            left = batch.slice(min(read, batch.num_rows))
            read -= batch.num_rows - left.num_rows
            yield skipped.left_out(left, layout.names, read + 2)


def _blocks(path: Path, layout: Layout, table: schema.Table, size: int, like_ours: bool) -> Iterator[pa.Table]:
    """Read the rows in blocks of so many bytes; a column that the file lacks is null."""
    target = arrow_schema(table)
    known = {field.name: field.type for field in target if field.name in layout.names}
    if layout.separator == ";":  # then decimals may follow a comma
        known = {name: pa.string() if pa.types.is_floating(kind) else kind for name, kind in known.items()}
    with arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=min(path.stat().st_size, size), use_threads=False),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True, delimiter=layout.separator),
        convert_options=arrow_csv.ConvertOptions(
            column_types=known,
            include_columns=list(known),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=not like_ours,
            true_values=["true"] if like_ours else ["true", "True", "TRUE"],
            false_values=["false"] if like_ours else ["false", "False", "FALSE"],
        ),
    ) as reader:
        for batch in reader:
            read = _replaced(pa.Table.from_batches([batch]), _UNGUARD)
            columns = [
                _conformed(read.column(field.name), field.type)
                if field.name in known
                else pa.chunked_array([pa.nulls(read.num_rows, field.type)])
                for field in target
            ]
            yield pa.Table.from_arrays(columns, schema=target)


def _conformed(cells: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Convert a column to its type; a number may come as a text with a decimal comma."""
    return cells if cells.type == kind else compute.replace_substring(cells, ",", ".").cast(kind)


def _with_decimal(table: pa.Table, decimal: str) -> pa.Table:
    """Write numbers with another character than a point before decimals."""
    for place, field in enumerate(table.schema if decimal != "." else ()):
        if pa.types.is_floating(field.type):
            cells = compute.replace_substring(table.column(place).cast(pa.string()), ".", decimal)
            table = table.set_column(place, field.name, cells)
    return table


def _replaced(table: pa.Table, rules: tuple[tuple[str, str], ...]) -> pa.Table:
    """Apply replacements to every text of a table, in their order; to each distinct one once."""

    def replaced(texts: pa.Array) -> pa.Array:
        encoded = texts.dictionary_encode()
        distinct = encoded.dictionary
        for pattern, replacement in rules:
            distinct = compute.replace_substring_regex(distinct, pattern, replacement)
        return distinct.take(encoded.indices)

    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_dictionary(field.type):
            chunks = [replaced(chunk) for chunk in table.column(place).chunks]
            table = table.set_column(place, field.with_type(pa.string()), pa.chunked_array(chunks, pa.string()))
    return table
