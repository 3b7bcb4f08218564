"""Markdown for a ticket or a chat: short, and no text becomes anything but a text."""

import json
import re

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.html_pages import Page
from support.snapshots import HOSTILE, PIECES, fleet, names, snapshot
from support.states import carried
from support.workbooks import full, run

import inventory
from inventory import Snapshot, schema
from inventory.formats import md
from inventory.report.facts import Report
from inventory.tables import rows, table_of
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
    """Forty changes are told, how many more there are, and where; ten models, whatever their number."""
    models = [{"server": "s", "key": f"model-{n}", "ordinal": 0, "size_bytes": n} for n in range(5_000)]
    after = snapshot(models)
    text = told(Report(after, inventory.compare(snapshot(), after), "yesterday"))
    assert text.count("| + added |") == 40
    assert "\nand 4,960 more changes: in the same report as `.xlsx` or `.html`\n" in text
    assert "## Largest models (of 5,000)" in text
    assert len(text) < 6_000


def fleet_of(servers: int, models: int) -> Report:
    """So many servers with so many new models, labels of every kind, and one that was not read; a month of runs."""
    new = [
        {"server": f"server-{n:02}", "key": f"maker-{m}/model-{m}", "ordinal": 0, "size_bytes": (n + m) * 10**9,
         "publisher": f"maker-{m}", "quantization_name": f"Q{m}", "architecture": f"kind-{m}"}
        for n in range(servers) for m in range(1 if n else models)
    ]  # fmt: skip
    observed = rows(snapshot(new).tables["observations"])
    observed[-1] |= {"status": "timeout", "error": "no answer within 10 s"}
    observed[0]["warnings"] = json.dumps(["a repeated key"])
    after = snapshot(new)
    after = Snapshot({**after.tables, "observations": table_of(schema.OBSERVATIONS, observed)})
    first = [{**row, "quantization_name": "other"} for row in new if row["key"] == "maker-0/model-0"]
    changes = inventory.compare(snapshot(first), after)
    months = [run(day, servers=servers, read=servers - 1) for day in range(30)]
    return Report(after, changes, "yesterday", months, sizes=carried(months))


@pytest.mark.parametrize(("servers", "models"), [(12, 100), (2, 3), (200, 2)])
def test_a_fleet_is_short_and_narrow(servers: int, models: int) -> None:
    """A fleet takes less than 200 lines, no table more than five columns, and what is left out is counted."""
    text = told(fleet_of(servers, models))
    lines = text.splitlines()
    assert len(lines) < 200
    assert {line.count(" | ") + 1 for line in lines if line.startswith("| ")} <= {3, 4, 5}
    assert text.count("| **server-") == min(servers - 1, 12)
    shown = sum(line.startswith(("| + added", "| ~ reconfigured")) for line in lines)
    [whole] = re.findall(r"and ([\d,]+) more changes?:", text) or ["0"]
    assert shown + int(whole.replace(",", "")) == len(fleet_of(servers, models).what_changed.lines)
    assert shown <= 40


def test_of_many_changes_each_server_has_its_share() -> None:
    """One server with a hundred changes hides no change of another one."""
    text = told(fleet_of(12, 100))
    assert all(f"| **server-{n:02}** | 1 change |" in text for n in range(1, 11))
    assert "| **server-00** | 100 changes, " in text
    assert (text.count("| ~ reconfigured |"), text.count("| + added |")) == (10, 30)


def test_what_is_news_of_a_server() -> None:
    """A field that appears is told of its server, which has no key; a model's key stands beside another name."""
    row = {"server": "s", "key": "some/key", "ordinal": 0, "display_name": "A Name"}
    before, after = snapshot([row]), snapshot([{**row, "extra": '{"licence": "MIT"}'}])
    assert "| ~ reported | s | `extra.licence" in told(Report(after, inventory.compare(before, after), "yesterday"))
    assert "A Name some/key" in told(Report(before, inventory.compare(snapshot(status="ok"), before), "yesterday"))


def test_who_was_not_read() -> None:
    """Servers that were not read stand there with their reasons, those that were not compared too."""
    before = snapshot([{"server": "a b*", "key": "k", "ordinal": 0}])
    after = snapshot([{"server": "a b*", "key": "k", "ordinal": 0}], status="too_old", error="no @endpoint")
    text = told(Report(after, inventory.compare(before, after), "yesterday"))
    assert "**0 of 1 server read**; `no @endpoint`" in text
    assert "- **`a b*`**: too old - `no @endpoint`" in text
    assert "### Not compared\n\n- **`a b*`**: not read now: too_old, last read 2026-11-23 06:00 UTC" in text
