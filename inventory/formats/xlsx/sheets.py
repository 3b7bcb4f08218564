"""Data sheets: a header, the rows, an Excel Table over both, and how they look on the screen and on paper.

openpyxl writes everything but the rows: an object for each cell would take most of the time. The rows are written as
XML when the file is packed, between its header and the sheet's end.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import Any

import pyarrow as pa
from openpyxl import Workbook
from openpyxl.formatting.rule import DataBar, FormatObject, Rule
from openpyxl.styles import Font
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import absolute_coordinate, get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableColumn, TableStyleInfo

from inventory import schema
from inventory.columns import numbered
from inventory.formats.xlsx import styles
from inventory.formats.xlsx.cells import (
    DAYS,
    NUMBER,
    CellWriter,
    OverflowTexts,
    alignment_of,
    list_text,
    short,
    text_cell,
    writable,
)
from inventory.formats.xlsx.columns import heads_of
from inventory.formats.xlsx.package import Pieces
from inventory.formats.xlsx.rows import rows_xml
from inventory.report.facts import TITLE
from inventory.report.palette import LIGHT
from inventory.tables import values
from inventory.text import GIGABYTE, format_value, utc_text, width, wrap

NO_ROWS = "No rows: "
"""How the line begins that tells below an empty table why it is empty; the reader leaves it out."""

_LOOKED_AT = 1_000  # rows, for the widths
_EMPTY_COLUMNS = 12  # of a table without rows that are printed
_NARROWEST, _WIDEST = 9, 32
_TITLE = 80  # characters of the title at the head of a page: Excel takes 255 in all
_BUTTON = 3  # columns beside a word of the header: the button of the filter
_LINE, _AROUND = 13, 12  # the heights of a line of the header, and of what is above and below its lines
_WIDTHS = {
    "key": 44,
    "name": 52,
    "json_path": 66,
    **dict.fromkeys(("error", "warnings", "not_compared"), 50),
    **dict.fromkeys(("because", "exception"), 70),
    "value": 72,
    "meaning": 100,
    **dict.fromkeys(("digest", "payload_digest", "hint", "variants", "extra", "old", "new"), 20),
}
"""The greatest widths of some columns, where the others get ``_WIDEST``; nobody reads a digest to its end."""

_NUMBERS = (schema.INTEGER, schema.NUMBER)

_BOOLEANS = {
    "TRUE": DifferentialStyle(font=Font(color=f"FF{styles.LEVELS['good'][0]}", bold=True)),
    "FALSE": DifferentialStyle(font=Font(color=f"FF{LIGHT.soft}")),
}
"""True stands out; false stays readable, and is not taken for what was not reported."""


@dataclass(frozen=True)
class Sheet:
    """The plan of a data sheet.

    Attributes:
        title: its name; the table in it is called ``tbl`` and that. Never History, which Excel keeps for itself.
        table: its columns.
        content: its rows.
        frozen: columns that stay where they are when the others are moved.
        coloured: the column whose word gives each row its colour, wherever it is sorted to; empty for none.
        colours: how bad each of those words looks, as in ``styles.LEVELS``.
        hidden: columns that are folded away: those that nothing is reported in, and helpers of machines and charts.
        empty: why there are no rows, as a sentence without its full stop; shown below the table if there are none.
        unprinted: columns that have no room on paper; what is printed ends before the first of them.
    """

    title: str
    table: schema.Table
    content: pa.Table
    frozen: int = 0
    coloured: str = ""
    colours: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    empty: str = ""
    unprinted: tuple[str, ...] = ()

    @cached_property
    def heads(self) -> list[str]:
        """The names of its columns for people."""
        return heads_of(self.table)

    @property
    def ref(self) -> str:
        """The range of its table; Excel wants one row at least."""
        return f"A1:{get_column_letter(len(self.table.columns))}{max(self.content.num_rows, 1) + 1}"

    @property
    def printed(self) -> str:
        """The range that is printed: the table, or its first columns; of an empty one few, and why it is empty."""
        places = [place for place, name in enumerate(self.table.names) if name in self.unprinted]
        columns = min([*places, len(self.table.names)])
        if not self.content.num_rows:
            return f"A1:{get_column_letter(min(columns, _EMPTY_COLUMNS))}3"
        return f"A1:{get_column_letter(columns)}{self.content.num_rows + 1}"


class _Writer(WorksheetWriter):
    """Writer of a sheet into memory: openpyxl's own temporary files would stay when the process is killed."""

    def __init__(self, sheet: WriteOnlyWorksheet) -> None:
        super().__init__(sheet, out=BytesIO())

    def cleanup(self) -> None:
        """Do nothing: no file is left to be removed."""


class _InMemory(WriteOnlyWorksheet):
    """A sheet that has no temporary file."""

    _writer: Any = None

    def _get_writer(self) -> None:
        if self._writer is None:
            self._writer = _Writer(self)
            self._writer.write_top()


def new_sheet(book: Workbook, title: str) -> Any:
    """Add an empty sheet at the end of a workbook."""
    sheet = _InMemory(book, title)
    book._add_sheet(sheet)  # type: ignore[attr-defined]  # as create_sheet does
    return sheet


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
    name = short(target.parent.properties.title or TITLE, _TITLE).replace("&", "&&")
    target.oddHeader.left.text = f"{name} \u2014 {title}"
    target.oddFooter.left.text = footer.replace("&", "&&")
    target.oddFooter.right.text = "Page &P of &N"
    for part in (target.oddHeader.left, target.oddFooter.left, target.oddFooter.right):
        part.size, part.color = 8, LIGHT.soft


def add_sheet(book: Workbook, sheet: Sheet, long: OverflowTexts | None, footer: str) -> tuple[str, Pieces]:
    """Add a data sheet.

    Args:
        book: the workbook.
        sheet: the plan of the sheet.
        long: takes the texts that no cell can hold; None if there are none.
        footer: what is printed at the foot of each page.

    Returns:
        The name of the sheet in the package, and its rows.
    """
    target = new_sheet(book, sheet.title)
    target.freeze_panes = f"{get_column_letter(sheet.frozen + 1)}2"
    target.sheet_view.showGridLines = False
    target.print_title_rows = "1:1"
    target.print_area = sheet.printed
    print_as(target, sheet.title, footer, "landscape", height=0)
    lines = 1
    for index, (column, head) in enumerate(zip(sheet.table.columns, sheet.heads, strict=True), 1):
        dimension = target.column_dimensions[get_column_letter(index)]
        dimension.width = _width(sheet, column, head)
        if column.name in sheet.hidden:
            dimension.hidden, dimension.outlineLevel = True, 1
        else:
            lines = max(lines, len(wrap(head, int(dimension.width) - _BUTTON, "")))
    target.row_dimensions[1].height = _AROUND + _LINE * lines
    target.append(list(_header(target, sheet)))
    _colour(target, sheet)
    ref = sheet.ref
    target.tables.add(
        Table(  # not add_table, which warns of what is done here: the columns are given by hand
            id=len(book.sheetnames),
            displayName=f"tbl{sheet.title}",
            name=f"tbl{sheet.title}",
            ref=ref,
            autoFilter=AutoFilter(ref=ref),
            tableStyleInfo=TableStyleInfo(name="TableStyleLight1", showRowStripes=False),
            tableColumns=[TableColumn(id=index, name=writable(head)) for index, head in enumerate(sheet.heads, 1)],
        )
    )
    where = f"'{sheet.title}'!{absolute_coordinate(ref)}"
    book.defined_names[sheet.title] = DefinedName(sheet.title, attr_text=where)
    content = long.shortened(sheet.table, sheet.content) if long else sheet.content
    return f"xl/worksheets/sheet{len(book.sheetnames)}.xml", _rows(target, sheet, content)


def _width(sheet: Sheet, column: schema.Column, head: str) -> int:
    """Choose the width of a column: that of the longest word of its head, and of its first rows within bounds."""
    _, distinct = numbered(sheet.content.select([column.name]).slice(0, _LOOKED_AT))
    number = 2 if column.kind == schema.TIME else _LOOKED_AT  # all times are as wide; one of two may be missing
    looked_at = values(distinct.slice(0, number), column.name)
    needed = max((width(_shown(value, column)) for value in looked_at if value is not None), default=0) + 2
    word = max(map(width, head.split()), default=0) + _BUTTON
    return max(min(needed, _WIDTHS.get(column.name, _WIDEST)), word, _NARROWEST)


def _shown(value: Any, column: schema.Column) -> str:
    """Return a value about as its cell shows it."""
    if column.kind == schema.TIME:
        return utc_text(value) if column.name not in DAYS else f"{value:%Y-%m-%d}"
    if column.kind == schema.LIST:
        return list_text(value, column.name)
    if column.kind not in _NUMBERS:
        return str(value)
    if column.unit == "parameters":
        return f"{value / GIGABYTE:,.2f} B"
    return format_value(value, column.unit) if column.unit in ("bytes", "ratio") else f"{value:,}"


def _header(target: Any, sheet: Sheet) -> Iterator[Any]:
    font, fill = styles.font(LIGHT.paper, 10, bold=True), styles.fill(LIGHT.banner)
    looks: dict[tuple[str, bool], Any] = {}  # to look up each font in the book takes time
    for column, head in zip(sheet.table.columns, sheet.heads, strict=True):
        cell = text_cell(target, head)
        like = looks.setdefault((alignment_of(column).horizontal, cell.quotePrefix), cell)
        if like is cell:
            alignment = copy(alignment_of(column))
            alignment.wrap_text = True
            cell.font, cell.fill, cell.alignment = font, fill, alignment
        cell._style = like._style
        yield cell


def _colour(target: Any, sheet: Sheet) -> None:
    """Add rules that colour the rows by their content, and so move with them when they are sorted."""
    names, last = sheet.table.names, max(sheet.content.num_rows, 1) + 1
    everything = f"A2:{get_column_letter(len(names))}{last}"
    rules = target.conditional_formatting
    if sheet.coloured:
        word = f"${get_column_letter(names.index(sheet.coloured) + 1)}2"
        for level, (colour, behind) in styles.LEVELS.items():
            words = [
                f'{word}="{word_of_level}"'
                for word_of_level, word_level in sheet.colours.items()
                if word_level == level
            ]
            if words:
                look = DifferentialStyle(font=Font(color=f"FF{colour}"), fill=styles.fill(behind))
                rules.add(everything, Rule("expression", dxf=look, formula=[f"OR({','.join(words)})"]))
    for index, column in enumerate(sheet.table.columns, 1):
        if column.kind == schema.BOOLEAN:
            letter = get_column_letter(index)
            for word, look in _BOOLEANS.items():
                rules.add(f"{letter}2:{letter}{last}", Rule("cellIs", operator="equal", dxf=look, formula=[word]))
    if "size_bytes" in names:
        letter = get_column_letter(names.index("size_bytes") + 1)
        ends = [FormatObject("num", 0), FormatObject("max")]
        rules.add(f"{letter}2:{letter}{last}", Rule("dataBar", dataBar=DataBar(cfvo=ends, color=f"FF{LIGHT.pale_bar}")))
    line = DifferentialStyle(border=styles.edge(bottom=("thin", LIGHT.rule)))
    rules.add(everything, Rule("expression", dxf=line, formula=["LEN($A2)>0"]))


def _rows(target: Any, sheet: Sheet, content: pa.Table) -> Pieces:
    """Return what writes the rows as XML."""
    columns = sheet.table.columns
    writers = [CellWriter(target, column, get_column_letter(index)) for index, column in enumerate(columns, 1)]
    if content.num_rows:
        return lambda: rows_xml(content, writers)
    lines = [b'<row r="2"/>']
    if sheet.empty:
        note = CellWriter(target, schema.Column("note", schema.TEXT), "A")
        cell = note.cell(f"{NO_ROWS}{sheet.empty}").replace(NUMBER, "3")
        lines.append(f'<row r="3">{cell}</row>'.encode())
    return lambda: lines
