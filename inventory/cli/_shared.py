"""What the commands share: options, and how things are printed."""

import json
import os
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

import inventory
from inventory import schema
from inventory.errors import ConfigurationError, FileError, InventoryError

if TYPE_CHECKING:
    from inventory.snapshot import Snapshot, Written

PROGRAM = "lms-inventory"
INCOMPLETE = 3

servers_option = click.option(
    "--server",
    "addresses",
    metavar="[NAME=]URL",
    multiple=True,
    help="A server, or file:PATH for a saved answer. Repeatable. Default: http://127.0.0.1:1234.",
)
timeout_option = click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True, max=86400),
    default=10.0,
    show_default=True,
    help="Time that each server has for its whole answer.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


def token() -> str | None:
    """The API token from the environment; an empty one is none."""
    return os.environ.get("LM_API_TOKEN") or None


def write_all(taken: "Snapshot", outputs: Sequence[str], grain: str) -> tuple[list["Written"], list[FileError]]:
    """Write every target that can be written; one that fails does not keep the others from it."""
    from inventory import formats

    files, failures = [], []
    for output in outputs:
        try:
            files += formats.write(taken, filled(output, taken.run_id), grain)
        except FileError as error:
            failures.append(error)
    return files, failures


def filled(output: str, run_id: str) -> str:
    """A target with {date}, {time} and {run_id} filled in; date and time are the run id's, in UTC."""
    date, _, clock = run_id.partition("T")
    known = {"{date}": f"{date[:4]}-{date[4:6]}-{date[6:]}", "{time}": clock[:6], "{run_id}": run_id}
    for name, value in known.items():
        output = output.replace(name, value)
    if "{" in output and "}" in output.partition("{")[2]:
        raise ConfigurationError(f"{output}: unknown placeholder", "Use {date}, {time} or {run_id}")
    return output


def tables(taken: "Snapshot") -> dict[str, list[dict[str, Any]]]:
    from inventory.snapshot import rows

    return {name: rows(table) for name, table in taken.tables.items()}


def print_json(command: str, data: dict[str, Any]) -> None:
    answer = {
        "tool": PROGRAM,
        "version": inventory.__version__,
        "schema_version": schema.SCHEMA_VERSION,
        "command": command,
        "data": data,
    }
    click.echo(json.dumps(answer, default=lambda moment: moment.isoformat().replace("+00:00", "Z")))


def say(error: InventoryError) -> None:
    """One line on stderr: what happened, to what, then what to do about it."""
    line = " ".join(f"{PROGRAM}: {error}".split("\n"))
    click.echo("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line), err=True)


def terminal_width() -> int:
    return min(max(shutil.get_terminal_size((80, 24)).columns, 60), 120)
