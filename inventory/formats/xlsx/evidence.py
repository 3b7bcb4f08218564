"""The sheet Evidence: a card for each server, on upright pages, with every digest whole.

Its rows are the observations, which the sheet Observations holds as a table.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.pagebreak import Break

from inventory import schema
from inventory.formats.xlsx import styles
from inventory.formats.xlsx.cells import NUMBER, list_text, short, text_xml
from inventory.formats.xlsx.columns import labels_in
from inventory.formats.xlsx.package import Pieces
from inventory.formats.xlsx.sheets import Sheet, new_sheet, print_as
from inventory.formats.xlsx.summary.page import FONTS
from inventory.report.palette import LIGHT, STATUS_TONES
from inventory.schema.headings import heading
from inventory.tables import rows
from inventory.text import format_value, wrap

TITLE = "Evidence"

_MOST = 500
"""Servers that have a card; the sheet Observations has all."""

_LINES = (
    *("status", "error", "url", "labels", "observed_at", "as_of", "http_status", "latency_ms", "source"),
    *("model_count", "instance_count", "size_bytes", "payload_digest", "payload_bytes", "digest", "run_id"),
    *("stored_in", "warnings", "not_compared", "last_read"),
)
"""What a card tells, in this order; a line for each that has a value."""

_NAMES = {name: heading(name) for name in _LINES} | {
    "digest": "SHA-256 of its rows",
    "error": "What went wrong",
    "latency_ms": "Time to the answer",
    "observed_at": "Asked",
    "as_of": "Rows as of",
    "payload_bytes": "Length of the answer",
    "run_id": "Asked by run",
}
_UNITS = {column.name: column.unit for column in schema.OBSERVATIONS.columns}
_AFTER = {
    "latency_ms": " ms",
    "payload_bytes": " bytes",
    **dict.fromkeys(("last_read", "observed_at", "as_of"), " UTC"),
}
_WIDTHS, _SCALE = (20, 68), 85  # the percentage of it at which the sheet is printed
_ROOM = 66  # columns of a text in a line
_HEIGHT, _TITLE_HEIGHT, _PAGE = 15, 21, 850  # of a line, of a server's name, and of what a page has room for
_LONGEST = 12  # lines that a text goes on for
_OK = "ok"


def add_evidence(book: Workbook, observations: Sheet, footer: str) -> tuple[str, Pieces]:
    """Add the sheet Evidence.

    Args:
        book: the workbook.
        observations: the sheet with the observations.
        footer: what is printed at the foot of each page.

    Returns:
        The name of the sheet in the package, and its rows.
    """
    target = new_sheet(book, TITLE)
    target.sheet_view.showGridLines = False
    print_as(target, TITLE, footer, "portrait", height=None)
    target.page_setup.scale = _SCALE
    for letter, width in zip("AB", _WIDTHS, strict=True):
        target.column_dimensions[letter].width = width
    cards = _Cards(target)
    more = observations.content.num_rows - _MOST
    further = f"and {more:,} more, in the sheet {observations.title}" if more > 0 else ""
    cards.write(rows(observations.content.slice(0, _MOST)), further)
    if further:
        target._hyperlinks.append(Hyperlink(ref=f"A{len(cards.rows)}", location=f"{observations.title}!A1"))
    target.row_breaks.brk = cards.breaks  # all at once: each one that is appended copies the others
    target.print_area = f"A1:B{max(len(cards.rows), 1)}"
    body = "".join(xml.replace(NUMBER, str(row)) for row, xml in enumerate(cards.rows, 1)).encode()
    return f"xl/worksheets/sheet{len(book.sheetnames)}.xml", lambda: [body]


class _Cards:
    """Writer of the cards, from top to bottom; a card that does not fit goes onto the next page.

    Attributes:
        rows: the rows as XML, with ``NUMBER`` for the number of each.
        breaks: where a page ends.
    """

    def __init__(self, target: Any) -> None:
        self.rows, self.breaks = list[str](), list[Break]()
        self._target = target
        line = {"bottom": ("thin", LIGHT.rule)}
        top = Alignment(horizontal="left", vertical="top", indent=1)
        wrapped = Alignment(horizontal="left", vertical="top", indent=1, wrap_text=True)
        self._title = self._style(FONTS["heading"], styles.INDENTED, fill=LIGHT.panel)
        self._label = self._style(FONTS["label"], top, border=line)
        self._text = self._style(FONTS["text"], wrapped, border=line)
        self._link = self._style(FONTS["link"], styles.INDENTED)
        self._words = {
            level: self._style(FONTS[f"{level} word"], wrapped, fill=behind, border=line)
            for level, (_, behind) in styles.LEVELS.items()
        }

    def write(self, servers: Sequence[Mapping[str, Any]], further: str) -> None:
        """Write a card for each server, and, unless it is empty, the line that leads to further ones."""
        room = 0  # that is left on the page
        for server in servers:
            card = [_row(_TITLE_HEIGHT, (short(server["server"], _ROOM), self._title), ("", self._title))]
            for name in _LINES:
                value = server[name]
                if value not in (None, "", "[]", "{}") and (name != "as_of" or value != server["observed_at"]):
                    style = self._words[STATUS_TONES.get(value, "good")] if name == "status" else self._text
                    card.append(_line(name, value, self._label, style))
            card.append(_row(_HEIGHT))
            height = sum(height for height, _ in card)
            if self.rows and height > room:
                self.breaks.append(Break(id=len(self.rows)))
            room = (room if height <= room else _PAGE) - height
            self.rows += [xml for _, xml in card]
        if further:
            self.rows.append(_row(_HEIGHT, (further, self._link))[1])

    def _style(self, font: Any, alignment: Alignment, *, fill: str = "", border: Any = None) -> int:
        """Return the number of a style for texts; they stay texts even after somebody edits the cell."""
        cell = WriteOnlyCell(self._target)
        cell.font, cell.alignment, cell.number_format = font, alignment, "@"
        cell.quotePrefix = True
        if fill:
            cell.fill = styles.fill(fill)
        if border:
            cell.border = styles.edge(**border)
        return int(cell.style_id)


@lru_cache(_MOST)  # most servers say the same of many things
def _line(name: str, value: Any, label: int, style: int) -> tuple[int, str]:
    """Write what a card tells of a column as ``_row`` does, with the numbers of the styles of its name and its text."""
    if name == "labels":
        value = ", ".join(f"{key}: {text}" for key, text in labels_in(value).items())
    elif name == "warnings":
        value = list_text(value, name)
    elif name == "status":
        value = "read completely" if value == _OK else value.replace("_", " ")
    text = format_value(value, _UNITS.get(name, "")) + _AFTER.get(name, "")
    texts = wrap(short(text, _ROOM * _LONGEST), _ROOM, "") or [""]
    return _row(_HEIGHT * len(texts), (_NAMES[name], label), ("\n".join(texts), style))


def _row(height: int, *cells: tuple[str, int]) -> tuple[int, str]:
    """Write a row of texts with their styles as XML, with ``NUMBER`` for its number; return its height beside."""
    written = (text_xml(f"{letter}{NUMBER}", text, style) for letter, (text, style) in zip("AB", cells, strict=False))
    return height, f'<row r="{NUMBER}" ht="{height}" customHeight="1">{"".join(written)}</row>'
