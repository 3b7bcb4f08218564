"""Markdown for a ticket or a chat: short, and no text becomes anything but a text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import inventory
from formats.samples import HOSTILE, fleet, snapshot
from inventory import schema
from inventory.formats import md
from inventory.layout import visible
from inventory.overview import Overview, cards

EVIL = [
    "a|b",
    "a\\|b",
    "`x`",
    "``",
    "\\",
    "[x](http://evil)",
    "![x](http://evil/a.png)",
    "<script>alert(1)</script>",
    "<!--",
    "@everyone",
    "#123",
    "GH-123",
    "www.evil.com",
    "https://evil.com",
    "me@evil.com",
    "**x**",
    "_x_",
    "~~x~~",
    "a\nb",
    "a\r\n\r\n# b",
    "&lt;",
    ":smile:",
    "deadbeefcafe",
    "\u2028x",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from([*EVIL, *HOSTILE])


def told(overview: Overview) -> str:
    """The text of an overview."""
    return md.encode(overview, "model").decode()


def shown(markdown: str) -> str:
    """What a reader sees of an escaped text: a code span, a code element of references, or plain words."""
    if found := re.fullmatch(r"<code>((?:[\w ]|&#[0-9]+;)*)</code>", markdown):
        return re.sub(r"&#([0-9]+);", lambda one: chr(int(one[1])), found[1])
    if markdown.startswith("`"):
        fence = re.match("`+", markdown)
        assert fence
        inner = markdown[len(fence[0]) : -len(fence[0])]
        assert markdown.endswith(fence[0])
        assert fence[0] not in re.findall("`+", inner)
        return inner[1:-1] if inner.startswith(" ") and inner.endswith(" ") and inner.strip() else inner
    assert not set("<>&[]|`*@#!\\~\n") & set(markdown)
    assert not re.search(r"www\.|://", markdown)
    return markdown


@given(TEXTS)
def test_any_text_is_a_text(text: str) -> None:
    """A text is read back as it was, on one line, and nothing of it is Markdown or HTML; a pipe cannot end its cell."""
    escaped = md.escaped(text)
    assert len(escaped.splitlines()) <= 1
    assert "|" not in escaped
    if text.strip():
        seen = visible(text)
        for character in "\r\n\t\u2028\u2029":
            seen = seen.replace(character, character.encode("unicode_escape").decode())
        assert shown(escaped) == seen


@pytest.mark.parametrize("text", EVIL)
def test_tables_keep_their_columns(text: str) -> None:
    """Whatever the names are, each row of each table has the cells that its head has."""
    models = [{"server": text, "key": text, "ordinal": 0, "publisher": text, "size_bytes": 5, "display_name": text}]
    after = snapshot(models)
    changes = inventory.compare(snapshot([{"server": text, "key": "other", "ordinal": 0}]), after)
    whole = told(Overview(after, changes, text)) + md.encode_tables([(schema.MODELS, after.tables["models"])]).decode()
    for block in re.findall(r"(?:^\|.*\n)+", whole, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1
    assert "](http" not in whole.replace("`[x](http://evil)`", "").replace("`![x](http://evil/a.png)`", "")


@pytest.mark.parametrize("text", ["www.evil.example", "WWW.evil.example", "see GH-26", "deadbeef1"])
def test_what_a_reader_would_link_is_code(text: str) -> None:
    """A site makes no address, issue or commit of a name."""
    assert md.escaped(text) == f"`{text}`"


@pytest.mark.parametrize("text", ["Qwen3 8B", "qwen/qwen3-8b", "Q4_K_M", "7B \u00b7 4.23 GB", "+4.23 GB since then"])
def test_plain_words_stay_plain(text: str) -> None:
    """A usual name stands as it is."""
    assert md.escaped(text) == text


def test_figures() -> None:
    """The figures and the state are those of every report."""
    overview = Overview(fleet())
    for card in cards(overview):
        assert card.label in told(overview)
        assert f"**{card.value}**" in told(overview)
    assert "\nCompared with nothing.\n" in told(overview)


def test_many_changes_and_models_stay_short() -> None:
    """Two hundred changes are told, and how many more there are; ten models, whatever their number."""
    models = [{"server": "s", "key": f"model-{n}", "ordinal": 0, "size_bytes": n} for n in range(5_000)]
    after = snapshot(models)
    text = told(Overview(after, inventory.compare(snapshot(), after), "yesterday"))
    assert text.count("| + added |") == 200
    assert "\nand 4,800 more changes\n" in text
    assert "## Largest models (of 5,000)" in text
    assert len(text) < 25_000


def test_what_is_news_of_a_server() -> None:
    """A field that appears is told of its server, which has no key; a model's key stands beside another name."""
    row = {"server": "s", "key": "some/key", "ordinal": 0, "display_name": "A Name"}
    before, after = snapshot([row]), snapshot([{**row, "extra": '{"licence": "MIT"}'}])
    assert "| ~ reported | s |" in told(Overview(after, inventory.compare(before, after), "yesterday"))
    assert "A Name some/key" in told(Overview(before, inventory.compare(snapshot(status="ok"), before), "yesterday"))


def test_who_was_not_read() -> None:
    """Servers that were not read stand there with their reasons, those that were not compared too."""
    before = snapshot([{"server": "a b*", "key": "k", "ordinal": 0}])
    after = snapshot([{"server": "a b*", "key": "k", "ordinal": 0}], status="too_old", error="no @endpoint")
    text = told(Overview(after, inventory.compare(before, after), "yesterday"))
    assert "**Collection failed** - `no @endpoint`" in text
    assert "- **`a b*`**: too old - `no @endpoint`" in text
    assert "### Not compared\n\n- **`a b*`**: not read now: too_old, last read 2026-11-23 06:00 UTC" in text
