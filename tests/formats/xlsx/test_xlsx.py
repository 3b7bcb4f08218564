"""Workbooks in which a text is a text, a number is exact, and nothing is shortened without saying so."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.snapshots import MOMENT, RUN, convert, fleet, same, snapshot, table
from support.workbooks import column_names

import inventory
from inventory import Snapshot, limits, schema
from inventory.errors import FileError
from inventory.tables import rows

SHEETS = {"Models": schema.MODELS, "Instances": schema.INSTANCES, "Observations": schema.OBSERVATIONS}
EACH_SHEET = pytest.mark.parametrize("title", SHEETS)
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a workbook is written."""
    return tmp_path / "x.xlsx"


def cell_values(path: Path, title: str) -> list[list[Any]]:
    """What openpyxl sees of a sheet."""
    return [list(row) for row in openpyxl.load_workbook(path)[title].iter_rows(values_only=True)]


def test_what_looks_like_a_formula_stays_a_text_when_it_is_edited(path: Path) -> None:
    """Such cells carry the mark that Excel sets for a quote typed before a text; no other does."""
    keys = ["=1+1", "+1", "-1", "@a", "#N/A", "plain", " =1", "a=1"]
    snapshot([{"server": "s", "key": key, "ordinal": 0} for key in keys]).write(path)
    sheet = openpyxl.load_workbook(path)["Models"]
    place = next(cell.column for cell in sheet[1] if cell.value == "Key")
    cells = (row[0] for row in sheet.iter_rows(min_row=2, min_col=place, max_col=place))
    marked = {cell.value: bool(cell.quotePrefix) for cell in cells}
    assert marked == {key: key in keys[:5] for key in keys}


@EACH_SHEET
def test_cells(path: Path, title: str) -> None:
    """OpenPyXL reads the same cells: raw bytes shown as GB, booleans, numbers, times, texts, and nothing for null."""
    fleet().write(path)
    book = openpyxl.load_workbook(path)
    names = column_names(book, title)
    for line, row in zip(book[title].iter_rows(min_row=2), rows(fleet().tables[SHEETS[title].name]), strict=True):
        for column in SHEETS[title].columns:
            cell, expected = line[names.index(column.name)], row[column.name]
            if column.kind == schema.LIST and expected:
                separator = " \u00b7 " if column.name == "warnings" else ", "
                expected = separator.join(json.loads(expected)) or expected
            if column.kind == schema.TIME:
                assert isinstance(cell.value, datetime)
                expected = expected.replace(tzinfo=None)
                assert abs(cell.value - expected) <= timedelta(milliseconds=1)  # to which openpyxl rounds
                continue
            assert (cell.value or None) == (expected or None) if expected in ("", None) else cell.value == expected
            if expected is not None and column.unit == "bytes":
                assert cell.number_format == '#,##0.00,,," GB"'
                assert cell.data_type == "n"
            if expected is not None and column.kind == schema.BOOLEAN:
                assert cell.data_type == "b"


@pytest.mark.long
def test_libreoffice_prints(path: Path) -> None:
    """LibreOffice prints it: no cell is too narrow for its number or time."""
    fleet().write(path)
    assert convert(path, "pdf").read_bytes().startswith(b"%PDF")
    shown = convert(path, "html").read_text()
    assert "8.07 GB" in shown
    assert "###" not in shown


@settings(max_examples=settings().max_examples // 4, deadline=None)
@given(
    moments=st.lists(
        st.integers(0, 59 * 365 * 86_400_000_000).map(lambda micros: SINCE + timedelta(microseconds=micros)),
        min_size=1,
        max_size=50,
    )
)
def test_times(tmp_path_factory: pytest.TempPathFactory, moments: list[datetime]) -> None:
    """A time comes back to the microsecond."""
    path = tmp_path_factory.getbasetemp() / "times.xlsx"
    seen = [{"run_id": RUN, "server": f"s{n}", "status": "ok", "observed_at": item} for n, item in enumerate(moments)]
    original = Snapshot(dict(snapshot().tables) | {"observations": table(schema.OBSERVATIONS, seen)})
    original.write(path)
    same(original, inventory.read(path))


def test_about(path: Path) -> None:
    """Its properties say which tool wrote it, and when the servers were asked, not when it was written."""
    fleet().write(path)
    about = openpyxl.load_workbook(path).properties
    assert (about.title, about.subject) == ("LM Studio model inventory", f"run {RUN}")
    assert about.creator == f"lms-inventory {inventory.__version__}"
    assert about.created == about.modified == MOMENT.replace(tzinfo=None, microsecond=0)


def test_observations_only(path: Path) -> None:
    """A server that was not read stands in the workbook, with the reason."""
    snapshot(status="timeout", error="=no answer").write(path)
    assert "=no answer" in cell_values(path, "Observations")[1]
    assert ["What went wrong", "=no answer"] in cell_values(path, "Evidence")


def test_sheet_missing(path: Path) -> None:
    """Without its sheet of models a workbook holds the other grain."""
    fleet().write(path)
    book = openpyxl.load_workbook(path)
    del book["Models"]
    book.save(path)
    assert inventory.read(path).grains == ("instance",)


@pytest.mark.long
def test_a_small_sheet_beside_a_large_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sheet that is read between the pieces of a large one is not taken for large itself."""
    monkeypatch.setattr(limits, "PART_ELEMENTS", 5_000)  # or it takes thousands of models
    models = [{"server": "s", "key": f"key-{n}", "ordinal": 0, "publisher": f"{n**9:x}"} for n in range(4000)]
    instances = [{"server": "s", "key": "key-0", "ordinal": 0, "instance_id": f"{n:0200}"} for n in range(300)]
    original = snapshot(models, [{**row, "instance_ordinal": 0} for row in instances])
    original.write(path)
    same(original, inventory.read(path), "models", "instances")


def test_other_workbook(path: Path) -> None:
    """Another program's workbook is refused."""
    book = openpyxl.Workbook()
    book.save(path)
    with pytest.raises(FileError, match="no sheet of models or instances is in it, only Sheet"):
        inventory.read(path)
