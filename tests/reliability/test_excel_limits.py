"""T13: what Excel cannot hold is written all the same, or refused: nothing is shortened without saying so."""

from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter
from support.snapshots import convert, fleet, same, snapshot

import inventory
from inventory import Snapshot, schema
from inventory.errors import FileError
from inventory.formats import xlsx
from inventory.formats.xlsx import cells as _cells
from inventory.formats.xlsx.columns import in_reading_order

DESCRIPTION = get_column_letter(in_reading_order(schema.MODELS).names.index("description") + 1)
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


@pytest.mark.guard("Excel what XML cannot hold")
@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_long_text(path: Path, text: str) -> None:
    """A text beyond what a cell holds comes back whole; the cell says where it goes on, and is within the limit."""
    taken = with_text("before", text, "after")
    taken.write(path)
    same(taken, inventory.read(path))
    book = openpyxl.load_workbook(path)
    for sheet in book:
        for row in sheet.iter_rows(values_only=True):
            assert all(len(str(value).encode("utf-16-le")) <= 2 * _cells.CELL_CHARACTERS for value in row)
    if "LongTexts" in book.sheetnames:
        assert str(book["Models"][f"{DESCRIPTION}3"].value).endswith(
            f"[goes on to {len(text)} characters in the sheet LongTexts, number 1]"
        )
        assert book["LongTexts"].tables
    else:
        assert book["Models"][f"{DESCRIPTION}3"].value == text


def test_long_text_moved(path: Path) -> None:
    """After somebody sorted the rows in a spreadsheet, every model still has its own long text."""
    with_text("x" * 40_000, "short", "y" * 40_000).write(path)
    book = openpyxl.load_workbook(path)
    cells = [book["Models"][f"{DESCRIPTION}{row}"] for row in (2, 3, 4)]
    for cell, value in zip(cells, [cells[1].value, cells[2].value, cells[0].value], strict=True):
        cell.value = value
    book.save(path)
    actual = inventory.read(path).tables["models"].column("description").to_pylist()
    assert actual == ["short", "y" * 40_000, "x" * 40_000]


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
    with pytest.raises(FileError, match="goes on in the sheet LongTexts, where the rest of it is not"):
        inventory.read(path)


@settings(max_examples=settings().max_examples // 4, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from("_x0041F\x00\r\n\t\ufffea=")), max_size=8))
def test_escapes(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Control characters, and texts that look like Excel's escapes, come back exactly."""
    path = tmp_path_factory.getbasetemp() / "escapes.xlsx"
    taken = with_text(*texts)
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


@pytest.mark.guard("Excel rows")
def test_too_many_rows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than Excel holds are refused with advice, before anything is written."""
    monkeypatch.setattr(xlsx, "SHEET_ROWS", 3)
    fleet().write(path.with_suffix(".csv"))
    with pytest.raises(FileError, match="39 rows of models are more than Excel's 2"):
        fleet().write(path)
    assert not path.exists()


@pytest.mark.long
def test_libreoffice(path: Path) -> None:
    """LibreOffice opens and saves a workbook with all of them, and what it saved holds the same."""
    texts = [text for text in LONG if "\x01" not in text]  # it loses control characters
    taken = with_text(*texts, "after")
    taken.write(path)
    same(taken, inventory.read(convert(path, "xlsx")), "models")
