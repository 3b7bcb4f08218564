"""Snapshot, Changes -> text for a terminal."""

import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click import unstyle
from hypothesis import given
from hypothesis import strategies as st

import inventory
from inventory import Snapshot
from inventory import text as layout
from inventory.formats import WrittenFile
from inventory.report.change_lines import describe_changes
from inventory.report.facts import Report
from inventory.stub_server import inventory_after, inventory_before
from inventory.terminal.changes import changes_text
from inventory.terminal.snapshot import check_text, snapshot_text

NOW = datetime(2026, 11, 23, 6, 0, 4, tzinfo=UTC)
HOSTILE = "\x1b[2J\x1b]0;pwned\x07\u202eevil\r\n\u2066\x9b31m\x00"


def taken(folder: Path, **answers: list[dict[str, Any]] | str) -> Snapshot:
    """A snapshot of saved answers, one a server."""
    servers = []
    for name, models in answers.items():
        path = folder / f"{name}.json"
        if isinstance(models, list):
            path.write_text(json.dumps({"models": models}))
        servers.append(f"{name}=file:{path.name}")
    return inventory.collect(servers, clock=lambda: NOW, run_id="20261123T060004.000000Z-3f9a")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved answers have short addresses."""
    monkeypatch.chdir(tmp_path)


def test_a_snapshot(tmp_path: Path) -> None:
    """A snapshot's text is the mock-up's: totals, the largest models, files, warnings."""
    models = [*inventory_before(), {"key": "odd/model", "size_bytes": "large"}]
    files = [
        WrittenFile(Path("models.csv"), "models", rows=7, size=900),
        WrittenFile(Path("kept.parquet"), "models", skipped="left as it was: no server could be read"),
        WrittenFile(Path("inventory.xlsx"), "report", size=42_000),
    ]
    text = unstyle(snapshot_text(Report(taken(tmp_path, local=models)), 0.43, files))
    assert (
        text
        == """\
Snapshot 2026-11-23 06:00:04 UTC   file:local.json   0.4 s

  Models               7   5 llm, 1 embedding, 1 unknown
  On disk       64.13 GB
  Loaded               3   instances of 2 models

  Largest models       Params  Quant   Max context      Size  Loaded
  Gemma 4 26B A4B     26B-A4B  Q4_K_M      262,144  17.99 GB       1
  Phi 4                   15B  Q8_0         16,384  15.58 GB       -
  Codestral 22B v0.1      22B  -            32,768  13.34 GB       -
  GPT-OSS 20B             20B  MXFP4       131,072  12.11 GB       2
  Qwen3 8B                 8B  4bit         40,960   5.03 GB       -

  Models     models.csv      7 rows
  Models     kept.parquet    left as it was: no server could be read
  Report     inventory.xlsx  42 KB

  1 warning
    local: models[6].size_bytes is not a whole number; the cell is empty, the
    value kept in extra
"""
    )


def test_a_check(tmp_path: Path) -> None:
    """A check says for each server what was found, or what is wrong and what to do, within 80 columns."""
    assert (
        unstyle(check_text(Report(taken(tmp_path, a=inventory_before(), gone="")).servers))
        == """\
a   file:a.json
  ok   6 models, 3 loaded instances, 64.13 GB

gone   file:gone.json
  unreachable   the saved response gone.json could not be read: No such file or
                directory. Save one with: curl -o answer.json
                http://HOST:1234/api/v1/models

1 of 2 servers ok; 1 unreachable
"""
    )


def test_nothing_read(tmp_path: Path) -> None:
    """When no server was read, no count is given."""
    text = unstyle(snapshot_text(Report(taken(tmp_path, a="", b="")), 1.0))
    assert "Coverage      0 of 2 servers read; a unreachable; b unreachable" in text
    assert "\n  No server was read, so this run knows of no models\n" in text


def test_a_run_with_a_history_tells_what_changed(tmp_path: Path) -> None:
    """The difference in size and the changes since the run before stand where the mock-up has them."""
    before = taken(tmp_path, a=inventory_before(), b=[])
    after = taken(tmp_path, a=inventory_after(), b=[])
    changes = inventory.compare(before, after)
    text = unstyle(snapshot_text(Report(after, changes), 0.43, since=NOW))
    assert text.startswith("""\
Snapshot 2026-11-23 06:00:04 UTC   2 servers   0.4 s

  Coverage      2 of 2 servers read
  Models               6   5 llm, 1 embedding
  On disk       48.50 GB   -15.64 GB since the previous snapshot
  Loaded               3   instances of 2 models
  Changes       models +1 -1 ~1   instances +0 -0 ~1
                since 2026-11-23 06:00 UTC

""")
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_what_a_server_sends_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    """Escape sequences, bidi and control characters in every text are shown, not obeyed."""
    models = json.loads(json.dumps(inventory_before()))
    changed = json.loads(json.dumps(models))
    for model in changed:
        model |= dict.fromkeys(("display_name", "params_string", "type", "architecture", HOSTILE), HOSTILE)
        model["quantization"] = {"name": HOSTILE}
    changed[0]["key"] = HOSTILE
    changed[1] = {"key": HOSTILE + "2", "size_bytes": 10**12, "loaded_instances": [{"id": HOSTILE}], "type": {}}
    before, after = taken(tmp_path, a=models), taken(tmp_path, a=changed)
    for text in (
        snapshot_text(Report(after), 0.1),
        check_text(Report(after).servers),
        changes_text(describe_changes(inventory.compare(before, after)), HOSTILE),
        changes_text(describe_changes(inventory.compare(after, before)), "t"),
    ):
        shown = unstyle(text).replace("\n", "")
        assert not [character for character in shown if not character.isprintable()]
        assert "\\x1b" in shown or "a.json" in shown


def test_keys_are_never_cut_and_names_fit(tmp_path: Path) -> None:
    """A long display name is cut to the terminal, its server is not; a long key is folded, not cut."""
    key = "publisher/" + "k" * 100
    several = taken(
        tmp_path,
        rack=[{"key": key, "size_bytes": 3}, {"key": "b", "display_name": "N" * 100, "size_bytes": 2}],
        other=[{"key": "c", "display_name": "\u6a21\u578b" * 40, "params_string": "9" * 500, "type": "t" * 500}],
    )
    for columns in (80, 100, 120):
        lines = unstyle(snapshot_text(Report(several), 0.1, columns=columns)).splitlines()
        assert max(map(layout.width, lines)) <= columns
        assert sum(line.count("k") for line in lines if "publisher/" in line or line.strip("k @rac") == "") >= 100
        whole = " ".join(line.strip() for line in lines)
        assert "NNN..." in whole
        assert "rack" in whole
        assert "other" in whole


def test_wide_characters_stand_in_columns(tmp_path: Path) -> None:
    """Names in scripts of double width leave the columns beside them aligned."""
    names = ["\u6a21\u578b\u4e00", "plain", "e\u0301te\u0301", "\ud55c\uad6d\uc5b4 \u6a21\u578b"]
    models = [{"key": name, "display_name": name, "size_bytes": 10**9, "params_string": "7B"} for name in names]
    lines = unstyle(snapshot_text(Report(taken(tmp_path, a=models)), 0.1)).splitlines()
    table = [line for line in lines if "1.00 GB" in line and "7B" in line]
    assert len(table) == 4
    assert len({layout.width(line[: line.index("7B")]) for line in table}) == 1


def test_many_types_and_long_names_stay_short_and_quick(tmp_path: Path) -> None:
    """Hundreds of types become a few and a number; a name of a million characters is cut at once."""
    models: list[dict[str, Any]] = [{"key": str(number), "type": f"type{number}"} for number in range(300)]
    models[0]["display_name"] = "x" * 1_000_000
    models[0]["size_bytes"] = 1
    text = unstyle(snapshot_text(Report(taken(tmp_path, a=models)), 0.1))
    assert "297 of other types" in text
    assert max(map(len, text.splitlines())) <= 80


@given(st.text(max_size=40), st.integers(3, 30))
def test_cut_and_pad_keep_to_their_room(text: str, room: int) -> None:
    """A cut text fits its room, begins like the whole one, and is padded to exactly the room."""
    shown = layout.truncate(layout.escape_controls(text), room)
    assert layout.width(shown) <= room
    assert layout.escape_controls(text).startswith(shown.removesuffix("..."))
    assert layout.width(layout.pad(shown, room)) == layout.width(layout.pad(shown, room, ">")) == room


@given(st.text())
def test_plain_text_is_printable(text: str) -> None:
    """Whatever comes is printable afterwards, and text that was printable is as it was."""
    assert layout.escape_controls(text).isprintable()
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in layout.escape_controls(text))
    if text.isprintable():
        assert layout.escape_controls(text) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (0, "0.00 GB"), (84_106_624, "0.08 GB"), (76_950_364_862, "76.95 GB"), (10**15, "1,000,000.00 GB")],
)
def test_sizes(value: int | None, shown: str) -> None:
    """Sizes are GB of 10^9 bytes; not reported is not zero."""
    assert layout.size(value) == shown
