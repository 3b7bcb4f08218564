"""Make the pictures in the README: the workbook's Summary, the HTML report and a terminal session.

Run it after a change that shows in them. It needs LibreOffice, Chromium and pdftoppm (of poppler-utils).

    .venv/bin/python tests/pictures.py
"""

import html
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.generated_blocks import MOMENT

from inventory import collect, compare
from inventory.report.change_lines import describe_changes
from inventory.report.facts import Report
from inventory.stub_server import StubServer, inventory_after, inventory_before
from inventory.terminal.changes import changes_text
from inventory.terminal.snapshot import snapshot_text

SAMPLES = Path(__file__).parent.parent / "sample_outputs"
PICTURES = SAMPLES / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

_PRINTED = {"r": 130, "f": 1, "l": 1, "x": 45, "y": 55, "W": 990, "H": 885}
"""Options of pdftoppm: dots per inch, and the part of the first page that is not empty."""

_STYLES = {
    "1": "font-weight:bold",
    "2": "opacity:.65",
    "31": "color:#f47067",
    "32": "color:#57ab5a",
    "33": "color:#c69026",
    "34": "color:#539bf5",
    "35": "color:#b083f0",
    "36": "color:#39c5cf",
}
_PAGE = """<!doctype html><meta charset="utf-8"><style>body {{margin: 0; background: #1c2128; color: #cdd9e5}}
pre {{margin: 16px 20px; font: 13px/1.35 "DejaVu Sans Mono", monospace}}</style><pre>{}</pre>"""


def summary(folder: Path) -> None:
    """Print the sample workbook's first page through LibreOffice."""
    _run("soffice", "--headless", f"-env:UserInstallation={(folder / 'office').as_uri()}", "--convert-to", "pdf",
         "--outdir", folder, SAMPLES / "report.xlsx")  # fmt: skip
    printed = [word for option, value in _PRINTED.items() for word in (f"-{option}", str(value))]
    _run("pdftoppm", "-png", "-singlefile", *printed, folder / "report.pdf", PICTURES / "summary")


def report() -> None:
    """Photograph the top of the sample page."""
    _photograph(SAMPLES / "report.html", PICTURES / "report.png", 1280, 960)


def session(folder: Path) -> None:
    """Photograph what a user sees who takes two snapshots of the stand-in and compares them."""
    with StubServer(inventory_before()) as server:
        before = collect(f"local={server.url}", clock=lambda: MOMENT)
        server.models = inventory_after()
        after = collect(f"local={server.url}", clock=lambda: MOMENT.replace(day=24))
    moments = " -> ".join(f"{snapshot.observed_at:%Y-%m-%d %H:%M:%S} UTC" for snapshot in (before, after))
    text = (
        f"$ lms-inventory snapshot\n{snapshot_text(Report(after), 0.4)}\n"
        f"$ lms-inventory diff\n{changes_text(describe_changes(compare(before, after)), moments, 92)}"
    ).replace(server.url, "http://127.0.0.1:1234")
    page = folder / "session.html"
    page.write_text(_PAGE.format(_coloured(text)), encoding="utf-8")
    _photograph(page, PICTURES / "session.png", 780, 32 + 18 * text.count("\n"))


def _coloured(text: str) -> str:
    """Turn the escape sequences for colours into HTML."""
    parts = re.split(r"\x1b\[([0-9;]+)m", text)
    styled, now = [html.escape(parts[0])], ""
    for code, part in zip(parts[1::2], parts[2::2], strict=True):
        now = "" if code == "0" else ";".join([now, *(_STYLES[number] for number in code.split(";"))])
        styled.append(f'<span style="{now}">{html.escape(part)}</span>' if now else html.escape(part))
    return "".join(styled)


def _photograph(page: Path, picture: Path, width: int, height: int) -> None:
    browser = next(filter(shutil.which, BROWSERS))
    _run(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}",
         f"--screenshot={picture}", page.as_uri())  # fmt: skip


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=300)


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        summary(Path(scratch))
        report()
        session(Path(scratch))
