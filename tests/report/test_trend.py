"""The trend: what the state holds at each run, whichever servers that run read."""

import re

from support.snapshots import snapshot
from support.workbooks import model, run

from inventory.formats import html, md
from inventory.report.facts import Report
from inventory.report.trend import trend_section

GB = 10**9
READ = [(10, 2), (4, 1), (None, 0), (12, 2)]  # GB and servers that each run read, of two servers
STATE = [10, 11, 11, 12]  # GB and models of the state after it
RUNS = [run(day, size and size * GB, servers=2, read=read) for day, (size, read) in enumerate(READ)]
SIZES = {
    row["run_id"]: {"model_count": size, "instance_count": 0, "size_bytes": size * GB}
    for row, size in zip(RUNS, STATE, strict=True)
}


def test_sizes_are_carried_forward() -> None:
    """A run that read one of two servers, or none, is no low and no hole: it is marked as incomplete."""
    trend = trend_section(RUNS, SIZES)
    assert [item.size_bytes for item in trend.runs] == [size * GB for size in STATE]
    assert [item.model_count for item in trend.runs] == STATE
    assert [item.complete for item in trend.runs] == [True, False, False, True]
    assert [item.measured for item in trend.runs] == [True, True, False, True]
    assert (trend.unknown, trend.incomplete, trend.size_text) == (0, 2, "from 10.00 GB to 12.00 GB")


def test_before_the_first_answer_no_size_is_known() -> None:
    """Runs before any server was read have no size."""
    trend = trend_section([run(0, None), run(1, None)], {})
    assert (trend.unknown, trend.incomplete, trend.size_text) == (2, 0, "never read")


def test_the_page_draws_the_state() -> None:
    """Four points at the state's sizes, two of them hollow, and no line to the run that read nothing or from it."""
    page = html.encode(Report(snapshot([model("a")]), runs=RUNS, sizes=SIZES), "model").decode()
    heights = re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)" r="3" class="(\w+)"', page)
    assert [look for _, look in heights] == ["dot", "hollow", "hollow", "dot"]
    tops = [float(top) for top, _ in heights]
    assert tops[0] > tops[1] == tops[2] > tops[3]
    (line,) = re.findall(r'<path d="([^"]*)" class="line"/>', page)
    assert re.sub("[^ML]", "", line) == "MLMM"
    assert "A hollow point: 2 runs in which not every server was read; the others count as they were last read." in page


def test_markdown_lists_the_state() -> None:
    """The table has the state's counts and size beside the status of each run."""
    text = md.encode(Report(snapshot([model("a")]), runs=RUNS, sizes=SIZES), "model").decode()
    lines = [line for line in text.splitlines() if line.startswith("| 2026-11-0")]
    assert [[cell.strip() for cell in line.split("|")][2:5] for line in lines] == [
        ["ok", "12", "12.00 GB"],
        ["failed", "11", "11.00 GB"],
        ["partial", "11", "11.00 GB"],
        ["ok", "10", "10.00 GB"],
    ]
