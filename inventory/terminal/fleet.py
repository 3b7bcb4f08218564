"""Counts over many servers -> text for a terminal, returned as ``str``."""

import json
from collections.abc import Iterable, Mapping, Sequence

from click import style

from inventory.report.change_lines import ChangeSection
from inventory.schema.derived import COUNTED
from inventory.tables import Row
from inventory.terminal.changes import totals
from inventory.terminal.layout import flow, table
from inventory.text import COLUMNS, escape_controls, integer, signed_size, size, truncate, wrap

_NO_LABEL = "(none)"
_LABEL = 40  # columns of a label's value
_KIND = 20  # columns of a quantization
_QUANTIZATIONS = 4  # that are named


def models_text(rows: Sequence[Row], title: str, columns: int = COLUMNS) -> str:
    """Show rows of ``derived.FLEET``."""
    lines = [
        [
            escape_controls(row["key"]),
            integer(row["servers"]),
            size(row["size_bytes"]),
            integer(row["loaded_instance_count"] or None),
            _quantizations_text(json.loads(row["quantizations"])),
        ]
        for row in rows
    ]
    return _titled(title, ["Key", "Servers", "Total size", "Loaded", "Quantizations"], lines, "<>>><", columns)


def groups_text(rows: Sequence[Row], by: str, title: str, columns: int = COLUMNS) -> str:
    """Show rows of ``derived.GROUPS``."""
    lines = [
        [
            _label_text(row["name"]),
            *(integer(row[name]) for name in ("servers", "different_models", "model_count")),
            size(row["size_bytes"]),
            integer(row["instance_count"] or None),
        ]
        for row in rows
    ]
    return _grouped(title, by, ["Different models", "Models", "Size", "Loaded"], lines, columns)


def change_groups_text(rows: Sequence[Row], changes: ChangeSection, by: str, title: str, columns: int = COLUMNS) -> str:
    """Show rows of ``derived.CHANGE_GROUPS``, and the counts of all together."""
    lines = [
        [
            _label_text(row["name"]),
            integer(row["servers"]),
            *(_counts(row, words.values()) for words in COUNTED.values()),
            signed_size(row["size_difference"], "-") if row["size_difference"] else "",
            integer(row["not_compared"] or None),
        ]
        for row in rows
    ]
    text = _grouped(title, by, ["Models", "Instances", "Size", "Not compared"], lines, columns)
    nothing = changes.nothing_compared
    total = wrap(nothing, columns) if nothing else flow("", totals(changes), columns)
    return "\n".join([text, *total]) + "\n"


def _grouped(title: str, by: str, heads: Sequence[str], lines: Sequence[Sequence[str]], columns: int) -> str:
    """Lay out a line for each group; where each server is a group of its own, they are not counted."""
    if by == "server":
        heads, lines = ["Server", *heads], [[line[0], *line[2:]] for line in lines]
    else:
        heads = [escape_controls(by), "Servers", *heads]
    return _titled(title, heads, lines, "<" + ">" * (len(heads) - 1), columns)


def _counts(row: Row, names: Iterable[str]) -> str:
    """Count the changes of a group; - where no server of it was compared."""
    names = list(names)[:3]
    if row["not_compared"] >= row["servers"] and not any(row[name] for name in names):
        return "-"
    return " ".join(f"{mark}{row[name]:,}" for mark, name in zip("+-~", names, strict=True))


def _quantizations_text(counts: Mapping[str, int]) -> str:
    """Name the most common quantizations: Q4_K_M 3, Q8_0 1."""
    common = sorted(counts.items(), key=lambda pair: -pair[1])
    parts = [f"{truncate(escape_controls(name), _KIND)} {number:,}" for name, number in common[:_QUANTIZATIONS]]
    return ", ".join([*parts, *([f"{len(common) - _QUANTIZATIONS} more"] if len(common) > _QUANTIZATIONS else [])])


def _label_text(label: str | None) -> str:
    return _NO_LABEL if label is None else truncate(escape_controls(label), _LABEL)


def _titled(title: str, heads: Sequence[str], lines: Sequence[Sequence[str]], sides: str, columns: int) -> str:
    titles = [style(line, bold=True) for line in wrap(escape_controls(title), columns)]
    return "\n".join([*titles, "", *table(lines, sides, heads, columns=columns)]) + "\n"
