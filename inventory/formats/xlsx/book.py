"""Read the tables of a workbook by the names of their columns, wherever they stand, whoever saved it last."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.about import VERSION
from inventory.formats._columns import (
    NEEDED,
    SkippedRows,
    first_names,
    gaps_of,
    grain_of,
    is_header,
    numbered,
    observed_of,
)
from inventory.formats._limits import gathered
from inventory.formats._unreadable import Unreadable
from inventory.formats.xlsx.cells import LONG, list_value, value_of, whole_text
from inventory.formats.xlsx.columns import label_heads, names_of
from inventory.formats.xlsx.content import OLDER_TITLES, READ, TITLES
from inventory.formats.xlsx.reader import Cell, NumberedRow, WorkbookReader
from inventory.formats.xlsx.sheets import NO_ROWS
from inventory.schema.gaps import Gaps
from inventory.tables import RunTables, build, concat, rows, values

_HEADER_ROWS = 20  # in which the names of the columns are looked for
_BATCH, _BATCH_SIZE = 2000, 4 * 2**20  # rows that are read together, and the characters in them
_SHOWN = 40  # characters of a cell that a sentence shows
_REMARKS = {"tool_version": "written_by", "state_of": "state_of"}  # columns that say the same in each row
_SHARED = ("s", "str")  # cells as other programs write texts

Rows = Iterator[NumberedRow]


@dataclass
class _Sheet:
    """A sheet whose header has been read.

    Attributes:
        title: its name.
        heads: the cells of its header.
        names: the names of the columns that stand there, as far as there are any.
        rows: the rows that follow.
        skipped: the rows that belong to no model.
        shared: another program wrote its texts: an empty one is the same as none.
        written_by: the version that wrote it, if a column gives it.
        state_of: the run whose state it holds, if a column gives it.
    """

    title: str
    heads: list[str | None]
    names: list[str | None]
    rows: Rows
    skipped: SkippedRows = field(default_factory=SkippedRows)
    shared: bool = False
    written_by: str = ""
    state_of: str = ""

    @property
    def where(self) -> str:
        """The beginning of a sentence about it."""
        return f"sheet {self.title}: "


def snapshot_in(parts: WorkbookReader, path: Path, long_title: str) -> RunTables:
    """Read the snapshot of a workbook; a grain without a sheet is empty and not among its ``grains``.

    Args:
        parts: the workbook.
        path: its path, for messages.
        long_title: the sheet in which long texts go on.

    Raises:
        FileError: it would take too much memory or time.
        Unreadable: it holds no table of a snapshot, or a value that is none of its column.
    """
    sheets = _sheets(parts)
    grains = tuple(grain for grain, table in schema.GRAIN_TABLES.items() if table.name in sheets)
    if not grains:
        raise Unreadable(
            f"no sheet of models or instances is in it, only {first_names(parts.titles) or 'none'}",
            "Give a workbook that this tool wrote; a sheet needs columns called server and key",
        )
    long = _long_texts(parts, long_title)
    gaps = Gaps()
    tables = {table.name: concat(table, []) for table in (*schema.GRAIN_TABLES.values(), schema.OBSERVATIONS)}
    for name, sheet in sheets.items():
        table = schema.TABLES[name]
        more = label_heads(READ[name], values(tables["observations"], "labels"))
        missing = gaps_of(table, sheet.names, sheet.where, {*READ[name].names, *more})
        content = concat(table, gathered(path, _batches(sheet, table, long)))
        gaps |= missing | sheet.skipped.gaps(content.num_rows, sheet.where)
        tables[name] = numbered(table, content, missing) if name != "observations" else _with_run(content)
        gaps |= Gaps(blanks=sheet.shared and name != "observations")
    if "observations" not in sheets:
        several = pa.concat_tables(
            [tables[schema.GRAIN_TABLES[grain].name].select(["server", "as_of"]) for grain in grains]
        )
        tables["observations"] = observed_of(several)
        gaps |= Gaps(
            servers=True,
            notes=(f"no sheet {TITLES['observations']}: servers that have rows count as read, others are not known",),
        )
    gaps |= _of_servers(tables, grains) | _newer(sheets)
    state_of = sheets["observations"].state_of if "observations" in sheets else ""
    return RunTables(tables, grains, gaps=gaps, state_of=state_of)


def _sheets(parts: WorkbookReader) -> dict[str, _Sheet]:
    """Find the sheets with the tables of a snapshot, by table: by our names first, then by their columns."""
    sheets: dict[str, _Sheet] = {}
    for name, title in (*TITLES.items(), *OLDER_TITLES.items()):
        if name not in sheets and title in parts.titles and (sheet := _opened(parts, title, name)):
            sheets[name] = sheet
    if any(table.name in sheets for table in schema.GRAIN_TABLES.values()):
        return sheets
    for title in parts.titles:
        sheet = _opened(parts, title, "")
        if sheet is None:
            continue
        try:
            name = schema.GRAIN_TABLES[grain_of(sheet.names)].name
        except Unreadable:
            continue
        sheets.setdefault(name, sheet)
    return sheets


def _opened(parts: WorkbookReader, title: str, table: str) -> _Sheet | None:
    """Open a sheet after its header; None if it has none.

    Args:
        parts: the workbook.
        title: the sheet.
        table: the table to look for; empty for any of a snapshot's rows.
    """
    lines = parts.numbered_rows(title)
    for _, cells in islice(lines, _HEADER_ROWS):
        heads = [_name(cell) for cell in cells]
        names = names_of(heads, READ.get(table))
        if {"server", "status"} <= {*names} if table == "observations" else is_header(names):
            return _Sheet(title, heads, names, lines, shared=not parts.untouched)
    if table in {each.name for each in schema.GRAIN_TABLES.values()}:
        raise Unreadable(f"sheet {title}: no row names the columns server and key", "Put the header back")
    return None


def _name(cell: Cell | None) -> str | None:
    text = value_of(cell, schema.TEXT)
    return str(text).strip() or None if text is not None else None


def _long_texts(parts: WorkbookReader, title: str) -> dict[int, str]:
    """Read the texts that no cell could hold, by their numbers."""
    long: dict[int, str] = defaultdict(str)
    if title in parts.titles:
        lines = parts.numbered_rows(title)
        heads = [_name(cell) for cell in next(lines, (0, []))[1]]
        sheet = _Sheet(title, heads, names_of(heads, LONG), lines)
        parts_of_texts = [row for batch in _batches(sheet, LONG, {}) for row in rows(batch)]
        for row in sorted(parts_of_texts, key=lambda row: (row["number"], row["part"])):
            long[row["number"]] += row["text"]
    return long


def _batches(sheet: _Sheet, table: schema.Table, long: dict[int, str]) -> Iterator[pa.Table]:
    """Read the rows of a sheet in batches; a column that it lacks is null."""
    places = [sheet.names.index(name) if name in sheet.names else -1 for name in table.names]
    needed = {"observations": ("server", "status"), LONG.name: LONG.names}.get(table.name, (*NEEDED, "ordinal"))
    checked = [place for place, name in enumerate(table.names) if name in needed and places[place] >= 0]
    remarks = {field: sheet.names.index(name) for name, field in _REMARKS.items() if name in sheet.names}
    pending: list[list[Any]] = []
    size = 0
    for number, cells in sheet.rows:
        present = [cells[place] if 0 <= place < len(cells) else None for place in places]
        if not any(cell and cell.text for cell in present) or _tells_why(cells):
            continue
        empty = next((place for place in checked if _lacks(present[place], blanks=sheet.shared)), None)
        if empty is not None:
            sheet.skipped.add(number, table.names[empty])
            continue
        row = [
            _value(cell, column, sheet, number, long if table is not LONG else None) if cell else None
            for cell, column in zip(present, table.columns, strict=True)
        ]
        for attribute, place in remarks.items():
            if place < len(cells) and not getattr(sheet, attribute):
                setattr(sheet, attribute, _name(cells[place]) or "")
        size += sum(len(value) for value in row if isinstance(value, str))
        pending.append(row)
        if len(pending) >= _BATCH or size > _BATCH_SIZE:
            yield _columns(table, pending)
            pending, size = [], 0
    yield _columns(table, pending)


def _tells_why(cells: list[Cell | None]) -> bool:
    """Return whether a row is the line that tells why a table is empty."""
    texts = [cell.text for cell in cells if cell and cell.text]
    return len(texts) == 1 and texts[0].startswith(NO_ROWS)


def _lacks(cell: Cell | None, *, blanks: bool) -> bool:
    """Return whether a cell is empty; with ``blanks``, an empty text is as good as none."""
    return cell is None or (not cell.text and (blanks or cell.kind != "inlineStr"))


def _value(cell: Cell, column: schema.Column, sheet: _Sheet, number: int, long: dict[int, str] | None) -> Any:
    """Parse the value of a cell."""
    sheet.shared |= cell.kind in _SHARED
    try:
        value = value_of(cell, column.kind)
        if value == "" and column.kind in (schema.LIST, schema.OBJECT):
            return None  # as pandas writes none; a text may be empty
        if isinstance(value, str) and long is not None:
            value = whole_text(value, long)
        return list_value(value, column.name) if value and column.kind == schema.LIST else value
    except (ValueError, KeyError, OverflowError) as error:
        text = cell.text or ""
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        why = error.what if isinstance(error, Unreadable) else f"is no {column.kind} ({error})"
        head = sheet.heads[sheet.names.index(column.name)]
        raise Unreadable(f"{sheet.where}row {number:,}, column {head}: {shown!r} {why}") from error


def _columns(table: schema.Table, lines: list[list[Any]]) -> pa.Table:
    return build(table, {name: [row[number] for row in lines] for number, name in enumerate(table.names)})


def _with_run(content: pa.Table) -> pa.Table:
    """Fill in an empty run id where the workbook lacks that column."""
    ids = values(content, "run_id")
    if None not in ids:
        return content
    columns = {name: values(content, name) for name in content.column_names}
    return build(schema.OBSERVATIONS, columns | {"run_id": [run_id or "" for run_id in ids]})


def _of_servers(tables: dict[str, pa.Table], grains: tuple[str, ...]) -> Gaps:
    """Describe the servers that have rows, but no observation."""
    asked = set(values(tables["observations"], "server"))
    there = {name for grain in grains for name in values(tables[schema.GRAIN_TABLES[grain].name], "server")}
    if not there - asked:
        return Gaps()
    return Gaps(
        notes=(f"rows of {first_names(sorted(there - asked))} are not compared: no observation of them is in it",)
    )


def _newer(sheets: dict[str, _Sheet]) -> Gaps:
    """Say that a newer version wrote the workbook, if it did."""
    version = sheets["observations"].written_by if "observations" in sheets else ""
    try:
        is_newer = _version(version) > _version(VERSION) if version else False
    except ValueError:
        return Gaps()
    return Gaps(notes=(f"lms-inventory {version[:20]} wrote it, which is newer than this one",)) if is_newer else Gaps()


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
