"""The charts of the Summary sheet: where the space goes, and the trend of size and changes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from openpyxl.chart import Reference
from openpyxl.utils import get_column_letter

from inventory.formats.xlsx import styles
from inventory.formats.xlsx.sheets import Sheet
from inventory.formats.xlsx.summary import shapes
from inventory.formats.xlsx.summary.page import MARGIN, Page
from inventory.report.breakdowns import group_label
from inventory.report.trend import WORDS
from inventory.text import count, escape_invisible, size

if TYPE_CHECKING:
    from inventory.report.breakdowns import Breakdown
    from inventory.report.facts import Report

_BARS, _RUNS = 10, 30
"""The numbers of bars and runs that are shown; the sheets behind show all."""

_COLOURS = {"publisher": "size", "server": "size"}
_ROWS = 14  # of the page for each chart


def add_space(page: Page, report: "Report", sheet: Sheet) -> None:
    """Add the breakdowns that a report shows, two charts side by side, drawn from the sheet Breakdown."""
    space = report.space
    if space is None:
        return
    page.heading(space.title)
    if space.note:
        page.remark(space.note)
    charts = [_bar_chart(breakdown, sheet, report.breakdown) for breakdown in space.breakdowns]
    for pair in zip(charts[::2], charts[1::2], strict=True):
        _side_by_side(page, pair)


def _bar_chart(breakdown: "Breakdown", sheet: Sheet, all_groups: "Sequence[dict[str, Any]]") -> tuple[Any, str]:
    number = len(breakdown.rows)
    shown = breakdown.rows[:_BARS]
    first = all_groups.index(breakdown.rows[0])
    top = f", top {len(shown)} of {number:,}" if number > len(shown) else ""
    groups = ", ".join(f"{escape_invisible(group_label(row['name']))} {size(row['size_bytes'])}" for row in shown)
    chart = shapes.bars(
        f"{breakdown.title} (GB{top})",
        _cells(sheet, "size_bytes", first, len(shown)),
        _cells(sheet, "label", first, len(shown)),
        max(row["size_bytes"] or 0 for row in shown),
        styles.CHART[_COLOURS.get(breakdown.by, "second")],
    )
    return chart, f"Bar chart of the size by {breakdown.by}{top}: {groups}"


def add_trend(page: Page, report: "Report", sheet: Sheet) -> None:
    """Add the trend of size and changes, drawn from the sheet Runs."""
    whole = report.trend
    page.heading(whole.title)
    if whole.note:
        page.remark(whole.note)
        return
    trend = whole.last(_RUNS)
    first, shown = whole.total - len(trend.runs), len(trend.runs)
    names = _cells(sheet, "label", first, shown)
    line = shapes.line(
        f"Size on disk (GB, {trend.period})",
        _cells(sheet, "size_measured", first, shown),
        _cells(sheet, "size_incomplete", first, shown) if trend.incomplete else None,
        names,
        shown,
    )
    counts = {word: _cells(sheet, word, first, shown) for word in WORDS}
    heights = [sum(run.counts.values()) for run in trend.runs]
    columns = shapes.columns(f"Changes per run ({trend.period})", counts, names, heights)
    gaps = f", with a gap for {count(trend.unknown, 'run')} at which no size was known" if trend.unknown else ""
    if trend.incomplete:
        gaps += f", and marks for {count(trend.incomplete, 'run')} that did not read every server"
    _side_by_side(
        page,
        [
            (line, f"Line chart of the size on disk over the {trend.period}: {trend.size_text}{gaps}"),
            (columns, f"Column chart of the changes over the {trend.period}: {trend.changes_text}"),
        ],
    )


def _side_by_side(page: Page, charts: Sequence[tuple[Any, str]]) -> None:
    """Add two charts in the rows that follow, each over about half of the columns."""
    left, right = MARGIN, MARGIN + sum(page.widths)
    gap, middle = 1, (left + right) / 2
    for (chart, description), (start, end) in zip(charts, ((left, middle - gap), (middle + gap, right)), strict=True):
        places = (_corner(page, start, page.row), _corner(page, end, page.row + _ROWS))
        shapes.place(page.sheet, chart, description, *places)
    for _ in range(_ROWS):
        page.add(16)
    page.add(5)


def _corner(page: Page, across: float, row: int) -> tuple[int, float, int]:
    """Find the column that is so far across the page, and how far in it that is; with the row."""
    widths = (MARGIN, *page.widths, MARGIN)
    column = 0
    while across >= widths[column] and column < len(widths) - 1:
        across -= widths[column]
        column += 1
    return column, across, row


def _cells(sheet: Sheet, column: str, first: int, number: int) -> Reference:
    """Refer to the cells of some rows of a column."""
    letter = get_column_letter(sheet.table.names.index(column) + 1)
    return Reference(range_string=f"{sheet.title}!${letter}${first + 2}:${letter}${first + number + 1}")
