"""Rows of stored responses, loaded in Python where few are read: one server's models need no engine.

They are those of the queries ``rows``, ``TOUCHED``, ``FIELDS`` and ``differing`` in ``sql/all_runs.py``.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.diff.compare import DiffInput
from inventory.diff.extras import are_too_many
from inventory.history.sql import all_runs
from inventory.tables import rows, table_of, values

if TYPE_CHECKING:
    from inventory.history.delta import Step, StoredResponse

FEW = 5_000
"""Rows of the files of one kind up to which Python is faster than loading an engine."""

Row = dict[str, Any]
_Rows = Mapping[tuple[str, str], Sequence[Row]]  # by digest, and run that holds it
_NONE: _Rows = {}


def load_few_rows(files: Mapping[str, pa.Table], steps: "Mapping[str, Step]") -> tuple[DiffInput, DiffInput] | None:
    """Load both sides of some steps, ready to be compared; None if some response has too many unknown fields.

    Args:
        files: the rows of the files that hold these responses, by kind; none where no response differs.
        steps: by the name that stands for the server.
    """
    differing = {name: step for name, step in steps.items() if step[0].digest != step[1].digest}
    responses = {(response.digest, response.stored_in) for step in differing.values() for response in step}
    stored = {kind: _by_response(table, responses) for kind, table in files.items()}
    stored = dict.fromkeys((*all_runs.GRAIN_FILES, "payloads"), _NONE) | stored
    touched = {name: keys for name, step in differing.items() if (keys := _touched(step, stored))}
    sides = []
    for at in range(len(all_runs.SIDES)):
        fields = {
            name: frozenset(json.loads(row["fields"]))
            for name in touched
            for row in _of(stored["payloads"], steps[name][at])
        }
        if any(map(are_too_many, fields.values())):
            return None
        tables = {
            grain: _table(table, {name: _of(stored[table.name], steps[name][at]) for name in touched}, touched)
            for grain, table in schema.GRAIN_TABLES.items()
        }
        sides.append(DiffInput({name: ("ok", step[at].observed_at) for name, step in steps.items()}, tables, fields))
    return sides[0], sides[1]


def load_responses(files: Mapping[str, pa.Table], table: schema.Table, wanted: Sequence[Row]) -> pa.Table:
    """Load the rows of one grain of some responses, under their servers.

    Args:
        files: as for ``load_few_rows``.
        table: the grain's.
        wanted: for each response its server, ``digest``, ``stored_in`` and ``as_of``.
    """
    names = {(row["digest"], row["stored_in"]) for row in wanted}
    stored = _by_response(files[table.name], names) if table.name in files else _NONE
    chosen = [
        {**row, "server": response["server"], "as_of": response["as_of"]}
        for response in wanted
        for row in stored.get((response["digest"], response["stored_in"]), ())
    ]
    return table_of(table, _in_order(table, chosen))


def _in_order(table: schema.Table, chosen: Sequence[Row]) -> list[Row]:
    return sorted(chosen, key=lambda row: [(row[name] is not None, row[name]) for name in table.keys])


def _by_response(table: pa.Table, responses: Collection[tuple[str, str]]) -> _Rows:
    """Return the rows of some responses, which mostly stand together."""
    names = zip(values(table, "digest"), values(table, "stored_in"), strict=True)
    places = [place for place, response in enumerate(names) if response in responses]
    by_response = defaultdict(list)
    if places:
        for row in rows(table.slice(places[0], places[-1] - places[0] + 1)):
            by_response[row["digest"], row["stored_in"]].append(row)
    return by_response


def _of(stored: _Rows, response: "StoredResponse") -> Sequence[Row]:
    return stored.get((response.digest, response.stored_in), ())


def _touched(step: "Step", stored: Mapping[str, _Rows]) -> set[str]:
    """Return the keys of which the two responses do not hold the same rows, or of which there are several rows."""
    touched: set[str] = set()
    for kind in all_runs.GRAIN_FILES:
        balance: Counter[tuple[str, str]] = Counter()
        for side, response in zip(all_runs.SIDES, step, strict=True):
            for row in _of(stored[kind], response):
                balance[row["key"], row["row_digest"]] += side
                if row["ordinal"]:
                    touched.add(row["key"])
        touched |= {key for (key, _), number in balance.items() if number}
    return touched


def _table(
    table: schema.Table, by_name: Mapping[str, Sequence[Row]], touched: Mapping[str, Collection[str]]
) -> pa.Table:
    """Build the table of one grain and side from the rows whose keys are touched."""
    chosen = [
        {**row, "server": name, "as_of": None}
        for name, response_rows in by_name.items()
        for row in response_rows
        if row["key"] in touched[name]
    ]
    return table_of(table, _in_order(table, chosen))
