"""What ``delta`` asks an engine, found column by column where few servers differ: most rows are only passed over."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from inventory import schema
from inventory.columns import integers
from inventory.diff.compare import DiffInput
from inventory.diff.extras import are_too_many, short_extra
from inventory.history.delta import Step, field_names
from inventory.history.storage.store import Store
from inventory.history.stored_rows import StoredRows
from inventory.tables import arrow_schema, column_of, conformed, values

FEW = 1_000
"""Servers that differ up to which it is faster than an engine."""

_SIDES = (0, 1)  # before and after


class _Rows(NamedTuple):
    """The rows of one grain of both answers of each step: those before, then those after.

    Attributes:
        steps: the step of each.
        rows: the row of each, as ``StoredRows`` numbers them.
        keys: the key of the model of each.
        before: how many are those before.
    """

    steps: pa.Array
    rows: pa.Array
    keys: pa.DictionaryArray
    before: int

    def filter(self, mask: pa.Array) -> "_Rows":
        """Choose some rows."""
        before = self.steps.slice(0, self.before).filter(mask.slice(0, self.before))
        return _Rows(self.steps.filter(mask), self.rows.filter(mask), self.keys.filter(mask), len(before))


def load_columns_of_changed_rows(store: Store, steps: Mapping[str, Step]) -> tuple[DiffInput, DiffInput]:
    """Load both sides of some steps, ready to be compared.

    Args:
        store: the files.
        steps: by the name of the server.

    Raises:
        FileError: a file is missing or damaged.
    """
    differing = [name for name, step in steps.items() if step[0].digest != step[1].digest]
    numbers: dict[tuple[str, str], int] = {}
    answers = [
        integers(numbers.setdefault(steps[name][side][:2], len(numbers)) for name in differing) for side in _SIDES
    ]
    fields = _fields(StoredRows(store, "payloads", numbers), answers, differing)
    odd = {name for side in fields for name, names in side.items() if are_too_many(names)}
    stored = {grain: StoredRows(store, table.name, numbers) for grain, table in schema.GRAIN_TABLES.items()}
    tables = {
        grain: _loaded(grain, stored[grain], rows, differing, odd) for grain, rows in _touched(stored, answers).items()
    }
    before, after = (
        DiffInput(
            {name: ("ok", step[side].observed_at) for name, step in steps.items()},
            {grain: both[side] for grain, both in tables.items()},
            fields[side],
        )
        for side in _SIDES
    )
    return before, after


def _fields(payloads: StoredRows, answers: Sequence[pa.Array], names: Sequence[str]) -> list[dict[str, frozenset[str]]]:
    """Return for each side the fields that have a value anywhere in the answer of each server."""
    result = []
    for side in answers:
        steps, rows = payloads.of(side)
        texts = values(payloads.columns(["fields"], rows), "fields")
        result.append({names[step]: field_names(text) for step, text in zip(steps.to_pylist(), texts, strict=True)})
    return result


def _touched(stored: Mapping[str, StoredRows], answers: Sequence[pa.Array]) -> dict[str, _Rows]:
    """Return the rows of those keys of which only one side of a step holds some row, or of which there are several."""
    from pyarrow import compute  # takes a while to import

    grains, differing = {}, {}
    for grain, table in schema.GRAIN_TABLES.items():
        sides = [stored[grain].of(side) for side in answers]
        steps, rows = (pa.concat_arrays(parts) for parts in zip(*sides, strict=True))
        ordinals = [name for name in table.keys if "ordinal" in name]
        content = stored[grain].columns(["key", "row_digest", *ordinals], rows).combine_chunks()
        before = len(sides[0][0])
        digests = _numbered(steps, content.column("row_digest").chunk(0))
        old, new = digests.slice(0, before), digests.slice(before)
        unpaired = [compute.invert(compute.is_in(own, value_set=other)) for own, other in ((old, new), (new, old))]
        touched = compute.or_(pa.concat_arrays(unpaired), digests.is_null())
        for name in ordinals:
            touched = compute.or_(touched, compute.greater(content.column(name).chunk(0), integers([0])[0]))
        grains[grain], differing[grain] = _Rows(steps, rows, content.column("key").chunk(0), before), touched
    alike = pa.chunked_array([rows.keys for rows in grains.values()]).unify_dictionaries().chunks
    keys = {grain: _numbered(rows.steps, key) for (grain, rows), key in zip(grains.items(), alike, strict=True)}
    chosen = pa.concat_arrays([key.filter(differing[grain]) for grain, key in keys.items()])
    return {grain: rows.filter(compute.is_in(keys[grain], value_set=chosen)) for grain, rows in grains.items()}


def _numbered(steps: pa.Array, texts: pa.DictionaryArray) -> pa.Array:
    """Number rows so that those of the same step and text have the same number."""
    from pyarrow import compute

    size = integers([len(texts.dictionary)])[0]
    return compute.add(compute.multiply(steps, size), texts.indices.cast(pa.int64()))


def _loaded(
    grain: str, stored: StoredRows, rows: _Rows, servers: Sequence[str], odd: Collection[str]
) -> tuple[pa.Table, pa.Table]:
    """Load the other columns of the rows before and after, under the names of their servers."""
    table = schema.GRAIN_TABLES[grain]
    target = arrow_schema(table)
    content = stored.columns([name for name in table.response_names if name != "key"], rows.rows)
    content = content.append_column("key", rows.keys)
    content = content.append_column("server", column_of(schema.TEXT, servers).take(rows.steps))
    content = content.append_column("as_of", pa.nulls(len(rows.steps), target.field("as_of").type))
    both = conformed(content.select(target.names), target)
    if odd:
        cells = zip(values(both, "server"), values(both, "extra"), strict=True)
        extra = column_of(schema.OBJECT, (short_extra(text) if text and name in odd else text for name, text in cells))
        both = both.set_column(target.get_field_index("extra"), target.field("extra"), extra)
    return both.slice(0, rows.before), both.slice(rows.before)
