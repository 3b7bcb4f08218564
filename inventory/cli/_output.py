"""Print results on stdout, and each error as one line on stderr."""

import json
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from inventory import schema
from inventory.about import VERSION
from inventory.config import spec
from inventory.errors import InventoryError
from inventory.text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inventory.formats import Tables
    from inventory.tables import RunTables

PROGRAM = "lms-inventory"

_TOKEN = re.compile(spec.TOKEN.pattern + r"[^\s'\"]*")


def run_rows(snapshot: "RunTables") -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a run's tables for JSON output, by the names of the tables."""
    from inventory.tables import json_rows, rows

    return {name: json_rows(schema.TABLES[name], rows(table)) for name, table in snapshot.tables.items()}


def print_json(command: str, data: dict[str, Any]) -> None:
    """Print the one JSON object of a command."""
    document = {
        "tool": PROGRAM,
        "version": VERSION,
        "schema_version": schema.SCHEMA_VERSION,
        "command": command,
        "data": data,
    }
    click.echo(_json(document))


def print_json_lines(records: "Iterable[dict[str, Any]]") -> None:
    """Print each row as a JSON object on a line of its own."""
    for record in records:
        click.echo(_json(record))


def print_tables(command: str, tables: "Tables", text: str, as_json: str | None = None) -> None:
    """Print the text, or the tables as JSON.

    Args:
        command: the name of the command.
        tables: the tables, the one that the command is about first.
        text: what people read.
        as_json: ``json`` for one object with all tables, ``jsonl`` for a line for each row of the first table.
    """
    if as_json is None:
        click.echo(text, nl=False)
        return
    from inventory.tables import json_rows, rows

    if as_json == "jsonl":
        print_json_lines(json_rows(tables[0][0], rows(tables[0][1])))
        return
    keys = {"timeline": "changes"}
    print_json(
        command, {keys.get(table.name, table.name): json_rows(table, rows(content)) for table, content in tables}
    )


def _json(value: Any) -> str:
    return json.dumps(value, default=lambda moment: moment.isoformat(timespec="microseconds").replace("+00:00", "Z"))


def print_error(error: InventoryError | str) -> None:
    """Print one line on stderr: what happened, to what, what to do; never a token that was passed by mistake."""
    line = " ".join(str(error).splitlines())
    line = _TOKEN.sub("[token]", line)  # guard: a token in a message
    try:
        click.echo(f"{PROGRAM}: {escape_controls(line)}", err=True)
    except OSError:  # Nobody reads stderr; the exit code stays the same.
        silence(sys.stderr)


def print_errors(errors: "Iterable[InventoryError | str]") -> None:
    """Print one line on stderr for each error."""
    for error in errors:
        print_error(error)


def silence(stream: TextIO | None) -> None:
    """Redirect the rest of a stream to the null device, so that Python does not complain about it at exit."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def table_width() -> int | None:
    """Return the columns that a table may take: those of ``COLUMNS`` or of the terminal; None for a pipe or a file."""
    if not os.environ.get("COLUMNS", "").isdecimal() and not sys.stdout.isatty():
        return None
    return max(shutil.get_terminal_size((80, 24)).columns, 20)


def terminal_width() -> int:
    """Return the width of the terminal in columns, between 60 and 120."""
    return min(max(shutil.get_terminal_size((80, 24)).columns, 60), 120)


def supports_unicode() -> bool:
    """Return whether stdout can encode block characters."""
    try:
        "\u2588".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError, AttributeError):
        return False
    return True
