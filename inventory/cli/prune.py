"""``lms-inventory prune``."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from inventory.cli._history import history_option, recorded_at
from inventory.cli._output import json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inventory.history.compaction import CompactionTask
    from inventory.history.retention import RetentionPlan

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _rule(name: str, what: str) -> Callable[[_Command], _Command]:
    return click.option(f"--keep-{name}", name, metavar="N", type=click.IntRange(min=1), help=f"Keep {what}.")


@click.command()
@_rule("last", "the last N runs")
@_rule("daily", "the newest run of each of the last N days (of local time) that have one")
@_rule("weekly", "the same for weeks")
@_rule("monthly", "the same for months")
@click.option(
    "--run", "named", metavar="ID", multiple=True, help="Remove this run: its id or its beginning. Repeatable."
)
@click.option("--compact", is_flag=True, help="Merge the small files of closed months into few large ones.")
@click.option("--dry-run", is_flag=True, help="Only say what would go, and what would be merged.")
@history_option
@json_option
def prune(
    last: int | None,
    daily: int | None,
    weekly: int | None,
    monthly: int | None,
    named: "Sequence[str]",
    compact: bool,
    dry_run: bool,
    folder: str | None,
    as_json: bool,
) -> int:
    """Remove the runs that no rule keeps, and those named with --run; what kept runs point at stays.

    No rule removes the newest complete run, the last complete answer of a server, whichever run has it, a misdated run
    or a baseline. Days, weeks and months are those of local time. With --run alone nothing else goes.

    A month is closed when a later month has a run. Merging changes no row and no run id.
    """
    from inventory.history import compaction
    from inventory.history.retention import carry_out, plan
    from inventory.history.selectors import run_named

    given = {"last": last, "daily": daily, "weekly": weekly, "monthly": monthly}
    rules = {name: number for name, number in given.items() if number}
    history = recorded_at(folder, misdated_told=not named)
    store, now = history.store, history.clock()
    what = None
    if rules or named or not compact:
        drop = [run_named(text, store.run_ids()) for text in named]
        what = plan(store, rules, list(store.baselines().values()), drop=drop, now=now)
    if what and not dry_run:
        carry_out(store, what)
    merged = None
    if compact:
        merged = [(one, 0) for one in compaction.due(store, now)] if dry_run else compaction.compact(store, now)
    if as_json:
        print_json("prune", {**_removed(what), **_merged(merged), "dry_run": dry_run})
    else:
        click.echo(_text(_removed(what), _merged(merged), dry_run))
    return 0


def _removed(what: "RetentionPlan | None") -> dict[str, Any]:
    return {"kept": list(what.keep), "removed": list(what.drop)} if what else {}


def _merged(merged: "Sequence[tuple[CompactionTask, int]] | None") -> dict[str, Any]:
    """What was merged, month by month."""
    if merged is None:
        return {}
    months: dict[str, dict[str, Any]] = {}
    for one, files in merged:
        month = one.month.removeprefix("month=")
        row = months.setdefault(month, {"month": month, "files": 0, "merged_files": 0})
        row["files"] += one.files
        row["merged_files"] += files
    return {"compacted": [months[month] for month in sorted(months)]}


def _text(removed: dict[str, Any], merged: dict[str, Any], dry_run: bool) -> str:
    from inventory.text import count

    lines = [f"- {run_id}" for run_id in removed.get("removed", ()) if dry_run]
    if removed:
        verb = "would go" if dry_run else "removed"
        lines.append(f"{count(len(removed['kept']), 'run')} kept, {len(removed['removed'])} {verb}")
    if merged:
        months = merged["compacted"]
        for row in months:
            became = "" if dry_run else f" became {row['merged_files']:,}"
            lines.append(f"~ {row['month']}: {count(row['files'], 'file')}{became}")
        lines.append(f"{count(len(months), 'month')} {'would be ' if dry_run else ''}compacted")
    return "\n".join(lines)
