"""``lms-inventory prune``."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from inventory.cli._history import history_at, history_option
from inventory.cli._shared import json_option, print_json

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _rule(name: str, what: str) -> Callable[[_Command], _Command]:
    return click.option(f"--keep-{name}", name, metavar="N", type=click.IntRange(min=1), help=f"Keep {what}.")


@click.command()
@_rule("last", "the last N runs")
@_rule("daily", "the newest run of each of the last N days that have one")
@_rule("weekly", "the same for weeks")
@_rule("monthly", "the same for months")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@history_option
@json_option
def prune(
    last: int | None,
    daily: int | None,
    weekly: int | None,
    monthly: int | None,
    dry_run: bool,
    folder: str | None,
    as_json: bool,
) -> int:
    """Remove the runs that no rule keeps; what kept runs point at stays, and so does the newest complete run."""
    from inventory.layout import count
    from inventory.prune import carry_out, plan

    rules = {"last": last, "daily": daily, "weekly": weekly, "monthly": monthly}
    store = history_at(folder).store
    what = plan(store, {name: number for name, number in rules.items() if number}, list(store.baselines().values()))
    if not dry_run:
        carry_out(store, what)
    if as_json:
        print_json("prune", {"kept": list(what.keep), "removed": list(what.drop), "dry_run": dry_run})
    else:
        verb = "would go" if dry_run else "removed"
        for run_id in what.drop if dry_run else ():
            click.echo(f"- {run_id}")
        click.echo(f"{count(len(what.keep), 'run')} kept, {len(what.drop)} {verb}")
    return 0
