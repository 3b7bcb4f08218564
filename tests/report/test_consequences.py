"""One change, one line: what follows from another quantization is folded into it."""

import json
from pathlib import Path
from typing import Any

import pytest

import inventory
from inventory.diff.changes import size_difference
from inventory.formats.html.fragments import changes_html
from inventory.formats.md import encode
from inventory.report.change_lines import describe_changes
from inventory.report.change_words import line_of
from inventory.report.consequences import without_consequences
from inventory.report.facts import Report
from inventory.tables import rows

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


def test_what_servers_have_in_common_is_worded_once(tmp_path: Path) -> None:
    """Each line says what its change says: of servers with the same changes, with other sizes, renames and news."""
    larger, renamed = NEW | {"size_bytes": 11_000_000_000}, {**OLD, "key": "a/b@q4", "variants": ["a/b@q4@q4_k_m"]}
    news = {"a": [NEW], "b": [NEW], "c": [larger], "d": [OLD | {"size_bytes": 1}], "e": [renamed], "f": [], "g": [OLD]}
    sides = []
    for number in (0, 1):
        for server, models in news.items():
            own = models if number else [OLD]
            text = json.dumps({"models": [{**model, **({"new": 1} if number else {})} for model in own]})
            (tmp_path / f"{server}.json").write_text(text)
        sides.append(inventory.collect([f"{server}=file:{tmp_path}/{server}.json" for server in news]))
    changes = inventory.compare(sides[0], sides[1])
    hints = {(hint["server"], hint["key"]): hint["hint"] for hint in rows(changes.hints)}
    for all_fields in (True, False):
        content = rows(changes.table)
        pairs = [(row, None) for row in content] if all_fields else [*without_consequences(content)]
        expected = [
            line_of(row, hints.get((row["server"], row["key"]), ""), sized)._replace(observed_at=None)
            for row, sized in pairs
        ]
        lines = describe_changes(changes, all_fields=all_fields).lines
        assert [*lines] == expected
        assert [*lines[2:5]] == expected[2:5]
        assert len(lines.kinds) < len(lines) if all_fields else len(lines) < len(content)
    assert size_difference(changes) == sum(
        row["size_bytes"] * sign
        for side, sign in zip(sides, (-1, 1), strict=True)
        for row in rows(side.tables["models"])
    )


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
