"""Makes what is generated: ``sample_outputs/``, the notebook's outputs and the blocks of the README.

Run it after a change that shows in them.

    .venv/bin/python tests/generate.py

``tests/test_generated.py`` fails when something is not what the code makes today.
"""

import copy
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from support import sample_fleet

from inventory import History, Snapshot, collect, formats, schema
from inventory.cli import cli
from inventory.config import spec
from inventory.formats import WrittenFile
from inventory.operations.compare import overview_of, side_of
from inventory.report.facts import Report
from inventory.stub_server import StubServer, inventory_before
from inventory.terminal.snapshot import snapshot_text

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_outputs"
NOTEBOOK = ROOT / "notebooks" / "inventory_analysis.ipynb"
MOMENT = datetime(2026, 11, 23, 6, 0, 4, 123456, tzinfo=UTC)
RUN_ID = "20261123T060004.123456Z-3f9a"

SERVERS = (
    "laptop=file:tests/payloads/v1/02-rlmstudio-integration-e2e.json",
    "scanner=file:tests/payloads/v1/06-ovisocr2-2026-10.json",
    "workstation=file:tests/payloads/v1/08-codenotch-siggy-0.4.24.json",
    "lab=file:tests/payloads/v1/21-docs-example-2026-04.json",
)
"""Captured bodies of four machines; the paths are relative to the repository, and so they stand in the samples."""

_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def sample() -> Snapshot:
    """The snapshot in ``sample_outputs/``: the same whenever and wherever it is taken."""
    os.chdir(ROOT)
    return collect(SERVERS, clock=lambda: MOMENT, run_id=RUN_ID)


def write_samples(folder: Path) -> list[Path]:
    """Write the sample snapshot in every format into a folder."""
    taken = sample()
    names = ("inventory.csv", "inventory.parquet", "inventory.xlsx")
    return [path for name in names for path in taken.write(folder / name, grain="both")]


def write_reports(folder: Path) -> list[Path]:
    """Write the report of the sample history's last run into a folder, in every format for people."""
    history = History(SAMPLES / "history")
    overview = overview_of(side_of("latest", history, sample), history)
    return [one.path for suffix in formats.REPORTS for one in formats.write(overview, folder / f"report.{suffix}")]


def with_blocks(text: str) -> str:
    """The README with its generated blocks as the code makes them today."""
    blocks = {"tables": _tables, "configuration": _configuration, "help": _help, "session": _session}
    return _BLOCK.sub(lambda found: f"{found[1]}{''.join(blocks[found[2]]())}{found[3]}", text)


def _tables() -> Iterator[str]:
    for table in (schema.OBSERVATIONS, schema.MODELS, schema.INSTANCES):
        yield f"\n**{table.name}**: {table.row}\n\n"
        yield "| column | type | unit | where LM Studio has it | meaning |\n|---|---|---|---|---|\n"
        for column in table.columns:
            key = " (key)" if column.key else ""
            path = f"`{column.path}`" if column.path else ""
            yield f"| `{column.name}` | {column.kind}{key} | {column.unit} | {path} | {column.meaning} |\n"
    yield "\n"


def _configuration() -> Iterator[str]:
    for name, table in spec.TABLES.items():
        yield f"\n**`{spec.title(name)}`**\n\n| key | what it must be | meaning |\n|---|---|---|\n"
        for key in table:
            wanted = f"`{'`, `'.join(word for word in key.words if word.isprintable())}`" if key.words else key.expected
            yield f"| `{key.name}` | {wanted} | {key.meaning} |\n"
    yield "\n"


def _help() -> Iterator[str]:
    yield "\n"
    for arguments in ([], *([name] for name in cli.commands)):
        command = [sys.executable, "-m", "inventory", *arguments, "--help"]
        text = subprocess.run(command, capture_output=True, text=True, check=True, env={"COLUMNS": "100"}).stdout
        yield f"```\n$ {' '.join(['lms-inventory', *arguments, '--help'])}\n{text}```\n\n"


def _session() -> Iterator[str]:
    """What a user sees who asks a server like the stand-in; its address, the time and the duration are made fixed."""
    with StubServer(inventory_before()) as server:
        taken = collect(f"local={server.url}", clock=lambda: MOMENT)
        files = [
            WrittenFile(Path("inventory.xlsx"), "report", size=12_000),
            WrittenFile(Path("models.parquet"), "models", 6),
        ]
        text = click.unstyle(snapshot_text(Report(taken), 0.4, files)).replace(server.url, "http://127.0.0.1:1234")
    yield f"\n```\n$ lms-inventory snapshot -o inventory.xlsx -o models.parquet\n{text}```\n\n"


def write_history(folder: Path) -> None:
    """Write the sample history, in the place of the one that is there."""
    shutil.rmtree(folder, ignore_errors=True)
    sample_fleet.record_month(folder)
    shutil.rmtree(folder / "_tmp")


def executed(path: Path, folder: Path) -> Any:
    """A notebook after it was run in a folder, with nothing in it but what it says: no times and no versions."""
    import nbclient  # of the extra notebook, without which everything else here can be made
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    kept = copy.deepcopy(notebook.metadata)
    nbclient.NotebookClient(
        notebook, kernel_name="python3", record_timing=False, resources={"metadata": {"path": str(folder)}}
    ).execute()
    notebook.metadata = kept
    return notebook


def write_notebook(path: Path) -> None:
    """Put today's outputs into a notebook."""
    import nbformat

    path.write_text(nbformat.writes(executed(path, path.parent)) + "\n")


if __name__ == "__main__":
    write_history(SAMPLES / "history")
    for made in (*write_samples(SAMPLES), *write_reports(SAMPLES)):
        print(made.relative_to(ROOT))  # noqa: T201 - this is a command
    if importlib.util.find_spec("nbclient"):
        write_notebook(NOTEBOOK)
    else:
        print("The notebook was left as it is; to run it: pip install '.[notebook]'")  # noqa: T201
    readme = ROOT / "README.md"
    readme.write_text(with_blocks(readme.read_text()))
