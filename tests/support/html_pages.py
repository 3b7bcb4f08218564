"""What the tests of pages share: an independent walk over HTML, and headless Chromium."""

import json
import os
import shutil
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

BROWSER = Path(__file__).parent.parent / "formats" / "html" / "browser.cjs"
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """A page as its elements and texts; closing what is not open, or leaving something open, is an error.

    Attributes:
        elements: each element's name and attributes, in order.
        texts: the whole text of each cell, paragraph, item and so on, in order.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {[name for name, _ in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute of {tag} is there twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append((tag, []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count an element that closes itself."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element; its text belongs to the one around it too."""
        name, texts = self._open.pop()
        assert name == tag, f"{tag} closes {name}"
        self.texts.append("".join(texts))
        if self._open:
            self._open[-1][1].extend(texts)

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if self._open:
            self._open[-1][1].append(data)

    def handle_comment(self, data: str) -> None:
        """Refuse a comment: none is ours."""
        raise AssertionError(data)

    def structure(self) -> list[tuple[str, dict[str, str | None]]]:
        """The elements, without the direction that a text's script decides."""
        return [(tag, {name: value for name, value in attrs.items() if name != "dir"}) for tag, attrs in self.elements]


def rendered(page: Path, target: Path, *flags: str) -> bytes:
    """What Chromium makes of a page: a picture, or a PDF; a word on its console is an error."""
    program = _chromium()
    how = "--print-to-pdf" if target.suffix == ".pdf" else "--screenshot"
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    command += [f"--user-data-dir={target.parent / 'profile'}", f"{how}={target}", *flags, page.as_uri()]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=90)
    assert "CONSOLE" not in done.stderr
    return target.read_bytes()


def browsed(*pages: Path) -> list[dict[str, Any]]:
    """What Chromium and axe-core say of pages, and what happens when keys are pressed in them; see ``browser.cjs``."""
    modules, node = os.environ.get("LMS_TEST_NODE_MODULES"), shutil.which("node")
    if node is None or modules is None or not (Path(modules) / "axe-core").is_dir():
        pytest.skip(
            "no axe-core here; get it with: npm install --prefix FOLDER axe-core@4.10.3 puppeteer-core@24.43.1, and "
            "set LMS_TEST_NODE_MODULES=FOLDER/node_modules"
        )
    done = subprocess.run(
        [node, BROWSER, _chromium(), *pages],
        env={**os.environ, "NODE_PATH": modules},
        check=True,
        capture_output=True,
        timeout=180,
    )
    result: list[dict[str, Any]] = json.loads(done.stdout)
    return result


def _chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((result for name in names if (result := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium here; get it with: apt-get install chromium")
    return program


def first_pixel(picture: bytes) -> str:
    """The colour of the upper left corner of a PNG, as #rrggbb; no filter changes the first pixel."""
    assert picture.startswith(b"\x89PNG")
    at, packed = 8, b""
    while at < len(picture):
        size, kind = int.from_bytes(picture[at : at + 4], "big"), picture[at + 4 : at + 8]
        packed += picture[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    return "#" + zlib.decompress(packed)[1:4].hex()


def luminance(colour: str) -> float:
    """How light a colour is, as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG 2 defines it."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)
