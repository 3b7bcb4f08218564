"""Snapshot, Changes -> text for a terminal, returned as ``str``.

Styles are click's; who prints decides whether they stay. What comes from a server is made plain first, and a key is
never cut.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from click import style

from inventory import schema
from inventory.diff import Changes
from inventory.layout import count, cut, fold, integer, pad, plain, rooms, row, size, width
from inventory.snapshot import Snapshot, Written, rows

COLUMNS = 80
_LARGEST = 5  # models shown
_KINDS = 3  # types counted by name
_CELL = 20  # columns of a cell that is no name
_VALUE = 200  # columns of a value that changed
_WARNINGS = 10
_MARKS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "reconfigured": ("~", "yellow"),
    "loaded": ("+", "green"),
    "unloaded": ("-", "red"),
    "reported": ("~", "yellow"),
    "unreported": ("~", "yellow"),
}


def snapshot_text(snapshot: Snapshot, seconds: float, files: Sequence[Written] = (), columns: int = COLUMNS) -> str:
    """What one run saw, for a person.

    Args:
        snapshot: the run.
        seconds: how long it took.
        files: what became of the files it was written to.
        columns: columns of the terminal.
    """
    observed = rows(snapshot.tables["observations"])
    models = rows(snapshot.tables["models"])
    blocks = [_heading(snapshot, observed, seconds), _totals(snapshot, observed, models)]
    blocks += [_largest(models, several=len(observed) > 1, columns=columns)] if models else []
    blocks += [_files(files)] if files else []
    blocks += _warnings(observed, columns)
    return "\n\n".join(blocks) + "\n"


def check_text(snapshot: Snapshot, columns: int = COLUMNS) -> str:
    """For each server what was found, or what is wrong and how to mend it."""
    blocks = []
    for server in rows(snapshot.tables["observations"]):
        lines = [style(plain(server["server"]), bold=True) + style(f"   {plain(server['url'])}", dim=True)]
        if server["status"] == "ok":
            took = "" if server["latency_ms"] is None else f", answered in {server['latency_ms']:,.0f} ms"
            lines += _told(
                "ok",
                "green",
                f"{count(server['model_count'], 'model')}, {count(server['instance_count'], 'loaded instance')}, "
                f"{size(server['size_bytes'])}{took}",
                columns,
            )
            for text in json.loads(server["warnings"] or "[]"):
                lines += _told("warning", "yellow", plain(text), columns)
        else:
            lines += _told(server["status"], "red", plain(server["error"] or ""), columns)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def changes_text(changes: Changes, title: str, columns: int = COLUMNS) -> str:
    """What changed, for a person: a section per word, and a line of counts."""
    found = rows(changes.table)
    several = len({change["server"] for change in found} | changes.not_compared.keys()) > 1
    blocks = [style(plain(title), bold=True)]
    for word in schema.CHANGES_WORDS:
        some = [change for change in found if change["change"] == word]
        if some:
            mark, colour = _MARKS[word]
            total = sum(changes.counts(grain)[word] for grain in schema.GRAINS)
            mark = f"  {style(mark, fg=colour)} "
            reconfigured = word == "reconfigured"
            lines = _reconfigured(some, mark, several, columns) if reconfigured else _came_or_went(some, mark, several)
            blocks.append("\n".join([style(f"{word.capitalize()} ({total:,})", fg=colour), *lines]))
    blocks += [] if found else ["No changes"]
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
        reasons = (f"  {plain(server)}: {plain(reason)}" for server, reason in changes.not_compared.items())
        blocks.append("\n".join(["Not compared", *reasons]))
    return "\n\n".join(blocks) + "\n"


def _heading(snapshot: Snapshot, observed: list[dict[str, Any]], seconds: float) -> str:
    moment = snapshot.observed_at
    where = observed[0]["url"] if len(observed) == 1 else f"{len(observed):,} servers"
    return style(f"Snapshot {moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "Snapshot", bold=True) + style(
        f"   {plain(where)}   {seconds:.1f} s", dim=True
    )


def _totals(snapshot: Snapshot, observed: list[dict[str, Any]], models: list[dict[str, Any]]) -> str:
    read = [server for server in observed if server["status"] == "ok"]
    lines = []
    if len(observed) > 1 or len(read) < len(observed):
        statuses = Counter(server["status"] for server in observed if server["status"] != "ok")
        failed = ", ".join(f"{number:,} {status}" for status, number in statuses.items())
        lines.append(_line("Servers", f"{len(read):,} of {len(observed):,}", f"read   {style(failed, fg='red')}"))
    if not read:
        return "\n".join([*lines, _line("Models", "-", "not read; nothing is known")])
    kinds = sorted(
        Counter(model["type"] or "unknown" for model in models).items(), key=lambda kind: (-kind[1], kind[0])
    )
    named = [f"{number:,} {cut(plain(kind), _CELL)}" for kind, number in kinds[:_KINDS]]
    named += [f"{sum(number for _, number in kinds[_KINDS:]):,} of other types"] if len(kinds) > _KINDS else []
    instances = snapshot.tables["instances"].num_rows
    loaded = sum(1 for model in models if model["loaded_instance_count"])
    of_models = f"{'instance' if instances == 1 else 'instances'} of {count(loaded, 'model')}"
    known = [server["size_bytes"] for server in read if server["size_bytes"] is not None]
    return "\n".join(
        [
            *lines,
            _line("Models", f"{len(models):,}", ", ".join(named)),
            _line("On disk", size(sum(known) if known else None), ""),
            _line("Loaded", f"{instances:,}", of_models if instances else ""),
        ]
    )


def _line(label: str, value: str, note: str) -> str:
    return f"  {label:<8} {value:>13}   {note}".rstrip()


def _largest(models: list[dict[str, Any]], *, several: bool, columns: int) -> str:
    top = sorted(models, key=lambda model: (-(model["size_bytes"] or 0), model["server"], model["key"]))[:_LARGEST]
    heads = ["Params", "Quant", "Max context", "Size", "Loaded"]
    cells = [
        [
            cut(plain(model["params_string"] or "-"), _CELL),
            cut(plain(model["quantization_name"] or "-"), _CELL),
            integer(model["max_context_length"]),
            size(model["size_bytes"]),
            integer(model["loaded_instance_count"] or None),
        ]
        for model in top
    ]
    needed = rooms([heads, *cells])
    free = max(columns - 2 - sum(needed) - 2 * len(needed), 14)
    names = [_name(model, several, free) for model in top]
    needed = [max(map(width, [*names, "Largest models"])), *needed]
    sides = "<><>>>"
    lines = [style("  " + row(["Largest models", *heads], needed, sides), dim=True)]
    lines += ["  " + row([name, *line], needed, sides) for name, line in zip(names, cells, strict=True)]
    return "\n".join(lines)


def _name(model: dict[str, Any], several: bool, room: int) -> str:
    """A model's name for people; a display name is cut where there is no room, a key never."""
    at = f" @ {plain(model['server'])}" if several else ""
    if not model["display_name"]:
        return plain(model["key"]) + at
    return cut(plain(model["display_name"]), max(room - width(at), 14)) + at


def _files(files: Sequence[Written]) -> str:
    lines = []
    room = max(width(plain(str(file.path))) for file in files)
    for file in files:
        what = file.skipped or (f"{file.size / 1000:,.0f} KB" if file.holds == "report" else count(file.rows, "row"))
        lines.append(
            f"  {file.holds.capitalize():<9}  {pad(plain(str(file.path)), room)}  "
            + style(what, fg="red" if file.skipped else None, dim=not file.skipped)
        )
    return "\n".join(lines)


def _warnings(observed: list[dict[str, Any]], columns: int) -> list[str]:
    """The block of warnings, if there are any."""
    texts = [(server["server"], text) for server in observed for text in json.loads(server["warnings"] or "[]")]
    if not texts:
        return []
    lines = [f"  {style(count(len(texts), 'warning'), fg='yellow')}"]
    for server, text in texts[:_WARNINGS]:
        lines += fold(f"{plain(server)}: {plain(text)}", columns, "    ")
    return ["\n".join([*lines, *([f"    and {len(texts) - _WARNINGS:,} more"] if len(texts) > _WARNINGS else [])])]


def _told(word: str, colour: str, text: str, columns: int) -> list[str]:
    """A word in colour and a text beside it, folded."""
    first, *others = fold(text, columns, " " * (len(word) + 5)) or [""]
    return [f"  {style(word, fg=colour)}   {first.lstrip()}", *others]


def _came_or_went(found: list[dict[str, Any]], mark: str, several: bool) -> Iterator[str]:
    """A line for each model, instance or field that came or went, in columns."""
    cells: dict[str, list[list[str]]] = {}
    for change in found:
        cells.setdefault(_grain(change), []).append([_who(change, several), *map(plain, _summary(change))])
    for grain, lines in cells.items():
        least, sides = ((34, 8, 6, 9), "<><>") if grain == "model" else ((34, 20, 0), "<<<")
        needed = [max(pair) for pair in zip(rooms(lines), least, strict=False)]
        yield from (f"{mark}{grain:<8}  {row(line, needed, sides[: len(line)])}" for line in lines)


def _reconfigured(found: list[dict[str, Any]], mark: str, several: bool, columns: int) -> Iterator[str]:
    """For each model or instance its name, and beneath it the fields with their old and new values."""
    before: object = None
    room = max(width(plain(change["field"])) for change in found)
    for change in found:
        this = tuple(change[key] for key in ("grain", *schema.INSTANCES.keys))
        if this != before:
            yield f"{mark}{_grain(change):<8}  {_who(change, several)}"
            before = this
        indent = " " * 6 + pad(plain(change["field"]), room) + "  "
        old, new = (cut(plain(_shown(change[side], change["field"])), _VALUE) for side in ("old", "new"))
        if width(f"{indent}{old} -> {new}") <= columns:
            yield f"{indent}{old} -> {style(new, bold=True)}"
        else:
            blank = " " * width(indent)
            lines = [
                *fold(old, columns, blank),
                *(style(line, bold=True) for line in fold(f"-> {new}", columns, blank)),
            ]
            yield indent + lines[0][len(blank) :]
            yield from lines[1:]


def _grain(change: dict[str, Any]) -> str:
    return "server" if change["key"] is None else str(change["grain"])


def _who(change: dict[str, Any], several: bool) -> str:
    """A model's key, an instance's id or a server's name, and the server where there are several."""
    if change["key"] is None:
        return plain(change["server"])
    numbers = [number for number in (change["ordinal"], change["instance_ordinal"]) if number]
    name = plain(change["instance_id"] or change["key"]) + "".join(f" #{number}" for number in numbers)
    return f"{name} @ {plain(change['server'])}" if several else name


def _summary(change: dict[str, Any]) -> list[str]:
    """The few values by which a person knows a model or an instance that came or went."""
    if change["key"] is None:
        return [f"{change['change']} the field {change['field']} of its {change['grain']}s"]
    values = json.loads(change["new"] or change["old"])
    if change["grain"] == "instance":
        context = values.get("config_context_length")
        return [change["key"], "" if context is None else f"context {context:,}"]
    return [
        *(cut(str(values.get(name) or "-"), _CELL) for name in ("params_string", "quantization_name")),
        size(values.get("size_bytes")),
    ]


def _shown(text: str | None, field: str) -> str:
    """A value of the changes table for a person."""
    if text is None:
        return "(not reported)"
    column = next(
        (column for table in schema.GRAIN_TABLES.values() for column in table.columns if column.name == field), None
    )
    if column is None or column.kind not in (schema.INTEGER, schema.NUMBER, schema.BOOLEAN, schema.LIST):
        return text
    value = json.loads(text)
    if column.kind == schema.LIST:
        return ", ".join(map(str, value)) or "(none)"
    if column.kind == schema.BOOLEAN:
        return "on" if value else "off"
    return size(value) if column.unit == "bytes" else f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def _counts(changes: Changes, grain: str, words: Sequence[str]) -> str:
    numbers = changes.counts(grain)
    parts = [
        style(f"{_MARKS[word][0]}{numbers[word]:,}", fg=_MARKS[word][1] if numbers[word] else None) for word in words
    ]
    return f"{grain}s " + " ".join(parts)
