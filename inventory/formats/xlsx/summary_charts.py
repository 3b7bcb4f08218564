"""The charts of the Summary sheet: where the space goes, and how size and changes went."""

from collections.abc import Sequence
from typing import Any

from openpyxl.chart import Reference
from openpyxl.utils import get_column_letter

from inventory.formats.xlsx import charts as _charts
from inventory.formats.xlsx import styles
from inventory.formats.xlsx.page import MARGIN, Page
from inventory.formats.xlsx.sheets import Sheet
from inventory.tables import rows, values
from inventory.text import count, escape_invisible, size

_BARS, _RUNS = 10, 30
"""How many bars and runs are shown; the sheets behind show all."""

_ROWS = 14  # of the page for each chart


def add_space(page: Page, breakdown: Sheet, *, several: bool) -> None:
    """Where the space goes: by publisher and quantization, and of several servers by server and architecture."""
    page.heading("Where the space goes")
    sizes = values(breakdown.content, "size_bytes")
    if not any(sizes):
        page.remark("No model reports its size" if sizes else "No models")
        return
    bys = values(breakdown.content, "by")
    pairs = [("publisher", "quantization")] + ([("server", "architecture")] if several else [])
    for pair in pairs:
        charts = []
        for by, colour in zip(pair, ("size", "second"), strict=True):
            first, number = bys.index(by), bys.count(by)
            shown = min(number, _BARS)
            names = values(breakdown.content, "label")[first : first + shown]
            top = f", top {shown} of {number:,}" if number > shown else ""
            lengths = sizes[first : first + shown]
            told = ", ".join(
                f"{escape_invisible(name)} {size(value)}" for name, value in zip(names, lengths, strict=True)
            )
            chart = _charts.bars(
                f"Size by {by} (GB{top})",
                _cells(breakdown, "size_bytes", first, shown),
                _cells(breakdown, "label", first, shown),
                max(length or 0 for length in lengths),
                styles.CHART[colour],
            )
            charts.append((chart, f"Bar chart of the size by {by}{top}: {told}"))
        _side_by_side(page, charts)


def add_trend(page: Page, all_runs: Sheet) -> None:
    """How the size and the changes went, run by run."""
    page.heading("Trend")
    whole = all_runs.content.num_rows
    if whole < 2:
        page.remark("The trend begins with the second run in a history")
        return
    runs = rows(all_runs.content)[-_RUNS:]
    first, shown = whole - len(runs), len(runs)
    names = _cells(all_runs, "label", first, shown)
    period = f"last {shown} of {whole:,} runs" if whole > shown else f"{shown} runs"
    partly = sum(1 for run in runs if run["size_incomplete"] is not None)
    words = ("added", "removed", "reconfigured")
    heights = [sum(run[word] or 0 for word in words) for run in runs]
    sizes = [run["size_bytes"] for run in runs if run["size_bytes"] is not None]
    failed = sum(1 for run in runs if run["size_bytes"] is None)
    told = f"from {size(sizes[0])} to {size(sizes[-1])}" if sizes else "never read"
    line = _charts.line(
        f"Size on disk (GB, {period})",
        _cells(all_runs, "size_complete", first, shown),
        _cells(all_runs, "size_incomplete", first, shown) if partly else None,
        names,
        shown,
    )
    counts = {word: _cells(all_runs, word, first, shown) for word in words}
    columns = _charts.columns(f"Changes per run ({period})", counts, names, heights)
    totals = ", ".join(f"{sum(run[word] or 0 for run in runs):,} {word}" for word in words)
    gaps = f", with a gap for {count(failed, 'run')} that read no server" if failed else ""
    gaps += f", and marks for {count(partly, 'run')} that did not read every server" if partly else ""
    _side_by_side(
        page,
        [
            (line, f"Line chart of the size on disk over the {period}: {told}{gaps}"),
            (columns, f"Column chart of the changes over the {period}: {totals}"),
        ],
    )


def _side_by_side(page: Page, charts: Sequence[tuple[Any, str]]) -> None:
    """Two charts in the rows that follow, each over about half of the columns."""
    left, right = MARGIN, MARGIN + sum(page.widths)
    gap, middle = 1, (left + right) / 2
    for (chart, told), (start, end) in zip(charts, ((left, middle - gap), (middle + gap, right)), strict=True):
        places = (_corner(page, start, page.row), _corner(page, end, page.row + _ROWS))
        _charts.place(page.sheet, chart, told, *places)
    for _ in range(_ROWS):
        page.add(16)
    page.add(5)


def _corner(page: Page, across: float, row: int) -> tuple[int, float, int]:
    """The column that is so far across the page, how far in it, and the row."""
    widths = (MARGIN, *page.widths, MARGIN)
    column = 0
    while across >= widths[column] and column < len(widths) - 1:
        across -= widths[column]
        column += 1
    return column, across, row


def _cells(sheet: Sheet, column: str, first: int, number: int) -> Reference:
    """The cells of some rows of a column."""
    letter = get_column_letter(sheet.table.names.index(column) + 1)
    return Reference(range_string=f"{sheet.title}!${letter}${first + 2}:${letter}${first + number + 1}")
