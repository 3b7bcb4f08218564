"""Workbooks in which a text is a text, a number is exact, and nothing is shortened without saying so."""

import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import inventory
from formats.samples import HOSTILE, MOMENT, RUN, convert, fleet, hostile, same, snapshot, table
from inventory import formats, schema
from inventory.errors import FileError
from inventory.formats import _cells, xlsx
from inventory.overview import Overview
from inventory.snapshot import Snapshot, rows

SHEETS = {"Models": schema.MODELS, "Instances": schema.INSTANCES, "Evidence": schema.OBSERVATIONS}
TITLES = ["Summary", "Models", "Instances", "Changes", "History", "Breakdown", "Evidence", "Dictionary"]
EACH_SHEET = pytest.mark.parametrize("title", SHEETS)
SINCE = datetime(2020, 1, 1, tzinfo=UTC)
LONG = [
    "a" * 32_767,
    "a" * 32_768,
    "\x01" * 5_000,
    "\U0001f600" * 16_384,
    "_x0041_" * 20_000,
    "=" + "b\n" * 40_000,
    "a" * 4_000 + " ... [goes on to 9000 characters in the sheet LongTexts, number 1]",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a workbook is written."""
    return tmp_path / "x.xlsx"


def with_text(*texts: str) -> Snapshot:
    """A snapshot with a model per text, which is its description."""
    model = {"server": "s", "key": "k"}
    return snapshot([model | {"ordinal": number, "description": text} for number, text in enumerate(texts)])


def cell_values(path: Path, title: str) -> list[list[Any]]:
    """What openpyxl sees of a sheet."""
    return [list(row) for row in openpyxl.load_workbook(path)[title].iter_rows(values_only=True)]


@EACH_SHEET
def test_cells(path: Path, title: str) -> None:
    """OpenPyXL reads the same cells: raw bytes shown as GB, booleans, numbers, times, texts, and nothing for null."""
    fleet().write(path)
    sheet = openpyxl.load_workbook(path)[title]
    columns = len(SHEETS[title].columns)
    for line, row in zip(
        sheet.iter_rows(min_row=2, max_col=columns), rows(fleet().tables[SHEETS[title].name]), strict=True
    ):
        for cell, column in zip(line, SHEETS[title].columns, strict=True):
            expected = row[column.name]
            if column.kind == schema.TIME:
                assert isinstance(cell.value, datetime)
                expected = expected.replace(tzinfo=None)
                assert abs(cell.value - expected) <= timedelta(milliseconds=1)  # to which openpyxl rounds
                continue
            assert (cell.value or None) == (expected or None) if expected in ("", None) else cell.value == expected
            if expected is not None and column.unit == "bytes":
                assert cell.number_format == '0.00,,," GB"'
                assert cell.data_type == "n"
            if expected is not None and column.kind == schema.BOOLEAN:
                assert cell.data_type == "b"


def test_no_formula(path: Path) -> None:
    """Every hostile text is a text in the file, in every text column: no formula and no error value."""
    formats.write(Overview(hostile(), inventory.compare(snapshot(), hostile()), "=1+1"), path)
    with zipfile.ZipFile(path) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if "worksheets/sheet" in name]
    assert len(sheets) == len(TITLES)
    for body in sheets:
        assert not re.search(rb"<f[ >/]", body)
        assert b't="e"' not in body
        assert b't="str"' not in body
    assert all(b"SUM(1)" in sheets[n] for n in (0, 1, 2))


@pytest.mark.parametrize("to", [pytest.param("fods", marks=pytest.mark.full), "xlsx"])
def test_libreoffice(path: Path, to: str) -> None:
    """LibreOffice opens it, sees no formula and no error, and a workbook that it saves again holds the same cells."""
    plain = [text for text in HOSTILE if not re.search(r"[\x00-\x1f]|_x00", text)]
    texts = [{"server": "s", "key": text, "ordinal": n, "description": text} for n, text in enumerate(plain)]
    size = {"size_bytes": 8_068_097_455, "capabilities_vision": True, "quantization_bits_per_weight": 4.5}
    taken = snapshot([*texts, {"server": "s", "key": "k", "ordinal": 0, "params_count": 2**53 + 1} | size])
    taken.write(path)
    shown = convert(path, to)
    if to == "xlsx":
        same(taken, inventory.read(shown), "models")
        return
    body = shown.read_text()
    formulas = set(re.findall(r'table:formula="([^"]*)', body))
    assert formulas <= {"of:=TRUE()", "of:=FALSE()"}  # as which LibreOffice takes in any boolean of a workbook
    assert 'value-type="error"' not in body
    for text in ("8.07 GB", "TRUE", "4.5", "9007199254740993", "2026-11-23 06:00:04 UTC"):
        assert f"<text:p>{text}</text:p>" in body
    assert body.count("=HYPERLINK(") == 2


@pytest.mark.full
def test_libreoffice_prints(path: Path) -> None:
    """LibreOffice prints it: no cell is too narrow for its number or time."""
    fleet().write(path)
    assert convert(path, "pdf").read_bytes().startswith(b"%PDF")
    shown = convert(path, "html").read_text()
    assert "8.07 GB" in shown
    assert "###" not in shown


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_long_text(path: Path, text: str) -> None:
    """A text beyond what a cell holds comes back whole; the cell says where it goes on, and is within the limit."""
    taken = with_text("before", text, "after")
    taken.write(path)
    same(taken, inventory.read(path))
    book = openpyxl.load_workbook(path)
    for sheet in book:
        for row in sheet.iter_rows(values_only=True):
            assert all(len(str(value).encode("utf-16-le")) <= 2 * _cells.CELL_LIMIT for value in row)
    if "LongTexts" in book.sheetnames:
        assert str(book["Models"]["S3"].value).endswith(
            f"[goes on to {len(text)} characters in the sheet LongTexts, number 1]"
        )
        assert book["LongTexts"].tables
    else:
        assert book["Models"]["S3"].value == text


def test_long_text_moved(path: Path) -> None:
    """After somebody sorted the rows in a spreadsheet, every model still has its own long text."""
    with_text("x" * 40_000, "short", "y" * 40_000).write(path)
    book = openpyxl.load_workbook(path)
    cells = [book["Models"][f"S{row}"] for row in (2, 3, 4)]
    for cell, value in zip(cells, [cells[1].value, cells[2].value, cells[0].value], strict=True):
        cell.value = value
    book.save(path)
    found = inventory.read(path).tables["models"].column("description").to_pylist()
    assert found == ["short", "y" * 40_000, "x" * 40_000]


@pytest.mark.parametrize("damage", ["no sheet", "another number", "another text"])
def test_long_text_lost(path: Path, damage: str) -> None:
    """A workbook whose long text is gone or another one is refused: nothing is shortened silently."""
    with_text("x" * 40_000, "short").write(path)
    book = openpyxl.load_workbook(path)
    if damage == "no sheet":
        del book["LongTexts"]
    elif damage == "another number":
        book["LongTexts"]["A2"].value = 2
    else:
        book["LongTexts"]["C2"].value = "y" * 4_000
    book.save(path)
    with pytest.raises(FileError, match="damaged"):
        inventory.read(path)


@settings(max_examples=settings().max_examples // 4, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from("_x0041F\x00\r\n\t\ufffea=")), max_size=8))
def test_escapes(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Control characters, and texts that look like Excel's escapes, come back exactly."""
    path = tmp_path_factory.getbasetemp() / "escapes.xlsx"
    taken = with_text(*texts)
    taken.write(path)
    same(taken, inventory.read(path))


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
    seen = [{"run_id": "r", "server": f"s{n}", "observed_at": moment} for n, moment in enumerate(moments)]
    taken = Snapshot(dict(snapshot().tables) | {"observations": table(schema.OBSERVATIONS, seen)})
    taken.write(path)
    same(taken, inventory.read(path))


def test_numbers(path: Path) -> None:
    """Whole numbers that a double cannot hold are exact, and fractions keep all their digits."""
    integers = [2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 0]
    numbers = [0.1 + 0.2, 1e16, 5e-324, 1.7976931348623157e308, -4.5, 4.0]
    taken = snapshot(
        [
            {"server": "s", "key": "k", "ordinal": n, "size_bytes": size, "quantization_bits_per_weight": bits}
            for n, (size, bits) in enumerate(zip(integers, numbers, strict=True))
        ]
    )
    taken.write(path)
    same(taken, inventory.read(path))


def test_about(path: Path) -> None:
    """Its properties say which tool wrote it, and when the servers were asked, not when it was written."""
    fleet().write(path)
    about = openpyxl.load_workbook(path).properties
    assert (about.title, about.subject) == ("LM Studio model inventory", RUN)
    assert about.creator == f"lms-inventory {inventory.__version__}"
    assert about.created == about.modified == MOMENT.replace(tzinfo=None, microsecond=0)


def test_observations_only(path: Path) -> None:
    """A server that was not read stands in the workbook, with the reason."""
    snapshot(status="timeout", error="=no answer").write(path)
    assert "=no answer" in cell_values(path, "Evidence")[1]


@pytest.mark.parametrize("title", ["Models", "Evidence"])
def test_sheet_missing(path: Path, title: str) -> None:
    """Without its sheet of models a workbook holds the other grain; without the evidence it is none of ours."""
    fleet().write(path)
    book = openpyxl.load_workbook(path)
    del book[title]
    book.save(path)
    if title == "Models":
        assert inventory.read(path).grains == ("instance",)
    else:
        with pytest.raises(FileError):
            inventory.read(path)


def test_too_many_rows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than Excel holds are refused with advice, before anything is written."""
    monkeypatch.setattr(xlsx, "ROW_LIMIT", 3)
    fleet().write(path.with_suffix(".csv"))
    with pytest.raises(FileError, match="39 rows of models are more than Excel's 2"):
        fleet().write(path)
    assert not path.exists()


def test_other_workbook(path: Path) -> None:
    """Another program's workbook is refused."""
    book = openpyxl.Workbook()
    book.save(path)
    with pytest.raises(FileError, match="did not write it"):
        inventory.read(path)
