"""CSV as other programs save it: any separator and line end, UTF-16, rows without their last cells, local words."""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.formats._csv_look import Look
from inventory.formats._named import NEEDED, LeftAside
from inventory.formats._texts import parsed
from inventory.formats._unreadable import AGAIN, Unreadable
from inventory.snapshot import build

_LINE = 2**22
"""Characters of a line; Python's reader refuses cells of more than 131,072."""

_BATCH, _BATCH_SIZE = 2000, 4 * 2**20  # rows that are read together, and the characters in them
_TEXTS = (schema.TEXT, schema.LIST, schema.OBJECT, schema.VALUE)
_SHOWN = 40  # characters of a cell that a sentence shows


def batches(path: Path, look: Look, table: schema.Table, aside: LeftAside) -> Iterator[pa.Table]:
    """The rows, some at a time; an empty text is null, since these programs write both alike.

    Raises:
        Unreadable: a row or a cell is none of this table.
    """
    places = [look.names.index(name) if name in look.names else -1 for name in table.names]
    needed = [(look.names.index(name), name) for name in (*NEEDED, "ordinal") if name in look.names]
    found: list[list[Any]] = []
    size = 0
    for number, cells in _rows(path, look):
        empty = next((name for place, name in needed if not cells[place]), None)
        if empty:
            aside.add(number, empty)
            continue
        found.append(
            [
                _value(cells[place], column, number, look.separator) if place >= 0 and cells[place] else None
                for place, column in zip(places, table.columns, strict=True)
            ]
        )
        size += sum(map(len, cells))
        if len(found) >= _BATCH or size > _BATCH_SIZE:
            yield _built(table, found)
            found, size = [], 0
    yield _built(table, found)


def _built(table: schema.Table, found: list[list[Any]]) -> pa.Table:
    return build(table, {name: [row[number] for row in found] for number, name in enumerate(table.names)})


def _value(text: str, column: schema.Column, number: int, separator: str) -> Any:
    if column.kind in _TEXTS:
        return text
    try:
        return parsed(text, column.kind, separator)
    except Unreadable as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        raise Unreadable(f"row {number:,}, column {column.name}: {shown!r} {error.what}", error.advice) from error


def _rows(path: Path, look: Look) -> Iterator[tuple[int, list[str]]]:
    """The rows after the header that are not empty, each with as many cells as that, and their numbers from 1."""
    width = len(look.names)
    number = 0
    with path.open("rb") as file:
        file.seek(look.mark)
        with TextIOWrapper(file, look.encoding, newline="") as lines:
            reader = csv.reader(_lines(lines), delimiter=look.separator, strict=True)
            try:
                for number, cells in enumerate(reader, 1):
                    if number > look.row and any(cells):
                        yield number, _whole(cells, width, number, look)
            except csv.Error as error:
                if "end of data" in str(error):
                    raise Unreadable(f"it is cut off inside a text of row {number + 1:,}", "Copy it again") from error
                raise Unreadable(f"row {number + 1:,} is no row of a CSV file: {error}") from error
            except UnicodeDecodeError as error:
                raise _not_readable(look, number + 1, error) from error


def _lines(lines: TextIOWrapper) -> Iterator[str]:
    while line := lines.readline(_LINE):
        if len(line) >= _LINE:
            raise Unreadable(f"a line has more than {_LINE:,} characters", AGAIN)
        yield line


def _whole(cells: list[str], width: int, number: int, look: Look) -> list[str]:
    """The cells of a row; some programs leave out those at the end that are empty."""
    if len(cells) == width:
        return cells
    if len(cells) < width and look.ended and not look.ours:
        return cells + [""] * (width - len(cells))
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    why = "it is cut off" if len(cells) < width else "a text without quotes may hold a separator"
    raise Unreadable(f"row {number:,} has {len(cells):,} cells, the header {width}: {why}", "Mend that row, or " + AGAIN)


def _not_readable(look: Look, number: int, error: UnicodeDecodeError) -> Unreadable:
    if look.encoding == "utf-8":
        return Unreadable(
            f"it is not UTF-8 (about row {number:,})", "In the spreadsheet, save it as CSV UTF-8 or as Unicode text"
        )
    if error.end >= len(error.object):
        return Unreadable("it is cut off inside a character", "Copy it again")
    return Unreadable(f"it is not UTF-16 (about row {number:,})")
