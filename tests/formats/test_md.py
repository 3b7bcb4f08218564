"""Markdown for a ticket or a chat: short, and no text becomes anything but a text."""

import re

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.html_pages import Page
from support.snapshots import HOSTILE, PIECES, fleet, names, snapshot
from support.workbooks import full

import inventory
from inventory import schema
from inventory.formats import md
from inventory.report.facts import Report
from inventory.text import escape_invisible

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20) | st.sampled_from(
    [*PIECES, *filter(None, HOSTILE)]
)
AROUND = """\
# Title

**Word** - {0}

Collected \u00b7 {0} \u00b7 lms-inventory

| Model | What |
| --- | ---: |
| {0} | {0} ({0}) |
| {0} {0} | {0} |

- **{0}**: {0}
- **{0}**: timeout - {0}, last read 2026-11-23

## What changed since {0}
"""
"""A name in each place where a report puts one."""


def told(overview: Report) -> str:
    """The text of an overview."""
    return md.encode(overview, "model").decode()


def rendered(markdown: str) -> Page:
    """What GitHub's own renderer makes of a text, but for its code spans, in which a text is but a text.

    Footnotes are on, and HTML is let through, so that it is seen.
    """
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    html = cmarkgfm.github_flavored_markdown_to_html(markdown, options=options)
    return Page(re.sub("</?code>", "", html))


def seen(text: str) -> str:
    """A text as a reader sees it: on one line, and with what cannot be seen made visible."""
    shown = escape_invisible(text)
    for character in "\r\n\t\u2028\u2029":
        shown = shown.replace(character, character.encode("unicode_escape").decode())
    return shown if shown.strip() else f'"{shown}"'


@given(TEXTS | names.filter(bool))
@example("a|b mail x@evil.example")
@example("`" * 90 + " http://evil.example")
@example("a` <b> `c")
def test_any_text_is_a_text(text: str) -> None:
    """Wherever a name stands, GitHub shows it as it is, on one line, and makes nothing of it but code and text."""
    escaped = md.escaped(text)
    assert len(escaped.splitlines()) <= 1
    page, harmless = (rendered(AROUND.format(item)) for item in (escaped, "x"))
    assert page.structure() == harmless.structure()
    assert page.texts == [re.sub(r"\bx\b", lambda _: seen(text), item) for item in harmless.texts]


@given(names)
@settings(max_examples=settings().max_examples // 2)
def test_a_report_of_any_name_is_a_report(text: str) -> None:
    """Whatever servers, models, fields and errors are called, the report and its tables have the elements they have."""
    pages = []
    for name in (text or "x", "x"):
        overview = full(name, name + "y")
        tables = [(table, overview.snapshot.tables[table.name]) for table in (schema.MODELS, schema.OBSERVATIONS)]
        pages.append(rendered(f"{told(overview)}\n{md.encode_tables(tables).decode()}"))
    assert pages[0].structure() == pages[1].structure()


@pytest.mark.parametrize("text", ["www.evil.example", "WWW.1x", "evil.example", "see GH-26", "deadbeef1", "a %1"])
def test_what_a_reader_would_link_is_code(text: str) -> None:
    """A site makes no address, issue or commit of a name."""
    assert md.escaped(text) == f"`{text}`"


@pytest.mark.parametrize(
    "text", ["Qwen3 8B", "qwen/qwen3-8b", "Q4_K_M", "7B \u00b7 4.23 GB", "+4.23 GB since then", "v1.5 5% of"]
)
def test_plain_words_stay_plain(text: str) -> None:
    """A usual name stands as it is."""
    assert md.escaped(text) == text


def test_figures() -> None:
    """The figures and the state are those of every report."""
    overview = Report(fleet())
    for card in overview.key_figures:
        assert card.label in told(overview)
        assert f"**{card.value}**" in told(overview)
    assert "\nNo earlier snapshot to compare with.\n" in told(overview)


def test_many_changes_and_models_stay_short() -> None:
    """Two hundred changes are told, and how many more there are; ten models, whatever their number."""
    models = [{"server": "s", "key": f"model-{n}", "ordinal": 0, "size_bytes": n} for n in range(5_000)]
    after = snapshot(models)
    text = told(Report(after, inventory.compare(snapshot(), after), "yesterday"))
    assert text.count("| + added |") == 200
    assert "\nand 4,800 more changes\n" in text
    assert "## Largest models (of 5,000)" in text
    assert len(text) < 25_000


def test_what_is_news_of_a_server() -> None:
    """A field that appears is told of its server, which has no key; a model's key stands beside another name."""
    row = {"server": "s", "key": "some/key", "ordinal": 0, "display_name": "A Name"}
    before, after = snapshot([row]), snapshot([{**row, "extra": '{"licence": "MIT"}'}])
    assert "| ~ reported | s |" in told(Report(after, inventory.compare(before, after), "yesterday"))
    assert "A Name some/key" in told(Report(before, inventory.compare(snapshot(status="ok"), before), "yesterday"))


def test_who_was_not_read() -> None:
    """Servers that were not read stand there with their reasons, those that were not compared too."""
    before = snapshot([{"server": "a b*", "key": "k", "ordinal": 0}])
    after = snapshot([{"server": "a b*", "key": "k", "ordinal": 0}], status="too_old", error="no @endpoint")
    text = told(Report(after, inventory.compare(before, after), "yesterday"))
    assert "**0 of 1 server read**; `no @endpoint`" in text
    assert "- **`a b*`**: too old - `no @endpoint`" in text
    assert "### Not compared\n\n- **`a b*`**: not read now: too_old, last read 2026-11-23 06:00 UTC" in text
