"""What Jupyter shows: words and marks first, colour beside them, and every text a text."""

import re
from pathlib import Path

import pytest
from support.history_builders import Fleet, made, model
from support.html_pages import Page, contrast
from support.snapshots import snapshot

import inventory
from inventory import Changes
from inventory.formats.html.fragments import SHOWN, STYLES, TINT, Cell, table, text

EVIL = "<script>alert('x')</script>&\"<b>"


def changes(count: int = 1, key: str = "k") -> Changes:
    """So many models added, one removed and one with another context."""
    usual = {"server": "s", "ordinal": 0, "type": "llm"}
    before = [{**usual, "key": "gone", "size_bytes": 5}, {**usual, "key": "kept", "max_context_length": 4096}]
    after = [{**usual, "key": f"{key}{n}"} for n in range(count)]
    after += [{**usual, "key": "kept", "max_context_length": 8192}]
    return inventory.compare(snapshot(before), snapshot(after))


def test_changes_read_without_colour() -> None:
    """With every style stripped, as code hosts do, each change is still told by its word, mark, field and values."""
    bare = Page(re.sub(' style="[^"]*"', "", changes()._repr_html_()))
    assert not [item for _, item in bare.elements if "style" in item or "class" in item]
    assert {"+ Added", "\u2212 Removed", "~ Reconfigured", "k0", "gone", "kept"} <= set(bare.texts)
    assert {"Max context", "4,096", "8,192"} <= set(bare.texts)
    assert {"\xa0+ 1 added\xa0", "\xa0\u2212 1 removed\xa0", "\xa0~ 1 reconfigured\xa0"} <= set(bare.texts)


def test_changes_are_coloured() -> None:
    """The row of each change has the colour of its word, as a tint of whatever ground it stands on."""
    styles = [item["style"] for tag, item in Page(changes()._repr_html_()).elements if tag == "tr" and item]
    assert styles == [STYLES["good"], STYLES["bad"], STYLES["warn"]]
    assert all(re.fullmatch(r"background:rgba\(\d+, \d+, \d+, 0\.25\)", item or "") for item in styles)


@pytest.mark.parametrize("ground", ["FFFFFF", "F5F5F5", "111111", "1E1E1E", "212121"])
@pytest.mark.parametrize("level", ["good", "bad", "warn"])
def test_tints_are_readable_in_every_theme(level: str, ground: str) -> None:
    """On the grounds of Jupyter's, VS Code's and Colab's themes, the theme's ink has a contrast of 4.5 on the tint."""
    colours = [int(part) for part in re.findall(r"\d+", STYLES[level])[:3]]
    mixed = [round(TINT * a + (1 - TINT) * b) for a, b in zip(colours, bytes.fromhex(ground), strict=True)]
    ink = "333333" if ground > "8" else "CCCCCC"
    assert contrast(bytes(mixed).hex(), ink) >= 4.5


def test_no_changes() -> None:
    """Nothing changed: that is said, and no empty table is shown."""
    walked = Page(inventory.compare(snapshot(), snapshot())._repr_html_())
    assert walked.texts[-1] == "Changes\xa0 none"
    assert "table" not in {tag for tag, _ in walked.elements}


def test_few_rows_are_shown() -> None:
    """Twenty changes are shown, and how many more there are."""
    shown = changes(30)._repr_html_()
    assert shown.count("<b>+ Added</b>") == SHOWN
    assert "and 12 more changes" in Page(shown).texts


def test_servers_not_compared() -> None:
    """A server that was not compared stands there with the reason."""
    shown = inventory.compare(snapshot(), snapshot(status="timeout"))._repr_html_()
    assert {"Not compared (1)", "s: not read now: timeout"} <= set(Page(shown).texts)


def test_hostile_names() -> None:
    """A name that is markup makes no element."""
    shown = Page(changes(key=EVIL)._repr_html_())
    assert shown.structure() == Page(changes()._repr_html_()).structure()
    assert f"{EVIL}0" in shown.texts


@pytest.mark.long
def test_history(tmp_path: Path) -> None:
    """A history shows its newest runs, those that failed in colour and word."""
    days: list[Fleet] = [{"a": [model(f"m{n}")]} for n in range(SHOWN + 2)]
    history, _ = made(tmp_path, *days, {"a": None})
    walked = Page(history._repr_html_())
    assert "and 3 more earlier runs" in walked.texts
    looks = [item.get("style") for tag, item in walked.elements if tag == "tr"]
    assert looks == [None] * SHOWN + [STYLES["bad"]]
    assert "failed" in walked.texts


def test_empty_history(tmp_path: Path) -> None:
    """A history without runs says so."""
    assert "No runs yet" in Page(inventory.History(tmp_path / "none")._repr_html_()).texts


def test_snapshot_says_whether_it_is_complete() -> None:
    """A snapshot says how much of it was read."""
    assert "\xa01 of 1 server read\xa0" in Page(snapshot()._repr_html_()).texts
    assert "\xa00 of 1 server read; x\xa0" in Page(snapshot(status="timeout", error="x")._repr_html_()).texts


@pytest.mark.parametrize("value", [EVIL, "\r\n", "\u05d0", "a\u200db"])
def test_text(value: str) -> None:
    """A text comes back from HTML as it was."""
    assert Page(f"<p>{text(value)}</p>").texts == [value]


def test_controls_are_made_visible() -> None:
    """What HTML cannot hold, and what turns the direction of everything after it, is shown by its number."""
    assert text("\x00\x1b\u202e\ud800") == r"\x00\x1b\u202e\ud800"


def test_heads_are_heads_of_columns() -> None:
    """The heads of a table are heads of its columns."""
    walked = Page(table([Cell("a")], [("", [Cell("b")])]))
    assert ("th", {"scope": "col"}) in walked.elements
