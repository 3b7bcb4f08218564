"""Load two stored responses of a server for comparison: only the rows that can differ are read.

``row_digest`` tells which these are: rows whose digest both responses hold equally often are unchanged. Only where a
key occurs more than once does the order decide which rows match, and then all rows of that key are read.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

import pyarrow as pa

from inventory import schema
from inventory.columns import integers, pair_numbers, side_by_side, text_array, whole
from inventory.diff.compare import DiffInput
from inventory.diff.extras import are_too_many, short_extra
from inventory.history.few_responses import by_response, load_responses, read_few
from inventory.history.states.difference import StoredResponse
from inventory.history.storage.data_file import KINDS
from inventory.history.storage.store import Store
from inventory.history.stored_rows import ANSWER, StoredRows
from inventory.tables import arrow_schema, column_of, conformed, values

Step = tuple[StoredResponse, StoredResponse]  # the response before, and the one after

_Fields = Sequence[Mapping[str, frozenset[str]]]  # of each side, by server
_Tables = Mapping[str, Sequence[pa.Table]]  # of each side, by grain
_SIDES = (0, 1)
_FEW = 10  # steps up to which Python may be faster than importing Arrow's functions
_TOGETHER = 100_000  # rows that are counted together: more would not stay near the processor


def load_changed_rows(store: Store, steps: Mapping[str, Step], keys: Sequence[str] = ()) -> tuple[DiffInput, DiffInput]:
    """Load both sides of some steps, ready to be compared.

    Args:
        store: the files.
        steps: by the name that stands for the server.
        keys: only steps in which models with one of these keys can differ, with all rows that can: a renamed model has
            another key on the other side; all by default.

    Raises:
        FileError: a file is missing or damaged.
    """
    differing = {name: step for name, step in steps.items() if step[0].digest != step[1].digest}
    stored = {response.stored_in for step in differing.values() for response in step}
    few = read_few(store, stored, KINDS[1:]) if len(differing) <= _FEW else None
    fields, tables = _by_column(store, differing, keys) if few is None else _by_row(few, differing)
    odd = {name for side in fields for name, names in side.items() if are_too_many(names)}
    before, after = (
        DiffInput(
            {name: ("ok", step[side].observed_at) for name, step in steps.items()},
            {grain: _with_short_extra(both[side], odd) for grain, both in tables.items()},
            fields[side],
        )
        for side in _SIDES
    )
    return before, after


def _by_row(files: Mapping[str, pa.Table], steps: Mapping[str, Step]) -> tuple[_Fields, _Tables]:
    """Load the fields and all rows of few responses, before and after."""
    sides = [{name: step[side] for name, step in steps.items()} for side in _SIDES]
    payloads = by_response(files.get("payloads"), {response[:2] for side in sides for response in side.values()})
    fields = [
        {name: field_names(row["fields"]) for name, response in side.items() for row in payloads[response[:2]]}
        for side in sides
    ]
    wanted = [
        [{"server": name, **response._asdict(), "as_of": None} for name, response in side.items()] for side in sides
    ]
    grains = schema.GRAIN_TABLES.items()
    return fields, {grain: [load_responses(files, table, side) for side in wanted] for grain, table in grains}


def _by_column(store: Store, steps: Mapping[str, Step], keys: Sequence[str]) -> tuple[_Fields, _Tables]:
    """Load the fields, and the rows that can differ, of any number of responses, before and after."""
    servers = [*steps]
    responses = [step[side] for side in _SIDES for step in steps.values()]
    answers = pa.table(
        {name: text_array(getattr(response, name) for response in responses).cast(pa.string()) for name in ANSWER}
    )
    fields = _fields(StoredRows(store, "payloads", answers), servers)
    stored = {grain: StoredRows(store, table.name, answers) for grain, table in schema.GRAIN_TABLES.items()}
    touched = _touched(stored, len(servers), keys)
    tables = {
        grain: _loaded(schema.GRAIN_TABLES[grain], stored[grain], rows, servers) for grain, rows in touched.items()
    }
    return fields, tables


@lru_cache
def field_names(fields: str) -> frozenset[str]:
    """Parse the fields of a response; most responses have the same."""
    return frozenset(json.loads(fields))


def _fields(payloads: StoredRows, servers: Sequence[str]) -> _Fields:
    """Return the fields of the responses of servers, before and after."""
    texts = whole(payloads.columns(["fields"], payloads.rows)["fields"])
    names = [*map(field_names, texts.dictionary.to_pylist())]
    known = dict(zip(payloads.owners.to_pylist(), map(names.__getitem__, texts.indices.to_pylist()), strict=True))
    return [
        {server: known[place] for place, server in enumerate(servers, side * len(servers)) if place in known}
        for side in _SIDES
    ]


def _touched(stored: Mapping[str, StoredRows], count: int, keys: Sequence[str]) -> dict[str, pa.Table]:
    """Choose the rows of those keys of which only one side of a step holds some row, or of which there are several.

    Args:
        stored: the rows of the answers before, then of those after, by grain.
        count: the number of steps.
        keys: as for ``load_changed_rows``.

    Returns:
        The ``_compared`` rows of these keys, by grain.
    """
    from pyarrow import compute  # takes a while to import

    grains = {grain: _compared(table, stored[grain], count) for grain, table in schema.GRAIN_TABLES.items()}
    if keys:
        wanted = column_of(schema.TEXT, keys)
        steps = pa.concat_tables(
            rows.filter(compute.and_(rows["differs"], compute.is_in(rows["key"], value_set=wanted))).select(["step"])
            for rows in grains.values()
        )
        for grain, rows in grains.items():
            grains[grain] = rows.filter(compute.is_in(rows["step"], value_set=steps["step"]))
    texts = pa.chunked_array([whole(rows["key"]) for rows in grains.values()]).unify_dictionaries().chunks
    numbers = {
        grain: pair_numbers(whole(rows["step"]), keys.indices, len(keys.dictionary))
        for (grain, rows), keys in zip(grains.items(), texts, strict=True)
    }
    touched = pa.concat_arrays([numbers[grain].filter(whole(rows["differs"])) for grain, rows in grains.items()])
    return {grain: rows.filter(compute.is_in(numbers[grain], value_set=touched)) for grain, rows in grains.items()}


def _compared(table: schema.Table, stored: StoredRows, count: int) -> pa.Table:
    """Return the keys, digests, answers, steps and places of the rows of one grain, and whether they differ.

    Those do that one side lacks, and those whose name others have too.
    """
    from pyarrow import compute

    steps = integers([*range(count), *range(count)]).take(stored.owners)
    ordinals = [name for name in table.keys if "ordinal" in name]
    content = stored.columns(["key", "row_digest", *ordinals], stored.rows)
    digests = whole(content["row_digest"])
    differs = _are_alone(pair_numbers(steps, digests.indices, len(digests.dictionary)))
    for name in ordinals:
        differs = compute.or_(differs, compute.greater(whole(content[name]), integers([0])[0]))
    further = {"answer": stored.owners, "step": steps, "row": stored.rows, "differs": differs}
    return pa.table({**content, **further})


def _are_alone(numbers: pa.Array) -> pa.Array:
    """Return for each number whether it stands there only once; null counts as one that does."""
    from pyarrow import compute

    count = 1 << (len(numbers) // _TOGETHER).bit_length()
    parts, one = compute.bit_wise_and(numbers, integers([count - 1])[0]), integers([1])[0]

    def alone(part: pa.Scalar) -> pa.Array:
        counts = compute.value_counts(numbers.filter(compute.equal(parts, part)))
        return counts.field("values").filter(compute.equal(counts.field("counts"), one))

    known = pa.concat_arrays(side_by_side(alone, integers(range(count)), len(numbers)))
    return compute.or_(compute.is_in(numbers, value_set=known), numbers.is_null())


def _loaded(
    table: schema.Table, stored: StoredRows, rows: pa.Table, servers: Sequence[str]
) -> tuple[pa.Table, pa.Table]:
    """Load the other columns of the rows before and after, under the names of their servers."""
    from pyarrow import compute

    target, others = arrow_schema(table), [name for name in table.response_names if name not in rows.column_names]
    columns = stored.columns(others, whole(rows["row"]))
    columns["server"] = column_of(schema.TEXT, servers).take(rows["step"])
    columns["as_of"] = pa.nulls(len(rows), target.field("as_of").type)
    both = pa.table({name: columns[name] if name in columns else rows[name] for name in target.names})
    both = conformed(both, target).take(compute.array_sort_indices(whole(rows["answer"])))
    before = whole(compute.less(rows["answer"], integers([len(servers)])[0])).true_count
    return both.slice(0, before), both.slice(before)


def _with_short_extra(table: pa.Table, odd: Collection[str]) -> pa.Table:
    """Shorten the unknown fields of the servers that have too many to compare them one by one."""
    if not odd:
        return table
    cells = zip(values(table, "server"), values(table, "extra"), strict=True)
    extra = column_of(schema.OBJECT, (short_extra(text) if text and name in odd else text for name, text in cells))
    place = table.schema.get_field_index("extra")
    return table.set_column(place, table.schema.field(place), extra)
