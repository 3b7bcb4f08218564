"""The files of responses that no earlier run stored: their bodies, and their rows, each with a digest."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.collection.repeats import rows_of
from inventory.columns import bytes_array, numbered
from inventory.diff.extras import IGNORED, unknown_fields
from inventory.history.sql.all_runs import GRAIN_FILES
from inventory.history.storage.data_file import ARROW
from inventory.history.storage.shared_rows import without_clocks
from inventory.normalize.ticking import CLOCKS
from inventory.tables import RunTables, build, column_of, concat

_PART = 20_000  # rows whose texts are in memory at a time
_PAYLOADS = schema.Table(
    "payloads",
    "a body as received",
    tuple(schema.Column(name, schema.TEXT) for name in ("digest", "stored_in", "payload_digest", "fields")),
)
_ESCAPES = {code: f"\\u{code:04X}" for code in range(32)} | {
    ord(text): json.dumps(text)[1:-1] for text in '\b\f\n\r\t"\\'
}

Row = Mapping[str, Any]


def new_files(snapshot: RunTables, fresh: Mapping[str, Row], run_id: str) -> dict[str, pa.Table]:
    """Build the payloads, models and instances of new responses.

    Args:
        snapshot: the run.
        fresh: for each response, by digest and in their order, the observation of one server that gave it.
        run_id: the run.
    """
    from pyarrow import compute  # takes a while to import, which a run without a new response need not

    digests = column_of(schema.TEXT, fresh).combine_chunks()
    servers = column_of(schema.TEXT, (row["server"] for row in fresh.values())).combine_chunks()
    unstored = {f"{IGNORED}{pattern}" for pattern in (*CLOCKS, *snapshot.ignored)}
    fields: list[set[str]] = [set(unstored) for _ in fresh]
    extras: list[dict[str, list[str]]] = [{name: [] for name in GRAIN_FILES} for _ in fresh]
    files = {}
    for name, table in rows_of(snapshot.tables, servers.to_pylist()).items():
        steady = without_clocks(table, snapshot.ignored)
        places = compute.index_in(steady.column("server"), value_set=servers)
        for column in schema.TABLES[name].compared:
            has_value = steady.column(column).is_valid()
            for place in places.filter(has_value).unique().to_pylist() if column != "extra" else ():
                fields[place].add(f"{name}.{column}")
        unknown = steady.column("extra").is_valid()
        pairs = zip(places.filter(unknown).to_pylist(), steady.column("extra").filter(unknown).to_pylist(), strict=True)
        for place, text in dict.fromkeys(pairs):
            extras[place][name].append(text)
        files[name] = _stored_rows(schema.TABLES[name], steady, digests.take(places), run_id)
    names = [json.dumps(sorted(known | unknown_fields(texts))) for known, texts in zip(fields, extras, strict=True)]
    return {"payloads": _payloads(snapshot, fresh, names, run_id), **files}


def _stored_rows(table: schema.Table, rows: pa.Table, digests: pa.ChunkedArray, run_id: str) -> pa.Table:
    """Return rows as they are stored: equal models of different responses together, which more than halves the file."""
    from pyarrow import compute

    if not rows.num_rows:
        return concat(GRAIN_FILES[table.name], [])
    columns = {"digest": digests, "stored_in": pa.repeat(column_of(schema.TEXT, [run_id])[0], len(digests))}
    columns |= {"row_digest": row_digests(table, rows)}
    columns |= {name: rows.column(name) for name in table.response_names}
    order = {name: _ranks(columns[name]) for name in (*table.keys[1:], "digest")}
    keys = [(name, "ascending") for name in order]
    return pa.table(columns).take(compute.sort_indices(pa.table(order), sort_keys=keys))


def _ranks(column: pa.ChunkedArray) -> pa.Array:
    """Number values in their order, nulls first: numbers are sorted faster than texts."""
    from pyarrow import compute

    encoded = column.combine_chunks().dictionary_encode("encode")
    nulls_first = [("", "ascending", "at_start")]
    return compute.rank(encoded.dictionary, sort_keys=nulls_first, tiebreaker="first").take(encoded.indices)


def row_digests(table: schema.Table, rows: pa.Table) -> pa.ChunkedArray:
    """Compute the first 64 bits of the SHA-256 of the compared values of rows, as a JSON object."""
    names = [name for name in table.response_names if "ordinal" not in name and name in (*table.keys, *table.compared)]
    numbers, distinct = numbered(rows.select(names))
    return column_of(
        schema.TEXT,
        (
            sha256(f"{{{','.join(cells)}}}".encode()).hexdigest()[:16]
            for part in distinct.to_batches(_PART)
            for cells in zip(*(_members(name, part.column(name)) for name in names), strict=True)
        ),
    ).take(numbers)


def _members(name: str, column: pa.Array) -> Iterator[str]:
    """Yield the values of a column as members of a JSON object; each distinct value is formatted once."""
    encoded = column.dictionary_encode()
    texts = [f'"{name}":{_json(value)}' for value in encoded.dictionary.to_pylist()]
    null = f'"{name}":null'
    return (null if place is None else texts[place] for place in encoded.indices.to_pylist())


def _json(value: str | float | bool) -> str:
    """Write a value as JSON exactly as DuckDB does, which computed the digests in earlier versions."""
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    text = json.dumps(value)
    if "e" not in text or not isinstance(value, float):
        return text
    if 1e-6 <= abs(value) < 1e21:
        text = f"{Decimal(text):f}"
        return text if "." in text else f"{text}.0"
    return text.replace("e+", "e").replace("e-0", "e-")


def _payloads(snapshot: RunTables, fresh: Mapping[str, Row], fields: list[str], run_id: str) -> pa.Table:
    """Build the table of bodies, with the fields that have a value in their rows and those stored without."""
    texts = build(
        _PAYLOADS,
        {
            "digest": [*fresh],
            "stored_in": [run_id] * len(fresh),
            "payload_digest": [row["payload_digest"] for row in fresh.values()],
            "fields": fields,
        },
    )
    bodies = [snapshot.payloads[row["server"]] for row in fresh.values()]
    return texts.append_column("body", bytes_array(bodies, pa.large_binary())).select(ARROW["payloads"].names)
