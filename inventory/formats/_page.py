"""The page that the Summary is drawn on: rows from top to bottom, cells within the margins, nothing merged."""

from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl.utils import get_column_letter

from inventory.formats import _look
from inventory.formats._cells import text_cell

PER_COLUMN = 1.12
"""Columns of small text for each of a cell's width."""

MARGIN = 1.5

FONTS = {
    "title": _look.font(_look.WHITE, 18, bold=True),
    "subtitle": _look.font(_look.CLOUD, 10),
    "heading": _look.font(_look.NAVY, 12, bold=True),
    "label": _look.font(_look.GREY, 9),
    "value": _look.font(_look.NAVY, 18, bold=True),
    "wide value": _look.font(_look.NAVY, 14, bold=True),
    "head": _look.font(_look.GREY, 9, bold=True),
    "text": _look.font(_look.INK, 10),
    "remark": _look.font(_look.GREY, 10, italic=True),
    "link": _look.font(_look.TEAL, 10),
    **{level: _look.font(colour, 11, bold=True) for level, (colour, _) in _look.LEVELS.items()},
    **{f"{level} word": _look.font(colour, 10, bold=True) for level, (colour, _) in _look.LEVELS.items()},
}
"""The fonts of the Summary, by what they are for."""


class Page:
    """A sheet that is written from top to bottom, cell by cell within the margins."""

    def __init__(self, sheet: Any, widths: Sequence[float]) -> None:
        self.sheet, self.widths, self.row = sheet, widths, 0
        for index, width in enumerate((MARGIN, *widths, MARGIN), 1):
            sheet.column_dimensions[get_column_letter(index)].width = width

    @property
    def room(self) -> int:
        """Columns of small text across the page."""
        return int(sum(self.widths) * PER_COLUMN)

    def add(self, height: float, cells: Mapping[int, Any] | None = None, margins: Any = None) -> None:
        """Write a row: cells by their number within the margins, from 0."""
        self.row += 1
        self.sheet.row_dimensions[self.row].height = height
        self.sheet.append([margins, *(cells and cells.get(index) for index in range(len(self.widths))), margins])

    def cell(self, text: str, **look: Any) -> Any:
        """A cell with this text and look; small, dark and to the left if nothing else is said."""
        cell = text_cell(self.sheet, text)
        cell.font = look.pop("font", FONTS["text"])
        cell.alignment = look.pop("alignment", _look.LEFT)
        for name, value in look.items():
            setattr(cell, name, value)
        return cell

    def across(self, text: str, **look: Any) -> dict[int, Any]:
        """A text over the whole row, whose cells all have its look; nothing is merged."""
        return {index: self.cell(text if index == 0 else "", **look) for index in range(len(self.widths))}

    def heading(self, text: str) -> None:
        """Begin a section."""
        self.add(9)
        self.add(21, {0: self.cell(text, font=FONTS["heading"])})

    def remark(self, text: str) -> None:
        """Say why a section has nothing to show, or what else there is."""
        self.add(16, {0: self.cell(text, font=FONTS["remark"])})
