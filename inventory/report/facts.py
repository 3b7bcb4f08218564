"""What a report says of one run, whatever its form: its state, its figures, what changed, where the space goes.

The workbook, the page and the Markdown text show the same facts; this room finds them, the formats draw them.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.diff.changes import ChangeSet
from inventory.schema.derived import BREAKDOWN
from inventory.tables import RunTables, rows, table_of, total_of
from inventory.terminal.changes import format_value, signed_size, size_difference
from inventory.text import count, integer, size

BREAKDOWNS = {
    "publisher": "publisher",
    "quantization": "quantization_name",
    "architecture": "architecture",
    "format": "format",
    "server": "server",
}
"""The words in ``by``, with the column of the models that each one groups."""

FIELDS = {
    "size_bytes": "Size",
    "quantization_name": "Quantization",
    "quantization_bits_per_weight": "Bits per weight",
    "params_string": "Parameters",
    "max_context_length": "Maximum context",
    "config_context_length": "Context",
    "config_eval_batch_size": "Evaluation batch",
    "config_physical_batch_size": "Physical batch",
    "config_num_experts": "Experts",
    "config_offload_kv_cache_to_gpu": "KV cache on the GPU",
    "capabilities_trained_for_tool_use": "Tool use",
}
"""Fields whose name for people is not just their name without underscores."""

_GROUPS = ("capabilities_", "config_")


@dataclass(frozen=True)
class Report:
    """One run and what is known around it.

    Attributes:
        snapshot: what the run saw.
        changes: what changed since the run before, or since whatever it is compared with; None if with nothing.
        since: what it is compared with, in words: a time, or a file's name; empty without ``changes``.
        runs: the runs of the history up to this one, oldest first: rows of ``derived.RUNS``; empty without a history.
        zone: the reader's time zone, shown beside UTC; None for UTC alone.
    """

    snapshot: RunTables
    changes: ChangeSet | None = None
    since: str = ""
    runs: Sequence[dict[str, Any]] = ()
    zone: tzinfo | None = None


@dataclass(frozen=True)
class State:
    """Whether the collection was complete: in words, and as ``good``, ``warn`` or ``bad`` for the colour."""

    level: str
    text: str


@dataclass(frozen=True)
class KeyFigure:
    """One figure: what it is, its value, and a remark beneath."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class ChangeLine:
    """One change in words.

    Attributes:
        word: a word of ``schema.CHANGES_WORDS``.
        grain: model, instance, or server for a field that came into or went out of all its answers.
        server: the server's name.
        name: the model's name for people.
        key: the model's key; None for news about a whole server.
        what: Model, Instance ID, or the field that changed.
        before: the value before, in words; empty if there was none.
        after: the value after.
        size_difference: bytes that it takes more than before; None where size is not touched.
        hint: something to be said beside it, such as a possible rename; may be empty.
    """

    word: str
    grain: str
    server: str
    name: str
    key: str | None
    what: str
    before: str
    after: str
    size_difference: int | None
    hint: str


def collection_status(overview: Report) -> State:
    """Whether every server was read, and if not why."""
    observed = rows(overview.snapshot.tables["observations"])
    failed = [row for row in observed if row["status"] != "ok"]
    warnings = sum(len(json.loads(row["warnings"] or "[]")) for row in observed)
    odd = f", {count(warnings, 'warning')} (see Evidence)" if warnings else ""
    if not failed:
        return State("good", f"Collection complete - 0 errors{odd}")
    if len(observed) == 1:
        word = "in doubt" if failed[0]["status"] == "suspect" else "failed"
        return State("warn" if word == "in doubt" else "bad", f"Collection {word} - {failed[0]['error']}")
    kinds = Counter(row["status"] for row in failed)
    told = ", ".join(f"{number:,} {status}" for status, number in kinds.most_common())
    if len(failed) == len(observed) and not kinds["suspect"]:
        return State("bad", f"Collection failed - none of {len(observed):,} servers was read: {told} (see Evidence)")
    text = f"Collection incomplete - {len(failed):,} of {len(observed):,} servers not read: {told} (see Evidence)"
    return State("warn", text)


def key_figures(overview: Report) -> tuple[KeyFigure, ...]:
    """The six figures: models, size, loaded instances, added and removed, reconfigured, vision and tool use."""
    labels = ("Models", "On disk", "Loaded instances", "Added / removed", "Reconfigured", "Vision / tool use")
    if not overview.snapshot.anything_read:
        return tuple(KeyFigure(label, "\u2014", "not collected") for label in labels)
    models = rows(overview.snapshot.tables["models"])
    kinds = Counter(model["type"] or "other" for model in models)
    sizes = [model["size_bytes"] for model in models if model["size_bytes"] is not None]
    loaded = sum(1 for model in models if model["loaded_instance_count"])
    values = [
        (integer(len(models)), _of_kinds(kinds)),
        (size(sum(sizes) if sizes or not models else None), _size_note(overview)),
        (integer(overview.snapshot.tables["instances"].num_rows), f"of {count(loaded, 'model')}"),
        *_change_figures(overview.changes),
        (
            " / ".join(
                integer(sum(1 for model in models if model[name]))
                for name in ("capabilities_vision", "capabilities_trained_for_tool_use")
            ),
            f"of {count(kinds['llm'], 'llm model')}",
        ),
    ]
    return tuple(KeyFigure(label, value, note) for label, (value, note) in zip(labels, values, strict=True))


def lines(changes: ChangeSet) -> list[ChangeLine]:
    """The changes in words, in the order of the changes table."""
    keys = ("grain", *schema.INSTANCES.keys)
    hints = {tuple(hint[key] for key in keys): hint["hint"] for hint in rows(changes.hints)}
    beside = ("added", "loaded", "renamed")  # the words that a hint is about
    return [
        _line(row, hints.get(tuple(row[key] for key in keys), "") if row["change"] in beside else "")
        for row in rows(changes.table)
    ]


def no_changes_text(overview: Report) -> str:
    """What to say where the changes would stand; empty if there are some."""
    if not overview.snapshot.anything_read:
        return "Not compared: the collection failed"
    if overview.changes is None:
        return "This is the first run: nothing to compare with" if len(overview.runs) == 1 else "Compared with nothing"
    if overview.changes.table.num_rows:
        return ""
    return "No changes in the servers that were compared" if overview.changes.not_compared else "No changes"


def breakdown(snapshot: RunTables) -> pa.Table:
    """How many models and bytes share a publisher, quantization and so on; columns of ``BREAKDOWN``."""
    models = rows(snapshot.tables["models"])
    whole = sum(model["size_bytes"] or 0 for model in models)
    found = []
    for by, column in BREAKDOWNS.items():
        groups: dict[str | None, list[int | None]] = {}
        for model in models:
            groups.setdefault(model[column], []).append(model["size_bytes"])
        some: list[dict[str, Any]] = []
        for name, sizes in groups.items():
            total = total_of(sizes)
            share = None if total is None or not whole else total / whole
            some.append({"by": by, "name": name, "model_count": len(sizes), "size_bytes": total, "share": share})
        found += sorted(some, key=lambda row: (-(row["size_bytes"] or 0), -row["model_count"], row["name"] or ""))
    return table_of(BREAKDOWN, found)


def field_name(field: str) -> str:
    """A field's name for people: Context for config_context_length; unknown fields keep their path."""
    if field.startswith("extra"):
        return field
    for group in _GROUPS:
        if field not in FIELDS:
            field = field.removeprefix(group)
    return FIELDS.get(field, field.replace("_", " ").capitalize())


def moment_text(moment: datetime | None, zone: tzinfo | None) -> str:
    """A time in UTC and, if the reader's zone is known, there: 2026-11-23 06:00:04 UTC (07:00 CET)."""
    if moment is None:
        return "at an unknown time"
    told = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    if zone is None:
        return told
    there = moment.astimezone(zone)
    if there.utcoffset() == moment.utcoffset():
        return told
    day = "" if there.date() == moment.date() else f"{there:%Y-%m-%d} "
    return f"{told} ({day}{there:%H:%M %Z})"


def _of_kinds(kinds: Counter[str]) -> str:
    shown = [f"{number:,} {kind}" for kind, number in kinds.most_common(2)]
    rest = sum(kinds.values()) - sum(number for _, number in kinds.most_common(2))
    return " \u00b7 ".join([*shown, *([f"{rest:,} other"] if rest else [])]) or "none"


def _size_note(overview: Report) -> str:
    if overview.changes is None:
        return "nothing to compare with"
    difference = size_difference(overview.changes)
    return f"{signed_size(difference)} since then" if difference else "as before"


def _change_figures(changes: ChangeSet | None) -> list[tuple[str, str]]:
    if changes is None:
        return [("\u2014", "nothing to compare with")] * 2
    models, instances = (changes.counts(grain) for grain in schema.GRAINS)
    return [
        (f"+{models['added']:,} / \u2212{models['removed']:,}", "models"),
        (f"{models['reconfigured'] + instances['reconfigured']:,}", "models and instances"),
    ]


def _line(row: dict[str, Any], hint: str) -> ChangeLine:
    """One change in words."""
    grain = "server" if row["key"] is None else row["grain"]
    told = dict.fromkeys(("before", "after"), "")
    difference: int | None = None
    if grain == "server":
        what = f"{field_name(row['field'])} of its {row['grain']}s"
    elif row["field"] is None:
        what = "Model" if grain == "model" else f"Instance {row['instance_id']}"
        told["before"], told["after"] = (_few(row[side], grain) for side in ("old", "new"))
        if grain == "model":
            held = json.loads(row["new"] or row["old"]).get("size_bytes")
            difference = None if held is None else int(held) if row["new"] else -int(held)
    else:
        what = field_name(row["field"]) + (f" of {row['instance_id']}" if grain == "instance" else "")
        told["before"], told["after"] = (_shown(row[side], row["field"]) for side in ("old", "new"))
        if row["field"] == "size_bytes" and row["old"] and row["new"]:
            difference = int(row["new"]) - int(row["old"])
    name = row["display_name"] or row["key"] or row["server"]
    return ChangeLine(
        row["change"], grain, row["server"], name, row["key"], what, told["before"], told["after"], difference, hint
    )


def _shown(value: str | None, field: str) -> str:
    return "" if value is None else format_value(value, field)


def _few(values: str | None, grain: str) -> str:
    """The few values by which a person knows a model or an instance that came or went."""
    if values is None:
        return ""
    told = json.loads(values)
    if grain == "instance":
        context = told.get("config_context_length")
        return "" if context is None else f"{context:,} tokens"
    shown = [told.get("params_string"), told.get("quantization_name")]
    shown += [size(told["size_bytes"])] if told.get("size_bytes") is not None else []
    return " \u00b7 ".join(text for text in shown if text)
