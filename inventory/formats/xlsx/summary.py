"""The first sheet of a workbook: what a person wants to know of a run, on one printed page."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink

from inventory import schema
from inventory.about import VERSION
from inventory.formats.xlsx import styles
from inventory.formats.xlsx.cells import short
from inventory.formats.xlsx.page import FONTS, PER_COLUMN, Page
from inventory.formats.xlsx.sheets import Sheet, new_sheet, print_as
from inventory.formats.xlsx.summary_charts import add_space, add_trend
from inventory.report.facts import collection_status, key_figures, lines, moment_text, no_changes_text
from inventory.tables import rows
from inventory.terminal.changes import signed_size
from inventory.text import count, wrap

if TYPE_CHECKING:
    from inventory.report.facts import ChangeLine, Report

_COLUMNS = {"Change": 17, "Server": 19, "Model": 30, "What": 31, "Before": 21, "After": 21, "Size difference": 17}
"""The columns between the margins, with their widths; those of one server have no column for it."""

_LINES = 15
"""How many changes are shown; the sheet Changes shows all."""

_NAMES = 3  # servers that are named in the banner; of more the number is told
_WIDE = 9  # characters of a figure that fit onto a card in large type


def add_summary(book: Workbook, overview: "Report", sheets: Mapping[str, Sheet], footer: str) -> None:
    """Add the sheet Summary.

    Args:
        book: where to.
        overview: what is summed up.
        sheets: the data sheets by title, for the charts.
        footer: what is printed at the foot of the page.
    """
    sheet = new_sheet(book, "Summary")
    sheet.sheet_view.showGridLines = False
    print_as(sheet, "Summary", footer, "portrait", height=1)
    several = overview.snapshot.tables["observations"].num_rows > 1
    names = [name for name in _COLUMNS if several or name != "Server"]
    page = Page(sheet, [_COLUMNS[name] for name in names])
    _banner(page, overview)
    _state(page, overview)
    _cards(page, overview)
    _changes(page, overview, names)
    if overview.snapshot.anything_read:
        add_space(page, sheets["Breakdown"], several=several)
    add_trend(page, sheets["Runs"])
    sheet.print_area = f"A1:{get_column_letter(len(names) + 2)}{page.row}"


def _banner(page: Page, overview: "Report") -> None:
    observed = rows(overview.snapshot.tables["observations"])
    names = [row["server"] for row in observed]
    who = count(len(names), "server")
    if len(names) == 1:
        who = short(observed[0]["url"] or names[0], 60)
    elif len(names) <= _NAMES:
        who = ", ".join(short(name, 20) for name in names)
    read = overview.snapshot.anything_read
    parts = [who, f"{'collected' if read else 'attempted'} {moment_text(overview.snapshot.observed_at, overview.zone)}"]
    before = [run["collected_at"] for run in overview.runs if run["status"] in ("ok", "partial")]
    if overview.changes and read:
        parts.append(f"compared with {short(overview.since, 40)}")
    elif not read and before:
        parts.append(f"last read {before[-1]:%Y-%m-%d %H:%M} UTC")
    parts.append(f"lms-inventory {VERSION}")
    look = {"fill": styles.fill(styles.NAVY)}
    edge = page.cell("", **look)
    page.add(34, page.across("LM Studio model inventory", font=FONTS["title"], **look), margins=edge)
    text = short("  \u00b7  ".join(parts), page.room)
    page.add(22, page.across(text, font=FONTS["subtitle"], **look), margins=edge)
    page.add(7)


def _state(page: Page, overview: "Report") -> None:
    found = collection_status(overview)
    look = {"font": FONTS[found.level], "fill": styles.fill(styles.LEVELS[found.level][1])}
    for line in wrap(short(found.text, 3 * page.room), int(page.room * 0.85), "")[:4]:
        page.add(20, page.across(line, alignment=styles.INDENTED, **look))
    page.add(7)


def _cards(page: Page, overview: "Report") -> None:
    found = key_figures(overview)
    spare = len(page.widths) - len(found)  # with a column for the server, the first card has two
    behind = styles.fill(styles.MIST)
    for part, height in (("label", 18), ("value", 32), ("note", 19)):
        cells = {}
        for index in range(len(page.widths)):
            card = max(index - spare, 0)
            begins = index == 0 or card > 0
            sides = {"left": ("thick", styles.WHITE)} if begins and index else {}
            sides |= {"top": ("medium", styles.TEAL)} if part == "label" else {}
            text = getattr(found[card], part) if begins else ""
            font = "label" if part != "value" else "value" if len(text) <= _WIDE else "wide value"
            cells[index] = page.cell(
                text,
                font=FONTS[font],
                alignment=styles.INDENTED,
                fill=behind,
                border=styles.edge(**sides),
            )
        page.add(height, cells)


def _changes(page: Page, overview: "Report", names: Sequence[str]) -> None:
    changes = overview.changes
    compared = changes and overview.snapshot.anything_read
    page.heading(f"What changed since {short(overview.since, 60)}" if compared and overview.since else "What changed")
    if still := no_changes_text(overview):
        page.remark(still)
    if changes is None or not compared:
        return
    found = sorted(lines(changes), key=lambda line: schema.CHANGES_WORDS.index(line.word))
    if found:
        _table(page, found[:_LINES], names)
    if len(found) > _LINES:
        link = page.cell(f"and {len(found) - _LINES:,} more, in the sheet Changes", font=FONTS["link"])
        link.hyperlink = Hyperlink(ref="", location="Changes!A1")
        page.add(17, {0: link})
    if not_compared := changes.not_compared:
        reasons = ", ".join(f"{server} ({reason})" for server, reason in not_compared.items())
        page.remark(short(f"Not compared: {reasons}", page.room))


def _table(page: Page, found: "Sequence[ChangeLine]", names: Sequence[str]) -> None:
    under = styles.edge(bottom=("medium", styles.NAVY))
    page.add(
        17,
        {
            index: page.cell(name, font=FONTS["head"], border=under, alignment=_side(name))
            for index, name in enumerate(names)
        },
    )
    under = styles.edge(bottom=("thin", styles.LINE))
    for line in found:
        level = styles.WORDS[line.word]
        more = line.size_difference
        told = {
            "Change": line.word.capitalize(),
            "Server": line.server,
            "Model": line.name,
            "What": line.what + (f" ({line.hint})" if line.hint else ""),
            "Before": line.before,
            "After": line.after,
            "Size difference": "" if more is None else signed_size(more),
        }
        cells = {}
        for index, name in enumerate(names):
            text = short(told[name], int(page.widths[index] * PER_COLUMN) - 2)
            look = {"border": under, "alignment": _side(name)}
            if name == "Change":
                look |= {"font": FONTS[f"{level} word"], "fill": styles.fill(styles.LEVELS[level][1])}
            cells[index] = page.cell(text, **look)
        page.add(16.5, cells)


def _side(name: str) -> Any:
    return styles.RIGHT if name == "Size difference" else styles.INDENTED
