"""The changes in words: a line for each, what they add up to, and the servers that were not compared."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from inventory import schema
from inventory.diff.changes import ChangeSet, size_difference
from inventory.report.consequences import without_consequences
from inventory.schema.headings import heading
from inventory.tables import rows
from inventory.text import GIGABYTE, format_value, local_text, size

Row = dict[str, Any]

_COLUMNS = {column.name: column for table in schema.GRAIN_TABLES.values() for column in table.columns}
_JSON_KINDS = (schema.INTEGER, schema.NUMBER, schema.BOOLEAN, schema.LIST)
_HINT_KEYS = ("grain", *schema.INSTANCES.keys)
_HINTED = ("added", "loaded", "renamed")


class ChangeLine(NamedTuple):
    """One change in words.

    Attributes:
        word: a word of ``schema.CHANGES_WORDS``.
        grain: model, instance, or server for a field that appeared in or vanished from all its responses.
        server: the server's name.
        name: the model's name for people.
        identity: an instance's id, a model's key or a server's name.
        key: the model's key; None for news about a whole server.
        ordinals: the numbers of a repeated key or instance; empty for the first.
        table: model or instance: of which table the field is.
        field: the field that changed; None where a model or an instance came or went.
        what: Model, Instance ID, or the field that changed, in words.
        before: the value before, in words; empty if there was none.
        after: the value after.
        values: the values by field of a model or an instance that came or went; else empty.
        size_difference: bytes that it takes more than before; None where size is not touched.
        hint: a remark beside it, such as a possible rename; may be empty.
        sizes: the bytes before and after, where the size changed with the field and has no line of its own.
        observed_at: when it was seen, where the change says so.
    """

    word: str
    grain: str
    server: str
    name: str
    identity: str
    key: str | None
    ordinals: tuple[int, ...]
    table: str
    field: str | None
    what: str
    before: str
    after: str
    values: Mapping[str, Any]
    size_difference: int | None
    hint: str
    sizes: tuple[int, int] | None = None
    observed_at: datetime | None = None

    @property
    def before_with_size(self) -> str:
        """The value before, and the size if it changed with it."""
        return _joined(self.before, size(self.sizes[0]) if self.sizes else "")

    @property
    def after_with_size(self) -> str:
        """The value after, and the size if it changed with it."""
        return _joined(self.after, size(self.sizes[1]) if self.sizes else "")

    @property
    def sizes_text(self) -> str:
        """The sizes that changed with the field: 13.34 -> 10.67 GB; empty if none did."""
        return f"{self.sizes[0] / GIGABYTE:,.2f} -> {size(self.sizes[1])}" if self.sizes else ""

    @property
    def field_name(self) -> str:
        """Its field for people; empty where a model or an instance came or went."""
        return self.what if self.grain == "server" else heading(self.field) if self.field else ""


@dataclass(frozen=True)
class ChangeGroup:
    """The changes of one word, and how many models, instances and fields it happened to."""

    word: str
    total: int
    lines: tuple[ChangeLine, ...]


@dataclass(frozen=True)
class NotCompared:
    """A server that was not compared, why not, and when it was last read completely."""

    server: str
    reason: str
    last_read: datetime | None

    @property
    def text(self) -> str:
        """The reason and the time as one text."""
        last_read = f", last read {local_text(self.last_read, minutes=True)}" if self.last_read else ""
        return f"{self.reason}{last_read}"


@dataclass(frozen=True)
class ChangeSection:
    """The changes of a run, put into words.

    Attributes:
        lines: the changes in the order of their table.
        counts: how many models and instances each word happened to, by word of each grain that was compared.
        size_difference: bytes that the models take more than before.
        not_compared: the servers that were not compared.
        since: what the run is compared with, in words; empty if with nothing.
        note: what to say in place of the lines; empty if there are some.
        nothing_compared: why nothing was compared, in words; empty if something was.
    """

    lines: tuple[ChangeLine, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    size_difference: int = 0
    not_compared: tuple[NotCompared, ...] = ()
    since: str = ""
    note: str = ""
    nothing_compared: str = ""

    @property
    def title(self) -> str:
        """The heading, to be followed by ``since``."""
        return "What changed since" if self.since else "What changed"

    @property
    def several(self) -> bool:
        """True if it is about more than one server, so that each line names its own."""
        return len({line.server for line in self.lines} | {row.server for row in self.not_compared}) > 1

    @cached_property
    def groups(self) -> tuple[ChangeGroup, ...]:
        """The lines of each word that happened, in the order of ``schema.CHANGES_WORDS``."""
        parts: dict[str, list[ChangeLine]] = {word: [] for word in schema.CHANGES_WORDS}
        for line in self.lines:
            parts[line.word].append(line)
        totals = {word: sum(self.counts[grain][word] for grain in self.counts) for word in parts}
        return tuple(ChangeGroup(word, totals[word], tuple(lines)) for word, lines in parts.items() if lines)


def describe_changes(
    changes: ChangeSet, servers: Iterable[str] | None = None, *, all_fields: bool = False
) -> ChangeSection:
    """Put changes into words.

    Args:
        changes: the changes.
        servers: those that the newer side is about: if none of them was compared, this is said instead of counts.
        all_fields: give a line to fields that follow from another change too.
    """
    hints = {tuple(hint[key] for key in _HINT_KEYS): hint["hint"] for hint in rows(changes.hints)}
    nothing = ""
    if servers is not None and changes.compared_nothing(servers):
        nothing = not_compared_text(changes.not_compared.values())
    return ChangeSection(
        tuple(change_lines(changes.rows, hints, all_fields=all_fields)),
        {grain: changes.counts(grain) for grain in changes.grains},
        size_difference(changes),
        tuple(NotCompared(**row) for row in rows(changes.skipped)),
        note="" if changes.table.num_rows else nothing[:1].upper() + nothing[1:] or _no_changes(changes),
        nothing_compared=nothing,
    )


def change_lines(
    changes: Sequence[Row], hints: Mapping[tuple[Any, ...], str] | None = None, *, all_fields: bool = False
) -> Iterator[ChangeLine]:
    """Put each change into words, except those that follow from another change of the same model.

    Args:
        changes: rows of ``schema.CHANGES`` or of the timeline.
        hints: the remark beside a change, by its keys.
        all_fields: put those that follow into words too.
    """
    pairs = ((row, None) for row in changes) if all_fields else without_consequences(changes)
    for row, sized in pairs:
        hint = ""
        if hints and row["change"] in _HINTED:
            hint = hints.get(tuple(row[key] for key in _HINT_KEYS), "")
        yield _line(row, hint, sized)


def not_compared_text(reasons: Iterable[str]) -> str:
    """Say why nothing was compared: not compared: 1 suspect, 2 new.

    Args:
        reasons: those of ``ChangeSet.not_compared``, one for each server.
    """
    words = Counter(reason.rpartition(": ")[2].replace("a baseline", "new") for reason in reasons)
    if not words:
        return "nothing to compare with"
    return "not compared: " + ", ".join(f"{number:,} {word.replace('_', ' ')}" for word, number in words.items())


@lru_cache(maxsize=10_000)
def changed_value(text: str | None, name: str) -> str:
    """Format a value of the changes table for people; empty for one that is not reported.

    Args:
        text: the value as the columns ``old`` and ``new`` hold it.
        name: its field.
    """
    if text is None:
        return ""
    # A blank text stands in quotes, or it could not be seen.
    if not text.strip():
        return json.dumps(text)
    column = _COLUMNS.get(name)
    if column is None or column.kind not in _JSON_KINDS:
        return text
    return format_value(json.loads(text), column.unit)


def _no_changes(changes: ChangeSet) -> str:
    return "No changes in the servers that were compared" if changes.skipped.num_rows else "No changes"


def _line(row: Row, hint: str, sized: Row | None = None) -> ChangeLine:
    """Put one row of the changes table into words, with that of the size if it follows from it."""
    grain = "server" if row["key"] is None else row["grain"]
    values: Mapping[str, Any] = {}
    before = after = ""
    if grain == "server":
        what = f"{heading(row['field'])} of its {row['grain']}s"
    elif row["field"] is None:
        what = "Model" if grain == "model" else f"Instance {row['instance_id']}"
        values = json.loads(row["new"] or row["old"] or "{}")
        summary = _summary(values, grain)
        before, after = ("", summary) if row["new"] else (summary, "")
    else:
        what = heading(row["field"]) + (f" of {row['instance_id']}" if grain == "instance" else "")
        before, after = changed_value(row["old"], row["field"]), changed_value(row["new"], row["field"])
    return ChangeLine(
        row["change"],
        grain,
        row["server"],
        row["display_name"] or row["key"] or row["server"],
        row["instance_id"] or row["key"] or row["server"],
        row["key"],
        tuple(filter(None, (row["ordinal"], row["instance_ordinal"]))),
        row["grain"],
        row["field"],
        what,
        before,
        after,
        values,
        _size_difference(sized or row, grain, values),
        hint,
        (int(sized["old"]), int(sized["new"])) if sized else None,
        row.get("observed_at"),
    )


def _size_difference(row: Row, grain: str, values: Mapping[str, Any]) -> int | None:
    """Return the bytes that a model takes more than before; None if its size is not touched or not known."""
    if grain == "model" and values.get("size_bytes") is not None:
        return int(values["size_bytes"]) * (1 if row["new"] else -1)
    if row["field"] == "size_bytes" and row["old"] and row["new"]:
        return int(row["new"]) - int(row["old"])
    return None


def _summary(values: Mapping[str, Any], grain: str) -> str:
    """Join the few values by which a person knows a model or an instance that came or went."""
    if grain == "instance":
        context = values.get("config_context_length")
        return "" if context is None else f"{context:,} tokens"
    parts = [values.get("params_string"), values.get("quantization_name")]
    parts += [size(values["size_bytes"])] if values.get("size_bytes") is not None else []
    return _joined(*parts)


def _joined(*parts: str | None) -> str:
    return " \u00b7 ".join(text for text in parts if text)
