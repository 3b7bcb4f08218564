"""What the commands share: options, and how things are printed."""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

import click

import inventory
from inventory import schema
from inventory.errors import ConfigurationError, FileError, InventoryError
from inventory.layout import plain

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
    click.echo(
        json.dumps(answer, default=lambda moment: moment.isoformat(timespec="microseconds").replace("+00:00", "Z"))
    )


def say(error: InventoryError | str) -> None:
    """One line on stderr: what happened, to what, then what to do about it."""
    try:
        click.echo(f"{PROGRAM}: {plain(' '.join(str(error).splitlines()))}", err=True)
    except OSError:  # nobody can be told; the exit code stays what it is
        silence(sys.stderr)


def silence(stream: TextIO | None) -> None:
    """Send what is left of an output nowhere, so that Python does not complain about it when it ends."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def terminal_width() -> int:
    return min(max(shutil.get_terminal_size((80, 24)).columns, 60), 120)
