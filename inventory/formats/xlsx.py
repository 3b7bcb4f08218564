"""Excel workbooks through openpyxl: real tables, raw numbers, and every text a text.

- A size is its bytes, shown as GB; a whole number that a double cannot hold exactly is written as text.
- Control characters, and texts that look like one of Excel's escapes, are written as ``_xHHHH_`` (ECMA-376,
  ST_Xstring); a text longer than a cell can hold goes on in the sheet LongTexts, and says so.
- Null is an empty cell, the empty text a cell with an empty text.
"""

import re
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableColumn, TableStyleInfo
from openpyxl.writer.excel import ExcelWriter

import inventory
from inventory import schema
from inventory.errors import FileError
from inventory.formats._archive import Archive
from inventory.snapshot import Snapshot, build, rows

if TYPE_CHECKING:
    from inventory.formats import Tables

SHEETS = (schema.MODELS, schema.INSTANCES, schema.OBSERVATIONS)

ROW_LIMIT = 1_048_576
CELL_LIMIT = 32_767
"""UTF-16 code units that Excel keeps of a text."""

_UNPACKED, _RATIO = 2 * 2**20, 50
"""Bytes that any workbook may unpack to, and times its size that a larger one may; ours do to ten or twenty times."""

_PART = 4_000  # characters of a long text per cell: within the limit even if each of them is escaped
_LONG = schema.Table(
    "LongTexts",
    "a part of a text that no cell can hold",
    (
        schema.Column("number", schema.INTEGER, "", "What the cell says where the text goes on."),
        schema.Column("part", schema.INTEGER, "", "1, 2 ..."),
        schema.Column("text", schema.TEXT, "", "The part."),
    ),
)
_GOES_ON = " ... [goes on to {} characters in the sheet LongTexts, number {}]"
_GONE_ON = re.compile(re.escape(_GOES_ON).replace(r"\{\}", "([0-9]+)") + r"\Z")

_EXACT = 2**53  # a double holds every whole number up to here
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_SHOWN = {
    schema.INTEGER: "#,##0",
    schema.NUMBER: "General",
    schema.TIME: "yyyy-mm-dd hh:mm:ss",
    schema.BOOLEAN: '"TRUE";"TRUE";"FALSE"',  # without it, LibreOffice shows some as 1 and 0
}
_GIGABYTES = '0.00,,," GB"'
_WIDTHS = {
    **dict.fromkeys(("observed_at", "payload_digest", "digest"), 20),
    **dict.fromkeys(("server", "publisher"), 24),
    **dict.fromkeys(("display_name", "url", "run_id", "stored_in", "extra"), 30),
    **dict.fromkeys(("instance_id", "variants", "selected_variant"), 40),
    "key": 44,
    "error": 60,
    "warnings": 60,
}
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_WRITTEN = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LIVE = ("=", "+", "-", "@", "#")


def encode(snapshot: Snapshot, grain: str) -> bytes:  # noqa: ARG001 - a workbook holds every grain
    """A workbook with the sheets Models, Instances and Observations; without that of a grain the snapshot lacks.

    Raises:
        FileError: there are more rows than Excel can hold.
    """
    sheets = [table for table in SHEETS if table not in _lacking(snapshot.grains)]
    moment = (snapshot.observed_at or _NO_TIME).replace(tzinfo=None)
    return _workbook([(table, snapshot.tables[table.name]) for table in sheets], moment)


def encode_tables(tables: "Tables") -> bytes:
    """A workbook with a sheet per table.

    Raises:
        FileError: there are more rows than Excel can hold.
    """
    return _workbook(tables, _NO_TIME.replace(tzinfo=None))


def _workbook(tables: "Tables", moment: datetime) -> bytes:
    for table, content in tables:
        if content.num_rows >= ROW_LIMIT:
            raise FileError(
                f"{content.num_rows:,} rows of {table.name} are more than Excel's {ROW_LIMIT - 1:,}",
                "Write .parquet or .csv instead",
            )
    book = Workbook(write_only=True)
    book.properties.creator = f"lms-inventory {inventory.__version__}"
    book.properties.title = "LM Studio model inventory"
    book.properties.created = book.properties.modified = moment
    long: list[str] = []
    for table, content in tables:
        _sheet(book, table, rows(content), long)
    if long:
        _sheet(book, _LONG, _parts(long), None)
    buffer = BytesIO()
    with Archive(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        ExcelWriter(book, archive).write_data()  # not Workbook.save, which puts the time now into the properties
    return buffer.getvalue()


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


def _tables(book: Workbook) -> Snapshot:
    book._date_formats = set()  # type: ignore[attr-defined]  # openpyxl rounds times to milliseconds; we do not
    long: dict[int, str] = defaultdict(str)
    if _title(_LONG) in book.sheetnames:
        for row in sorted(_read_rows(book, _LONG, None), key=lambda row: (row["number"], row["part"])):
            long[row["number"]] += row["text"]
    grains = tuple(grain for grain, table in schema.GRAIN_TABLES.items() if _title(table) in book.sheetnames)
    if not grains:
        raise ValueError("no sheet of models or instances")
    tables = {}
    for table in SHEETS:
        found = [] if table in _lacking(grains) else list(_read_rows(book, table, long))
        tables[table.name] = build(table, {name: [row[name] for row in found] for name in table.names})
    return Snapshot(tables, grains)


def _lacking(grains: tuple[str, ...]) -> list[schema.Table]:
    return [table for grain, table in schema.GRAIN_TABLES.items() if grain not in grains]


def _sheet(book: Workbook, table: schema.Table, found: list[dict[str, Any]], long: list[str] | None) -> None:
    """One sheet: a header, a row per row, and an Excel Table over both; texts too long for a cell go to ``long``."""
    title = _title(table)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "C2" if table in SHEETS else "A2"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 3, 0  # pages; 0 is as many as it needs
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows, sheet.print_title_cols = "1:1", "A:B"
    sheet.oddFooter.right.text = "Page &P of &N"
    for index, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(index)].width = _WIDTHS.get(
            column.name, max(12, len(column.name) + 4)
        )
    head = WriteOnlyCell(sheet)
    head.font = Font(name="Calibri", size=11, bold=True, color="FFFFFF")
    head.fill = PatternFill("solid", fgColor="1F3A4D")
    head.alignment = Alignment(vertical="center")
    sheet.append(_filled(head, table.names))
    pens = [_Pen(sheet, column) for column in table.columns]
    for row in found:
        cells = []
        for pen in pens:
            value = row[pen.name]
            if isinstance(value, str) and long is not None and _too_long(value):
                long.append(value)
                value = value[:_PART] + _GOES_ON.format(len(value), len(long))
            cells.append(pen.write(value))
        sheet.append(cells)
    if not found:
        sheet.append([])
    ref = f"A1:{get_column_letter(len(table.columns))}{max(len(found), 1) + 1}"  # Excel wants one row at least
    sheet.tables.add(
        Table(  # not add_table, which warns of what is done here: the columns are given by hand
            id=book.sheetnames.index(title) + 1,
            displayName=f"tbl{title}",
            name=f"tbl{title}",
            ref=ref,
            autoFilter=AutoFilter(ref=ref),
            tableStyleInfo=TableStyleInfo(name="TableStyleLight1", showRowStripes=True),
            tableColumns=[TableColumn(id=index, name=name) for index, name in enumerate(table.names, 1)],
        )
    )


def _filled(cell: Any, texts: tuple[str, ...]) -> Iterator[Any]:
    """The same styled cell, filled with one text after the other."""
    for text in texts:
        cell.value = text
        yield cell


class _Pen:
    """Writes one column: one cell with one style that is filled again for each row, as openpyxl writes it at once."""

    def __init__(self, sheet: Any, column: schema.Column) -> None:
        self.name = column.name
        self._cell = WriteOnlyCell(sheet)
        self._cell.number_format = _GIGABYTES if column.unit == "bytes" else _SHOWN.get(column.kind, "@")
        self._quoted = WriteOnlyCell(sheet)  # stays a text even after somebody edits the cell
        self._quoted.number_format = "@"
        self._quoted.quotePrefix = True

    def write(self, value: Any) -> Any:
        """The cell of one value, or the value where it needs no style; None for null, which leaves the cell empty."""
        if value is None:
            return None
        if isinstance(value, int) and abs(value) > _EXACT:
            value = str(value)
        if isinstance(value, str):
            value = _UNWRITABLE.sub(lambda match: f"_x{ord(match.group()):04X}_", value)
            if not value.startswith(_LIVE):
                return value
            self._quoted.value = value
            self._quoted.data_type = "s"  # openpyxl would make a formula of "=", an error of "#N/A"
            return self._quoted
        if isinstance(value, datetime):
            value = (value - _EPOCH) / timedelta(days=1)
        self._cell.value = repr(value) if isinstance(value, float) else value
        if isinstance(value, float):
            self._cell.data_type = "n"  # openpyxl would round to 16 digits; a double needs 17
        return self._cell


def _title(table: schema.Table) -> str:
    return "".join(part[0].upper() + part[1:] for part in table.name.split("_"))


def _too_long(text: str) -> bool:
    """Whether no cell can hold it, or it would be taken for one that goes on."""
    if len(text) > CELL_LIMIT // 7:  # no character takes more, not even escaped
        escaped = len(_UNWRITABLE.findall(text)) * 6
        return escaped + len(text.encode("utf-16-le")) // 2 > CELL_LIMIT
    return text.endswith("]") and _GONE_ON.search(text) is not None


def _parts(long: list[str]) -> list[dict[str, Any]]:
    return [
        {"number": number, "part": part, "text": text[start : start + _PART]}
        for number, text in enumerate(long, 1)
        for part, start in enumerate(range(0, len(text), _PART), 1)
    ]


def _read_rows(book: Workbook, table: schema.Table, long: dict[int, str] | None) -> Iterator[dict[str, Any]]:
    lines = book[_title(table)].iter_rows(max_row=ROW_LIMIT, max_col=len(table.columns))
    if [cell.value for cell in next(lines)] != list(table.names):
        raise ValueError("other columns than this version's")
    for cells in lines:
        if not cells or _value(cells[0], table.columns[0].kind) is None:
            continue  # a row that is empty, or only missing: the first column is never null
        row = dict.fromkeys(table.names)
        for cell, column in zip(cells, table.columns, strict=False):
            value = row[column.name] = _value(cell, column.kind)
            if long is not None and isinstance(value, str) and (match := _GONE_ON.search(value)):
                whole = row[column.name] = long[int(match[2])]
                if len(whole) != int(match[1]) or not whole.startswith(value[: match.start()]):
                    raise ValueError("another text goes on there")
        yield row


def _value(cell: Any, kind: str) -> Any:
    value = cell.value
    if value is None:
        return "" if cell.data_type == "inlineStr" else None
    if kind == schema.TIME:
        return _EPOCH + timedelta(microseconds=round(Fraction(value) * 86_400_000_000))
    if kind == schema.INTEGER:
        return int(value)
    if kind == schema.NUMBER:
        return float(value)
    if kind == schema.BOOLEAN:
        return bool(value)
    return _WRITTEN.sub(lambda match: chr(int(match.group(1), 16)), str(value))
