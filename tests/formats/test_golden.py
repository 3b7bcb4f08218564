"""T20: files that were written on 29 November 2026, by the first version, are read for ever.

They hold what is hard to keep: unknown fields, nulls and empty texts, formulas, control characters, numbers beyond 53
bits, a key that stands twice, a text longer than a cell, a server in doubt, one that was off and one without models.
``expected.json`` says what is in them, by column; columns that came later are null.
"""

import csv
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pyarrow import parquet

import inventory
from inventory import schema
from inventory.errors import FileError
from inventory.tables import rows

GOLDEN = Path(__file__).parent.parent / "golden" / "formats"
EXPECTED: dict[str, list[dict[str, Any]]] = json.loads((GOLDEN / "expected.json").read_text())
FILES = {
    "models.csv": ("models",),
    "instances.csv": ("instances",),
    "pair.csv": ("models", "instances"),
    "models.parquet": ("models", "observations"),
    "instances.parquet": ("instances", "observations"),
    "pair.parquet": ("models", "instances", "observations"),
    "report.xlsx": ("models", "instances", "observations"),
    "changes.xlsx": ("models", "instances", "observations"),
}


def plain(found: list[dict[str, Any]], names: set[str]) -> list[dict[str, Any]]:
    """Rows with these columns, times as texts."""
    return [
        {
            name: value.isoformat() if hasattr(value, "isoformat") else value
            for name, value in row.items()
            if name in names
        }
        for row in found
    ]


def test_all_are_there() -> None:
    """No file was taken away, and what they hold is told."""
    expected = {name for name in FILES if not name.startswith("pair")} | {
        f"{stem}.{suffix}" for stem in ("pair.models", "pair.instances", "changes") for suffix in ("csv", "parquet")
    }
    assert {path.name for path in GOLDEN.iterdir()} == {*expected, "expected.json", ".gitattributes"}
    assert [len(EXPECTED[name]) for name in ("models", "instances", "observations", "changes")] == [12, 1, 4, 5]


@pytest.mark.parametrize("name", FILES)
def test_read(name: str) -> None:
    """Each holds the rows that it held on its first day; what is null in all of them may be a newer column."""
    result = inventory.read(GOLDEN / name)
    for table in FILES[name]:
        names = {*EXPECTED[table][0]}
        assert names <= {*schema.TABLES[table].names}
        assert plain(rows(result.tables[table]), names) == EXPECTED[table]
        for column in {*schema.TABLES[table].names} - names:
            assert result.tables[table].column(column).null_count == len(EXPECTED[table])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("other", FILES)
def test_compared(name: str, other: str) -> None:
    """No two of them differ, and the server in doubt is compared only where the file cannot know of the doubt."""
    item, two = (inventory.read(GOLDEN / which) for which in (name, other))
    changes = inventory.compare(item, two)
    assert changes.table.num_rows == 0


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_changes(suffix: str) -> None:
    """A file of changes is told as that, and others read it as on its first day."""
    path = GOLDEN / f"changes.{suffix}"
    with pytest.raises(FileError, match="it holds changes, not a snapshot"):
        inventory.read(path)
    if suffix == "parquet":
        result = parquet.read_table(path).to_pylist()
    else:
        with path.open(encoding="utf-8-sig", newline="") as file:
            result = list(csv.DictReader(file))
    assert [row["change"] for row in result] == [row["change"] for row in EXPECTED["changes"]]
    assert [row["key"] for row in result] == [row["key"] for row in EXPECTED["changes"]]


def test_changes_in_a_workbook() -> None:
    """So are the changes in a workbook."""
    sheet = openpyxl.load_workbook(GOLDEN / "changes.xlsx")["Changes"]
    header, *lines = sheet.iter_rows(values_only=True)
    result = [dict(zip(header, line, strict=True)) for line in lines]
    assert [(row["change"], row["key"]) for row in result] == [
        (row["change"], row["key"]) for row in EXPECTED["changes"]
    ]
