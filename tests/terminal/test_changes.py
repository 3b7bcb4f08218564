"""Changes -> text for a terminal."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click import unstyle

import inventory
from inventory import schema
from inventory import text as layout
from inventory.diff.changes import size_difference
from inventory.report.change_lines import ChangeSection, NotCompared, describe_changes
from inventory.report.change_words import changed_value
from inventory.report.failures import not_compared_lines
from inventory.stub_server import inventory_after, inventory_before
from inventory.terminal.changes import changes_text, counts
from inventory.text import signed_size

HOSTILE = "\x1b[2J\x1b]0;pwned\x07\u202eevil\r\n\u2066\x9b31m\x00"
Models = list[dict[str, Any]]


def text_of(
    folder: Path, old: dict[str, Models | None], new: dict[str, Models | None], title: str = "t", columns: int = 80
) -> str:
    """What is said of the changes from some saved answers to others; None is a server that was not read."""
    sides = []
    for answers in (old, new):
        for name, models in answers.items():
            path = folder / f"{name}.json"
            path.unlink(missing_ok=True)
            if models is not None:
                path.write_text(json.dumps({"models": models}))
        sides.append(inventory.collect([f"{name}=file:{folder / name}.json" for name in answers]))
    text = unstyle(changes_text(describe_changes(inventory.compare(sides[0], sides[1])), title, columns))
    assert not [line for line in text.splitlines() if line != line.rstrip()], "no line ends in spaces"
    return text


def test_sections_marks_and_counts(tmp_path: Path) -> None:
    """Each word is a section with its mark, values stand side by side or beneath each other, counts come last."""
    text = text_of(tmp_path, {"a": inventory_before()}, {"a": inventory_after()}, "before -> after")
    assert (
        text
        == """\
before -> after

Added (1)
  + model     ibm/granite-4-h-tiny                      7B  Q4_K_M    4.23 GB

Removed (1)
  - model     mistralai/codestral-22b-v0.1             22B  -        13.34 GB

Reconfigured (2)
  ~ model     microsoft/phi-4
      Quantization  Q8_0 -> Q4_K_M (15.58 -> 9.05 GB)
  ~ instance  openai/gpt-oss-20b:2
      Context       65,536 -> 131,072

models +1 -1 ~1   instances +0 -0 ~1   size -15.64 GB
"""
    )
    assert max(map(len, text.splitlines())) <= 80


def test_a_server_without_models_left(tmp_path: Path) -> None:
    """Everything that went stands in columns, with its server where there are several."""
    old: dict[str, Models | None] = {"a": inventory_before()[:2], "b": [], "c": []}
    text = text_of(tmp_path, old, {"a": [], "b": [], "c": None})
    assert (
        text.partition("last read")[0]
        == """\
t

Removed (2)
  - model     google/gemma-4-26b-a4b @ a           26B-A4B  Q4_K_M   17.99 GB
  - model     openai/gpt-oss-20b @ a                   20B  MXFP4    12.11 GB

Unloaded (3)
  - instance  google/gemma-4-26b-a4b @ a  google/gemma-4-26b-a4b  context 4,096
  - instance  openai/gpt-oss-20b @ a      openai/gpt-oss-20b      context 32,768
  - instance  openai/gpt-oss-20b:2 @ a    openai/gpt-oss-20b      context 65,536

models +0 -2 ~0   instances +0 -3 ~0   size -30.10 GB

Not compared
  c: not read now: unreachable, """
    )


def test_many_servers_not_compared_for_one_reason_are_one_line() -> None:
    """More than five are counted and the first of them named; up to five are listed one by one."""
    few = [NotCompared(f"new-{number}", "seen for the first time: a baseline", None) for number in range(5)]
    lost = [NotCompared(f"lost-{number}", "not read now or before: unreachable", None) for number in range(9)]
    section = ChangeSection(counts={"model": dict.fromkeys(schema.CHANGES_WORDS, 0)}, not_compared=(*few, *lost))
    lines = unstyle(changes_text(section, "t")).partition("Not compared")[2].splitlines()
    assert lines == [
        " (--json names all servers)",
        *(f"  new-{number}: seen for the first time: a baseline" for number in range(5)),
        "  9 servers not read now or before: unreachable",
        "    lost-0, lost-1, lost-2 and 6 more",
    ]
    silent = [
        NotCompared(f"s{day}", "not read now: timeout", datetime(2026, 11, day, 6, tzinfo=UTC))
        for day in range(9, 2, -1)
    ]
    assert not_compared_lines(silent) == [
        (
            "7 servers not read now: timeout, last read 2026-11-03 06:00 UTC to 2026-11-09 06:00 UTC",
            "s9, s8, s7 and 4 more",
        )
    ]


def test_no_changes(tmp_path: Path) -> None:
    """That nothing changed is said."""
    same = {"a": inventory_before()}
    assert text_of(tmp_path, dict(same), dict(same)) == "t\n\nNo changes\n\nmodels +0 -0 ~0   instances +0 -0 ~0\n"


def test_a_field_that_appears_is_news_of_the_server(tmp_path: Path) -> None:
    """A field reported for the first time is one line about the server, and so is one that vanished."""
    models = inventory_before()
    for model in models:
        model["licence"] = "MIT"
    line = r"\n  ~ server    a +{} the field extra\.licence of its models\n"
    text = text_of(tmp_path, {"a": inventory_before()}, {"a": models})
    assert re.search(line.format("reported"), text)
    text = text_of(tmp_path, {"a": models}, {"a": inventory_before()})
    assert re.search(line.format("unreported"), text)


def test_hints_stand_beside(tmp_path: Path) -> None:
    """What may be behind a change is said after it, or beneath it where there is no room."""
    renamed = inventory_before()
    renamed[2] |= {"key": "qwen/qwen3-8b-new", "params_string": "8.2B"}
    text = text_of(tmp_path, {"a": inventory_before()}, {"a": renamed})
    lines = text.splitlines()
    (index,) = [index for index, line in enumerate(lines) if line.startswith("  + model     qwen/qwen3-8b-new ")]
    assert lines[index + 1] == " " * 14 + "(possible rename of qwen/qwen3-8b)"


def test_names_of_any_script_are_plain_and_aligned(tmp_path: Path) -> None:
    """Escape sequences, bidi and control characters are shown, not obeyed; wide names leave columns aligned."""
    keys = ["\u6a21\u578b/\u4e00\u4e8c", "plain", "e\u0301te\u0301", HOSTILE, "k" * 60]
    models: Models = [{"key": key, "size_bytes": 10**9, "params_string": "7B"} for key in keys]
    models[0] |= {"params_string": HOSTILE, "quantization": {"name": HOSTILE}, "loaded_instances": [{"id": HOSTILE}]}
    text = text_of(tmp_path, {"a": []}, {"a": models}, HOSTILE, 200)
    assert text.replace("\n", "").isprintable()
    lines = [line for line in text.splitlines() if line.endswith("1.00 GB")]
    assert len(lines) == 5
    assert len({layout.width(line) for line in lines}) == 1
    assert "k" * 60 in text


def test_reconfigured_texts_are_plain_and_folded(tmp_path: Path) -> None:
    """Values that are empty, long or hostile are shown; none moves the cursor or is lost."""
    values = ["", " ", HOSTILE, "word " * 30, "x" * 500]
    for old, new in zip(values, [*values[1:], values[0]], strict=True):
        sides = [[{"key": "a", "description": value}] for value in (old, new)]
        text = text_of(tmp_path, {"a": sides[0]}, {"a": sides[1]})
        assert text.replace("\n", "").isprintable()
        assert "\n      Description  " in text
        assert re.search("-> |->\n", text)
        whole = text.replace("\n" + " " * 19, "")
        for value in (old, new):
            assert (layout.escape_controls(value.split()[0][:100]) if value.strip() else json.dumps(value)) in whole


def test_sizes_that_are_not_known_are_no_difference(tmp_path: Path) -> None:
    """A size that was not reported before is no growth."""
    sides = []
    for size in (None, 5 * 10**9, 6 * 10**9):
        (tmp_path / "a.json").write_text(
            json.dumps({"models": [{"key": "a", "size_bytes": size}, {"key": "b", "size_bytes": 1}]})
        )
        sides.append(inventory.collect(f"a=file:{tmp_path}/a.json"))
    assert size_difference(inventory.compare(sides[0], sides[1])) == 0
    assert size_difference(inventory.compare(sides[1], sides[2])) == 10**9
    parts = counts(describe_changes(inventory.compare(sides[1], sides[1])))
    assert [*map(unstyle, parts)] == ["models +0 -0 ~0", "instances +0 -0 ~0"]


@pytest.mark.parametrize(
    ("text", "field", "shown"),
    [
        (None, "size_bytes", ""), ("", "description", '""'), ("5000000000", "size_bytes", "5.00 GB"),
        ("32768", "config_context_length", "32,768"), ("true", "config_flash_attention", "yes"),
        ("false", "config_flash_attention", "no"), ('["b", "a"]', "variants", "b, a"), ("[]", "variants", "(none)"),
        ("0.5", "quantization_bits_per_weight", "0.5"), ('{"x": 1}', "extra.other", '{"x": 1}'),
    ],
)  # fmt: skip
def test_values_are_shown_as_people_read_them(text: str | None, field: str, shown: str) -> None:
    """Sizes in GB, thousands apart, yes and no; what is not reported is empty."""
    assert changed_value(text, field) == shown


def test_signs() -> None:
    """A difference has its sign."""
    assert [signed_size(value, "-") for value in (10**10, -(10**10), 0)] == ["+10.00 GB", "-10.00 GB", "+0.00 GB"]
    assert signed_size(-(10**10)) == "\u221210.00 GB"
