"""The first sheet of a workbook: the sections of ``Report`` on one printed page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink

from inventory.about import SIGNATURE
from inventory.formats.xlsx import styles
from inventory.formats.xlsx.cells import short
from inventory.formats.xlsx.sheets import Sheet, new_sheet, print_as
from inventory.formats.xlsx.summary.charts import add_space, add_trend
from inventory.formats.xlsx.summary.page import FONTS, PER_COLUMN, Page
from inventory.report.findings import TONES as FINDING_TONES
from inventory.report.palette import LIGHT, TONES
from inventory.report.row_tables import is_number
from inventory.text import format_value, integer, signed_size, size, utc_text, wrap

if TYPE_CHECKING:
    from inventory.report.change_words import ChangeLine
    from inventory.report.facts import Report

_COLUMNS = {"Change": 17, "Server": 19, "Model": 30, "What": 31, "Before": 24, "After": 24, "Size difference": 17}
"""The columns between the margins, with their widths; those of one server have no column for it."""

_WORDS = ("removed", "added", "renamed", "reconfigured", "unreported", "reported", "unloaded", "loaded")
"""The words of changes in the order in which they are shown: what is gone comes first."""

_LINES, _OF_EACH = 20, 5
"""How many changes are shown, and how many of each word at most; the sheet Changes shows all."""

_SERVERS = 5
"""How many servers are shown, those with a problem first; the sheet Servers shows all."""

_SERVER_COLUMNS = ("Read now", "Server", "Last read (UTC)", "Changes", "Models", "Loaded", "Size")

_FINDINGS = 8
"""How many findings are shown; the sheet Findings shows all."""

_LARGEST = 5
"""How many of the largest models are shown; the sheet Models shows all."""

_FEWEST = 2  # servers that are shown as a table
_PART = 60  # columns of a part of the banner
_WIDE = 9  # characters of a figure that fit onto a card in large type


def add_summary(book: Workbook, report: "Report", sheets: Mapping[str, Sheet], footer: str) -> None:
    """Add the sheet Summary. To add a section: a function here, and its call.

    Args:
        book: the workbook.
        report: what is summed up.
        sheets: the data sheets by title, for the charts.
        footer: what is printed at the foot of the page.
    """
    sheet = new_sheet(book, "Summary")
    sheet.sheet_view.showGridLines = False
    print_as(sheet, "Summary", footer, "portrait", height=1)
    names = [name for name in _COLUMNS if report.several or name != "Server"]
    page = Page(sheet, [_COLUMNS[name] for name in names])
    _banner(page, report)
    _status(page, report)
    _cards(page, report)
    _findings(page, report, names)
    _changes(page, report, names)
    _servers(page, report)
    _largest(page, report)
    add_space(page, report, sheets["Breakdown"])
    add_trend(page, report, sheets["Runs"])
    sheet.print_area = f"A1:{get_column_letter(len(names) + 2)}{page.row}"


def _banner(page: Page, report: "Report") -> None:
    look = {"fill": styles.fill(LIGHT.banner)}
    edge = page.cell("", **look)
    page.add(34, page.across(short(report.title, page.room), font=FONTS["title"], **look), margins=edge)
    parts = [f"{words} {short(name, _PART)}".lstrip() for words, name in [*report.banner, SIGNATURE]]
    text = short("  \u00b7  ".join(parts), page.room)
    page.add(22, page.across(text, font=FONTS["subtitle"], **look), margins=edge)
    page.add(7)


def _status(page: Page, report: "Report") -> None:
    level = report.status.level
    look = {"font": FONTS[level], "fill": styles.fill(styles.LEVELS[level][1])}
    for line in wrap(short(report.status.text, 3 * page.room), int(page.room * 0.85), "")[:4]:
        page.add(20, page.across(line, alignment=styles.INDENTED, **look))
    page.add(7)


def _cards(page: Page, report: "Report") -> None:
    figures = report.key_figures
    # With a column for the server, the first card has two columns.
    spare = len(page.widths) - len(figures)
    behind = styles.fill(LIGHT.panel)
    for part, height in (("label", 18), ("value", 32), ("note", 19)):
        cells = {}
        for index in range(len(page.widths)):
            card = max(index - spare, 0)
            begins = index == 0 or card > 0
            sides = {"left": ("thick", LIGHT.paper)} if begins and index else {}
            sides |= {"top": ("medium", LIGHT.first_bar)} if part == "label" else {}
            text = getattr(figures[card], part) if begins else ""
            font = "label" if part != "value" else "value" if len(text) <= _WIDE else "wide value"
            cells[index] = page.cell(
                text,
                font=FONTS[font],
                alignment=styles.INDENTED,
                fill=behind,
                border=styles.edge(**sides),
            )
        page.add(height, cells)


def _findings(page: Page, report: "Report", names: Sequence[str]) -> None:
    """Show the worst findings; the sheet Findings shows all."""
    findings = report.findings
    if findings is None:
        return
    page.heading(f"{findings.title}: {findings.text}")
    if not findings.rows:
        page.remark("Everything that was read complies with the rules")
        return
    heads = {
        "Change": "Severity",
        "What": "Finding",
        "Before": "Wanted",
        "After": "Rule",
        "Size difference": "Since",
    }
    _heads(page, [heads.get(name, name) for name in names], [False] * len(names))
    for row in findings.worded[:_FINDINGS]:
        texts = {
            "Change": row["outcome"].capitalize(),
            "Server": row["server"],
            "Model": row["key"] or "",
            "What": row["finding"] or "",
            "Before": row["wanted"],
            "After": row["rule"],
            "Size difference": f"{row['since']:%Y-%m-%d}" if row["since"] else "",
        }
        level = FINDING_TONES.get(row["outcome"])
        look = {"font": FONTS[f"{level} word"], "fill": styles.fill(styles.LEVELS[level][1])} if level else None
        _line(page, [texts[name] for name in names], [False] * len(names), look)
    if len(findings.rows) > _FINDINGS:
        _link(page, f"and {len(findings.rows) - _FINDINGS:,} more, in the sheet Findings", "Findings")


def _changes(page: Page, report: "Report", names: Sequence[str]) -> None:
    changes = report.what_changed
    page.heading(f"{changes.title} {short(changes.since, _PART)}".rstrip())
    if changes.note:
        page.remark(changes.note)
    if changes.lines:
        groups = sorted(changes.groups, key=lambda group: _WORDS.index(group.word))
        of_each = max(1, min(_OF_EACH, _LINES // len(groups)))
        _heads(page, names, [name == "Size difference" for name in names])
        for group in groups:
            for line in group.lines[:of_each]:
                _change(page, line, names)
        rest = [(len(group.lines) - of_each, group.word) for group in groups if len(group.lines) > of_each]
        if rest:
            words = ", ".join(f"{number:,} {word}" for number, word in rest)
            _link(page, f"and {words} more, in the sheet Changes", "Changes")
    if changes.not_compared:
        reasons = ", ".join(f"{row.server} ({row.text})" for row in changes.not_compared)
        page.remark(short(f"Not compared: {reasons}", page.room))


def _servers(page: Page, report: "Report") -> None:
    """Show what each of several servers has, when it was read, and how many changes it had."""
    if len(report.servers) < _FEWEST:
        return
    page.heading("Servers")
    numbers = Counter(report.what_changed.lines.servers)
    unread, stale = {*report.coverage.unread}, {*report.coverage.stale}
    skipped = {row.server for row in report.what_changed.not_compared}
    servers = sorted(report.server_rows, key=lambda row: (row["server"] not in stale, row["server"] not in unread))
    numeric = [name in _SERVER_COLUMNS[3:] for name in _SERVER_COLUMNS]
    _heads(page, _SERVER_COLUMNS, numeric)
    for row in servers[:_SERVERS]:
        name = row["server"]
        level = "bad" if name in stale or row["last_read"] is None else "warn" if name in unread else "good"
        look = {"font": FONTS[f"{level} word"], "fill": styles.fill(styles.LEVELS[level][1])}
        read = "yes" if name not in unread else "no"
        last_read = utc_text(row["last_read"], minutes=True, zone="") if row["last_read"] else "never"
        compared = integer(None if name in skipped or not report.changes else numbers[name])
        counts = (integer(row["model_count"]), integer(row["instance_count"]), size(row["size_bytes"]))
        _line(page, [read, name, last_read, compared, *counts], numeric, look)
    if len(servers) > _SERVERS:
        _link(page, f"and {len(servers) - _SERVERS:,} more, in the sheet Servers", "Servers")


def _link(page: Page, text: str, title: str) -> None:
    """Add a line that leads to another sheet."""
    link = page.cell(text, font=FONTS["link"])
    link.hyperlink = Hyperlink(ref="", location=f"{title}!A1")
    page.add(17, {0: link})


def _largest(page: Page, report: "Report") -> None:
    """Show the largest models; the size and the server come first, as the first columns of the page are narrow."""
    models = report.largest
    if models is None:
        return
    page.heading(models.heading(_LARGEST))
    narrow = ("size_bytes", "server")
    shown = sorted(
        # The page has no room for the age of a row, which the sheet Models tells.
        [pair for pair in zip(models.columns, models.heads, strict=True) if pair[0].name != "as_of"],
        key=lambda pair: narrow.index(pair[0].name) if pair[0].name in narrow else len(narrow),
    )
    numeric = [is_number(column) and index > 0 for index, (column, _) in enumerate(shown)]
    _heads(page, [head for _, head in shown], numeric)
    for row in models.rows[:_LARGEST]:
        _line(page, [format_value(row[column.name], column.unit) for column, _ in shown], numeric)


def _change(page: Page, line: "ChangeLine", names: Sequence[str]) -> None:
    difference = line.size_difference
    texts = {
        "Change": line.word.capitalize(),
        "Server": line.server,
        "Model": line.name,
        "What": line.what + (f" ({line.hint})" if line.hint else ""),
        "Before": line.before_with_size,
        "After": line.after_with_size,
        "Size difference": "" if difference is None else signed_size(difference),
    }
    level = TONES[line.word]
    look = {"font": FONTS[f"{level} word"], "fill": styles.fill(styles.LEVELS[level][1])}
    _line(page, [texts[name] for name in names], [name == "Size difference" for name in names], look)


def _heads(page: Page, names: Sequence[str], numeric: Sequence[bool]) -> None:
    look = {"font": FONTS["head"], "border": styles.edge(bottom=("medium", LIGHT.banner))}
    cells = [page.cell(name, alignment=_side(is_right), **look) for name, is_right in zip(names, numeric, strict=True)]
    page.add(17, dict(enumerate(cells)))


def _line(page: Page, texts: Sequence[str], numeric: Sequence[bool], first: Mapping[str, Any] | None = None) -> None:
    """Add a line of cells, the first of which may have a look of its own."""
    under = styles.edge(bottom=("thin", LIGHT.rule))
    cells = {}
    for index, (text, is_right) in enumerate(zip(texts, numeric, strict=True)):
        look = {"border": under, "alignment": _side(is_right), **((first or {}) if index == 0 else {})}
        cells[index] = page.cell(short(text, int(page.widths[index] * PER_COLUMN) - 2), **look)
    page.add(16.5, cells)


def _side(is_right: bool) -> Any:
    return styles.RIGHT if is_right else styles.INDENTED
