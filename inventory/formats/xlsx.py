"""Excel workbooks through openpyxl: a summary for people, and behind it real tables with raw numbers.

Its rooms are ``_summary`` and ``_charts`` (the first sheet), ``_contents`` (what the data sheets hold), ``_sheets``
(how they are written), ``_cells`` (values to cells and back), ``_look`` (colours and fonts) and ``_parts`` (how a
workbook is read).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from openpyxl import Workbook
from openpyxl.writer.excel import ExcelWriter

import inventory
from inventory import schema
from inventory.errors import FileError
from inventory.formats._cells import LONG, LongTexts, value_of, whole_text
from inventory.formats._contents import TITLES, sheets_of
from inventory.formats._limits import gathered
from inventory.formats._parts import Parts
from inventory.formats._sheets import Package, Sheet, add_sheet
from inventory.formats._summary import add_summary
from inventory.layout import plain
from inventory.snapshot import Snapshot, build, concat, rows, table_of

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.overview import Overview

ROW_LIMIT = 1_048_576

_BATCH, _BATCH_SIZE = 2000, 4 * 2**20  # rows that are read together, and the characters in them
_IN_MEMORY = 2**24  # bytes of a sheet's rows before they go to a temporary file
_TITLE = "LM Studio model inventory"
_LONG_TITLE = "LongTexts"
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def encode(overview: "Overview", grain: str) -> bytes:  # noqa: ARG001 - a workbook holds every grain
    """A workbook of a run: Summary, Models, Instances, Changes, Runs, Breakdown, Evidence, Dictionary.

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
    """The tables back, as they were written; a grain without a sheet is empty and not among ``grains``.

    Raises:
        FileError: it would take too much memory or time.
    """
    with path.open("rb") as file:
        parts = Parts(path, file)
        long: dict[int, str] = defaultdict(str)
        if _LONG_TITLE in parts.titles:
            found = [row for batch in _batches(parts, _LONG_TITLE, LONG, {}) for row in rows(batch)]
            for row in sorted(found, key=lambda row: (row["number"], row["part"])):
                long[row["number"]] += row["text"]
        grains = tuple(grain for grain, table in schema.GRAIN_TABLES.items() if TITLES[table.name] in parts.titles)
        if not grains:
            raise ValueError("no sheet of models or instances")
        tables = {}
        for name, title in TITLES.items():
            table = schema.TABLES[name]
            lacking = table in schema.GRAIN_TABLES.values() and title not in parts.titles
            tables[name] = concat(table, [] if lacking else gathered(path, _batches(parts, title, table, long)))
    return Snapshot(tables, grains)


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


def _batches(parts: Parts, title: str, table: schema.Table, long: dict[int, str]) -> Iterator[pa.Table]:
    """The rows of a sheet, some at a time."""
    lines = parts.rows(title)
    header = [value_of(cell, schema.TEXT) for cell in next(lines)[: len(table.columns)]]
    if header != list(table.names):
        raise ValueError("other columns than this version's")
    found: list[list[Any]] = []
    size = 0
    for cells in lines:
        if not cells or value_of(cells[0], table.columns[0].kind) is None:
            continue  # a row that is empty, or only missing: the first column is never null
        row: list[Any] = []
        for column, cell in zip(table.columns, cells, strict=False):
            value: Any = value_of(cell, column.kind)
            if isinstance(value, str):
                value = whole_text(value, long) if table is not LONG else value
                size += len(value)
            row.append(value)
        found.append(row + [None] * (len(table.columns) - len(row)))
        if len(found) >= _BATCH or size > _BATCH_SIZE:
            yield _columns(table, found)
            found, size = [], 0
    yield _columns(table, found)


def _columns(table: schema.Table, found: list[list[Any]]) -> pa.Table:
    return build(table, {name: [row[number] for row in found] for number, name in enumerate(table.names)})
