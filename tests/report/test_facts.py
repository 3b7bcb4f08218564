"""The facts of a report, before any format shows them in its own way."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import openpyxl
import pyarrow as pa
import pytest
from support.html_pages import Page
from support.snapshots import snapshot
from support.workbooks import STATES, changed, model, run

import inventory
from inventory import Snapshot
from inventory.formats import html, md, xlsx
from inventory.report.change_lines import describe_changes
from inventory.report.facts import SECTIONS, Report
from inventory.text import moment_text

MOMENT = datetime(2026, 11, 23, 23, 30, 4, tzinfo=UTC)


def html_texts(report: Report) -> list[str]:
    """The texts of the page."""
    return Page(html.encode(report, "both").decode()).texts


def markdown_texts(report: Report) -> list[str]:
    """The cells, headings and paragraphs of the Markdown, without its marks."""
    text = md.encode(report, "both").decode().replace("`", "")
    return [part.strip() for part in re.split(r"[|\n]", re.sub(r"^#+ |\*\*", "", text, flags=re.MULTILINE))]


def workbook_texts(report: Report) -> list[str]:
    """The texts of the sheet Summary, and the titles of the sheets."""
    book = openpyxl.load_workbook(BytesIO(xlsx.encode(report, "both")))
    cells = [str(cell.value) for row in book["Summary"].iter_rows() for cell in row if cell.value is not None]
    return [*cells, *book.sheetnames]


FORMS = {"html": html_texts, "md": markdown_texts, "xlsx": workbook_texts}


@pytest.mark.parametrize(
    ("hours", "name", "local"),
    [
        (None, "", ""),
        (0, "GMT", ""),
        (-5, "EST", " (18:30 EST)"),
        (1, "CET", " (2026-11-24 00:30 CET)"),
    ],
)
def test_moments(hours: int | None, name: str, local: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In UTC, and where the reader is if that is known: another time, and the day too if it is another."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")  # which is nobody's business here
    time.tzset()
    try:
        zone = None if hours is None else timezone(timedelta(hours=hours), name)
        assert moment_text(MOMENT, zone) == f"2026-11-23 23:30:04 UTC{local}"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert moment_text(None, UTC) == "at an unknown time"


@pytest.mark.parametrize(("old", "new", "difference"), [(None, 5, None), (5, None, None), (5, 7, 2), (7, 5, -2)])
def test_a_size_that_was_not_known_is_no_growth(old: int | None, new: int | None, difference: int | None) -> None:
    """The growth of a model is given where both sizes are known."""
    same = {"server": "s", "key": "same", "ordinal": 0, "size_bytes": 1}  # or the field would be news of the server
    before, after = (snapshot([{**same, "key": "k", "size_bytes": size}, same]) for size in (old, new))
    lines = describe_changes(inventory.compare(before, after)).lines
    assert [line.size_difference for line in lines] == [difference]


@pytest.mark.parametrize(
    ("statuses", "level", "text"),
    [
        (("suspect",), "warn", "0 of 1 server read; why"),
        (("timeout",), "bad", "0 of 1 server read; why"),
        (("timeout", "suspect"), "warn", "0 of 2 servers read; 0 timeout; 1 suspect"),
        (("timeout", "too_old"), "bad", "0 of 2 servers read; 0 timeout; 1 too old"),
        (("ok", "timeout"), "warn", "1 of 2 servers read; 1 timeout"),
        (
            ("ok", *["timeout"] * 3, "invalid"),
            "warn",
            "1 of 5 servers read; 1, 2 and 2 more not read (3 timeout, 1 invalid)",
        ),
        (("ok", "ok"), "good", "2 of 2 servers read"),
    ],
)
def test_statuses(statuses: tuple[str, ...], level: str, text: str) -> None:
    """A run in which every server failed is another thing than one in which an answer is in doubt."""
    parts = [
        snapshot([{"server": str(n), "key": "k", "ordinal": 0}], status=item, error=None if item == "ok" else "why")
        for n, item in enumerate(statuses)
    ]
    names = parts[0].tables
    report = Report(Snapshot({name: pa.concat_tables([part.tables[name] for part in parts]) for name in names}))
    assert report.status.level == level
    assert report.status.text == text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("state", ["normal", "fleet", "first run", "no sizes"])
def test_every_form_has_the_same_sections(form: str, state: str) -> None:
    """Each section stands in each form under the same title; a new one that a form lacks fails here."""
    texts = FORMS[form](STATES[state])
    for title in SECTIONS:
        assert [text for text in texts if text == title or text.startswith(f"{title} ")], title


@pytest.mark.parametrize("texts_of", FORMS.values(), ids=list(FORMS))
def test_every_form_says_the_same(texts_of: Callable[[Report], list[str]]) -> None:
    """The largest models, the figures, the changes and the trend are the same words in each form."""
    before = [model("small", 10**9), model("gone", 3 * 10**9, capabilities_vision=True)]
    after = [model("small", 10**9), model("large", 7 * 10**9, capabilities_vision=True)]
    report = changed(before, after, [run(0, 4 * 10**9), run(1, 8 * 10**9)])
    texts = texts_of(report)
    assert report.largest is not None
    assert [row["key"] for row in report.largest.rows] == ["large", "small"]
    expected = {"Largest models", "large", "7.00 GB", "Params", "Max context", "Loaded instances"}
    expected |= {"+4.00 GB since then", "+1 / \u22121", "+7.00 GB", "\u22123.00 GB"}
    assert {text for text in expected if text not in texts} == set()
    assert texts.index("large") < texts.index("small")


@pytest.mark.parametrize("texts_of", FORMS.values(), ids=list(FORMS))
def test_every_form_says_what_is_missing(texts_of: Callable[[Report], list[str]]) -> None:
    """Why a section is empty is said in the same words."""
    texts = " ".join(texts_of(Report(snapshot([model("a", None)]))))
    for note in (
        "No earlier snapshot to compare with",
        "No model reports its size",
        "The trend begins with the second",
    ):
        assert note in texts


def test_sections_are_established_once() -> None:
    """A form gets the same object however often it asks for a section."""
    report = STATES["fleet"]
    for name in ("status", "key_figures", "what_changed", "largest", "space", "trend", "row_tables", "evidence"):
        assert getattr(report, name) is getattr(report, name), name


def test_space_of_several_servers() -> None:
    """Of several servers the breakdowns by server and architecture are shown too."""
    item = Report(snapshot([model("a")]))
    several = Report(snapshot([model("a"), model("b", server="t")]))
    fields = [[breakdown.by for breakdown in report.space.breakdowns] for report in (item, several) if report.space]
    assert fields == [["publisher", "quantization"], ["publisher", "quantization", "server", "architecture"]]
