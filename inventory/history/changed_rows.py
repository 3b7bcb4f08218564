"""What ``delta`` asks an engine, found column by column where few servers differ: most rows are only passed over."""

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from inventory import schema
from inventory.columns import integers
from inventory.diff.compare import DiffInput
from inventory.diff.extras import are_too_many, short_extra
from inventory.history.delta import Step, diff_inputs, field_names
from inventory.history.storage.store import Store
from inventory.history.stored_rows import StoredRows
from inventory.tables import arrow_schema, column_of, conformed, values

FEW = 1_000
"""Servers that differ up to which it is faster than an engine."""


def load_columns_of_changed_rows(store: Store, steps: Mapping[str, Step]) -> tuple[DiffInput, DiffInput]:
    """Load both sides of some steps, ready to be compared.

    Args:
        store: the files.
        steps: by the name of the server.

    Raises:
        FileError: a file is missing or damaged.
    """
    differing = [name for name, step in steps.items() if step[0].digest != step[1].digest]
    answers = [steps[name][side][:2] for side in (0, 1) for name in differing]
    payloads = StoredRows(store, "payloads", answers)
    texts = values(payloads.columns(["fields"], payloads.rows), "fields")
    fields: tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]] = {}, {}
    for owner, text in zip(payloads.owners.to_pylist(), texts, strict=True):
        side, step = divmod(owner, len(differing))
        fields[side][differing[step]] = field_names(text)
    odd = {name for side in fields for name, names in side.items() if are_too_many(names)}
    stored = {grain: StoredRows(store, table.name, answers) for grain, table in schema.GRAIN_TABLES.items()}
    tables = {
        grain: _loaded(schema.GRAIN_TABLES[grain], stored[grain], rows, differing, odd)
        for grain, rows in _touched(stored, len(differing)).items()
    }
    return diff_inputs(steps, tables, fields)


def _touched(stored: Mapping[str, StoredRows], count: int) -> dict[str, pa.Table]:
    """Choose the rows of those keys of which only one side of a step holds some row, or of which there are several.

    Args:
        stored: the rows of the answers before, then of those after, by grain.
        count: the number of steps.

    Returns:
        By grain, for each row its answer, step, key, and number among the stored rows; those before come first.
    """
    from pyarrow import compute  # takes a while to import

    grains, differing = {}, {}
    for grain, table in schema.GRAIN_TABLES.items():
        answers, rows = stored[grain].owners, stored[grain].rows
        is_new = compute.greater_equal(answers, integers([count])[0])
        steps = compute.subtract(answers, compute.multiply(is_new.cast(pa.int64()), integers([count])[0]))
        ordinals = [name for name in table.keys if "ordinal" in name]
        content = stored[grain].columns(["key", "row_digest", *ordinals], rows)
        digests = _numbered(steps, content.column("row_digest").chunk(0))
        old, new = digests.filter(compute.invert(is_new)), digests.filter(is_new)
        unpaired = [compute.invert(compute.is_in(own, value_set=other)) for own, other in ((old, new), (new, old))]
        differs = compute.or_(pa.concat_arrays(unpaired), digests.is_null())
        for name in ordinals:
            differs = compute.or_(differs, compute.greater(content.column(name).chunk(0), integers([0])[0]))
        grains[grain] = pa.table({"answer": answers, "step": steps, "row": rows, "key": content.column("key")})
        differing[grain] = differs
    keys = pa.chunked_array([rows.column("key").chunk(0) for rows in grains.values()]).unify_dictionaries().chunks
    numbers = [_numbered(rows.column("step").chunk(0), key) for rows, key in zip(grains.values(), keys, strict=True)]
    touched = pa.concat_arrays([key.filter(differs) for key, differs in zip(numbers, differing.values(), strict=True)])
    chosen = [compute.is_in(key, value_set=touched) for key in numbers]
    return {grain: rows.filter(mask) for (grain, rows), mask in zip(grains.items(), chosen, strict=True)}


def _numbered(steps: pa.Array, texts: pa.DictionaryArray) -> pa.Array:
    """Number rows so that those of the same step and text have the same number."""
    from pyarrow import compute

    size = integers([len(texts.dictionary)])[0]
    return compute.add(compute.multiply(steps, size), texts.indices.cast(pa.int64()))


def _loaded(
    table: schema.Table, stored: StoredRows, rows: pa.Table, servers: Sequence[str], odd: Collection[str]
) -> tuple[pa.Table, pa.Table]:
    """Load the other columns of the rows before and after, under the names of their servers."""
    target = arrow_schema(table)
    rows = rows.combine_chunks()
    content = stored.columns([name for name in table.response_names if name != "key"], rows.column("row").chunk(0))
    content = content.append_column("key", rows.column("key"))
    content = content.append_column("server", column_of(schema.TEXT, servers).take(rows.column("step")))
    content = content.append_column("as_of", pa.nulls(len(rows), target.field("as_of").type))
    both = conformed(content.select(target.names), target)
    if odd:
        cells = zip(values(both, "server"), values(both, "extra"), strict=True)
        extra = column_of(schema.OBJECT, (short_extra(text) if text and name in odd else text for name, text in cells))
        both = both.set_column(target.get_field_index("extra"), target.field("extra"), extra)
    before = sum(answer < len(servers) for answer in values(rows, "answer"))
    return both.slice(0, before), both.slice(before)
