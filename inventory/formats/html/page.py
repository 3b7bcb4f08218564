"""The page around the sections: a Jinja2 template, in which every text is escaped as in the fragments."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory.about import SIGNATURE
from inventory.formats.html.fragments import Markup, text
from inventory.formats.html.stylesheet import style_sheet
from inventory.report.facts import TITLE, Report

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = "page.html.jinja"
_SCRIPT = "page.js"


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        name: the target of links to it.
        title: its heading.
        note: what to say in place of its content; may be empty.
        charts: for each chart its title and its SVG.
        remark: what to say beneath the charts; may be empty.
        tables: for each table its heading, empty for that of the section, and its HTML.
        groups: the rows of each server, which the reader may open, close and filter.
        more: what to say beneath the rows; may be empty.
        on_new_page: whether it begins a page when it is printed.
    """

    name: str
    title: str
    note: str = ""
    charts: Sequence[tuple[str, Markup]] = ()
    remark: str = ""
    tables: Sequence[tuple[str, Markup]] = ()
    groups: Iterable[Markup] = ()
    more: str = ""
    on_new_page: bool = False


def render_page(sections: Sequence[Section], report: Report | None = None) -> bytes:
    """Render the page of a report, or one of sections alone."""
    style, code = style_sheet(), script()
    values: dict[str, Any] = {
        "title": report.title if report else TITLE,
        "style": Markup(style),
        "style_digest": _digest(style),
        "script": Markup(code),
        "script_digest": _digest(code),
        "sections": sections,
        "report": report,
        "signature": SIGNATURE,
    }
    # As a text, a page of many rows would take twice as much memory; and so would bytes that grow.
    return b"".join([part.encode() for part in _template().generate(values)])


@cache
def script() -> str:
    """Return the page's script, by which its tables are sorted and filtered."""
    return (Path(__file__).parent / _SCRIPT).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return the SHA-256 of a text as a Content Security Policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _template() -> "Template":
    # Jinja2 is imported only where a page is written: it would cost every cold command.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        finalize=_escaped,
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(_TEMPLATE)


def _escaped(value: object) -> str:
    """Escape what a template shows, so that no text is taken for markup."""
    return value if isinstance(value, Markup) else Markup(text(str(value)))
