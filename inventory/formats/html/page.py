"""The page around the sections; every text is escaped by ``fragments.text`` where it becomes a part of it."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inventory.about import SIGNATURE
from inventory.formats.html.fragments import text
from inventory.formats.html.stylesheet import style_sheet
from inventory.report.facts import TITLE, Report


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
        groups: the rows of each server in HTML, which the reader may open, close and filter.
        more: what to say beneath the rows; may be empty.
        on_new_page: whether it begins a page when it is printed.
    """

    name: str
    title: str
    note: str = ""
    charts: Sequence[tuple[str, str]] = ()
    remark: str = ""
    tables: Sequence[tuple[str, str]] = ()
    groups: Iterable[str] = ()
    more: str = ""
    on_new_page: bool = False


def render_page(sections: Sequence[Section], report: Report | None = None) -> bytes:
    """Render the page of a report, or one of sections alone."""
    # As a text, a page of many rows would take twice as much memory; and so would bytes that grow.
    return b"".join([part.encode() for part in _parts(sections, report)])


def _parts(sections: Sequence[Section], report: Report | None) -> Iterator[str]:
    title, style, code = text(report.title if report else TITLE), style_sheet(), script()
    yield f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{_digest(style)}'; \
script-src 'sha256-{_digest(code)}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1>
"""
    if report:
        named = (f"{words} {name}" if words else name for words, name in [*report.banner, SIGNATURE])
        yield f"<p>{' · '.join(f'<bdi>{text(name)}</bdi>' for name in named)}</p>\n"
    yield "</header>\n<main>\n"
    if report:
        yield f'<p class="state {report.status.level}">{text(report.status.text)}</p>\n<dl class="cards">\n'
        for figure in report.key_figures:
            value, note = (f'<dd class="{name}">{text(getattr(figure, name))}</dd>' for name in ("value", "note"))
            yield f"<div><dt>{text(figure.label)}</dt>{value}{note}</div>\n"
        links = "".join(f'<a href="#{section.name}">{text(section.title)}</a>\n' for section in sections)
        yield f'</dl>\n<nav aria-label="Sections">\n{links}</nav>\n'
    for section in sections:
        yield from _section(section)
        if section is sections[-1]:
            what = report.snapshot.what if report else ""
            words = text(f"{what[:1].upper()}{what[1:]}. ") if what else ""
            yield f"<footer>{words}Times are UTC. GB is 10<sup>9</sup> bytes. A blank cell: not reported.</footer>\n"
        yield "</section>\n"
    yield f"</main>\n<script>{code}</script>\n</body>\n</html>\n"


def _section(section: Section) -> Iterator[str]:
    """Yield a section but for its end."""
    look = ' class="page"' if section.on_new_page else ""
    yield f'<section id="{section.name}"{look}>\n<h2>{text(section.title)}</h2>\n'
    yield f"<p>{text(section.note)}</p>\n" if section.note else ""
    figures = [f'<figure><h3 aria-hidden="true">{text(title)}</h3>{svg}</figure>\n' for title, svg in section.charts]
    yield f'<div class="charts">\n{"".join(figures)}</div>\n' if figures else ""
    yield f'<p class="remark">{text(section.remark)}</p>\n' if section.remark else ""
    if section.groups:
        yield '<p class="filter" hidden><label>Filter <input type="search" autocomplete="off" spellcheck="false">'
        yield "</label> <output></output></p>\n"
        for group in section.groups:
            yield f"{group}\n"
    yield f'<p class="remark">{text(section.more)}</p>\n' if section.more else ""
    for title, table in section.tables:
        yield f"<h3>{text(title)}</h3>\n" if title else ""
        yield f'<div class="box" role="region" tabindex="0" aria-label="{text(title or section.name)}">'
        yield table
        yield "</div>\n"


@cache
def script() -> str:
    """Return the page's script, by which its tables are sorted and filtered."""
    return (Path(__file__).parent / "page.js").read_text(encoding="utf-8")


def _digest(content: str) -> str:
    """Return the SHA-256 of a text as a Content Security Policy names it."""
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
