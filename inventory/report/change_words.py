"""A change in words, and many changes of which those that are alike are put into words once."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, overload

from inventory import schema
from inventory.schema.headings import heading
from inventory.tables import Row
from inventory.text import GIGABYTE, format_value, size

_Value = TypeVar("_Value")

_COLUMNS = {column.name: column for table in schema.GRAIN_TABLES.values() for column in table.columns}
_JSON_KINDS = (schema.INTEGER, schema.NUMBER, schema.BOOLEAN, schema.LIST)


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
        observed_at: when it was seen, in a timeline.
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


class ChangeLines(Sequence[ChangeLine]):
    """Changes in words; what many servers have in common is put into words once.

    Args:
        kinds: different lines, without their servers; those that occur are kept.
        numbers: which of them each line is.
        servers: the server of each line.
    """

    def __init__(
        self, kinds: Sequence[ChangeLine] = (), numbers: Sequence[int] = (), servers: Sequence[str] = ()
    ) -> None:
        places = {number: place for place, number in enumerate(dict.fromkeys(numbers))}
        self.kinds, self.numbers = [kinds[number] for number in places], [places[number] for number in numbers]
        self.servers = servers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> ChangeLine: ...
    @overload
    def __getitem__(self, place: slice) -> "ChangeLines": ...
    def __getitem__(self, place: int | slice) -> "ChangeLine | ChangeLines":
        if isinstance(place, slice):
            return self.take(range(len(self))[place])
        return self.kinds[self.numbers[place]]._replace(server=self.servers[place])

    def take(self, places: Sequence[int]) -> "ChangeLines":
        """Choose the lines at some places."""
        numbers, servers = [self.numbers[place] for place in places], [self.servers[place] for place in places]
        return ChangeLines(self.kinds, numbers, servers)

    def each(self, value_of: Callable[[ChangeLine], _Value]) -> list[_Value]:
        """Return a value for each line that does not depend on its server, and is made once for each kind."""
        kinds = [value_of(kind) for kind in self.kinds]
        return [kinds[number] for number in self.numbers]


def line_of(row: Row, hint: str, sized: Row | None = None) -> ChangeLine:
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
