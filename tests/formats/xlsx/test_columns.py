"""The columns of the data sheets: heads for people that are read back, labels, lists, and what a history tells."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter
from support.snapshots import MOMENT, fleet, same, snapshot
from support.workbooks import STATES, TABLE_TITLES, book_of, changed, model, opened, table, texts

import inventory
from inventory import Snapshot, schema
from inventory.formats.xlsx.cells import list_text, list_value
from inventory.formats.xlsx.columns import heads_of, in_reading_order, label_columns, names_of
from inventory.formats.xlsx.content import READ
from inventory.report.facts import Report
from inventory.report.history_facts import HistoryFacts
from inventory.schema import derived
from inventory.tables import rows, table_of

EVERY_TABLE = [
    *schema.TABLES.values(),
    *READ.values(),
    *(item for item in vars(derived).values() if isinstance(item, schema.Table)),
]


@pytest.mark.parametrize("item", EVERY_TABLE, ids=lambda item: item.name)
def test_heads_name_one_column_each(item: schema.Table) -> None:
    """In each table every head is another one, and leads back to its column; so does the technical name."""
    heads = heads_of(item)
    assert len({head.casefold() for head in heads}) == len(heads)
    assert names_of(heads, item) == [*item.names] == names_of(item.names, item)
    assert {*in_reading_order(item).names} == {*item.names}


def test_a_column_of_ones_own_hides_none() -> None:
    """Beside a technical name the head that means the same is somebody's own column."""
    assert names_of(["size_bytes", "Size", None, "x"], schema.MODELS) == ["size_bytes", "Size", None, "x"]


def test_a_workbook_with_technical_heads_is_read(tmp_path: Path) -> None:
    """A workbook whose columns are called as in CSV files, as older ones are, is read as it was."""
    path, original = tmp_path / "x.xlsx", fleet()
    original.write(path)
    book = openpyxl.load_workbook(path)
    for title in ("Models", "Instances", "Observations"):
        lines = book["Dictionary"].iter_rows(min_row=2, max_col=3, values_only=True)
        names = {head: name for sheet, head, name in lines if sheet == title}
        for cell in book[title][1]:
            cell.value = names[cell.value]
    book["Evidence"].title = "Cards"
    book["Observations"].title = "Evidence"
    book.save(path)
    result = inventory.read(path)
    assert not result.gaps.notes
    assert rows(inventory.compare(original, result).table) == []
    assert (
        result.tables["observations"]
        .column("payload_digest")
        .equals(original.tables["observations"].column("payload_digest"))
    )


@given(items=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(["a, b", "["])))
@pytest.mark.parametrize("name", ["variants", "warnings"])
def test_lists_come_back(name: str, items: list[str]) -> None:
    """Whatever a list holds, what its cell shows is read as the same list; plain items stand there as they are."""
    value = json.dumps(items, ensure_ascii=False)
    assert list_value(list_text(value, name), name) == value
    if items and all(item.isalnum() for item in items):
        assert list_text(value, name) == {"variants": ", ", "warnings": " \u00b7 "}[name].join(items)


def labelled(labels: dict[str, str], **fields: Any) -> Snapshot:
    """A run over one server with labels."""
    text = json.dumps(labels, ensure_ascii=False, sort_keys=True)
    return snapshot([model("a", **fields)], labels=text, as_of=MOMENT)


LABELS = {"owner": "ann", "site": "=Rome", "size": "large", "Size": "L", "SIZE": "XL", "Label": "", "first seen": "x"}


def test_labels(tmp_path: Path) -> None:
    """Each label is a column of the models, the instances and the servers, whatever it is called; none is read back."""
    original = labelled(LABELS)
    original.write(tmp_path / "x.xlsx")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    (row,) = table(book, "Models")
    assert {name: row[f"label_{name}"] or "" for name in LABELS} == LABELS
    (row,) = table(book, "Servers")
    assert row["label_owner"] == "ann"
    heads = [str(cell.value) for cell in book["Models"][1]]
    assert {"Owner", "Site", "Size", "SIZE (label)", "Size (label 2)", "size (label 3)"} <= {*heads}
    assert len({head.casefold() for head in heads}) == len(heads)
    result = inventory.read(tmp_path / "x.xlsx")
    assert not result.gaps.notes
    same(original, result)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50), unique=True))
def test_labels_have_heads_of_their_own(labels: list[str]) -> None:
    """Labels of any names, long or alike, get different heads, none of which is one of a column."""
    item = schema.Table("x", "", (*schema.MODELS.columns, *label_columns(labels)))
    heads = heads_of(item)
    assert len({head.casefold() for head in heads}) == len(heads)
    assert heads[: len(schema.MODELS.names)] == heads_of(schema.MODELS)


def filled(kind: schema.Table, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of a table of which some columns have values."""
    return table_of(kind, [dict.fromkeys(kind.names) | row for row in rows])


DAY = datetime(2026, 11, 1, 6, tzinfo=UTC)


def test_what_a_history_tells(tmp_path: Path) -> None:
    """Models say since when they are there and when they were loaded last; a change says which run saw it."""
    before, after = snapshot([model("a"), model("b")]), snapshot([model("a", 5), model("c", 7, publisher="q")])
    life = {"server": "s", "first_seen": DAY}
    known = [life | {"key": "a", "last_loaded": MOMENT}, life | {"key": "c"}]
    change = {"server": "s", "grain": "model", "key": "c", "ordinal": 0, "run_id": "run-7"}
    facts = HistoryFacts(filled(derived.LIFECYCLE, known), [], filled(derived.TIMELINE, [change]))
    report = Report(after, inventory.compare(before, after), "then", read_history=lambda: facts)
    book = opened(report)
    lives = [(row["key"], row["first_seen"], row["last_loaded"]) for row in table(book, "Models")]
    assert [key for key, _, _ in lives] == ["a", "c"]
    assert [first == DAY.replace(tzinfo=None) for _, first, _ in lives] == [True, True]
    assert lives[0][2] is not None
    assert lives[1][2] is None
    assert {row["key"]: row["seen_in_run"] for row in table(book, "Changes")} == {"a": None, "b": None, "c": "run-7"}
    book.save(tmp_path / "x.xlsx")
    assert not inventory.read(tmp_path / "x.xlsx").gaps.notes
    assert "first_seen" not in table(opened(Report(after)), "Models")[0]


def test_servers() -> None:
    """Without a history the sheet Servers tells what the run itself knows; an unread server has no counts."""
    read = table(opened(Report(snapshot([model("a")], model_count=1, size_bytes=10**9))), "Servers")
    assert [(row["server"], row["status"], row["model_count"], row["size_bytes"]) for row in read] == [
        ("s", "ok", 1, 10**9)
    ]
    (unread,) = table(opened(Report(snapshot(status="timeout", error="no answer", model_count=0))), "Servers")
    assert (unread["status"], unread["last_read"], unread["model_count"]) == ("timeout", None, None)
    known = dict.fromkeys(derived.SERVERS.names) | {"server": "s", "status": "ok", "runs_asked": 30, "runs_read": 27}
    report = Report(snapshot([model("a")]), read_history=lambda: HistoryFacts(servers=[known, {"server": "other"}]))
    (row,) = table(opened(report), "Servers")
    assert (row["runs_asked"], row["runs_read"]) == (30, 27)


def test_servers_on_the_summary() -> None:
    """The Summary lists several servers, those that were not read first, and leads to the sheet with all of them."""
    messages = texts(book_of("fleet"))
    at = messages.index("Read now")
    assert messages[at : at + 7] == ["Read now", "Server", "Last read (UTC)", "Changes", "Models", "Loaded", "Size"]
    assert messages[at + 7 : at + 10] == ["no", "server-1", "never"]
    assert "and 25 more, in the sheet Servers" in messages
    assert "Read now" not in texts(book_of("normal"))


def test_evidence_cards() -> None:
    """A server has a card on an upright page, with its digests whole; every cell is a text."""
    digest = "0123456789abcdef" * 4
    warned = json.dumps(["one, two", "three"])
    report = Report(snapshot([model("a", server="=s")], payload_digest=digest, warnings=warned, labels='{"site": "R"}'))
    sheet: Any = opened(report)["Evidence"]
    assert sheet.page_setup.orientation == "portrait"
    assert not sheet.sheet_properties.pageSetUpPr.fitToPage  # Excel would ignore where its pages end
    cells = {row[0].value: row[1].value for row in sheet.iter_rows()}
    assert cells["SHA-256 of the answer"] == digest
    assert cells["Warnings"] == "one, two \u00b7 three"
    assert cells["Labels"] == "site: R"
    assert cells["Status"] == "read completely"
    assert sheet["A1"].value == "=s"
    assert all(cell.data_type in ("s", "inlineStr") and cell.quotePrefix for row in sheet.iter_rows(max_col=1)
               for cell in row if cell.value)  # fmt: skip


def test_cards_stay_whole_on_paper() -> None:
    """A page of cards ends between two of them."""
    sheet: Any = book_of("fleet")["Evidence"]
    ends = [page.id for page in sheet.row_breaks.brk]
    assert ends
    assert all(sheet.cell(row, 1).value is None and sheet.cell(row + 1, 2).value is None for row in ends)


@pytest.mark.parametrize(
    ("name", "title", "why"),
    [
        ("failed", "Models", "no server was read"),
        ("no models", "Models", "the servers have no models"),
        ("no models", "Breakdown", "the servers have no models"),
        ("normal", "Instances", "no model is loaded"),
        ("no changes", "Changes", "no changes"),
        ("first run", "Changes", "this is the first run; there is nothing to compare it with"),
        ("nothing around it", "Runs", "the report was made without a history"),
    ],
)
def test_an_empty_sheet_says_why(name: str, title: str, why: str, tmp_path: Path) -> None:
    """Below a table without rows stands why, which is not read as a row."""
    book = opened(STATES[name])
    assert texts(book, title)[-1] == f"No rows: {why}"
    assert table(book, title) == []
    book.save(tmp_path / "x.xlsx")
    assert not inventory.read(tmp_path / "x.xlsx").gaps.notes


def test_footers_say_what_is_shown() -> None:
    """The foot of a page says of a state that it is one, of a single run when it was collected."""
    single = snapshot([model("a")])
    state = Snapshot(single.tables, state_of="20261123T060004.123456Z-3f9a")
    for taken, words in ((single, "Collected 2026-11-23 06:00 UTC"), (state, "State at 2026-11-23 06:00 UTC")):
        for sheet in opened(Report(taken)):
            footer: Any = sheet.oddFooter
            assert footer.left.text.startswith(words), sheet.title


@pytest.mark.parametrize("name", ["normal", "fleet", "failed"])
def test_every_table_has_a_header_row(name: str) -> None:
    """Readers for the blind are told that the first row of each table is its header, and it is repeated on paper."""
    book = book_of(name)
    for title in TABLE_TITLES:
        sheet = book[title]
        (item,) = sheet.tables.values()
        assert item.headerRowCount == 1, title
        assert sheet.print_title_rows == "$1:$1", title
        assert all(cell.value and cell.font.bold for cell in sheet[1]), title


def test_charts_are_drawn_from_hidden_columns() -> None:
    """A chart shows cells whose column is folded away, or it would be empty."""
    book = opened(changed([model("a")], [model("a"), model("b")], []))
    assert book["Breakdown"].column_dimensions[get_column_letter(6)].hidden
    summary: Any = book["Summary"]
    assert [chart.visible_cells_only for chart in summary._charts] == [False] * 2
