"""Excel workbooks through openpyxl: a summary for people, and behind it real tables with raw numbers.

Its rooms are ``summary`` (the first sheet), ``content`` and ``columns`` (what the data sheets hold), ``evidence`` (the
cards of the servers), ``sheets``, ``rows`` and ``package`` (how they are written), ``cells`` (values to cells and
back), ``styles`` (colours and fonts), ``reader`` and ``book`` (how a workbook is read).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from openpyxl import Workbook
from openpyxl.writer.excel import ExcelWriter

from inventory.about import VERSION
from inventory.errors import FileError
from inventory.formats._unreadable import check_kind
from inventory.formats.xlsx.book import snapshot_in
from inventory.formats.xlsx.cells import LONG, OverflowTexts
from inventory.formats.xlsx.columns import hidden_in
from inventory.formats.xlsx.content import TITLES, sheets_of
from inventory.formats.xlsx.evidence import add_evidence
from inventory.formats.xlsx.package import Package, Pieces
from inventory.formats.xlsx.reader import WorkbookReader
from inventory.formats.xlsx.sheets import Sheet, add_sheet
from inventory.formats.xlsx.summary import add_summary
from inventory.report.facts import TITLE
from inventory.tables import RunTables, table_of
from inventory.text import escape_controls, utc_text

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.report.facts import Report

SHEET_ROWS = 1_048_576

LONG_TITLE = "LongTexts"
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def encode(report: "Report", grain: str) -> bytes:  # noqa: ARG001 - a workbook holds every grain
    """Write a workbook of a state or run.

    Its sheets are Summary, Models, Instances, Servers, Changes, Runs, Breakdown, Evidence, Observations, Dictionary.
    With rules, the sheet Findings stands before Changes.

    A grain that the snapshot lacks has no sheet; texts that no cell can hold go on in the sheet LongTexts.

    Raises:
        FileError: there are more rows than Excel can hold.
    """
    sheets = sheets_of(report)
    snapshot = report.snapshot
    book = _book(sheets, snapshot.observed_at or _NO_TIME)
    book.properties.title = escape_controls(report.title)
    book.properties.subject = escape_controls(snapshot.what)
    word, moment = ("State at", snapshot.state_at) if snapshot.state_at else ("Collected", snapshot.observed_at)
    footer = _footer(f"{word} {utc_text(moment, minutes=True)}" if moment else "")
    add_summary(book, report, {sheet.title: sheet for sheet in sheets}, footer)
    return _packed(book, sheets, footer, report)


def encode_tables(tables: "Tables") -> bytes:
    """Write a workbook with a sheet per table.

    Raises:
        FileError: there are more rows than Excel can hold.
    """
    sheets = [
        Sheet(name, table, content, 1, hidden=hidden_in(table, content), empty=f"there is no {table.row}")
        for table, content in tables
        for name in [table.name.title().replace("_", "")]
    ]
    return _packed(_book(sheets, _NO_TIME), sheets, _footer(""))


def check_rows(name: str, number: int) -> None:
    """Refuse more rows than Excel can hold.

    Args:
        name: the table.
        number: its rows.

    Raises:
        FileError: there are more.
    """
    if number >= SHEET_ROWS:  # guard: Excel rows
        what = f"{number:,} rows of {name} are more than Excel's {SHEET_ROWS - 1:,}"
        raise FileError(what, "Write .parquet or .csv instead")


def read(path: Path) -> RunTables:
    """Read the tables as they were written; a grain without a sheet is empty and not among ``grains``.

    Raises:
        FileError: it would take too much memory or time.
        Unreadable: it is no workbook of this tool, or a value is none of its column.
    """
    check_kind(path, "xlsx")
    with path.open("rb") as file:
        return snapshot_in(WorkbookReader(path, file), path, LONG_TITLE)


def _book(sheets: Sequence[Sheet], moment: datetime) -> Workbook:
    """Make a workbook without sheets.

    Raises:
        FileError: one of the sheets has more rows than Excel can hold.
    """
    for sheet in sheets:
        check_rows(sheet.table.name, sheet.content.num_rows)
    book = Workbook(write_only=True)
    about = book.properties
    about.creator = about.lastModifiedBy = f"lms-inventory {VERSION}"
    about.title = TITLE
    about.created = about.modified = moment.replace(tzinfo=None)
    return book


def _packed(book: Workbook, sheets: Sequence[Sheet], footer: str, report: "Report | None" = None) -> bytes:
    """Pack a workbook with these sheets; with a report, the cards of its servers stand before the observations."""
    long, bodies, buffer = OverflowTexts(), dict[str, Pieces](), BytesIO()
    for sheet in sheets:
        if report and sheet.title == TITLES["observations"]:
            bodies |= [add_evidence(book, sheet, footer)]
        bodies |= [add_sheet(book, sheet, long, footer)]
    if parts := long.parts():
        bodies |= [add_sheet(book, Sheet(LONG_TITLE, LONG, table_of(LONG, parts)), None, footer)]
    with Package(buffer, bodies) as archive:
        ExcelWriter(book, archive).write_data()  # not Workbook.save, which puts the time now into the properties
    return buffer.getvalue()


def _footer(moment: str) -> str:
    return " \u00b7 ".join(text for text in (moment, f"lms-inventory {VERSION}") if text)
