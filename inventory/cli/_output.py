"""What the commands share: options, and how things are printed."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from inventory import schema
from inventory.about import VERSION
from inventory.config import spec
from inventory.errors import InventoryError
from inventory.filesystem.names import with_home
from inventory.text import escape_controls

if TYPE_CHECKING:
    from inventory.tables import RunTables

PROGRAM = "lms-inventory"
INCOMPLETE = 3

_A_TOKEN = re.compile(spec.TOKEN.pattern + r"[^\s'\"]*")

_Command = TypeVar("_Command", bound=Callable[..., Any])


class _PathText(click.ParamType):  # type: ignore[type-arg]  # only newer versions of click have it
    """The path of a file or folder, where ~ is the home folder, also where no shell has seen it."""

    name = "path"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Replace ~; whatever else is wrong with a path is told where it is used."""
        del param, ctx
        return with_home(value)


PATH = _PathText()

server_option = click.option(
    "--server",
    "addresses",
    metavar="[NAME=]URL",
    multiple=True,
    help="A server, or file:PATH for a saved answer, instead of those of the configuration, whose defaults "
    "still hold. Repeatable. Default: the configuration's servers, else http://127.0.0.1:1234.",
)
servers_from_option = click.option(
    "--servers-from",
    "listing",
    metavar="FILE",
    type=PATH,
    envvar="LMS_INVENTORY_SERVERS_FROM",
    help="A list of servers, one URL or NAME=URL a line, instead of those of the configuration; - is standard input.",
)
allow_files_option = click.option(
    "--allow-files",
    is_flag=True,
    envvar="LMS_INVENTORY_ALLOW_FILES",
    help="Let the list of --servers-from name saved answers (file:PATH): files of this machine.",
)
where_option = click.option(
    "--where",
    metavar="LABEL=VALUE",
    multiple=True,
    help="Only the servers with this label; * and ? are wild. Repeatable: all must hold.",
)
timeout_option = click.option(
    "--timeout",
    metavar="SECONDS",
    envvar="LMS_INVENTORY_TIMEOUT",
    type=click.FloatRange(min=0, min_open=True, max=spec.TIMEOUT.most),
    default=10.0,
    show_default=True,
    help="Time that each server has for its whole answer.",
)
concurrency_option = click.option(
    "--concurrency",
    metavar="N",
    envvar="LMS_INVENTORY_CONCURRENCY",
    type=click.IntRange(1, int(spec.CONCURRENCY.most)),
    default=64,
    show_default=True,
    help=spec.CONCURRENCY.meaning,
)
recheck_option = click.option(
    "--recheck",
    metavar="SECONDS",
    envvar="LMS_INVENTORY_RECHECK",
    type=click.FloatRange(min=0, max=spec.RECHECK.most),
    default=5.0,
    show_default=True,
    help="Pause before an answer that lost most of its models is asked for once more.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


def token() -> str | None:
    """The API token from the environment; an empty one is none."""
    return os.environ.get("LM_API_TOKEN") or None


def servers_option(command: _Command) -> _Command:
    """The options that say who is asked."""
    return server_option(servers_from_option(allow_files_option(where_option(command))))


def tables(taken: "RunTables") -> dict[str, list[dict[str, Any]]]:
    from inventory.tables import rows

    return {name: rows(table) for name, table in taken.tables.items()}


def print_json(command: str, data: dict[str, Any]) -> None:
    answer = {
        "tool": PROGRAM,
        "version": VERSION,
        "schema_version": schema.SCHEMA_VERSION,
        "command": command,
        "data": data,
    }
    click.echo(
        json.dumps(answer, default=lambda moment: moment.isoformat(timespec="microseconds").replace("+00:00", "Z"))
    )


def print_error(error: InventoryError | str) -> None:
    """One line on stderr: what happened, to what, then what to do about it; no token that was given by mistake."""
    line = " ".join(str(error).splitlines())
    line = _A_TOKEN.sub("[token]", line)  # guard: a token in a message
    try:
        click.echo(f"{PROGRAM}: {escape_controls(line)}", err=True)
    except OSError:  # nobody can be told; the exit code stays what it is
        silence(sys.stderr)


def silence(stream: TextIO | None) -> None:
    """Send what is left of an output nowhere, so that Python does not complain about it when it ends."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def terminal_width() -> int:
    return min(max(shutil.get_terminal_size((80, 24)).columns, 60), 120)
