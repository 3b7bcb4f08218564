"""Changes -> text for a terminal, returned as ``str``."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from click import style

from inventory import schema
from inventory.diff.changes import ChangeSet
from inventory.tables import rows
from inventory.text import escape_controls, pad, row, size, truncate, width, widths, wrap

COLUMNS = 80
_KEYS = ("grain", *schema.INSTANCES.keys)
_CELL = 20  # columns of a cell that is no name
_VALUE = 200  # columns of a value that changed
MARKS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "renamed": ("~", "yellow"),
    "reconfigured": ("~", "yellow"),
    "loaded": ("+", "green"),
    "unloaded": ("-", "red"),
    "reported": ("~", "yellow"),
    "unreported": ("~", "yellow"),
}


def changes_text(changes: ChangeSet, title: str, columns: int = COLUMNS) -> str:
    """What changed, for a person: a section per word, and a line of counts."""
    found = rows(changes.table)
    hints = {tuple(hint[key] for key in _KEYS): hint["hint"] for hint in rows(changes.hints)}
    several = len({change["server"] for change in found} | changes.not_compared.keys()) > 1
    blocks = [style(escape_controls(title), bold=True)]
    for word in schema.CHANGES_WORDS:
        some = [change for change in found if change["change"] == word]
        if some:
            mark, colour = MARKS[word]
            total = sum(changes.counts(grain)[word] for grain in schema.GRAINS)
            mark = f"  {style(mark, fg=colour)} "
            reconfigured = word == "reconfigured"
            lines = (
                _reconfigured(some, mark, several, columns)
                if reconfigured
                else _presence_lines(some, mark, several, hints)
            )
            blocks.append("\n".join([style(f"{word.capitalize()} ({total:,})", fg=colour), *lines]))
    blocks += [] if found else ["No changes"]
    difference = size_difference(changes)
    blocks.append(counts_text(changes) + (f"   size {signed_size(difference)}" if difference else ""))
    skipped = rows(changes.skipped)
    if skipped:
        reasons = [line for one in skipped for line in wrap(_why(one), columns, "  ")]
        blocks.append("\n".join([style("Not compared", fg="yellow"), *reasons]))
    return "\n\n".join(blocks) + "\n"


def counts_text(changes: ChangeSet) -> str:
    """One line: models +3 -2 ~1, 1 renamed   instances +2 -1 ~2."""
    return "   ".join(
        _counts(changes, grain, words)
        for grain, words in (
            ("model", ("added", "removed", "reconfigured")),
            ("instance", ("loaded", "unloaded", "reconfigured")),
        )
    )


def size_difference(changes: ChangeSet) -> int:
    """Bytes that the changed models take more than before; a size that was or is not reported says nothing."""
    total = 0
    for change in rows(changes.table):
        if change["grain"] == "model" and change["change"] in ("added", "removed"):
            sign = 1 if change["change"] == "added" else -1
            total += sign * (json.loads(change["new"] or change["old"]).get("size_bytes") or 0)
        elif change["grain"] == "model" and change["field"] == "size_bytes" and change["change"] == "reconfigured":
            total += int(change["new"]) - int(change["old"]) if change["new"] and change["old"] else 0
    return total


def signed_size(count: int) -> str:
    """Bytes as GB with a sign."""
    return f"{'+' if count >= 0 else '-'}{size(abs(count))}"


def _why(one: dict[str, Any]) -> str:
    last = one["last_read"]
    read = f", last read {last:%Y-%m-%d %H:%M} UTC" if last else ""
    return f"{escape_controls(one['server'])}: {escape_controls(one['reason'])}{read}"


def _presence_lines(
    found: list[dict[str, Any]], mark: str, several: bool, hints: dict[tuple[Any, ...], str]
) -> Iterator[str]:
    """A line for each model, instance or field that came or went, in columns."""
    cells: dict[str, list[list[str]]] = {}
    notes: dict[str, list[str]] = {}
    for change in found:
        hint = hints.get(tuple(change[key] for key in _KEYS))
        cells.setdefault(_grain(change), []).append(
            [_subject(change, several), *map(escape_controls, _summary(change))]
        )
        notes.setdefault(_grain(change), []).append(f"   ({escape_controls(hint)})" if hint else "")
    for grain, lines in cells.items():
        renamed = found[0]["change"] == "renamed"
        least, sides = ((34, 8, 6, 9), "<><>") if grain == "model" and not renamed else ((34, 20, 0), "<<<")
        needed = [max(pair) for pair in zip(widths(lines), least, strict=False)]
        for line, note in zip(lines, notes[grain], strict=True):
            yield f"{mark}{grain:<8}  {row(line, needed, sides[: len(line)])}{note}"


def _reconfigured(found: list[dict[str, Any]], mark: str, several: bool, columns: int) -> Iterator[str]:
    """For each model or instance its name, and beneath it the fields with their old and new values."""
    before: object = None
    room = max(width(escape_controls(change["field"])) for change in found)
    for change in found:
        this = tuple(change[key] for key in _KEYS)
        if this != before:
            yield f"{mark}{_grain(change):<8}  {_subject(change, several)}"
            before = this
        indent = " " * 6 + pad(escape_controls(change["field"]), room) + "  "
        old, new = (
            truncate(escape_controls(format_value(change[side], change["field"])), _VALUE) for side in ("old", "new")
        )
        if width(f"{indent}{old} -> {new}") <= columns:
            yield f"{indent}{old} -> {style(new, bold=True)}"
        else:
            blank = " " * width(indent)
            lines = [
                *wrap(old, columns, blank),
                *(style(line, bold=True) for line in wrap(f"-> {new}", columns, blank)),
            ]
            yield indent + lines[0][len(blank) :]
            yield from lines[1:]


def _grain(change: dict[str, Any]) -> str:
    return "server" if change["key"] is None else str(change["grain"])


def _subject(change: dict[str, Any], several: bool) -> str:
    """A model's key, an instance's id or a server's name, and the server where there are several."""
    if change["key"] is None:
        return escape_controls(change["server"])
    numbers = [number for number in (change["ordinal"], change["instance_ordinal"]) if number]
    name = escape_controls(change["instance_id"] or change["key"]) + "".join(f" #{number}" for number in numbers)
    return f"{name} @ {escape_controls(change['server'])}" if several else name


def _summary(change: dict[str, Any]) -> list[str]:
    """The few values by which a person knows a model or an instance that came or went."""
    if change["change"] == "renamed":
        return [f"was {change['old']}"]
    if change["key"] is None:
        return [f"{change['change']} the field {change['field']} of its {change['grain']}s"]
    values = json.loads(change["new"] or change["old"])
    if change["grain"] == "instance":
        context = values.get("config_context_length")
        return [change["key"], "" if context is None else f"context {context:,}"]
    return [
        *(truncate(str(values.get(name) or "-"), _CELL) for name in ("params_string", "quantization_name")),
        size(values.get("size_bytes")),
    ]


def format_value(text: str | None, field: str) -> str:
    """A value of the changes table for a person."""
    if text is None:
        return "(not reported)"
    column = next(
        (column for table in schema.GRAIN_TABLES.values() for column in table.columns if column.name == field), None
    )
    if not text.strip():
        return json.dumps(text)  # what cannot be seen, in quotes
    if column is None or column.kind not in (schema.INTEGER, schema.NUMBER, schema.BOOLEAN, schema.LIST):
        return text
    value = json.loads(text)
    if column.kind == schema.LIST:
        return ", ".join(map(str, value)) or "(none)"
    if column.kind == schema.BOOLEAN:
        return "on" if value else "off"
    return size(value) if column.unit == "bytes" else f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def _counts(changes: ChangeSet, grain: str, words: Sequence[str]) -> str:
    numbers = changes.counts(grain)
    parts = [
        style(f"{MARKS[word][0]}{numbers[word]:,}", fg=MARKS[word][1] if numbers[word] else None) for word in words
    ]
    renamed = ", " + style(f"{numbers['renamed']:,} renamed", fg=MARKS["renamed"][1]) if numbers["renamed"] else ""
    return f"{grain}s " + " ".join(parts) + renamed
