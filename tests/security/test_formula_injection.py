"""T11: hostile texts in every text column are texts, in workbooks and in CSV with any separator."""

import csv
import re
import zipfile
from pathlib import Path

import pytest
from support.snapshots import HOSTILE, TEXTS, convert, hostile, same, snapshot

import inventory
from inventory import formats, schema
from inventory.report.facts import Report

SEPARATORS = {"comma": "44", "semicolon": "59", "tab": "9"}
SHEETS = 10
_ALIVE = re.compile(r'table:formula="|value-type="error"')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a workbook is written."""
    return tmp_path / "x.xlsx"


def test_every_text_column() -> None:
    """The hostile texts stand in every text column, of which there are many."""
    assert len(HOSTILE) >= 60
    assert sum(column.kind in TEXTS for column in schema.MODELS.columns) >= 15


@pytest.mark.long
@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS)
def test_csv_in_libreoffice(tmp_path: Path, separator: str) -> None:
    """With any separator LibreOffice shows no live formula and no error for a hostile text in any text column.

    Written as they are, the same texts do give some: the guard is needed, and looking for them finds them.
    """
    ours, theirs = tmp_path / "x.models.csv", tmp_path / "theirs.csv"
    hostile().write(tmp_path / "x.csv", "both")
    with theirs.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([text, text] for text in HOSTILE)
    shown = convert(ours, "fods", f"CSV:{separator},34,76", ours.with_name("x.instances.csv"), theirs)
    for path in (shown, shown.with_name("x.instances.fods")):
        assert path.read_text().count("SUM(1)") > len(HOSTILE)
        assert not _ALIVE.search(path.read_text()), path.name
    assert _ALIVE.search(shown.with_name("theirs.fods").read_text())


def test_workbook(path: Path) -> None:
    """Every hostile text is a text in the file, in every text column: no formula and no error value."""
    formats.write(Report(hostile(), inventory.compare(snapshot(), hostile()), "=1+1"), path)
    with zipfile.ZipFile(path) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if "worksheets/sheet" in name]
    assert len(sheets) == SHEETS
    for body in sheets:
        assert not re.search(rb"<f[ >/]", body)
        assert b't="e"' not in body
        assert b't="str"' not in body
    assert all(b"SUM(1)" in sheets[n] for n in (0, 1, 2))


@pytest.mark.long
@pytest.mark.parametrize("to", [pytest.param("fods", marks=pytest.mark.long), "xlsx"])
def test_workbook_in_libreoffice(path: Path, to: str) -> None:
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
