"""CSV as other programs save it: any separator and line end, UTF-16, rows without their last cells, local words."""

import csv
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import pyarrow as pa

from inventory import limits, schema
from inventory.formats._columns import NEEDED, SkippedRows
from inventory.formats._limits import too_large
from inventory.formats._texts import parsed
from inventory.formats._unreadable import AGAIN, Unreadable
from inventory.formats.csv.sniff import Layout
from inventory.tables import build

_BATCH, _BATCH_SIZE = 2000, 4 * 2**20  # rows that are read together, and the characters in them
_DIGITS = 18  # of a number that 64 bits hold
_TEXTS = (schema.TEXT, schema.LIST, schema.OBJECT, schema.VALUE)
_SHOWN = 40  # characters of a cell that a sentence shows


def batches(path: Path, layout: Layout, table: schema.Table, skipped: SkippedRows) -> Iterator[pa.Table]:
    """Read the rows in batches; an empty text is null, since these programs write both alike.

    Raises:
        Unreadable: a row or a cell is none of this table.
    """
    needed = [(layout.names.index(name), name) for name in (*NEEDED, "ordinal") if name in layout.names]
    pending: list[list[str]] = []
    numbers: list[int] = []
    size = total = 0
    for number, cells in _rows(path, layout):
        empty = next((name for place, name in needed if not cells[place]), None)
        if empty:
            skipped.add(number, empty)
            continue
        pending.append(cells)
        numbers.append(number)
        size += sum(map(len, cells))
        if len(pending) >= _BATCH or size > _BATCH_SIZE:
            total += len(pending)
            if total > limits.CSV_ROWS:
                raise too_large(path, f"it has more than {limits.CSV_ROWS:,} rows, not as this tool writes them")
            yield _built(table, layout, pending, numbers)
            pending, numbers, size = [], [], 0
    yield _built(table, layout, pending, numbers)


def _built(table: schema.Table, layout: Layout, lines: list[list[str]], numbers: list[int]) -> pa.Table:
    """Make a table of rows; a column that the file lacks is null."""
    cells = dict(zip(layout.names, zip(*lines, strict=True), strict=True)) if lines else {}
    nothing = ("",) * len(lines)
    return build(
        table,
        {
            column.name: _values(cells.get(column.name, nothing), column, numbers, layout.separator)
            for column in table.columns
        },
    )


def _values(texts: Sequence[str], column: schema.Column, numbers: list[int], separator: str) -> list[Any]:
    if column.kind in _TEXTS:
        return [text or None for text in texts]
    if column.kind == schema.INTEGER and all(len(text) <= _DIGITS and text.isascii() for text in texts):
        whole = "".join(texts)
        if whole.isdecimal() or not whole:  # as most are
            return [int(text) if text else None for text in texts]
    return [
        _value(text, column, number, separator) if text else None for text, number in zip(texts, numbers, strict=True)
    ]


def _value(text: str, column: schema.Column, number: int, separator: str) -> Any:
    try:
        return parsed(text, column.kind, separator)
    except Unreadable as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        raise Unreadable(f"row {number:,}, column {column.name}: {shown!r} {error.what}", error.advice) from error


def _rows(path: Path, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Read the rows after the header that are not empty, as many cells as it has, with their numbers from 1."""
    width = len(layout.names)
    number = 0
    with path.open("rb") as file:
        file.seek(layout.mark)
        with TextIOWrapper(file, layout.encoding, newline="") as lines:
            reader = csv.reader(_lines(lines), delimiter=layout.separator, strict=True)
            try:
                for number, cells in enumerate(reader, 1):
                    if number > layout.row and any(cells):
                        yield number, _whole(cells, width, number, layout)
            except csv.Error as error:
                if "end of data" in str(error):
                    raise Unreadable(f"it is cut off inside a text of row {number + 1:,}", "Copy it again") from error
                raise Unreadable(f"row {number + 1:,} is no row of a CSV file: {error}") from error
            except UnicodeDecodeError as error:
                raise _not_readable(layout, number + 1, error) from error


def _lines(lines: TextIOWrapper) -> Iterator[str]:
    while line := lines.readline(limits.CSV_LINE):
        if len(line) >= limits.CSV_LINE:
            raise Unreadable(f"a line has more than {limits.CSV_LINE:,} characters", AGAIN)
        yield line


def _whole(cells: list[str], width: int, number: int, layout: Layout) -> list[str]:
    """Complete the cells of a row; some programs leave out the empty ones at the end."""
    if len(cells) == width:
        return cells
    if len(cells) < width and layout.ended and not layout.ours:
        return cells + [""] * (width - len(cells))
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    why = "it is cut off" if len(cells) < width else "a text without quotes may hold a separator"
    raise Unreadable(
        f"row {number:,} has {len(cells):,} cells, the header {width}: {why}", "Mend that row, or " + AGAIN
    )


def _not_readable(layout: Layout, number: int, error: UnicodeDecodeError) -> Unreadable:
    if layout.encoding == "utf-8":
        return Unreadable(
            f"it is not UTF-8 (about row {number:,})", "In the spreadsheet, save it as CSV UTF-8 or as Unicode text"
        )
    if error.end >= len(error.object):
        return Unreadable("it is cut off inside a character", "Copy it again")
    return Unreadable(f"it is not UTF-16 (about row {number:,})")
