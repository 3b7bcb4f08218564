"""Excel workbooks through openpyxl: real tables, raw numbers, and every text a text.

- A size is its bytes, shown as GB; a whole number that a double cannot hold exactly is written as text.
- Control characters, and texts that look like one of Excel's escapes, are written as ``_xHHHH_`` (ECMA-376,
  ST_Xstring); a text longer than a cell can hold goes on in the sheet LongTexts, and says so.
- Null is an empty cell, the empty text a cell with an empty text.
"""

import re
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableColumn, TableStyleInfo
from openpyxl.writer.excel import ExcelWriter
from openpyxl.xml.functions import tostring

import inventory
from inventory import schema
from inventory.errors import FileError
from inventory.snapshot import Snapshot, build, rows

SHEETS = (schema.MODELS, schema.INSTANCES, schema.OBSERVATIONS)

ROW_LIMIT = 1_048_576
CELL_LIMIT = 32_767
"""UTF-16 code units that Excel keeps of a text."""

_PART = 4_000  # characters of a long text per cell: within the limit even if each of them is escaped
_LONG = schema.Table(
    "LongTexts",
    "a part of a text that no cell can hold",
    tuple(
        schema.Column(name, kind, "", "")
        for name, kind in (
            ("sheet", schema.TEXT),
            ("row", schema.INTEGER),
            ("column", schema.TEXT),
            ("part", schema.INTEGER),
            ("text", schema.TEXT),
        )
    ),
)
_GOES_ON = " ... [goes on in the sheet LongTexts]"

_EXACT = 2**53  # a double holds every whole number up to here
_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_MOMENT = (1980, 1, 1, 0, 0, 0)  # in every zip entry: the same input makes the same bytes
_SHOWN = {schema.INTEGER: "#,##0", schema.NUMBER: "#,##0.###", schema.TIME: "yyyy-mm-dd hh:mm:ss"}
_GIGABYTES = '0.00,,," GB"'
_WIDTHS = {
    "key": 44,
    "display_name": 30,
    "instance_id": 40,
    "url": 30,
    "error": 60,
    "run_id": 30,
    "extra": 30,
    "variants": 40,
    "selected_variant": 40,
    "warnings": 60,
    "payload_digest": 20,
    "digest": 20,
    "stored_in": 30,
}
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_WRITTEN = re.compile(r"_x([0-9A-Fa-f]{4})_")
_FORMULA = ("=", "+", "-", "@")


def encode(snapshot: Snapshot, grain: str) -> bytes:  # noqa: ARG001 - a workbook holds every grain
    """A workbook with the sheets Models, Instances and Observations.

    Raises:
        FileError: there are more rows than Excel can hold.
    """
    book = Workbook(write_only=True)
    moment = (snapshot.observed_at or datetime(2000, 1, 1, tzinfo=UTC)).replace(tzinfo=None)
    book.properties.creator = f"lms-inventory {inventory.__version__}"
    book.properties.title = "LM Studio model inventory"
    book.properties.created = book.properties.modified = moment
    long: list[dict[str, Any]] = []
    for table in SHEETS:
        _sheet(book, table, rows(snapshot.tables[table.name]), long)
    if long:
        _sheet(book, _LONG, long, [])
    buffer = BytesIO()
    with _Archive(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.core = tostring(book.properties.to_tree())
        ExcelWriter(book, archive).write_data()
    return buffer.getvalue()


def read(path: Path) -> Snapshot:
    """The three tables back, as they were written."""
    book = load_workbook(path, read_only=True)
    try:
        book._date_formats = set()  # type: ignore[attr-defined]  # openpyxl rounds times to milliseconds; we do not
        long: dict[tuple[str, int, str], list[str]] = defaultdict(list)
        if _title(_LONG) in book.sheetnames:
            for _, row in _read_rows(book, _LONG, {}):
                long[row["sheet"], row["row"], row["column"]].append(row["text"])
        tables = {}
        for table in SHEETS:
            found = [row for _, row in _read_rows(book, table, {key: "".join(parts) for key, parts in long.items()})]
            tables[table.name] = build(table, {name: [row[name] for row in found] for name in table.names})
    finally:
        book.close()
    return Snapshot(tables)


def _sheet(book: Workbook, table: schema.Table, found: list[dict[str, Any]], long: list[dict[str, Any]]) -> None:
    """One sheet: a header, a row per row, and an Excel Table over both; texts too long for a cell go to ``long``."""
    if len(found) >= ROW_LIMIT:
        raise FileError(
            f"{len(found):,} rows of {table.name} are more than Excel's {ROW_LIMIT - 1:,}",
            "Write .parquet or .csv instead",
        )
    title = _title(table)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "C2" if table in SHEETS else "A2"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0  # as many pages as it needs, one page wide
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "1:1"
    sheet.oddFooter.right.text = "Page &P of &N"
    for index, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(index)].width = _WIDTHS.get(
            column.name, max(12, len(column.name) + 4)
        )
    head = WriteOnlyCell(sheet)
    head.font = Font(bold=True, color="FFFFFF")
    head.fill = PatternFill("solid", fgColor="1F3A4D")
    head.alignment = Alignment(vertical="center", wrap_text=True)
    sheet.append(_filled(head, table.names))
    pens = [_Pen(sheet, column) for column in table.columns]
    for number, row in enumerate(found, 2):
        cells = []
        for pen in pens:
            value = row[pen.name]
            if isinstance(value, str) and len(value) * 2 > CELL_LIMIT // 7 and _too_long(value):
                long += [
                    {
                        "sheet": title,
                        "row": number,
                        "column": pen.name,
                        "part": part,
                        "text": value[start : start + _PART],
                    }
                    for part, start in enumerate(range(0, len(value), _PART), 1)
                ]
                value = value[:_PART] + _GOES_ON
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
        self._kind = column.kind
        self._cell = WriteOnlyCell(sheet)
        self._cell.number_format = _GIGABYTES if column.unit == "bytes" else _SHOWN.get(column.kind, "General")
        self._text = WriteOnlyCell(sheet)
        self._text.number_format = "@"
        self._quoted = WriteOnlyCell(sheet)  # stays a text even after somebody edits the cell
        self._quoted.number_format = "@"
        self._quoted.quotePrefix = True

    def write(self, value: Any) -> Any:
        """The cell of one value; None for null, which leaves the cell empty."""
        if value is None:
            return None
        if isinstance(value, int) and abs(value) > _EXACT:
            value = str(value)
        if isinstance(value, str):
            cell = self._quoted if value.startswith(_FORMULA) else self._text
            cell.value = _UNWRITABLE.sub(lambda match: f"_x{ord(match.group()):04X}_", value)
            cell.data_type = "s"  # openpyxl would make a formula of "=", an error of "#N/A"
            return cell
        if isinstance(value, datetime):
            value = (value - _EPOCH) / timedelta(days=1)
        self._cell.value = repr(value) if isinstance(value, float) else value
        if isinstance(value, float):
            self._cell.data_type = "n"  # openpyxl would round to 16 digits; a double needs 17
        return self._cell


def _title(table: schema.Table) -> str:
    return table.name[0].upper() + table.name[1:]


def _too_long(text: str) -> bool:
    escaped = len(_UNWRITABLE.findall(text)) * 6
    return escaped + len(text.encode("utf-16-le")) // 2 > CELL_LIMIT


def _read_rows(
    book: Workbook,
    table: schema.Table,
    long: dict[tuple[str, int, str], str],
) -> Iterator[tuple[int, dict[str, Any]]]:
    title = _title(table)
    lines = enumerate(book[title].iter_rows(), 1)
    _, header = next(lines)
    if [cell.value for cell in header] != list(table.names):
        raise ValueError("other columns than this version's")
    for number, cells in lines:
        row = {
            column.name: long.get((title, number, column.name)) or _value(cell, column.kind)
            for cell, column in zip(cells, table.columns, strict=False)
        }
        if any(value is not None for value in row.values()):
            yield number, {name: row.get(name) for name in table.names}


def _value(cell: Any, kind: str) -> Any:
    value = cell.value
    if value is None:
        return "" if cell.data_type == "inlineStr" else None
    if kind == schema.TIME:
        return _EPOCH + timedelta(microseconds=round(value * 86_400_000_000))
    if kind == schema.INTEGER:
        return int(value)
    if kind == schema.NUMBER:
        return float(value)
    if kind == schema.BOOLEAN:
        return bool(value)
    return _WRITTEN.sub(lambda match: chr(int(match.group(1), 16)), str(value))


class _Archive(zipfile.ZipFile):
    """A zip file in which nothing depends on the time of writing."""

    core = b""  # docProps/core.xml, which openpyxl writes with the time now

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        """Write one entry with a fixed time."""
        name = getattr(zinfo_or_arcname, "filename", zinfo_or_arcname)
        content = self.core if name == "docProps/core.xml" else data
        super().writestr(zipfile.ZipInfo(name, _MOMENT), content, zipfile.ZIP_DEFLATED)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        """Write one file as an entry with a fixed time."""
        info = zipfile.ZipInfo(str(arcname or filename), _MOMENT)
        info.compress_type = zipfile.ZIP_DEFLATED
        with Path(filename).open("rb") as source, self.open(info, "w") as target:
            shutil.copyfileobj(source, target)
