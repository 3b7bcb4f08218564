"""One change, one line: what follows from another quantization is folded into it."""

import json
from pathlib import Path
from typing import Any

import pytest

import inventory
from inventory.formats.html.fragments import changes_html
from inventory.formats.md import encode
from inventory.report.change_lines import describe_changes
from inventory.report.facts import Report

OLD = {
    "key": "a/b",
    "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
    "size_bytes": 13_340_000_000,
    "selected_variant": "a/b@q4_k_m",
    "variants": ["a/b@q4_k_m"],
    "max_context_length": 4096,
}
NEW = {
    "key": "a/b",
    "quantization": {"name": "Q3_K_L", "bits_per_weight": 3},
    "size_bytes": 10_670_000_000,
    "selected_variant": "a/b@q3_k_l",
    "variants": ["a/b@q3_k_l"],
    "max_context_length": 8192,
}


def compared(folder: Path, old: dict[str, Any], new: dict[str, Any]) -> tuple[inventory.Snapshot, inventory.Changes]:
    """The later snapshot of a model, with another beside it that stays as it is, and what changed."""
    sides = []
    for model in (old, new):
        (folder / "s.json").write_text(json.dumps({"models": [model, {**OLD, "key": "other"}]}))
        sides.append(inventory.collect(f"s=file:{folder}/s.json"))
    return sides[1], inventory.compare(sides[0], sides[1])


def fields(changes: inventory.Changes, *, all_fields: bool = False) -> list[str | None]:
    """The field of each line."""
    return [line.field for line in describe_changes(changes, all_fields=all_fields).lines]


def test_a_requantized_model_is_one_line(tmp_path: Path) -> None:
    """Bits, variants and size follow; what does not follow keeps its line, and the table every field."""
    snapshot, changes = compared(tmp_path, OLD, NEW)
    assert fields(changes) == ["max_context_length", "quantization_name"]
    assert len(fields(changes, all_fields=True)) == changes.table.num_rows == 6
    section = describe_changes(changes)
    line = section.lines[1]
    assert (line.before, line.after, line.sizes_text) == ("Q4_K_M", "Q3_K_L", "13.34 -> 10.67 GB")
    assert (line.field_name, line.size_difference) == ("Quantization", -2_670_000_000)
    assert section.counts["model"]["reconfigured"] == 1, "models, not lines"
    report = Report(snapshot, changes)
    markdown, html = encode(report, "model").decode(), changes_html(changes)
    for text in (markdown, html):
        assert "Q4_K_M \u00b7 13.34 GB" in text
        assert "Q3_K_L \u00b7 10.67 GB" in text
        assert "Bits per weight" not in text
    assert "Bits per weight" in encode(Report(snapshot, changes, all_fields=True), "model").decode()


@pytest.mark.parametrize("name", ["variants", "selected_variant", "size_bytes"])
def test_without_another_quantization_each_field_is_news(name: str, tmp_path: Path) -> None:
    """A size or a variant that changes alone keeps its line."""
    assert fields(compared(tmp_path, OLD, OLD | {name: NEW[name]})[1]) == [name]


def test_a_size_that_was_not_known_keeps_its_line(tmp_path: Path) -> None:
    """It cannot stand in brackets beside the quantization, and must not be lost."""
    _, changes = compared(tmp_path, OLD | {"size_bytes": None}, {**OLD, "quantization": NEW["quantization"]})
    assert fields(changes) == ["quantization_name", "size_bytes"]
    assert describe_changes(changes).lines[0].sizes is None


def test_nothing_compared_has_no_counts(tmp_path: Path) -> None:
    """Where no server was compared it is said why; where only one grain was, the other has no counts."""
    snapshot, _ = compared(tmp_path, OLD, OLD)
    failed = inventory.collect(f"s=file:{tmp_path}/none.json")
    section = Report(failed, inventory.compare(snapshot, failed)).all_changes
    assert section is not None
    assert section.nothing_compared == "not compared: 1 unreachable"
    snapshot.write(tmp_path / "m.csv")
    section = describe_changes(inventory.compare(inventory.read(tmp_path / "m.csv"), snapshot), ["s"])
    assert [*section.counts] == ["model"]
    assert section.nothing_compared == ""
