"""Snapshot -> text for a terminal, returned as ``str``.

Styles are click's; who prints decides whether they stay. What comes from a server is made plain first, and a key is
never cut.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from click import style

from inventory.diff.changes import ChangeSet
from inventory.tables import RunTables, WrittenFile, rows
from inventory.terminal.changes import counts_text, signed_size, size_difference
from inventory.text import count, escape_controls, integer, pad, row, size, truncate, width, widths, wrap

COLUMNS = 80
_LARGEST = 5  # models shown
_KINDS = 3  # types counted by name
_CELL = 20  # columns of a cell that is no name
_WARNINGS = 10


def snapshot_text(
    snapshot: RunTables,
    seconds: float,
    files: Sequence[WrittenFile] = (),
    columns: int = COLUMNS,
    changes: ChangeSet | None = None,
    since: datetime | None = None,
) -> str:
    """What one run saw, for a person.

    Args:
        snapshot: the run.
        seconds: how long it took.
        files: what became of the files it was written to.
        columns: columns of the terminal.
        changes: what changed since the run before; None if there is none.
        since: when that was.
    """
    observed = rows(snapshot.tables["observations"])
    models = rows(snapshot.tables["models"])
    blocks = [_heading(snapshot, observed, seconds), _totals(snapshot, observed, models, changes, since)]
    blocks += [_largest(models, several=len(observed) > 1, columns=columns)] if models else []
    blocks += [_files(files)] if files else []
    blocks += _warnings(observed, columns)
    return "\n\n".join(blocks) + "\n"


def check_text(snapshot: RunTables, columns: int = COLUMNS, notes: Mapping[str, str] | None = None) -> str:
    """For each server what was found, or what is wrong and how to mend it.

    Args:
        snapshot: what they said.
        columns: columns of the terminal.
        notes: what is set for each server, by its name.
    """
    blocks = []
    for server in rows(snapshot.tables["observations"]):
        lines = [
            style(escape_controls(server["server"]), bold=True)
            + style(f"   {escape_controls(server['url'])}", dim=True)
        ]
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
                lines += _told("warning", "yellow", escape_controls(text), columns)
        else:
            lines += _told(server["status"], "red", escape_controls(server["error"] or ""), columns)
        lines += [style(line, dim=True) for line in wrap((notes or {}).get(server["server"], ""), columns, "  ")]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _heading(snapshot: RunTables, observed: list[dict[str, Any]], seconds: float) -> str:
    moment = snapshot.observed_at
    where = observed[0]["url"] if len(observed) == 1 else f"{len(observed):,} servers"
    return style(f"Snapshot {moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "Snapshot", bold=True) + style(
        f"   {escape_controls(where)}   {seconds:.1f} s", dim=True
    )


def _totals(
    snapshot: RunTables,
    observed: list[dict[str, Any]],
    models: list[dict[str, Any]],
    changes: ChangeSet | None,
    since: datetime | None,
) -> str:
    read = [server for server in observed if server["status"] in ("ok", "suspect")]  # whose rows the tables hold
    lines = []
    statuses = Counter(server["status"] for server in observed)
    if len(observed) > 1 or len(observed) > statuses["ok"]:
        failed = ", ".join(f"{number:,} {status}" for status, number in statuses.items() if status != "ok")
        note = "read" + (f"   {style(failed, fg='red')}" if failed else "")
        lines.append(_line("Servers", f"{statuses['ok']:,} of {len(observed):,}", note))
    if not read:
        return "\n".join([*lines, _line("Models", "-", "not read; nothing is known")])
    kinds = sorted(
        Counter(model["type"] or "unknown" for model in models).items(), key=lambda kind: (-kind[1], kind[0])
    )
    named = [f"{number:,} {truncate(escape_controls(kind), _CELL)}" for kind, number in kinds[:_KINDS]]
    named += [f"{sum(number for _, number in kinds[_KINDS:]):,} of other types"] if len(kinds) > _KINDS else []
    instances = snapshot.tables["instances"].num_rows
    loaded = sum(1 for model in models if model["loaded_instance_count"])
    of_models = f"{'instance' if instances == 1 else 'instances'} of {count(loaded, 'model')}"
    known = [server["size_bytes"] for server in read if server["size_bytes"] is not None]
    difference = size_difference(changes) if changes else 0
    since_then = f"{signed_size(difference)} since the previous snapshot" if difference else ""
    lines += [
        _line("Models", f"{len(models):,}", ", ".join(named)),
        _line("On disk", size(sum(known) if known else None), since_then),
        _line("Loaded", f"{instances:,}", of_models if instances else ""),
    ]
    if changes and since:
        told = style(f"   since {since:%Y-%m-%d %H:%M} UTC", dim=True)
        lines.append(f"  {'Changes':<14}{counts_text(changes)}{told}")
    return "\n".join(lines)


def files_text(files: Sequence[WrittenFile]) -> str:
    """What became of the files that a snapshot was written to."""
    return _files(files) + "\n"


def _line(label: str, value: str, note: str) -> str:
    return f"  {label:<8} {value:>13}   {note}".rstrip()


def _largest(models: list[dict[str, Any]], *, several: bool, columns: int) -> str:
    top = sorted(models, key=lambda model: (-(model["size_bytes"] or 0), model["server"], model["key"]))[:_LARGEST]
    heads = ["Params", "Quant", "Max context", "Size", "Loaded"]
    cells = [
        [
            truncate(escape_controls(model["params_string"] or "-"), _CELL),
            truncate(escape_controls(model["quantization_name"] or "-"), _CELL),
            integer(model["max_context_length"]),
            size(model["size_bytes"]),
            integer(model["loaded_instance_count"] or None),
        ]
        for model in top
    ]
    needed = widths([heads, *cells])
    free = max(columns - 2 - sum(needed) - 2 * len(needed), 14)
    names = [_name(model, several, free) for model in top]
    needed = [max(map(width, [*names, "Largest models"])), *needed]
    sides = "<><>>>"
    lines = [style("  " + row(["Largest models", *heads], needed, sides), dim=True)]
    lines += ["  " + row([name, *line], needed, sides) for name, line in zip(names, cells, strict=True)]
    return "\n".join(lines)


def _name(model: dict[str, Any], several: bool, room: int) -> str:
    """A model's name for people; a display name is cut where there is no room, a key never."""
    at = f" @ {escape_controls(model['server'])}" if several else ""
    if not model["display_name"]:
        return escape_controls(model["key"]) + at
    return truncate(escape_controls(model["display_name"]), max(room - width(at), 14)) + at


def _files(files: Sequence[WrittenFile]) -> str:
    lines = []
    room = max(width(escape_controls(str(file.path))) for file in files)
    for file in files:
        what = file.skipped or (f"{file.size / 1000:,.0f} KB" if file.holds == "report" else count(file.rows, "row"))
        lines.append(
            f"  {file.holds.capitalize():<9}  {pad(escape_controls(str(file.path)), room)}  "
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
        lines += wrap(f"{escape_controls(server)}: {escape_controls(text)}", columns, "    ")
    return ["\n".join([*lines, *([f"    and {len(texts) - _WARNINGS:,} more"] if len(texts) > _WARNINGS else [])])]


def _told(word: str, colour: str, text: str, columns: int) -> list[str]:
    """A word in colour and a text beside it, folded."""
    first, *others = wrap(text, columns, " " * (len(word) + 5)) or [""]
    return [f"  {style(word, fg=colour)}   {first.lstrip()}", *others]
