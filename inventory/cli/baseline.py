"""``lms-inventory baseline``."""

from typing import TYPE_CHECKING, Any

import click

from inventory.cli._command import Command, Group
from inventory.cli._completion import complete_baseline, complete_ref
from inventory.cli._history import history_at, require_runs
from inventory.cli._mirror import require_store
from inventory.cli._options import history_option, json_option
from inventory.cli._output import print_json, terminal_width
from inventory.errors import ExitCode, InventoryError

if TYPE_CHECKING:
    from inventory.history.reader import RunHistory


@click.group(
    cls=Group,
    no_args_is_help=False,
    short_help="List, save or remove named baselines.",
    examples=(
        ("lms-inventory baseline set approved", "Save the latest run as the baseline approved"),
        ("lms-inventory diff baseline:approved", "Show what changed since then"),
        ("lms-inventory baseline list", "List the baselines"),
    ),
)
def baseline() -> None:
    """Give names to runs: baseline:NAME then stands for that run wherever a run is taken.

    prune never deletes the run of a baseline.
    """


@baseline.command(
    name="list",
    cls=Command,
    short_help="List the baselines.",
    examples=(
        ("lms-inventory baseline list", "The name and the run of each baseline"),
        ("lms-inventory baseline list --json", "The same as JSON"),
        ("lms-inventory baseline list --history backup/history", "The baselines of a copy"),
    ),
)
@history_option
@json_option
def list_baselines(history_path: str | None, as_json: bool) -> int:
    """List the baselines: the name of each, and its run."""
    history = require_runs(history_at(history_path))
    known = _rows(history)
    if as_json:
        print_json("baseline", {"baselines": known})
    else:
        from inventory.terminal.baselines import baselines_text

        click.echo(baselines_text(known, history.store.run_ids(), terminal_width()), nl=False)
    return ExitCode.OK


@baseline.command(
    name="set",
    cls=Command,
    short_help="Save a run as a baseline.",
    examples=(
        ("lms-inventory baseline set approved", "Save the latest run as the baseline approved"),
        ("lms-inventory baseline set before-upgrade previous", "Save the run before it"),
        ("lms-inventory baseline set delivered first", "Save the oldest run"),
    ),
)
@click.argument("name")
@click.argument("ref", default="latest", shell_complete=complete_ref)
@history_option
def set_baseline(name: str, ref: str, history_path: str | None) -> int:
    """Save the run REF (default: latest) as the baseline NAME.

    The name of a baseline cannot be given to another run; remove the baseline first.
    """
    history = require_runs(history_at(history_path, needs_store=True))
    mirror = require_store("a baseline")
    was_there = history.store.baseline_path(name).exists()
    run_id = history.save_baseline(name, ref)
    if mirror is not None:
        try:
            mirror.publish(f"baselines/{name}.txt")
            mirror.pull(history.clock())  # its run may just have been pruned: then this machine sends it again
        except InventoryError:
            if not was_there:
                history.store.remove_baseline(name)
            raise
    click.echo(f"The baseline {name} is run {run_id}")
    return ExitCode.OK


@baseline.command(
    name="remove",
    cls=Command,
    short_help="Remove a baseline; its run stays.",
    examples=(
        ("lms-inventory baseline remove approved", "Remove the baseline; prune may then delete its run"),
        ("lms-inventory baseline remove approved --history backup/history", "Remove it from a copy"),
        ("lms-inventory --debug baseline remove approved", "Show the traceback if it cannot be removed"),
    ),
)
@click.argument("name", shell_complete=complete_baseline)
@history_option
def remove_baseline(name: str, history_path: str | None) -> int:
    """Remove the baseline NAME. Its run stays, until prune deletes it as any other."""
    history = require_runs(history_at(history_path, needs_store=True))
    mirror = require_store("a baseline")
    run_id = history.remove_baseline(name)
    if mirror is not None:
        mirror.objects.delete(f"baselines/{name}.txt")
    click.echo(f"The baseline {name} is removed" + (f"; run {run_id} stays" if run_id else ""))
    return ExitCode.OK


def _rows(history: "RunHistory") -> list[dict[str, Any]]:
    """Return the baselines by name, each with its run and the time of it."""
    from inventory.run_ids import time_of

    known = sorted(history.store.baselines().items())
    return [{"name": name, "run_id": run_id, "observed_at": time_of(run_id)} for name, run_id in known]
