"""How a CSV file is written: its characters, what separates its cells, and the names of its columns."""

import csv
import re
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path

from inventory import limits, schema
from inventory.config.dialects import SEPARATORS
from inventory.formats._columns import grain_of, is_header
from inventory.formats._limits import size_of
from inventory.formats._unreadable import Unreadable

BOM = b"\xef\xbb\xbf"

_HEADER_ROWS = 20  # in which the names of the columns are looked for
_BLOCK = 2**20
_OTHER_SEPARATORS = ("|", ":", "\xa6", " ")
_WIDE = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_NAMES = {name for table in schema.GRAIN_TABLES.values() for name in table.names}
_ENDS = {"utf-16-le": (b"\n\0", b"\r\0"), "utf-16-be": (b"\0\n", b"\0\r")}


@dataclass(frozen=True)
class Layout:
    """The dialect of a CSV file.

    Attributes:
        encoding: of its characters, without a byte order mark.
        mark: bytes of the byte order mark.
        separator: what separates its cells.
        row: the row of its header, from 1.
        names: the names of its columns.
        lines: lines after the first.
        ended: its last line has a line break.
        plain: Arrow may read it: UTF-8, the header first, and every text that begins also ends.
        ours: it is written as this tool writes, so that an empty text is not the same as none.
    """

    encoding: str
    mark: int
    separator: str
    row: int
    names: tuple[str, ...]
    lines: int
    ended: bool
    plain: bool
    ours: bool


def sniff_layout(path: Path) -> Layout:
    """Detect how a CSV file is written.

    Raises:
        FileError: it is too large.
        Unreadable: it is no CSV file of a snapshot.
    """
    size_of(path)
    with path.open("rb") as file:
        head = block = file.read(limits.CSV_HEADER)
        lines, quotes = block.count(b"\n"), block.count(b'"')
        while more := file.read(_BLOCK):
            lines, quotes, block = lines + more.count(b"\n"), quotes + more.count(b'"'), more
    encoding, mark = _encoding(head)
    text = head[mark:].decode(encoding, errors="replace")
    if "\n" not in text and "\r" not in text:
        if len(head) >= limits.CSV_HEADER:
            raise Unreadable(f"its first line has more than {limits.CSV_HEADER:,} bytes", "Is it a CSV file?")
        raise Unreadable("it is cut off in its first line, which names the columns", "Copy it again")
    separator, row, names = _header(text)
    ended = block.endswith(_ENDS.get(encoding, (b"\n", b"\r")))
    first, line_end, _ = text.partition("\r\n")
    all_quoted = bool(line_end) and all(re.fullmatch(r'"[^"\r\n]*"', cell) for cell in first.split(separator))
    plain = encoding == "utf-8" and row == 1 and ended and quotes % 2 == 0
    ours = plain and all_quoted and head.startswith(BOM)
    return Layout(encoding, mark, separator, row, names, max(lines - 1, 0), ended, plain, ours)


def _encoding(head: bytes) -> tuple[str, int]:
    """Detect the encoding of a text, and the length of its byte order mark."""
    if head.startswith(BOM):
        return "utf-8", len(BOM)
    for mark, encoding in _WIDE:
        if head.startswith(mark):
            return encoding, len(mark)
    first = head[:32]
    if len(first) > 1 and not any(first[1::2]) and all(first[::2]):
        return "utf-16-le", 0
    if len(first) > 1 and not any(first[::2]) and all(first[1::2]):
        return "utf-16-be", 0
    return "utf-8", 0


def _header(text: str) -> tuple[str, int, tuple[str, ...]]:
    """Detect the separator of the cells, the row that names the columns, and these names.

    Raises:
        Unreadable: no row does.
    """
    best: tuple[int, str, int, tuple[str, ...]] = (0, ",", 1, ())
    for separator in (*dict.fromkeys(SEPARATORS.values()), *_OTHER_SEPARATORS):
        reader = csv.reader(StringIO(text, newline=""), delimiter=separator)
        try:
            for row, cells in enumerate(islice(reader, _HEADER_ROWS), 1):
                names = tuple(cell.strip() for cell in cells)
                known = len(_NAMES & {*names})
                if known > best[0] and (row == 1 or is_header(names)):
                    best = known, separator, row, names
        except csv.Error:  # further down is no line break of its own, or a cell is too long
            continue
    known, separator, row, names = best
    if not known:
        names = tuple(text.partition("\n")[0].strip().split(","))
    elif separator in _OTHER_SEPARATORS:
        raise Unreadable(
            f"it is separated by {separator!r}", "Save it with commas, semicolons or tabs between the cells"
        )
    grain_of(names)
    return separator, row, names
