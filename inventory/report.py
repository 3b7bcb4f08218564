"""Snapshot, Changes -> text for a terminal, returned as ``str``.

Styles are click's; who prints decides whether they stay. What comes from a server is made plain first, so that a
model's name cannot move the cursor, and a key is never cut.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

from click import style

from inventory import schema
from inventory.diff import Changes
from inventory.snapshot import Snapshot, Written, rows

WIDTH = 80
_LARGEST = 5
_MARKS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "reconfigured": ("~", "yellow"),
    "loaded": ("+", "green"),
    "unloaded": ("-", "red"),
    "reported": ("~", "yellow"),
    "unreported": ("~", "yellow"),
}


def snapshot_text(snapshot: Snapshot, seconds: float, files: Sequence[Written] = (), width: int = WIDTH) -> str:
    """What one run saw, for a person.

    Args:
        snapshot: the run.
        seconds: how long it took.
        files: what became of the files it was written to.
        width: columns of the terminal.
    """
    observed = rows(snapshot.tables["observations"])
    models = rows(snapshot.tables["models"])
    blocks = [_heading(snapshot, observed, seconds), _totals(snapshot, observed, models)]
    if models:
        blocks.append(_largest(models, several=len(observed) > 1, width=width))
    blocks += [_files(files)] if files else []
    warnings = [(row["server"], text) for row in observed for text in json.loads(row["warnings"] or "[]")]
    if warnings:
        blocks.append(
            "\n".join(
                [
                    f"  {style(_count(len(warnings), 'warning'), fg='yellow')}",
                    *(f"    {plain(server)}: {plain(text)}" for server, text in warnings[:10]),
                    *([f"    and {len(warnings) - 10} more"] if len(warnings) > 10 else []),
                ]
            )
        )
    return "\n\n".join(blocks) + "\n"


def check_text(snapshot: Snapshot) -> str:
    """For each server what was found, or what is wrong and how to mend it."""
    blocks = []
    for row in rows(snapshot.tables["observations"]):
        lines = [style(plain(row["server"]), bold=True) + style(f"   {plain(row['url'])}", dim=True)]
        if row["status"] == "ok":
            took = "" if row["latency_ms"] is None else f", answered in {row['latency_ms']:,.0f} ms"
            lines.append(
                f"  {style('ok', fg='green')}   {_count(row['model_count'], 'model')}, "
                f"{_count(row['instance_count'], 'loaded instance')}, {size(row['size_bytes'])}{took}"
            )
            lines += [
                f"  {style('warning', fg='yellow')}   {plain(text)}" for text in json.loads(row["warnings"] or "[]")
            ]
        else:
            lines.append(f"  {style(row['status'], fg='red')}   {plain(row['error'])}")
        blocks.append("\n".join(lines))
    return "\n".join(blocks) + "\n"


def changes_text(changes: Changes, title: str) -> str:
    """What changed, for a person: a section per word, and a line of counts."""
    found = rows(changes.table)
    blocks = [style(plain(title), bold=True)]
    for word in schema.CHANGES_WORDS:
        some = [row for row in found if row["change"] == word]
        if some:
            mark, colour = _MARKS[word]
            count = sum(changes.counts(grain)[word] for grain in schema.GRAINS)
            blocks.append(
                "\n".join(
                    [style(f"{word.capitalize()} ({count})", fg=colour), *_change_lines(some, style(mark, fg=colour))]
                )
            )
    if not found:
        blocks.append("No changes")
    blocks.append(
        "   ".join(
            _counts(changes, grain, words)
            for grain, words in (
                ("model", ("added", "removed", "reconfigured")),
                ("instance", ("loaded", "unloaded", "reconfigured")),
            )
        )
    )
    if changes.not_compared:
        blocks.append(
            "\n".join(
                [
                    "Not compared",
                    *(f"  {plain(server)}: {plain(reason)}" for server, reason in changes.not_compared.items()),
                ]
            )
        )
    return "\n\n".join(blocks) + "\n"


def plain(text: str) -> str:
    """A text from elsewhere, with everything that a terminal would act on made visible."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def size(count: int | None) -> str:
    """Bytes as GB (10^9), or - for not reported."""
    return "-" if count is None else f"{count / 1e9:,.2f} GB"


def _heading(snapshot: Snapshot, observed: list[dict[str, Any]], seconds: float) -> str:
    moment = snapshot.observed_at
    where = observed[0]["url"] if len(observed) == 1 else f"{len(observed)} servers"
    return style(f"Snapshot {moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "Snapshot", bold=True) + style(
        f"   {plain(where)}   {seconds:.1f} s", dim=True
    )


def _totals(snapshot: Snapshot, observed: list[dict[str, Any]], models: list[dict[str, Any]]) -> str:
    read = [row for row in observed if row["status"] == "ok"]
    lines = []
    if len(observed) > 1 or len(read) < len(observed):
        counts = Counter(row["status"] for row in observed if row["status"] != "ok")
        failed = ", ".join(f"{count} {status}" for status, count in counts.items())
        lines.append(_line("Servers", f"{len(read)} of {len(observed)} read", style(failed, fg="red")))
    if not read:
        return "\n".join([*lines, _line("Models", "-", "not read; nothing is known")])
    kinds = Counter(row["type"] or "unknown" for row in models)
    instances = snapshot.tables["instances"].num_rows
    loaded = sum(1 for row in models if row["loaded_instance_count"])
    known = [row["size_bytes"] for row in read if row["size_bytes"] is not None]
    lines.append(
        _line(
            "Models", f"{len(models):,}", ", ".join(f"{count:,} {plain(kind)}" for kind, count in kinds.most_common())
        )
    )
    lines.append(_line("On disk", size(sum(known) if known else None), ""))
    lines.append(
        _line(
            "Loaded",
            f"{instances:,}",
            f"{'instance' if instances == 1 else 'instances'} of {_count(loaded, 'model')}" if instances else "",
        )
    )
    return "\n".join(lines)


def _line(label: str, value: str, note: str) -> str:
    return f"  {label:<8} {value:>13}   {note}".rstrip()


def _largest(models: list[dict[str, Any]], *, several: bool, width: int) -> str:
    top = sorted(models, key=lambda row: (-(row["size_bytes"] or 0), row["server"], row["key"]))[:_LARGEST]
    cells = [
        [
            str(row["params_string"] or "-"),
            str(row["quantization_name"] or "-"),
            _number(row["max_context_length"]),
            size(row["size_bytes"]),
            str(row["loaded_instance_count"] or "-"),
        ]
        for row in top
    ]
    heads = ["Params", "Quant", "Max context", "Size", "Loaded"]
    cells = [[plain(cell) for cell in line] for line in cells]
    sides = [">", "<", ">", ">", ">"]
    widths = [max(_width(line[column]) for line in [heads, *cells]) for column in range(len(heads))]
    names = [_name(row, several=several) for row in top]
    room = min(
        max(_width(name) for name, _ in [*names, ("Largest models", False)]),
        max(width - 2 - sum(widths) - 2 * len(widths), 14),
    )
    lines = [style("  " + _pad("Largest models", room, "<") + _row(heads, widths, sides), dim=True)]
    for (name, may_cut), line in zip(names, cells, strict=True):
        shown = _cut(name, room) if may_cut else name
        lines.append("  " + _pad(shown, room, "<") + _row(line, widths, sides))
    return "\n".join(lines)


def _name(row: dict[str, Any], *, several: bool) -> tuple[str, bool]:
    """A model's name for people, and whether it may be cut: a key may not."""
    at = f" @ {row['server']}" if several else ""
    return plain((row["display_name"] or row["key"]) + at), bool(row["display_name"])


def _row(cells: Sequence[str], widths: Sequence[int], sides: Sequence[str]) -> str:
    return "".join(
        "  " + _pad(cell, width, side) for cell, width, side in zip(cells, widths, sides, strict=True)
    ).rstrip()


def _files(files: Sequence[Written]) -> str:
    lines = []
    room = max(len(plain(str(file.path))) for file in files)
    for file in files:
        what = file.skipped or (f"{file.size / 1000:,.0f} KB" if file.holds == "report" else _count(file.rows, "row"))
        lines.append(
            f"  {file.holds.capitalize():<9}  {plain(str(file.path)):<{room}}  "
            + style(what, fg="red" if file.skipped else None, dim=not file.skipped)
        )
    return "\n".join(lines)


def _change_lines(found: list[dict[str, Any]], mark: str) -> list[str]:
    lines = []
    before: object = None
    for row in found:
        name = plain(row["instance_id"] or row["key"] or row["server"])
        numbers = [number for number in (row["ordinal"], row["instance_ordinal"]) if number]
        name += "".join(f" #{number}" for number in numbers)
        what = row["grain"] if row["key"] is not None else "server"
        this = tuple(row[key] for key in schema.INSTANCES.keys)
        if row["change"] == "reconfigured":
            if this != before:
                lines.append(f"  {mark} {what:<8}  {name}")
            shown = [plain(_shown(row[side], row["field"])) for side in ("old", "new")]
            lines.append(f"      {plain(row['field']):<30}  {shown[0]} -> {style(shown[1], bold=True)}")
        elif row["key"] is None:
            lines.append(f"  {mark} {what:<8}  {name}: field {plain(row['field'])} of its {row['grain']}s")
        else:
            lines.append(f"  {mark} {what:<8}  {name:<34}  {plain(_summary(row))}".rstrip())
        before = this
    return lines


def _summary(row: dict[str, Any]) -> str:
    """The few values by which a person knows a model or an instance that came or went."""
    values = json.loads(row["new"] or row["old"])
    if row["grain"] == "instance":
        context = values.get("config_context_length")
        return f"{row['key']}" + ("" if context is None else f"   context {context:,}")
    return "  ".join(str(values[name]) for name in ("params_string", "quantization_name") if name in values) + (
        "  " + size(values["size_bytes"]) if "size_bytes" in values else ""
    )


def _shown(text: str | None, field: str) -> str:
    """A value of the changes table for a person."""
    if text is None:
        return "(not reported)"
    column = next(
        (column for table in schema.GRAIN_TABLES.values() for column in table.columns if column.name == field), None
    )
    if column is None or column.kind not in (schema.INTEGER, schema.NUMBER, schema.BOOLEAN):
        return text
    value = json.loads(text)
    if column.kind == schema.BOOLEAN:
        return "on" if value else "off"
    return size(value) if column.unit == "bytes" else f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def _counts(changes: Changes, grain: str, words: Sequence[str]) -> str:
    counts = changes.counts(grain)
    parts = [style(f"{_MARKS[word][0]}{counts[word]}", fg=_MARKS[word][1] if counts[word] else None) for word in words]
    return f"{grain}s " + " ".join(parts)


def _count(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _width(text: str) -> int:
    """Columns a text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _pad(text: str, width: int, side: str) -> str:
    fill = " " * (width - _width(text))
    return fill + text if side == ">" else text + fill


def _cut(text: str, width: int) -> str:
    """A text in a room: its beginning, and three dots where something is missing."""
    if _width(text) <= width:
        return text
    while _width(text) > width - 3:
        text = text[:-1]
    return text + "..."
