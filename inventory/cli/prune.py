"""``lms-inventory prune``."""

from typing import TYPE_CHECKING, Any

import click

from inventory.cli._command import Command, WholeNumber
from inventory.cli._context import configuration
from inventory.cli._history import history_at, require_runs
from inventory.cli._mirror import collector, require_store, shared_history
from inventory.cli._options import history_option, json_option, option
from inventory.cli._output import print_json, terminal_width
from inventory.errors import ConfigurationError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inventory.history.compaction import CompactionTask
    from inventory.history.reader import RunHistory
    from inventory.history.retention import RetentionPlan


def _keep(unit: str, what: str) -> "Callable[[Callable[..., int]], Callable[..., int]]":
    return option("Runs", f"--keep-{unit}", unit, metavar="N", type=WholeNumber(min=1), help=f"Keep {what}.")


@click.command(
    cls=Command,
    short_help="Delete old runs, or merge the files of old months.",
    examples=(
        ("lms-inventory prune --keep-daily 30 --keep-monthly 24 --dry-run", "Show which runs would be deleted"),
        ("lms-inventory prune --keep-last 100", "Delete all runs but the newest 100"),
        ("lms-inventory prune --compact", "Merge the files of closed months; delete nothing"),
    ),
)
@_keep("last", "the last N runs")
@_keep("daily", "the newest run of each of the last N days that have one")
@_keep("weekly", "the newest run of each of the last N weeks that have one")
@_keep("monthly", "the newest run of each of the last N months that have one")
@option(
    "Runs", "--run", "named", metavar="ID", multiple=True, help="Delete this run: its id or a prefix of it. Repeatable."
)
@option("Runs", "--compact", is_flag=True, help="Merge the small files of closed months into a few large ones.")
@option("Output", "--dry-run", is_flag=True, help="Only print what would be deleted and merged.")
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
    history_path: str | None,
    as_json: bool,
) -> int:
    """Delete the runs that no --keep rule retains, and those named with --run.

    Data that kept runs refer to is never deleted. The rules also never delete the newest complete run, the last
    complete response of a server, a misdated run or a baseline. Days, weeks and months are those of local time. With
    --run alone nothing else is deleted.

    --compact merges the files of closed months: those before the month of the newest run; and of that month, where they
    are many, all but the newest. It changes no row and no run id.

    A shared history is pruned by its keeper, for all; stored responses that nothing refers to any more go with the
    first pruning a day later.
    """
    from inventory.terminal.retention import plan_text

    rules = {"last": last, "daily": daily, "weekly": weekly, "monthly": monthly}
    history = require_runs(history_at(history_path, warn_misdated=not named, full=True, needs_store=True))
    _check_shared(dry_run=dry_run)
    plan = None
    if any(rules.values()) or named or not compact:
        plan = _delete_runs(history, {name: number for name, number in rules.items() if number}, named, dry_run)
    deleted, merged = _deleted_rows(plan), _merged_rows(_merge_files(history, dry_run) if compact else None)
    if as_json:
        print_json("prune", {**deleted, **merged, "dry_run": dry_run})
    else:
        if dry_run and plan:
            click.echo(plan_text(plan.keep, plan.drop, plan.reasons, terminal_width()), nl=False)
        click.echo(_text(deleted, merged, dry_run))
    return ExitCode.OK


def _check_shared(*, dry_run: bool) -> None:
    """Refuse to prune a shared history unless this is its keeper."""
    shared = shared_history()
    if shared is not None and not configuration().settings.get("keeper"):
        raise ConfigurationError(
            f"the history {shared.address} is pruned by one machine, and this is not the one",
            "On one machine, and no other, set keeper = true in [history] of inventory.toml",
        )
    if not dry_run and (mirror := require_store("prune")):
        from inventory.sync.keeper import require_keeper

        require_keeper(mirror, collector())


def _delete_runs(
    history: "RunHistory", rules: dict[str, int], named: "Sequence[str]", dry_run: bool
) -> "RetentionPlan":
    """Decide which runs are deleted, and delete them unless it is a dry run."""
    from inventory.history.retention import carry_out, plan
    from inventory.history.selectors import run_named

    store = history.store
    drop = [run_named(text, store.run_ids()) for text in named]
    retention = plan(store, rules, drop=drop, now=history.clock())
    if mirror := require_store("prune"):
        from inventory.sync.keeper import prune_store

        if not dry_run:
            prune_store(mirror, retention, history.clock())
    elif not dry_run:
        carry_out(store, retention)
    return retention


def _merge_files(history: "RunHistory", dry_run: bool) -> "Sequence[tuple[CompactionTask, int]]":
    """Merge the files of closed months; return each task with the number of files it made, 0 in a dry run."""
    from inventory.history import compaction

    if mirror := require_store("prune"):
        from inventory.sync.keeper import compact_store, due_in_store

        now = history.clock()
        return [(task, 0) for task in due_in_store(mirror, now)] if dry_run else compact_store(mirror, now)
    if dry_run:
        return [(task, 0) for task in compaction.due(history.store, history.clock())]
    return compaction.compact(history.store, history.clock())


def _deleted_rows(plan: "RetentionPlan | None") -> dict[str, Any]:
    if plan is None:
        return {}
    reasons = {run_id: list(plan.reasons[run_id]) for run_id in sorted(plan.reasons)}
    return {"kept": list(plan.keep), "removed": list(plan.drop), "reasons": reasons}


def _merged_rows(merged: "Sequence[tuple[CompactionTask, int]] | None") -> dict[str, Any]:
    """Sum up the merged files by month."""
    if merged is None:
        return {}
    months: dict[str, dict[str, Any]] = {}
    for task, files in merged:
        month = task.month.removeprefix("month=")
        row = months.setdefault(month, {"month": month, "files": 0, "merged_files": 0})
        row["files"] += task.files
        row["merged_files"] += files
    return {"compacted": [months[month] for month in sorted(months)]}


def _text(deleted: dict[str, Any], merged: dict[str, Any], dry_run: bool) -> str:
    from inventory.text import count

    lines = []
    if deleted:
        verb = "would be deleted" if dry_run else "deleted"
        lines.append(f"{count(len(deleted['kept']), 'run')} kept, {len(deleted['removed'])} {verb}")
    if merged:
        months = merged["compacted"]
        for row in months:
            result = "" if dry_run else f" merged into {row['merged_files']:,}"
            lines.append(f"~ {row['month']}: {count(row['files'], 'file')}{result}")
        lines.append(f"{count(len(months), 'month')} {'would be ' if dry_run else ''}compacted")
    return "\n".join(lines)
