"""The baselines of a history as text."""

from collections.abc import Sequence

from inventory.tables import Row
from inventory.terminal.layout import table
from inventory.text import count, run_times, width, zone_in_head


def baselines_text(known: Sequence[Row], run_ids: Sequence[str], columns: int) -> str:
    """Render the baselines: the name and the run of each, by its time and its id.

    Args:
        known: ``name`` and ``run_id`` of each.
        run_ids: all runs of the history; a time is as short as it can be and still mean one of them.
        columns: those of the terminal; if the ids do not fit, each has a line of its own.
    """
    if not known:
        return "No baselines. To save one: lms-inventory baseline set NAME [REF]\n"
    times = run_times(run_ids)
    head, moments = zone_in_head("Run", [times[row["run_id"]] for row in known])
    cells = [[row["name"], time, row["run_id"]] for row, time in zip(known, moments, strict=True)]
    lines = table(cells, "<<<", ("Baseline", head, "Run id"))
    if max(map(width, lines)) > columns:
        lines = [line for row in known for line in (row["name"], f"  {times[row['run_id']]}", f"  {row['run_id']}")]
    return "\n".join([*lines, count(len(known), "baseline")]) + "\n"
