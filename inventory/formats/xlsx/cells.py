"""Cells of a workbook: values -> XML and back, so that every text is a text and every number exact.

- A whole number that a double cannot hold exactly is written as text.
- Control characters, and texts that look like one of Excel's escapes, are written as ``_xHHHH_`` (ECMA-376,
  ST_Xstring); a text longer than a cell can hold goes on in the sheet LongTexts, and says so.
- Null is no cell, the empty text a cell with an empty text.
- A list is written as its items one after the other, and as JSON where these would not tell the list.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from html import escape
from typing import Any

import pyarrow as pa
from openpyxl.cell import WriteOnlyCell

from inventory import schema
from inventory.formats._texts import parsed
from inventory.formats._unreadable import Unreadable
from inventory.formats.xlsx import styles
from inventory.formats.xlsx.reader import Cell
from inventory.tables import column_of, values
from inventory.text import MINUS, escape_invisible, truncate

NUMBER = "\0"
"""Stands in the XML of a row wherever its number belongs; no text in it has this character."""

CELL_CHARACTERS = 32_767
"""UTF-16 code units that Excel keeps of a text."""

LONG = schema.Table(
    "long_texts",
    "a part of a text that no cell can hold",
    (
        schema.Column("number", schema.INTEGER, "What the cell says where the text goes on."),
        schema.Column("part", schema.INTEGER, "1, 2 ..."),
        schema.Column("text", schema.TEXT, "The part."),
    ),
)

_CERTAINLY_FITS = CELL_CHARACTERS // 7  # characters: none takes more than 7, not even escaped
_PART = 4_000  # characters of a long text per cell: within the limit even if each of them is escaped
_GOES_ON = " ... [goes on to {} characters in the sheet LongTexts, number {}]"
_SAYS_SO = _GOES_ON.split("{}")[1]
_GONE_ON = re.compile(re.escape(_GOES_ON).replace(r"\{\}", "([0-9]+)") + r"\Z")

_EXACT = 2**53  # a double holds every whole number up to here
_EPOCH, _ONE_DAY = datetime(1899, 12, 30, tzinfo=UTC), timedelta(days=1)
_GIGABYTES = '#,##0.00,,," GB"'
_SHOWN = {
    schema.INTEGER: "#,##0",
    schema.NUMBER: "#,##0.00",
    schema.TIME: 'yyyy-mm-dd hh:mm:ss" UTC"',
    schema.BOOLEAN: '"TRUE";"TRUE";"FALSE"',  # without it, LibreOffice shows some as 1 and 0
    "bytes": _GIGABYTES,
    "bytes more": f'+{_GIGABYTES};"{MINUS}"{_GIGABYTES};{_GIGABYTES}',
    "bits": "General",  # 4, and 4.25
    "parameters": '#,##0.00,,," B"',
    "ratio": "0.0%",
}
_DAY = "yyyy-mm-dd"
DAYS = ("first_seen", "last_loaded", "first_read")
"""Times of which people are shown the day; the cells hold them whole."""

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_WRITTEN = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DIGITS = re.compile(r"-?[0-9]{1,19}")
_BOOLEANS = {"1": True, "TRUE": True, "0": False, "FALSE": False}
_VALUES = (schema.TIME, schema.INTEGER, schema.NUMBER, schema.BOOLEAN)
_TEXTS = ("s", "str", "inlineStr")
_LIVE = ("=", "+", "-", "@", "#")
_BETWEEN = {"warnings": " \u00b7 "}  # sentences may have commas


class OverflowTexts:
    """The texts of a workbook that no cell can hold, in the order in which they were added."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def shortened(self, table: schema.Table, content: pa.Table) -> pa.Table:
        """Return rows that have of each text that no cell can hold its beginning, and where it goes on."""
        columns = [column for column in table.columns if _may_be_long(content.column(column.name))]
        cells = [values(content, column.name) for column in columns]
        for row in range(content.num_rows if columns else 0):
            for column, own in zip(columns, cells, strict=True):
                text = _shown(own[row] or "", column)
                if _too_long(text):
                    self._texts.append(text)
                    own[row] = text[:_PART] + _GOES_ON.format(len(text), len(self._texts))
        for column, own in zip(columns, cells, strict=True):
            place = content.column_names.index(column.name)
            content = content.set_column(place, column.name, column_of(schema.TEXT, own))
        return content

    def parts(self) -> list[dict[str, Any]]:
        """Return the rows of the sheet LongTexts."""
        return [
            {"number": number, "part": part, "text": text[start : start + _PART]}
            for number, text in enumerate(self._texts, 1)
            for part, start in enumerate(range(0, len(text), _PART), 1)
        ]


class CellWriter:
    """Writer of the cells of one column as XML, all with the same style.

    Attributes:
        name: the column's.
    """

    def __init__(self, sheet: Any, column: schema.Column, letter: str) -> None:
        self.name, self._column = column.name, column
        # Three cells: a style must not change once it has its number.
        cell, text, quoted = (WriteOnlyCell(sheet) for _ in range(3))
        cell.alignment = text.alignment = quoted.alignment = alignment_of(column)
        cell.number_format = number_format(column)
        quoted.number_format, quoted.quotePrefix = "@", True  # stays a text even after somebody edits the cell
        self._style, self._plain, self._quoted = (
            f'<c r="{letter}{NUMBER}" s="{look.style_id}' for look in (cell, text, quoted)
        )

    def cell(self, value: Any) -> str:
        """Write a cell, with ``NUMBER`` for that of its row; null is no cell."""
        if value is None:
            return ""
        if isinstance(value, str):
            return self._text(_shown(value, self._column))
        if isinstance(value, bool):
            return f'{self._style}" t="b"><v>{value:d}</v></c>'
        if isinstance(value, datetime):
            return f'{self._style}"><v>{(value - _EPOCH) / _ONE_DAY!r}</v></c>'
        if isinstance(value, int) and not -_EXACT <= value <= _EXACT:
            return self._text(str(value))
        return f'{self._style}"><v>{value!r}</v></c>'  # a double with all its digits

    def _text(self, value: str) -> str:
        value = writable(value)  # guard: Excel what XML cannot hold
        if not value:
            return f'{self._plain}" t="inlineStr"/>'
        style = self._quoted if value.startswith(_LIVE) else self._plain
        space = ' xml:space="preserve"' if value != value.strip() else ""
        return f'{style}" t="inlineStr"><is><t{space}>{escape(value, quote=False)}</t></is></c>'


def text_xml(place: str, text: str, style: int) -> str:
    """Write a cell with a text as XML; whatever the text looks like, it is one. Its style is marked as a text's."""
    head = f'<c r="{place}" s="{style}" t="inlineStr"'
    if not text:
        return f"{head}/>"
    return f'{head}><is><t xml:space="preserve">{escape(writable(text), quote=False)}</t></is></c>'


def number_format(column: schema.Column) -> str:
    """Return Excel's number format for the cells of a column."""
    if column.name in DAYS:
        return _DAY
    return _SHOWN.get(column.unit) or _SHOWN.get(column.kind, "General")


def alignment_of(column: schema.Column) -> Any:
    """Return the alignment of a column, which its head and all its cells share."""
    if column.kind == schema.BOOLEAN:
        return styles.CENTRED
    return styles.RIGHT if column.kind in (schema.INTEGER, schema.NUMBER) else styles.INDENTED


def list_text(value: str, name: str) -> str:
    """Write a list (JSON) as its items one after the other, unless these would be read as another list.

    Args:
        value: the list.
        name: its column.
    """
    try:
        text = _BETWEEN.get(name, ", ").join(json.loads(value))
    except (ValueError, TypeError, RecursionError):
        return value
    return text if text and list_value(text, name) == value else value


def list_value(text: str, name: str) -> str:
    """Return the list (JSON) that a cell holds, as JSON or as its items one after the other."""
    if text.startswith("["):
        return text
    return json.dumps(text.split(_BETWEEN.get(name, ", ")), ensure_ascii=False)


def text_cell(sheet: Any, text: str) -> Any:
    """Make a cell of a text that openpyxl writes; whatever it looks like, it is a text."""
    text = writable(text)
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # openpyxl would make a formula of "=", an error of "#N/A"
    cell.quotePrefix = text.startswith(_LIVE)
    return cell


def short(text: str, room: int) -> str:
    """Shorten a text to one line of so many columns: its beginning, and three dots where something is missing."""
    return truncate(" ".join(escape_invisible(text).split()), room)


def value_of(cell: Cell | None, kind: str) -> Any:
    """Parse the value that was written into a cell.

    Raises:
        ValueError: it holds something else.
    """
    if cell is None:
        return None
    form, text = cell
    if text is None:
        return "" if form == "inlineStr" and kind not in _VALUES else None
    if kind in _VALUES and form in _TEXTS:
        return parsed(text, kind) if text.strip() else None
    if kind == schema.TIME and form == "d":
        return parsed(text, kind)
    if kind == schema.TIME:
        return _EPOCH + timedelta(microseconds=round(Fraction(float(text)) * 86_400_000_000))
    if kind == schema.INTEGER:
        return _whole(text)
    if kind == schema.NUMBER:
        return float(text)
    if kind == schema.BOOLEAN:
        return _BOOLEANS[text.upper()]
    if form == "b":
        return "TRUE" if _BOOLEANS[text.upper()] else "FALSE"
    return _WRITTEN.sub(lambda match: chr(int(match.group(1), 16)), text)


def whole_text(value: str, long: dict[int, str]) -> str:
    """Complete the text of a cell that goes on elsewhere.

    Raises:
        ValueError: another text goes on there.
        KeyError: nothing does.
    """
    match = _GONE_ON.search(value) if value.endswith("]") else None
    if match is None:
        return value
    whole = long[int(match[2])]
    if len(whole) != int(match[1]) or not whole.startswith(value[: match.start()]):
        raise Unreadable("goes on in the sheet LongTexts, where the rest of it is not")
    return whole


def _whole(text: str) -> int:
    """Parse a whole number, which some programs write as ``4.0`` or ``8E9``."""
    if _DIGITS.fullmatch(text):
        return int(text)
    number = float(text)
    if not number.is_integer() or abs(number) > _EXACT:
        raise ValueError("not a whole number")
    return int(number)


def _shown(value: str, column: schema.Column) -> str:
    return list_text(value, column.name) if value and column.kind == schema.LIST else value


def _may_be_long(cells: pa.ChunkedArray) -> bool:
    """Return whether a text of a column may be longer than a cell can hold, or be taken for one that goes on."""
    from pyarrow import compute

    if pa.types.is_dictionary(cells.type):
        cells = pa.chunked_array([chunk.dictionary for chunk in cells.chunks], cells.type.value_type)
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return False
    longest = compute.max(compute.binary_length(cells)).as_py() or 0
    says_so = longest > len(_SAYS_SO) and compute.any(compute.match_substring(cells, _SAYS_SO)).as_py()
    return bool(longest > _CERTAINLY_FITS or says_so)


def writable(text: str) -> str:
    """Escape in a text what XML cannot hold, and what looks like one of Excel's escapes."""
    if text.isprintable() and "_x" not in text:  # as most are
        return text
    return _UNWRITABLE.sub(lambda match: f"_x{ord(match.group()):04X}_", text)


def _too_long(text: str) -> bool:
    """Return whether no cell can hold a text, or it would be taken for one that goes on."""
    if len(text) > _CERTAINLY_FITS:
        escaped = len(_UNWRITABLE.findall(text)) * 6
        return escaped + len(text.encode("utf-16-le")) // 2 > CELL_CHARACTERS
    return text.endswith("]") and _GONE_ON.search(text) is not None
