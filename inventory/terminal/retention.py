"""The plan of a pruning as text: which runs stay, why, and which go."""

from collections.abc import Mapping, Sequence

from click import style

from inventory.terminal.layout import table
from inventory.text import COLUMNS, count, escape_controls, pad, run_times, width, wrap, zone_in_head


def plan_text(
    keep: Sequence[str], drop: Sequence[str], reasons: Mapping[str, Sequence[str]], columns: int = COLUMNS
) -> str:
    """Render two tables: the runs that stay with the reasons, and the runs that would be deleted with their ids.

    Times are local, newest first, and each means its run as a reference.

    Args:
        keep: the ids of the runs that stay.
        drop: those that would be deleted.
        reasons: why each run stays; empty without a rule, and then the table of those that stay is left out.
        columns: columns of the terminal.
    """
    run_ids = sorted({*keep, *drop}, reverse=True)
    times = run_times(run_ids)
    head, shown = zone_in_head("Run", [times[run_id] for run_id in run_ids])
    times = dict(zip(run_ids, shown, strict=True))
    room = max(map(width, [head, *shown]), default=0)
    lines = []
    if reasons:
        lines = [style(f"Keep ({count(len(keep), 'run')})", bold=True), style(f"  {pad(head, room)}  Why", dim=True)]
    for run_id in sorted(reasons, reverse=True):
        why = escape_controls("; ".join(reasons[run_id]))
        first, *others = wrap(why, columns, " " * (room + 4)) or [""]
        lines += [f"  {pad(times[run_id], room)}  {first.lstrip()}", *others]
    lines += [*([""] if reasons else []), style(f"Delete ({count(len(drop), 'run')})", bold=True)]
    removed = [[times[run_id], run_id] for run_id in sorted(drop, reverse=True)]
    lines += table(removed, "<<", (head, "Run id"), indent="  ", least=(room,)) if removed else []
    return "\n".join([*lines, "", ""])
