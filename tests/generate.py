"""Make what is generated: the samples, the notebook's outputs, blocks of the README and the manual, schema versions.

Run it after a change that shows in them.

    .venv/bin/python tests/generate.py

``tests/test_generated.py`` fails when something is not what the code makes today. The pictures in the README are made
by ``tests/pictures.py``.
"""

import copy
import importlib.util
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from support import sample_fleet, schema_versions
from support.generated_blocks import MOMENT, with_blocks

from inventory import History, Snapshot, collect, formats
from inventory.operations.compare import report_of, resolve_ref
from inventory.run_ids import time_of

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_outputs"
NOTEBOOK = ROOT / "notebooks" / "inventory_analysis.ipynb"
PAGES = (ROOT / "README.md", *sorted((ROOT / "inventory" / "manual").glob("*.md")))
RUN_ID = "20261123T060004.123456Z-3f9a"

SERVERS = (
    "laptop=file:tests/payloads/v1/02-rlmstudio-integration-e2e.json",
    "scanner=file:tests/payloads/v1/06-ovisocr2-2026-10.json",
    "workstation=file:tests/payloads/v1/08-codenotch-siggy-0.4.24.json",
    "lab=file:tests/payloads/v1/21-docs-example-2026-04.json",
)
"""Captured bodies of four machines; the paths are relative to the repository, and so they stand in the samples."""


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
    newest = time_of(history.store.run_ids()[-1])
    history = history.seen_at(newest + timedelta(hours=1))  # or the days of silence would grow
    overview = report_of(resolve_ref("latest", history, sample), history)
    return [one.path for suffix in formats.REPORTS for one in formats.write(overview, folder / f"report.{suffix}")]


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
    for page in PAGES:
        page.write_text(with_blocks(page.read_text()))
    schema_versions.record()
