"""The page that the Summary is drawn on: rows from top to bottom, cells within the margins, nothing merged."""

from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl.utils import get_column_letter

from inventory.formats.xlsx import styles
from inventory.formats.xlsx.cells import text_cell
from inventory.report.palette import LIGHT

PER_COLUMN = 1.12
"""Columns of small text for each of a cell's width."""

MARGIN = 1.5

FONTS = {
    "title": styles.font(LIGHT.paper, 18, bold=True),
    "subtitle": styles.font(LIGHT.banner_soft, 10),
    "heading": styles.font(LIGHT.banner, 12, bold=True),
    "label": styles.font(LIGHT.soft, 9),
    "value": styles.font(LIGHT.banner, 18, bold=True),
    "wide value": styles.font(LIGHT.banner, 14, bold=True),
    "head": styles.font(LIGHT.soft, 9, bold=True),
    "text": styles.font(LIGHT.ink, 10),
    "remark": styles.font(LIGHT.soft, 10, italic=True),
    "link": styles.font(LIGHT.link, 10),
    **{level: styles.font(colour, 11, bold=True) for level, (colour, _) in styles.LEVELS.items()},
    **{f"{level} word": styles.font(colour, 10, bold=True) for level, (colour, _) in styles.LEVELS.items()},
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
        """Make a cell with this text and look; small, dark and to the left by default."""
        cell = text_cell(self.sheet, text)
        cell.font = look.pop("font", FONTS["text"])
        cell.alignment = look.pop("alignment", styles.LEFT)
        for name, value in look.items():
            setattr(cell, name, value)
        return cell

    def across(self, text: str, **look: Any) -> dict[int, Any]:
        """Put a text over the whole row, whose cells all have its look; nothing is merged."""
        return {index: self.cell(text if index == 0 else "", **look) for index in range(len(self.widths))}

    def heading(self, text: str) -> None:
        """Begin a section."""
        self.add(9)
        self.add(21, {0: self.cell(text, font=FONTS["heading"])})

    def remark(self, text: str) -> None:
        """Say why a section has nothing to show, or what else there is."""
        self.add(16, {0: self.cell(text, font=FONTS["remark"])})
