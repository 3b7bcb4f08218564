"""``lms-inventory demo``."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from inventory.cli._command import Command, Seconds, WholeNumber
from inventory.cli._exit_codes import exit_code
from inventory.cli._options import PATH, option
from inventory.cli._output import print_errors, terminal_width
from inventory.cli._targets import local_zone, write_all
from inventory.config.servers import Server
from inventory.errors import ConfigurationError, ExitCode, FileError

if TYPE_CHECKING:
    from inventory.stub_server import Request, StubServer
    from inventory.tables import RunTables

_FOLDER = "lms-inventory-demo"
_NEXT = """\
Next:
  lms-inventory init                         # find your servers
  lms-inventory snapshot -o inventory.xlsx   # take a snapshot of your own
  lms-inventory help getting-started         # what comes after it"""
_LONGEST = 3600  # Seconds of --latency.
_DOCUMENTED = "documented"  # The word for the response in LM Studio's documentation.


def _complete_scenario(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from inventory.stub_server import SCENARIOS

    return [
        CompletionItem(name, help=scenario.meaning)
        for name, scenario in SCENARIOS.items()
        if name.startswith(incomplete)
    ]


@click.command(
    cls=Command,
    short_help="Try the tool with a built-in stand-in for LM Studio.",
    examples=(
        ("lms-inventory demo", f"Take two snapshots, show the changes, write files into {_FOLDER}"),
        ("lms-inventory demo --serve", "Run the stand-in at http://127.0.0.1:1234 until Ctrl-C"),
        ("lms-inventory demo --serve --port 8080 --scenario upgrade", "Run it as a server that is being upgraded"),
    ),
)
@option("Serving", "--serve", is_flag=True, help="Only run the stand-in, until it is interrupted.")
@option(
    "Serving",
    "--port",
    metavar="PORT",
    type=WholeNumber(0, 65535),
    help="Port of the stand-in; 0 for one that is free. Default: 1234 with --serve.",
)
@option(
    "Serving",
    "--scenario",
    metavar="NAME",
    shell_complete=_complete_scenario,
    help="Behave like this: cold-start, jit, two-instances, upgrade, regrouped, unauthorized, too-old, slow, torn, "
    "empty, suspect, v0-only or link. See lms-inventory help stand-in.",
)
@option(
    "Serving",
    "--body",
    "bodies",
    metavar="FILE",
    type=PATH,
    multiple=True,
    help="Send this file as the response, or the documented one with the word documented. Repeatable: each request "
    "gets the next one, and the last one stays.",
)
@option("Serving", "--loop", is_flag=True, help="Begin the scenario or the files anew after the last response.")
@option("Serving", "--latency", metavar="SECONDS", type=Seconds(min=0, max=_LONGEST), help="Wait before each response.")
@option("Serving", "--cors", is_flag=True, help="Let web pages of every origin send requests.")
@option("Serving", "--token", metavar="TOKEN", help="Require this API token. Default: that of LM_API_TOKEN, else none.")
@option("Serving", "--tls", is_flag=True, help="Serve https, with a certificate made for it by openssl.")
def demo(*, serve: bool, port: int | None, **behaviour: Any) -> int:
    """Try the tool with a built-in stand-in for LM Studio, over real HTTP.

    Takes two snapshots of a server whose inventory changes in between, shows the changes, and writes a CSV, a Parquet
    and an Excel file into lms-inventory-demo. With --serve, it only runs the stand-in, and prints each request.
    """
    if serve:
        return _serve(1234 if port is None else port, **behaviour)
    if for_serving := [name for name, value in behaviour.items() if value not in (None, False, ())]:
        option = for_serving[0].replace("bodies", "body")
        raise ConfigurationError(f"--{option} is for --serve", "Add --serve")
    return _run_demo(port or 0)


def _serve(port: int, *, token: str | None, bodies: tuple[str, ...], scenario: str | None, **options: Any) -> int:
    """Run the stand-in until the program is interrupted."""
    from inventory.stub_server import DOCUMENTED, StubServer

    responses = [DOCUMENTED if body == _DOCUMENTED else body for body in bodies]
    token = token or os.environ.get("LM_API_TOKEN") or None
    with StubServer(
        token=token, port=port, scenario=scenario, bodies=responses, log=_print_request, **options
    ) as server:
        click.echo("\n".join(_start_lines(server, scenario)))
        server.wait()
    return ExitCode.OK


def _start_lines(server: "StubServer", scenario: str | None) -> Iterator[str]:
    """Say where the stand-in runs, which paths it knows, and how it behaves; never the token."""
    from inventory.stub_server import SCENARIOS
    from inventory.terminal.layout import beside

    columns = terminal_width()
    yield f"A stand-in for LM Studio runs at {server.url}; stop it with Ctrl-C"
    for path, (method, meaning) in server.paths.items():
        yield from beside(f"  {method:<4}  {path:<21}  ", meaning, columns)
    if scenario is not None:
        yield from beside(f"Scenario {scenario}: ", f"it {SCENARIOS[scenario].meaning}", columns)
    if server.token:
        yield "It requires an API token"
    if server.certificate:
        yield f"Its certificate is {server.certificate}"


def _print_request(request: "Request") -> None:
    """Print a line for a request; in a thread of the server, which nothing may stop."""
    with suppress(OSError, ValueError):
        click.echo(
            f"{time.strftime('%H:%M:%S')}  {request.method:<4}  {request.path}  {request.status}  "
            f"{request.size:,} bytes"
        )


def _run_demo(port: int) -> int:
    """Take two snapshots of a stand-in whose inventory changes, print the changes, write a file of each format."""
    from inventory.diff.compare import compare_tables
    from inventory.report.facts import Report
    from inventory.stub_server import StubServer, inventory_after, inventory_before
    from inventory.terminal.changes import changes_text
    from inventory.terminal.snapshot import snapshot_text
    from inventory.text import local_text

    folder = Path(_FOLDER)
    _create_folder(folder)
    with StubServer(inventory_before(), port=port) as stub:
        server = Server(stub.url, "demo")
        click.echo(f"A stand-in for LM Studio runs at {stub.url}\n")
        before, seconds = _timed_query(server)
        click.echo(snapshot_text(Report(before), seconds, columns=terminal_width()))
        stub.models = inventory_after()
        click.echo("Now models are added, removed and requantized; an instance gets more context\n")
        after, seconds = _timed_query(server)
    changes = compare_tables(before, after)
    since, now = (local_text(snapshot.observed_at) if snapshot.observed_at else "now" for snapshot in (before, after))
    outputs = [str(folder / f"inventory.{suffix}") for suffix in ("csv", "parquet", "xlsx")]
    report = Report(after, changes, since, zone=local_zone(after))
    files, failures = write_all(report, outputs, "both", "excel")
    click.echo(snapshot_text(Report(after), seconds, files, terminal_width()))
    click.echo(changes_text(report.what_changed, f"{since} -> {now}", terminal_width()))
    click.echo(_NEXT)
    print_errors(failures)
    return exit_code(failures, incomplete=not (before.complete and after.complete))


def _timed_query(server: Server) -> tuple["RunTables", float]:
    """Query a server; return the tables and the seconds it took."""
    from inventory.collection.collector import query_servers

    started = time.perf_counter()
    return query_servers(server), time.perf_counter() - started


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(
            f"the folder {folder} could not be created: {error.strerror}", "Run the demo in a writable folder"
        ) from error
