"""``lms-inventory demo``."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

import inventory
from inventory.cli._output import INCOMPLETE, print_error, terminal_width, token
from inventory.cli._targets import local_zone, write_all
from inventory.config.servers import Server
from inventory.errors import FileError

if TYPE_CHECKING:
    from inventory.tables import RunTables


@click.command(short_help="Try everything against a built-in stand-in for LM Studio.")
@click.option("--serve", is_flag=True, help="Only serve, until interrupted, so that you can ask with curl.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to serve on. Default: 1234 with --serve.")
def demo(serve: bool, port: int | None) -> int:
    """Try everything against a built-in stand-in for LM Studio, over real HTTP."""
    from inventory.stub_server import StubServer, inventory_before

    if serve:
        with StubServer(inventory_before(), token=token(), port=1234 if port is None else port) as server:
            click.echo(f"Serving GET {server.url}/api/v1/models; stop with Ctrl-C")
            server.wait()
        return 0
    return _run_demo(port or 0)


def _run_demo(port: int) -> int:
    """Two snapshots of a stand-in whose inventory changes in between, what changed, and files in each format."""
    from inventory.report.facts import Report
    from inventory.stub_server import StubServer, inventory_after, inventory_before
    from inventory.terminal.changes import changes_text
    from inventory.terminal.snapshot import snapshot_text
    from inventory.text import utc_text

    folder = Path("lms-inventory-demo")
    _make_folder(folder)
    with StubServer(inventory_before(), port=port) as stand_in:
        server = Server(stand_in.url, "demo")
        click.echo(f"A stand-in for LM Studio answers at {stand_in.url}\n")
        before, took = _timed(server)
        click.echo(snapshot_text(Report(before), took, columns=terminal_width()))
        stand_in.models = inventory_after()
        click.echo("Now a model comes, one goes, one gets another quantization, an instance another context\n")
        after, took = _timed(server)
    changes = inventory.compare(before, after)
    since, now = (utc_text(one.observed_at) if one.observed_at else "now" for one in (before, after))
    outputs = [str(folder / f"inventory.{suffix}") for suffix in ("csv", "parquet", "xlsx")]
    report = Report(after, changes, since, zone=local_zone(after))
    files, failures = write_all(report, outputs, "both", "excel")
    click.echo(snapshot_text(Report(after), took, files, terminal_width()))
    click.echo(changes_text(report.what_changed, f"{since} -> {now}", terminal_width()), nl=False)
    for failure in failures:
        print_error(failure)
    return FileError.exit_code if failures else 0 if before.complete and after.complete else INCOMPLETE


def _timed(server: Server) -> tuple["RunTables", float]:
    from inventory.collection.collector import query_servers

    began = time.perf_counter()
    return query_servers(server), time.perf_counter() - began


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(
            f"the folder {folder} could not be made: {error.strerror}", "Run the demo where you may write"
        ) from error
