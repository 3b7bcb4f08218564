"""Load two stored responses of a server for comparison: only the rows that can differ are read.

``row_digest`` tells which these are: rows whose digest both responses hold equally often are unchanged. Only where a
key occurs more than once does the order decide which rows match, and then all rows of that key are read.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

from inventory import schema
from inventory.diff.compare import DiffInput
from inventory.diff.extras import are_too_many
from inventory.history.sql import all_runs
from inventory.history.states.difference import StoredResponse
from inventory.history.storage.store import Store
from inventory.tables import arrow_schema, build, column_of, concat, conformed, rows, table_of, values

if TYPE_CHECKING:
    from inventory.history.engines import Engine


KINDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(all_runs.GRAIN_FILES, ("*",)),
    "payloads": ("digest", "stored_in", "fields"),  # the bodies are read only to be proven
}
"""The kinds of files that hold responses, and the columns that are read of them."""

Step = tuple[StoredResponse, StoredResponse]  # the response before, and the one after


def open_responses(engine: "Engine", store: Store, stored: Collection[str]) -> None:
    """Make views over the responses that some runs stored."""
    for kind, columns in KINDS.items():
        engine.open(kind, store.checked(kind, stored), columns)


def load_changed_rows(
    engine: "Engine", steps: Mapping[str, Step], keys: Sequence[str] = ()
) -> tuple[DiffInput, DiffInput]:
    """Load both sides of some steps, ready to be compared.

    Args:
        engine: with views over these responses.
        steps: by the name that stands for the server.
        keys: only steps in which models with one of these keys can differ, with all rows that can: a renamed model has
            another key on the other side; all by default.
    """
    differing = [name for name, step in steps.items() if step[0].digest != step[1].digest]
    responses = [response for name in differing for response in steps[name]]
    answers: dict[str, list[int] | list[str]] = {
        "step": [number for number in range(len(differing)) for _ in all_runs.SIDES],
        "side": [*all_runs.SIDES] * len(differing),
        "digest": [response.digest for response in responses],
        "stored_in": [response.stored_in for response in responses],
    }
    engine.add("answers", build(all_runs.ANSWERS, answers))
    touched = engine.query(all_runs.TOUCHED) if differing else concat(all_runs.TOUCHED_KEYS, [])
    if keys:
        numbers = {row["step"] for row in rows(touched) if row["key"] in keys}
        touched = table_of(all_runs.TOUCHED_KEYS, [row for row in rows(touched) if row["step"] in numbers])
    engine.add("touched", touched)
    fields: dict[int, dict[str, frozenset[str]]] = {side: {} for side in all_runs.SIDES}
    if touched.num_rows:
        stored = engine.query(all_runs.FIELDS)
        texts = stored.column("fields").combine_chunks().dictionary_encode()  # those of most responses are the same
        known = [field_names(text) for text in texts.dictionary.to_pylist()]
        for number, side, place in zip(
            values(stored, "step"), values(stored, "side"), texts.indices.to_pylist(), strict=True
        ):
            fields[side][differing[number]] = known[place]
    odd = {name for side in fields.values() for name, names in side.items() if are_too_many(names)}
    engine.add("odd", build(all_runs.STEPS, {"step": [step for step, name in enumerate(differing) if name in odd]}))
    engine.add("touched_answers", engine.query(all_runs.TOUCHED_ANSWERS))
    sides = {
        grain: _rows(engine, table, differing if touched.num_rows else ())
        for grain, table in schema.GRAIN_TABLES.items()
    }
    return diff_inputs(steps, sides, [*fields.values()])


def diff_inputs(
    steps: Mapping[str, Step],
    tables: Mapping[str, Sequence[pa.Table]],
    fields: Sequence[Mapping[str, frozenset[str]]],
) -> tuple[DiffInput, DiffInput]:
    """Return both sides of some steps, of which the rows by grain, and the fields, are given before and after."""
    old, new = (
        DiffInput(
            {name: ("ok", step[side].observed_at) for name, step in steps.items()},
            {grain: both[side] for grain, both in tables.items()},
            fields[side],
        )
        for side in (0, 1)
    )
    return old, new


@lru_cache
def field_names(fields: str) -> frozenset[str]:
    """Parse the fields of a response; most responses have the same."""
    return frozenset(json.loads(fields))


def _rows(engine: "Engine", table: schema.Table, servers: Sequence[str]) -> tuple[pa.Table, pa.Table]:
    """Load the rows of one grain of each side, under the names of the steps; none if there are no steps."""
    if not servers:
        return concat(table, []), concat(table, [])
    both = engine.query(all_runs.differing(table))
    before = values(both, "side").count(all_runs.SIDES[0])
    both = both.append_column("server", column_of(schema.TEXT, servers).take(both.column("step")))
    both = conformed(both.select(table.names), arrow_schema(table))
    return both.slice(0, before), both.slice(before)
