"""The data sheets of a workbook: what they hold, and how they look, print and are found."""

import re
from datetime import UTC, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from openpyxl.utils import get_column_letter, range_boundaries
from support.snapshots import fleet, snapshot
from support.workbooks import (
    STATES,
    TABLE_TITLES,
    TITLES,
    book_of,
    changed,
    collected,
    column_names,
    model,
    opened,
    parts,
    run,
    table,
    with_instance,
)

import inventory
from inventory import schema
from inventory.formats import xlsx
from inventory.report.change_lines import describe_changes
from inventory.report.facts import Report
from inventory.schema import derived
from inventory.schema.derived import BREAKDOWN
from inventory.tables import rows

EACH_STATE = pytest.mark.parametrize("state", STATES)
COLUMNS = {
    "Models": schema.MODELS,
    "Instances": schema.INSTANCES,
    "Runs": derived.RUNS,
    "Breakdown": BREAKDOWN,
    "Servers": derived.SERVERS,
    "Changes": schema.CHANGES,
    "Observations": schema.OBSERVATIONS,
}


def footer(sheet: Any, side: str) -> str:
    """What is printed at the foot of each page."""
    return str(getattr(sheet.oddFooter, side).text)


@EACH_STATE
def test_sheets(state: str) -> None:
    """Whatever the state: the same sheets, each with a real Excel Table with filters, and a name for Power Query."""
    book = book_of(state)
    long = ["LongTexts"] if state == "names" else []
    assert book.sheetnames == [*TITLES, *long]
    for title in (*TABLE_TITLES, *long):
        sheet = book[title]
        (result,) = sheet.tables.values()
        assert result.displayName == f"tbl{title}"
        assert result.autoFilter is not None
        assert result.autoFilter.ref == result.ref
        assert [column.name for column in result.tableColumns] == [cell.value for cell in sheet[1]]
        left, top, right, bottom = range_boundaries(result.ref)
        assert (left, top, right) == (1, 1, sheet.max_column)
        last = sheet.max_row
        assert bottom == (2 if str(sheet.cell(last, 1).value).startswith("No rows: ") else max(last, 2))
        where = re.sub("([A-Z]+)([0-9]+)", r"$\1$\2", result.ref)
        assert book.defined_names[title].attr_text == f"'{title}'!{where}"
    assert len({result.id for sheet in book for result in sheet.tables.values()}) == len(book.sheetnames) - 2


@EACH_STATE
def test_nothing_merged_nothing_calculated(state: str) -> None:
    """No cell is merged, none holds a formula or an error, and every part of the package is well-formed."""
    for name, body in parts(STATES[state]).items():
        ElementTree.fromstring(body)
        if "worksheets/sheet" in name:
            assert not re.search(rb"<f[ >/]|<mergeCell|t=\"e\"|t=\"str\"", body), name


@EACH_STATE
def test_same_bytes(state: str) -> None:
    """The same run makes the same bytes, charts and all."""
    assert xlsx.encode(STATES[state], "both") == xlsx.encode(STATES[state], "both")


@pytest.mark.parametrize("shared", [1, 100])
def test_rows_are_the_same_however_many_are_written_at_a_time(shared: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not show in a workbook which cells were written together, and how many rows."""
    whole = xlsx.encode(STATES["hostile"], "both")
    for name, number in {"formats.xlsx.rows._AT_ONCE": 3, "columns._SHARED": shared}.items():
        monkeypatch.setattr(f"inventory.{name}", number)
    assert xlsx.encode(STATES["hostile"], "both") == whole


@pytest.mark.parametrize("title", TABLE_TITLES)
def test_look(title: str) -> None:
    """The header stays in sight and shows the names, and each page is landscape, one wide, with a header and number."""
    sheet: Any = book_of("normal")[title]
    assert sheet.freeze_panes is not None
    assert sheet.freeze_panes.endswith("2")
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (
        "landscape",
        1,
        0,
    )
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == "$1:$1"
    assert footer(sheet, "right") == "Page &P of &N"
    assert "Collected 2026-11-23 06:00 UTC" in footer(sheet, "left")
    lines_shown = (sheet.row_dimensions[1].height or 0) // 13
    for index, cell in enumerate(sheet[1], 1):
        dimension = sheet.column_dimensions[get_column_letter(index)]
        assert dimension.hidden or dimension.width * lines_shown >= len(str(cell.value)) + 2, cell.value
        assert dimension.width >= max(map(len, str(cell.value).split())) + 2, f"{cell.value} breaks within a word"
        assert cell.alignment.wrap_text
        below = {line[0].alignment.horizontal for line in sheet.iter_rows(min_row=2, min_col=index, max_col=index)
                 if line[0].value is not None and not str(line[0].value).startswith("No rows: ")}  # fmt: skip
        assert below <= {cell.alignment.horizontal}, f"{cell.value} stands elsewhere than its cells"


@pytest.mark.parametrize("title", COLUMNS)
def test_columns(title: str) -> None:
    """A sheet has the columns of its table under the names that people know, no two of them alike."""
    book = book_of("normal")
    names, heads = column_names(book, title), [str(cell.value) for cell in book[title][1]]
    assert {*COLUMNS[title].names} <= {*names}
    assert len({head.casefold() for head in heads}) == len(heads)
    assert not [head for head in heads if "_" in head or head[:1] != head[:1].upper()]


def test_the_order_in_which_people_read() -> None:
    """The models begin with what people look for."""
    heads = [cell.value for cell in book_of("normal")["Models"][1]]
    assert heads[:6] == ["Server", "Model", "Key", "Params", "Quantization", "Size"]
    assert heads[6:9] == ["Loaded", "Max context", "Publisher"]
    assert heads[-1] == "Ordinal"
    assert book_of("normal")["Models"].column_dimensions[get_column_letter(len(heads))].hidden


def test_what_nobody_reports_is_folded_away() -> None:
    """A column that is empty in every row is folded away; one with a value, or of a sheet without rows, is not."""
    book = opened(Report(with_instance()))
    for title, content in (("Models", schema.MODELS), ("Instances", schema.INSTANCES)):
        (row,) = table(book, title)
        for index, name in enumerate(column_names(book, title), 1):
            folded = row[name] is None or name.endswith("ordinal")
            assert book[title].column_dimensions[get_column_letter(index)].hidden == folded, name
        assert {*content.names} <= {*column_names(book, title)}
    empty = opened(Report(snapshot()))
    dimensions = empty["Models"].column_dimensions
    hidden = [name for index, name in enumerate(column_names(empty, "Models"), 1)
              if dimensions[get_column_letter(index)].hidden]  # fmt: skip
    assert hidden == ["ordinal"]


def test_an_ordinal_that_tells_something_is_shown() -> None:
    """Where a key stands twice, the number of the row is in sight."""
    book = opened(Report(snapshot([model("a"), model("a", ordinal=1)])))
    place = column_names(book, "Models").index("ordinal") + 1
    assert not book["Models"].column_dimensions[get_column_letter(place)].hidden


def test_changes() -> None:
    """The sheet Changes holds every change as it is in the table, and beside it in words."""
    overview = STATES["normal"]
    assert overview.changes is not None
    result = table(opened(overview), "Changes")
    lines = describe_changes(overview.changes).lines
    assert len(result) == overview.changes.table.num_rows == len(lines)
    for cells, row, line in zip(result, rows(overview.changes.table), lines, strict=True):
        moment = row.pop("observed_at")
        assert {name: cells[name] for name in row} == row
        assert abs(cells["observed_at"].replace(tzinfo=UTC) - moment) < timedelta(milliseconds=1)  # Excel's precision
        assert (cells["what"], cells["before"] or "", cells["after"] or "") == (line.what, line.before, line.after)
        assert cells["size_difference"] == line.size_difference
    assert [row["size_difference"] for row in result if row["what"] == "Size"] == [2 * 10**9]


@pytest.mark.parametrize(
    ("title", "column", "words"),
    [
        ("Changes", "change", set(schema.CHANGES_WORDS)),
        ("Observations", "status", set(schema.STATUSES) - {"ok"}),
        ("Servers", "status", set(schema.STATUSES) - {"ok"}),
        ("Runs", "status", {"failed", "partial", "suspect"}),
    ],
)
def test_rows_are_coloured_by_their_word(title: str, column: str, words: set[str]) -> None:
    """Rules colour whole rows by the word in them, so that sorting keeps the colours; each word has one colour."""
    sheet = book_of("normal")[title]
    letter = get_column_letter(column_names(book_of("normal"), title).index(column) + 1)
    coloured: list[str] = []
    for place in sheet.conditional_formatting:
        for rule in place.rules:
            if rule.dxf and rule.dxf.fill:
                assert str(place.sqref) == f"A2:{next(iter(sheet.tables.values())).ref.partition(':')[2]}"
                assert rule.formula[0].count(f"${letter}2=") == rule.formula[0].count("=")
                coloured += re.findall('"([a-z_]+)"', rule.formula[0])
    assert words <= set(coloured)
    assert len(coloured) == len(set(coloured))


def test_observations(tmp_path: Path) -> None:
    """The observations tell length and SHA-256 of each body, who was not compared and why, and the tool's version."""
    original = collected(tmp_path, [{"key": "a"}])
    body = (tmp_path / "answer.json").read_bytes()
    other = snapshot([model("b", server="away")])
    (row,) = table(opened(Report(original, inventory.compare(other, original), "then")), "Observations")
    assert (row["payload_bytes"], row["payload_digest"]) == (len(body), sha256(body).hexdigest())
    assert row["not_compared"]
    assert row["tool_version"] == inventory.__version__


def test_runs() -> None:
    """The sheet Runs tells of each run what it read, and the size of the state, apart if a server was not read."""
    runs = [run(0, 5), run(1, None), run(2, 7, servers=2)]
    result = table(opened(changed([], [], runs)), "Runs")
    assert [row["run_id"] for row in result] == [item["run_id"] for item in runs]
    assert [row["size_bytes"] for row in result] == [5, None, 7]
    assert [(row["size_measured"], row["size_incomplete"]) for row in result] == [(5, None), (None, 5), (7, 7)]
    assert [row["state_model_count"] for row in result] == [1, 1, 1]
    assert [row["label"] for row in result] == ["01 Nov", "02 Nov", "03 Nov"]
    hourly = table(opened(changed([], [], [run(0), run(0.5)])), "Runs")  # type: ignore[arg-type]
    assert [row["label"] for row in hourly] == ["01 Nov 06:00", "01 Nov 18:00"]


def test_breakdown() -> None:
    """The sheet Breakdown sums up by each field; what is not reported is said in words for the charts."""
    models = [model("a", 3), model("b", 1, publisher=None), model("c", None, publisher=""), model("d", 4, format="f")]
    result = table(opened(Report(snapshot(models))), "Breakdown")
    publishers = [row for row in result if row["by"] == "publisher"]
    assert [(row["label"], row["model_count"], row["size_bytes"]) for row in publishers] == [
        ("p", 2, 7),
        ("(not reported)", 1, 1),
        ('""', 1, None),
    ]
    assert {row["by"] for row in result} == {"publisher", "quantization", "architecture", "format", "server"}
    assert sum(row["share"] for row in publishers if row["share"]) == pytest.approx(1)


def test_dictionary() -> None:
    """The Dictionary explains every column of every table, in their order, and says what other files call it."""
    book = book_of("normal")
    result = table(book, "Dictionary")
    texts = [(row["sheet"], row["column"]) for row in result]
    assert texts == [(title, cell.value) for title in TABLE_TITLES[:-1] for cell in book[title][1]]
    assert all(row["meaning"] and row["type"] for row in result)
    size = next(row for row in result if (row["sheet"], row["column"]) == ("Models", "Size"))
    assert (size["name"], size["unit"], size["json_path"]) == ("size_bytes", "bytes", "models[].size_bytes")


@pytest.mark.parametrize("grain", schema.GRAINS)
def test_one_grain(tmp_path: Path, grain: str) -> None:
    """A snapshot that was read from a file of one grain has no sheet of the other."""
    fleet().write(tmp_path / "x.csv", grain)
    inventory.read(tmp_path / "x.csv").write(tmp_path / "x.xlsx")
    (other,) = set(schema.GRAINS) - {grain}
    lacking = schema.GRAIN_TABLES[other].name.capitalize()
    assert openpyxl.load_workbook(tmp_path / "x.xlsx").sheetnames == [item for item in TITLES if item != lacking]


def test_params() -> None:
    """Parameters stand there as text and as a number; what is not reported is an empty cell, not FALSE or 0."""
    models = [model("a", params_string="35B-A3B", params_count=35 * 10**9), model("b", None)]
    book = opened(Report(snapshot(models)))
    sheet = book["Models"]
    cells = {name: get_column_letter(index) for index, name in enumerate(column_names(book, "Models"), 1)}
    assert sheet[f"{cells['params_string']}2"].value == "35B-A3B"
    assert sheet[f"{cells['params_count']}2"].value == 35 * 10**9
    assert sheet[f"{cells['params_count']}2"].number_format == '#,##0.00,,," B"'
    empty = ("params_count", "capabilities_vision", "size_bytes", "max_context_length")
    assert [sheet[f"{cells[name]}3"].value for name in empty] == [None] * 4
