"""The first sheet of a workbook: it says at once what a person wants to know, on one page."""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from openpyxl.utils import range_boundaries
from support.snapshots import HOSTILE, snapshot
from support.workbooks import CET, SINCE, STATES, book_of, changed, model, opened, parts, run, texts

import inventory
from inventory import schema
from inventory.report.facts import Report
from inventory.report.palette import LIGHT, STATUS_TONES, TONES

EACH_STATE = pytest.mark.parametrize("name", STATES)
DRAWN = {
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
}


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, RRGGBB, as WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def charts(overview: Report) -> Iterator[tuple[str, list[str]]]:
    """The title of each chart and the cells that it is drawn from."""
    for name, body in parts(overview).items():
        if name.startswith("xl/charts/"):
            tree = ElementTree.fromstring(body)
            title = "".join(text.text or "" for text in tree.iterfind("c:chart/c:title//a:t", DRAWN))
            yield title, [str(result.text) for result in tree.iterfind(".//c:f", DRAWN)]


def test_contrast_itself() -> None:
    """Black on white has a contrast of 21, a colour on itself of 1."""
    assert contrast("000000", "FFFFFF") == pytest.approx(21)
    assert contrast("777777", "777777") == 1


@EACH_STATE
def test_contrast(name: str) -> None:
    """Every text of every sheet has a contrast of at least 4.5 to what is behind it, also where a rule colours it."""
    seen = set()
    for sheet in book_of(name):
        for row in sheet.iter_rows(max_row=min(60, sheet.max_row)):
            for cell in row:
                behind = cell.fill.fgColor.rgb[-6:] if cell.fill.fill_type else "FFFFFF"
                colour = cell.font.color.rgb if cell.font.color and isinstance(cell.font.color.rgb, str) else "FF000000"
                if cell.value is not None:
                    seen.add((colour[-6:], behind))
        for place in sheet.conditional_formatting:
            seen |= {
                (rule.dxf.font.color.rgb[-6:], rule.dxf.fill.bgColor.rgb[-6:])
                for rule in place.rules
                if rule.dxf and rule.dxf.fill
            }
    seen |= {("000000", LIGHT.pale_bar)}
    assert len(seen) > 6
    assert {pair for pair in seen if contrast(*pair) < 4.5} == set()


@EACH_STATE
def test_one_page(name: str) -> None:
    """It is printed on one page, and everything on it is within what is printed."""
    sheet: Any = book_of(name)["Summary"]
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 1)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    right, bottom = map(int, filter(None, range_boundaries(sheet.print_area.rpartition("!")[2].replace("$", ""))[2:]))
    assert sheet.max_column == right
    assert sheet.max_row <= bottom
    height = sum(sheet.row_dimensions[row].height for row in range(1, bottom + 1))
    width = sum(dimension.width for dimension in sheet.column_dimensions.values())
    assert height / width < 9.5  # A4 upright, so that the width decides how small it is printed


@EACH_STATE
def test_state_and_cards(name: str) -> None:
    """The banner says who, when and with what it is compared; the strip and the cards say what the overview says."""
    overview = STATES[name]
    messages = texts(opened(overview))
    assert messages[0] == "LM Studio model inventory"
    assert "2026-11-23 06:00:04 UTC" in messages[1]
    assert ("(07:00 CET)" in messages[1]) == (overview.zone is CET)
    assert (f"compared with {SINCE}" in messages[1]) == (overview.changes is not None)
    assert f"lms-inventory {inventory.__version__}" in messages[1]
    assert overview.status.text.split()[:3] == messages[2].split()[:3]
    result = overview.key_figures
    at = messages.index(result[0].label)
    assert messages[at : at + 6] == [card.label for card in result]
    assert messages[at + 6 : at + 12] == [card.value for card in result]
    assert messages[at + 12 : at + 18] == [card.note for card in result]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("first run", "This is the first run; there is nothing to compare it with"),
        ("nothing around it", "No earlier snapshot to compare with"),
        ("no models", "No models"),
        ("no changes", "No changes"),
        ("no sizes", "No model reports its size"),
        ("failed", "Not compared: the collection failed"),
        ("first run", "The trend begins with the second run in a history"),
        ("many changes", "and 35 added more, in the sheet Changes"),
    ],
)
def test_words_for_nothing(name: str, told: str) -> None:
    """Where there is nothing to show it says so and why."""
    assert told in texts(book_of(name))


def test_changes() -> None:
    """The changes stand there in words, what is gone first; five of a kind, and a link to the others."""
    messages = texts(book_of("normal"))
    at = messages.index("Change")
    assert f"What changed since {SINCE}" in messages[:at]
    assert messages[at : at + 6] == ["Change", "Model", "What", "Before", "After", "Size difference"]
    assert messages[at + 6 : at + 11] == ["Removed", "B", "Model", "Q4_K_M \u00b7 2.00 GB", "\u22122.00 GB"]
    shown = [text for text in messages[at:] if text in ("Added", "Removed", "Reconfigured")]
    assert shown == ["Removed", "Added", *["Reconfigured"] * 2]
    sheet = book_of("many changes")["Summary"]
    assert [cell.value for cell in sheet["B"]].count("Added") == 5
    (link,) = [cell.hyperlink for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    assert link.location == "Changes!A1"


def test_fleet() -> None:
    """Of several servers each change says which, those not compared are named, and two more charts appear."""
    messages = texts(book_of("fleet"))
    at = messages.index("Renamed")
    assert re.fullmatch(r"server-\d+", messages[at + 1])
    assert any(text.startswith("Not compared: server-1") for text in messages)
    assert [title for title, _ in charts(STATES["fleet"])][:4] == [
        "Size by publisher (GB, top 10 of 24)",
        "Size by quantization (GB)",
        "Size by server (GB, top 10 of 24)",
        "Size by architecture (GB)",
    ]
    assert "Server" not in texts(book_of("normal"))


def test_bars() -> None:
    """The bars are drawn from the cells of the sheet Breakdown that tell what their titles say."""
    sizes = {f"p{n:02}": n * 10**9 for n in range(1, 13)}
    overview = Report(snapshot([model(name, size, publisher=name) for name, size in sizes.items()]))
    book, (title, cells) = opened(overview), next(charts(overview))
    assert title == "Size by publisher (GB, top 10 of 12)"
    shown = []
    for item in cells:
        sheet, _, where = item.rpartition("!")
        shown.append([cell.value for (cell,) in book[sheet.strip("'")][where.replace("$", "")]])
    assert len(shown) == 2
    assert list(reversed(sizes.values()))[:10] in shown
    assert list(reversed(sizes))[:10] in shown


def test_trend() -> None:
    """The line has a gap where a run failed, which has a mark; both charts show thirty runs of the sheet Runs."""
    runs = [run(n, None if n == 35 else n, servers=2, read=1 if n == 40 else 2) for n in range(50)]
    overview = changed([], [], runs)
    book, result = opened(overview), dict(charts(overview))
    assert set(result) == {"Size on disk (GB, last 30 of 50 runs)", "Changes per run (last 30 of 50 runs)"}
    (line,) = (body for body in parts(overview).values() if b"lineChart" in body)
    assert b'<dispBlanksAs val="gap"' in line or b'dispBlanksAs val="gap"' in line
    shown = []
    for item in result["Size on disk (GB, last 30 of 50 runs)"]:
        where = item.rpartition("!")[2].replace("$", "")
        shown.append([cell.value for (cell,) in book["Runs"][where]])
    assert [None if n == 35 else n for n in range(20, 50)] in shown
    assert [{35: 34, 40: 40}.get(n) for n in range(20, 50)] in shown
    assert len(shown[0]) == 30


@EACH_STATE
def test_charts_are_told(name: str) -> None:
    """Every chart has a text for those who cannot see it, and lies on cells that are printed."""
    drawn = [
        body.decode() for part, body in parts(STATES[name]).items() if re.fullmatch("xl/drawings/drawing1.xml", part)
    ]
    number = len(list(charts(STATES[name])))
    output = re.findall(r'<(?:\w+:)?cNvPr [^>]*descr="([^"]+)"', "".join(drawn))
    assert len(output) == number
    assert all(re.match("(Bar|Line|Column) chart of the ", text) for text in output)


@pytest.mark.long
def test_long_and_hostile_names() -> None:
    """Names of any length and script fit into their cells, dots say where they were cut, and all are texts."""
    sheet = book_of("names")["Summary"]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert all(cell.data_type in ("s", "inlineStr") for cell in cells)
    assert max(len(str(cell.value)) for cell in cells) < 200
    server = "=" + "s" * 300
    overview = Report(snapshot([model("k", server=server)], url=None))
    banner = opened(overview)["Summary"]["B2"]
    assert banner.value.startswith("=sss")
    assert "..." in banner.value
    assert banner.quotePrefix
    for start in range(0, len(HOSTILE), 30):
        after = [model(f"k{n}", display_name=text) for n, text in enumerate(HOSTILE[start : start + 30])]
        result = opened(changed([], after, []))["Summary"]
        values = [cell for row in result.iter_rows() for cell in row if cell.value is not None]
        assert all(cell.data_type in ("s", "inlineStr") for cell in values)


def test_every_word_has_a_look() -> None:
    """Every word of the changes and every status but ok has a colour."""
    assert set(TONES) == set(schema.CHANGES_WORDS)
    assert set(STATUS_TONES) >= set(schema.STATUSES) - {"ok"}
