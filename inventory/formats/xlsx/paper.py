"""How a sheet is printed: the paper, and what stands above and below."""

from typing import Any

from openpyxl.worksheet.properties import PageSetupProperties

from inventory.formats.xlsx.cells import short
from inventory.report.facts import TITLE
from inventory.report.palette import LIGHT

_HEADER = 80  # characters of the title at the head of a page: Excel takes 255 in all


def print_as(target: Any, title: str, footer: str, orientation: str, height: int | None) -> None:
    """Set up a sheet for paper: A4, one page wide, so many pages high, and what stands above and below.

    The height 0 is as many pages as it needs. With None the sheet is as wide as a page, and ends its pages itself,
    which Excel allows only where it does not fit the sheet to pages.
    """
    target.page_setup.orientation, target.page_setup.paperSize = orientation, 9
    if height is not None:
        target.page_setup.fitToWidth, target.page_setup.fitToHeight = 1, height
        target.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    margins = target.page_margins
    margins.left = margins.right = 0.4
    margins.top = margins.bottom = 0.6
    margins.header = margins.footer = 0.3
    name = short(target.parent.properties.title or TITLE, _HEADER).replace("&", "&&")
    target.oddHeader.left.text = f"{name} \u2014 {title}"
    target.oddFooter.left.text = footer.replace("&", "&&")
    target.oddFooter.right.text = "Page &P of &N"
    for part in (target.oddHeader.left, target.oddFooter.left, target.oddFooter.right):
        part.size, part.color = 8, LIGHT.soft
