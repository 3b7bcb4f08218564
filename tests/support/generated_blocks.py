"""The blocks of the README and of the manual's pages that are generated from the code."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from inventory import collect, schema
from inventory.cli import cli
from inventory.cli._exit_codes import EXIT_CODES
from inventory.config import spec
from inventory.formats import WrittenFile
from inventory.limits import LIMITS, Limit
from inventory.report.facts import Report
from inventory.stub_server import StubServer, inventory_before
from inventory.terminal.snapshot import snapshot_text

MOMENT = datetime(2026, 11, 23, 6, 0, 4, 123456, tzinfo=UTC)

_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_KEYS = {"history": "`[history] path`", "ignore": "`[compare] ignore`"}
"""Keys of the configuration that have another name than the option."""


def with_blocks(text: str) -> str:
    """Return a page with its generated blocks as the code makes them today."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{''.join(BLOCKS[found[2]]()).strip()}\n\n{found[3]}", text)


def tables() -> Iterator[str]:
    """The columns of each table."""
    for table in (schema.OBSERVATIONS, schema.MODELS, schema.INSTANCES):
        yield f"\n**{table.name}**: {table.row}\n\n"
        yield "| column | type | unit | JSON path | meaning |\n|---|---|---|---|---|\n"
        for column in table.columns:
            key = " (key)" if column.key else ""
            path = f"`{column.path}`" if column.path else ""
            yield f"| `{column.name}` | {column.kind}{key} | {column.unit} | {path} | {column.meaning} |\n"


def configuration() -> Iterator[str]:
    """The keys of ``inventory.toml``."""
    for name, table in spec.TABLES.items():
        yield f"\n**`{spec.title(name)}`**\n\n| key | type | meaning |\n|---|---|---|\n"
        for key in table:
            words = f"`{'`, `'.join(word for word in key.words if word.isprintable())}`" if key.words else key.expected
            yield f"| `{key.name}` | {words} | {key.meaning} |\n"


def exit_codes() -> Iterator[str]:
    """The exit codes, as ``--help`` lists them."""
    yield "| exit code | meaning |\n|---|---|\n"
    yield from (f"| {int(code)} | {meaning} |\n" for code, meaning in EXIT_CODES.items())


def environment() -> Iterator[str]:
    """The environment variables: those of the options, and the two that are no option."""
    yield "| variable | the same as | meaning |\n|---|---|---|\n"
    yield "| `LM_API_TOKEN` | | The API token of the servers that have no token of their own. |\n"
    options = {
        parameter.envvar: parameter
        for command in cli.commands.values()
        for parameter in command.params
        if isinstance(parameter, click.Option) and isinstance(parameter.envvar, str)
    }
    keys = {key.name: f"`[defaults] {key.name}`" for key in spec.TABLES["defaults"]} | _KEYS
    for variable, option in sorted(options.items()):
        key = keys.get(option.opts[0].lstrip("-"))
        yield f"| `{variable}` | `{option.opts[0]}`{f', {key}' if key else ''} | {option.help} |\n"
    yield "| `NO_COLOR` | | If it is not empty: no colour, whatever the terminal. |\n"


def limits() -> Iterator[str]:
    """Yield the table of the limits, whose meaning stands beside them in ``inventory/limits.py``."""
    yield "| limit | at most | a real inventory has | what it stops |\n|---|---|---|---|\n"
    for limit in LIMITS.values():
        yield f"| {limit.unit} | {_limit_text(limit)} | {limit.usual} | {limit.stops} |\n"


def _limit_text(limit: Limit) -> str:
    for name, number in (("MiB", 2**20), ("KiB", 2**10)):
        if limit.unit.startswith("bytes") and limit >= number:
            return f"{limit // number:,} {name}"
    return f"{limit:,}"


def help_texts() -> Iterator[str]:
    """The ``--help`` of the program and of each command."""
    for arguments in ([], *([name] for name in cli.commands)):
        command = [sys.executable, "-m", "inventory", *arguments, "--help"]
        text = subprocess.run(command, capture_output=True, text=True, check=True, env={"COLUMNS": "100"}).stdout
        yield f"```\n$ {' '.join(['lms-inventory', *arguments, '--help'])}\n{text}```\n\n"


def session() -> Iterator[str]:
    """What a user sees who queries a server like the stand-in; its address, the time and the duration are fixed."""
    with StubServer(inventory_before()) as server:
        snapshot = collect(f"local={server.url}", clock=lambda: MOMENT)
        files = [
            WrittenFile(Path("inventory.xlsx"), "report", size=12_000),
            WrittenFile(Path("models.parquet"), "models", 6),
        ]
        text = click.unstyle(snapshot_text(Report(snapshot), 0.4, files)).replace(server.url, "http://127.0.0.1:1234")
    yield f"```\n$ lms-inventory snapshot -o inventory.xlsx -o models.parquet\n{text}```\n"


BLOCKS = {
    "tables": tables,
    "configuration": configuration,
    "exit_codes": exit_codes,
    "environment": environment,
    "limits": limits,
    "help": help_texts,
    "session": session,
}
"""The blocks by the name that stands in the comment before them."""
