"""The columns of the data sheets: their heads for people and back, the order in which people read them, and labels.

A head is ``heading(name)``, capitalized; the sheet Dictionary tells the name that the column has in CSV and Parquet.
A workbook may name its columns either way, as older ones have the technical names.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import pyarrow as pa

from inventory import schema
from inventory.formats.xlsx.cells import short
from inventory.schema import derived
from inventory.schema.headings import heading
from inventory.tables import values

LABEL = "label_"
"""How the names of the columns begin that hold the labels of a row's server."""

_MOST_LABELS = 100
_ROOM = 40  # columns of a label in a head
_TABLES = tuple(item for item in vars(derived).values() if isinstance(item, schema.Table))

_FIRST = (
    *("server", "display_name", "instance_id", "key", "params_string", "quantization_name", "size_bytes"),
    *("loaded_instance_count", "config_context_length", "max_context_length", "publisher", "type", "architecture"),
    *("format", "capabilities_vision", "capabilities_trained_for_tool_use"),
)
LAST = (
    *("capabilities_reasoning_default", "capabilities_reasoning_allowed_options", "quantization_bits_per_weight"),
    *("params_count", "selected_variant", "variants", "description", "extra", "as_of"),
)
"""The columns of models and instances that few people look for."""

ORDINALS = ("ordinal", "instance_ordinal")


def in_reading_order(
    table: schema.Table, first: Sequence[str] = _FIRST, last: Sequence[str] = (*LAST, *ORDINALS)
) -> schema.Table:
    """Return a table with its columns in the order in which people read them: some first, some last."""
    places = {name: place for place, name in enumerate(first)}
    places |= {name: len(first) + 1 + place for place, name in enumerate(last)}
    return replace(table, columns=tuple(sorted(table.columns, key=lambda column: places.get(column.name, len(first)))))


def heads_of(table: schema.Table) -> list[str]:
    """Name the columns of a table as people call them; no two alike, as Excel wants it, even for a label Size."""
    heads: list[str] = []
    used = {_head(column.name).casefold() for column in table.columns if not column.name.startswith(LABEL)}
    for column in table.columns:
        if not column.name.startswith(LABEL):
            heads.append(_head(column.name))
            continue
        heads.append(_label_head(column.name.removeprefix(LABEL), used))
        used.add(heads[-1].casefold())
    return heads


def names_of(heads: Sequence[str | None], table: schema.Table | None) -> list[str | None]:
    """Return the names of the columns that stand under these heads; a head that is none stays as it is.

    Args:
        heads: the cells of a header.
        table: the columns that may be there; None where the table is not known yet.
    """
    tables = (table,) if table else (*_TABLES, *schema.TABLES.values())
    known = {_head(column.name): column.name for each in tables for column in each.columns}
    there = {*heads}
    return [known.get(head, head) if head and known.get(head) not in there else head for head in heads]


def label_names(labels: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the names of the labels that some server has, sorted; so many that a sheet has room for them."""
    return sorted({name for each in labels for name in each})[:_MOST_LABELS]


def label_columns(names: Iterable[str]) -> tuple[schema.Column, ...]:
    """Make a column for each label."""
    return tuple(
        schema.Column(f"{LABEL}{name}", schema.TEXT, f"The label {name} that the user gave the row's server.")
        for name in names
    )


def label_heads(table: schema.Table, labels: Iterable[str | None]) -> set[str]:
    """Return the heads that a sheet gives the labels in these JSON objects; what is no such object has none."""
    names = label_names(map(labels_in, labels))
    return {*heads_of(replace(table, columns=(*table.columns, *label_columns(names))))[len(table.columns) :]}


@lru_cache(1_000)  # most servers have none, or the same as others
def labels_in(text: str | None) -> Mapping[str, str]:
    """Parse the labels of a server; none where the text is no JSON object."""
    try:
        labels = json.loads(text or "{}")
    except ValueError:
        return {}
    return {name: value for name, value in labels.items() if isinstance(value, str)} if isinstance(labels, dict) else {}


def hidden_in(table: schema.Table, content: pa.Table, helpers: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the columns that are hidden: helpers, ordinals that number nothing, and those without a value."""
    hidden = {name for name in helpers if name in table.names}
    for name in ORDINALS:
        if name in table.names and not any(values(content, name)):
            hidden.add(name)
    if content.num_rows:
        hidden |= {name for name in table.names if content.column(name).null_count == content.num_rows}
    return tuple(name for name in table.names if name in hidden)


def _head(name: str) -> str:
    head = heading(name)
    return head[:1].upper() + head[1:]


def _label_head(label: str, used: set[str]) -> str:
    name = short(label, _ROOM)
    head = name[:1].upper() + name[1:]
    tries = [head, f"{name} (label)", *(f"{name} (label {number})" for number in range(2, len(used) + 3))]
    return next(text for text in tries if text.casefold() not in used)
