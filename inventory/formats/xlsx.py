"""Excel workbooks through openpyxl: a summary for people, and behind it real tables with raw numbers.

Its rooms are ``_summary`` and ``_charts`` (the first sheet), ``_contents`` (what the data sheets hold), ``_sheets``
(how they are written), ``_cells`` (values to cells and back) and ``_look`` (colours and fonts).
"""

import warnings
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook, load_workbook
from openpyxl.writer.excel import ExcelWriter

import inventory
from inventory import schema
from inventory.errors import FileError
from inventory.formats._cells import LONG, LongTexts, value_of, whole_text
from inventory.formats._contents import TITLES, sheets_of
from inventory.formats._sheets import Package, Sheet, add_sheet
from inventory.formats._summary import add_summary
from inventory.layout import plain
from inventory.snapshot import Snapshot, build, table_of

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.overview import Overview

ROW_LIMIT = 1_048_576

_UNPACKED, _RATIO = 2 * 2**20, 50
"""Bytes that any workbook may unpack to, and times its size that a larger one may; ours do to ten or twenty times."""

_IN_MEMORY = 2**24  # bytes of a sheet's rows before they go to a temporary file
_TITLE = "LM Studio model inventory"
_LONG_TITLE = "LongTexts"
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def encode(overview: "Overview", grain: str) -> bytes:  # noqa: ARG001 - a workbook holds every grain
    """A workbook of a run: Summary, Models, Instances, Changes, History, Breakdown, Evidence, Dictionary.

    A grain that the snapshot lacks has no sheet; texts that no cell can hold go on in the sheet LongTexts.

    Raises:
        FileError: there are more rows than Excel can hold.
    """
    sheets = sheets_of(overview)
    moment = overview.snapshot.observed_at
    book = _book(sheets, moment or _NO_TIME)
    book.properties.subject = plain(overview.snapshot.run_id)
    add_summary(book, overview, {sheet.title: sheet for sheet in sheets}, _footer(moment))
    return _packed(book, sheets, _footer(moment))


def encode_tables(tables: "Tables") -> bytes:
    """A workbook with a sheet per table.

    Raises:
        FileError: there are more rows than Excel can hold.
    """
    sheets = [Sheet(_title(table.name), table, content, frozen=1) for table, content in tables]
    return _packed(_book(sheets, _NO_TIME), sheets, _footer(None))


def read(path: Path) -> Snapshot:
    """The tables back, as they were written; a grain without a sheet is empty and not among ``grains``."""
    with path.open("rb") as file:  # not left to openpyxl, which does not close a damaged one
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > max(_UNPACKED, _RATIO * path.stat().st_size):
            raise FileError(f"{path} could not be read: it unpacks to {unpacked:,} bytes", "Is it a workbook of ours?")
        with warnings.catch_warnings(action="ignore"):  # about parts of others' workbooks that are not read
            book = load_workbook(file, read_only=True, keep_links=False)
            return _tables(book)


def _book(sheets: Sequence[Sheet], moment: datetime) -> Workbook:
    """A workbook without sheets.

    Raises:
        FileError: one of the sheets has more rows than Excel can hold.
    """
    for sheet in sheets:
        if sheet.content.num_rows >= ROW_LIMIT:
            raise FileError(
                f"{sheet.content.num_rows:,} rows of {sheet.table.name} are more than Excel's {ROW_LIMIT - 1:,}",
                "Write .parquet or .csv instead",
            )
    book = Workbook(write_only=True)
    about = book.properties
    about.creator = about.lastModifiedBy = f"lms-inventory {inventory.__version__}"
    about.title = _TITLE
    about.created = about.modified = moment.replace(tzinfo=None)
    return book


def _packed(book: Workbook, sheets: Sequence[Sheet], footer: str) -> bytes:
    """The bytes of a workbook with these sheets."""
    long, bodies, buffer = LongTexts(), {}, BytesIO()
    with ExitStack() as held:
        for sheet in sheets:
            body = held.enter_context(SpooledTemporaryFile(_IN_MEMORY))
            bodies[add_sheet(book, sheet, body, long, footer)] = body
        if parts := long.parts():
            body = held.enter_context(SpooledTemporaryFile(_IN_MEMORY))
            bodies[add_sheet(book, Sheet(_LONG_TITLE, LONG, table_of(LONG, parts)), body, None, footer)] = body
        with Package(buffer, bodies) as archive:
            ExcelWriter(book, archive).write_data()  # not Workbook.save, which puts the time now into the properties
    return buffer.getvalue()


def _footer(moment: datetime | None) -> str:
    collected = f"Collected {moment:%Y-%m-%d %H:%M} UTC \u00b7 " if moment else ""
    return f"{collected}lms-inventory {inventory.__version__}"


def _title(name: str) -> str:
    return "".join(part[0].upper() + part[1:] for part in name.split("_"))


def _tables(book: Workbook) -> Snapshot:
    book._date_formats = set()  # type: ignore[attr-defined]  # openpyxl rounds times to milliseconds; we do not
    long: dict[int, str] = defaultdict(str)
    if _LONG_TITLE in book.sheetnames:
        found = list(_rows(book, _LONG_TITLE, LONG, {}))
        for row in sorted(found, key=lambda row: (row["number"], row["part"])):
            long[row["number"]] += row["text"]
    grains = tuple(grain for grain, table in schema.GRAIN_TABLES.items() if TITLES[table.name] in book.sheetnames)
    if not grains:
        raise ValueError("no sheet of models or instances")
    tables = {}
    for name, title in TITLES.items():
        table = schema.TABLES[name]
        lacking = table in schema.GRAIN_TABLES.values() and title not in book.sheetnames
        found = [] if lacking else list(_rows(book, title, table, long))
        tables[name] = build(table, {column: [row[column] for row in found] for column in table.names})
    return Snapshot(tables, grains)


def _rows(book: Workbook, title: str, table: schema.Table, long: dict[int, str]) -> Iterator[dict[str, Any]]:
    lines = book[title].iter_rows(max_row=ROW_LIMIT, max_col=len(table.columns))
    if [cell.value for cell in next(lines)] != list(table.names):
        raise ValueError("other columns than this version's")
    for cells in lines:
        if not cells or value_of(cells[0], table.columns[0].kind) is None:
            continue  # a row that is empty, or only missing: the first column is never null
        row = dict.fromkeys(table.names)
        for cell, column in zip(cells, table.columns, strict=False):
            value: Any = value_of(cell, column.kind)
            row[column.name] = whole_text(value, long) if isinstance(value, str) and table is not LONG else value
        yield row
