"""Print results on stdout, and each error as one line on stderr."""

import json
import os
import re
import sys
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING, Any, TextIO, TypeGuard

import click

from inventory import schema
from inventory.about import PROGRAM, VERSION
from inventory.config import spec
from inventory.errors import InventoryError, QueryError
from inventory.schema import derived
from inventory.text import COLUMNS, UNLIMITED, escape_controls, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from inventory.formats import Tables
    from inventory.tables import RunTables

_LEAST_COLUMNS = 40

_TOKEN = re.compile(spec.TOKEN.pattern + r"[^\s'\"]*")


def run_rows(snapshot: "RunTables") -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a run's tables for JSON output, by the names of the tables."""
    from inventory.tables import json_rows, rows

    return {name: json_rows(schema.TABLES[name], rows(table)) for name, table in snapshot.tables.items()}


def print_json(command: str, data: dict[str, Any]) -> None:
    """Print the one JSON object of a command."""
    click.echo(_json(_document(command, data)))


def _document(command: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "tool": PROGRAM,
        "version": VERSION,
        "schema_version": schema.SCHEMA_VERSION,
        "command": command,
        "data": data,
    }


def print_json_lines(records: "Iterable[dict[str, Any]]") -> None:
    """Print each row as a JSON object on a line of its own."""
    for record in records:
        click.echo(_json(record))


def print_rows(command: str, table: "schema.Table", content: "pa.Table", form: str) -> None:
    """Print the rows of one table as JSON, a part of them at a time, as ``print_json`` or ``print_json_lines`` does.

    Args:
        command: the name of the command.
        table: the schema of the rows.
        content: the rows.
        form: ``json`` or ``jsonl``.
    """
    if form == "jsonl":
        print_texts(_row_texts(table, content, "\n"))
        return
    head, tail = _json(_document(command, {table.name: []})).rsplit("[]", 1)
    before = b""  # the comma after the last row is left out
    click.echo(f"{head}[", nl=False)
    for text in _row_texts(table, content, ", "):
        click.echo(before + text.removesuffix(b", "), nl=False)
        before = b", "
    click.echo(f"]{tail}")


def print_texts(texts: "Iterable[str | bytes]") -> None:
    """Print texts, one after the other; those in bytes have no styles, which would be looked for."""
    for text in texts:
        click.echo(text, nl=False)


def _row_texts(table: "schema.Table", content: "pa.Table", end: str) -> "Iterator[bytes]":
    """Yield the JSON of the rows of each part of a table, each with an end."""
    from functools import partial

    from inventory.columns import bytes_of, row_texts
    from inventory.tables import json_rows

    def member(single: schema.Table, value: Any) -> str:
        return _json(json_rows(single, [{single.names[0]: value}])[0])[1:-1]

    singles = [schema.Table(table.name, table.row, (column,)) for column in table.columns]
    cells = [(single.names, partial(member, single)) for single in singles]
    return map(bytes_of, row_texts(content, cells, ", ", "{", f"}}{end}"))


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
    return json.dumps(value, default=_time_text)


def print_answer(command: str, definition: schema.Table, content: "pa.Table", form: str) -> None:
    """Print the rows of a table of any columns in a machine's format.

    Args:
        command: the command.
        definition: the columns.
        content: the rows.
        form: ``csv``, ``md``, ``json`` for one object, or ``jsonl`` for one object a line.
    """
    if form in ("csv", "md"):
        from importlib import import_module

        body = import_module(f"inventory.formats.{form}").encode_tables([(definition, content)])
        click.echo(body.removeprefix(b"\xef\xbb\xbf"), nl=False)
        return
    from inventory.tables import rows

    lists = {
        column.name
        for table in (*schema.TABLES.values(), derived.SERVERS)
        for column in table.columns
        if column.kind in (schema.LIST, schema.OBJECT)
    }
    parsed = [{name: _parsed(value, name in lists) for name, value in row.items()} for row in rows(content)]
    if form == "json":
        print_json(command, {definition.name: parsed})
    else:
        print_json_lines(parsed)


def _parsed(value: Any, is_list: bool) -> Any:
    """Return a value for JSON: the list or object that a text of such a column is; null for what no number is."""
    if isinstance(value, float) and not isfinite(value):
        return None
    if is_list and isinstance(value, str):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _time_text(moment: Any) -> str:
    return str(moment.isoformat(timespec="microseconds")).replace("+00:00", "Z")


def print_error(error: InventoryError | str) -> None:
    """Print one line on stderr: what happened, to what, what to do; never a token that was passed by mistake.

    On a terminal it is folded between words.
    """
    line = " ".join(str(error).splitlines())
    line = _TOKEN.sub("[token]", line)  # guard: a token in a message
    place = error.place.split("\n") if isinstance(error, QueryError) and error.place else []
    try:
        text = f"{PROGRAM}: {escape_controls(line)}"
        click.echo("\n".join(wrap(text, _width(sys.stderr))) if is_terminal(sys.stderr) else text, err=True)
        for more in place:  # DuckDB's own lines, whose caret points at the place
            click.echo(f"  {escape_controls(_TOKEN.sub('[token]', more.expandtabs(4)))}", err=True)
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


def is_terminal(stream: TextIO | None) -> TypeGuard[TextIO]:
    """Return whether a stream is a terminal; None is a stream that the program was started without."""
    return stream is not None and stream.isatty()


def terminal_width() -> int:
    """Return the columns of the terminal that stdout is, at least 40; no limit for a pipe or file, unless it is set."""
    return _width(sys.stdout)


def _width(stream: TextIO | None) -> int:
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and wanted.isascii() and 0 < len(wanted) < 6 and int(wanted):
        return max(int(wanted), _LEAST_COLUMNS)
    if not is_terminal(stream):
        return UNLIMITED
    try:
        return max(os.get_terminal_size(stream.fileno()).columns or COLUMNS, _LEAST_COLUMNS)
    except OSError:
        return COLUMNS


def supports_unicode() -> bool:
    """Return whether stdout can encode block characters."""
    try:
        "\u2588".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError, AttributeError):
        return False
    return True
