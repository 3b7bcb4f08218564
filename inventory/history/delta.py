"""From one stored answer of a server to another: of both, only the rows that can differ are read.

``row_digest`` says which those are. Rows whose digests both answers hold as often are equal, and what is equal is no
change; only where a key is given more than once is it the order that pairs them, and then all of that key are read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.diff.compare import DiffInput
from inventory.diff.extras import are_too_many
from inventory.diff.fields import ignored_in
from inventory.history.sql import all_runs
from inventory.tables import arrow_schema, concat, conformed, rows, table_of, values

if TYPE_CHECKING:
    from inventory.history.engines import Engine


@dataclass(frozen=True)
class StoredResponse:
    """One answer, and where it is.

    Attributes:
        digest: what it says.
        stored_in: the run whose files hold it.
        observed_at: when it was given.
    """

    digest: str
    stored_in: str
    observed_at: datetime


KINDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(all_runs.GRAIN_FILES, ("*",)),
    "payloads": ("digest", "stored_in", "fields"),  # the bodies are read only to be proven
}
"""The files that hold answers, and the columns of them that are asked for."""

Step = tuple[StoredResponse, StoredResponse]  # the answer before, and the one after


def load_changed_rows(
    engine: "Engine", steps: Mapping[str, Step], keys: Sequence[str] = ()
) -> tuple[DiffInput, DiffInput]:
    """Both sides of some steps, ready to be compared.

    Args:
        engine: with the views ``models``, ``instances`` and ``payloads`` of all runs that hold these answers.
        steps: by the name that stands for the server.
        keys: only the models with one of these keys, and of each step in which they can differ whatever else can: a
            model that was renamed has another key on the other side; all by default.
    """
    answers = [
        {"server": name, "side": side, "digest": answer.digest, "stored_in": answer.stored_in}
        for name, step in steps.items()
        for side, answer in zip(all_runs.SIDES, step, strict=True)
        if step[0].digest != step[1].digest
    ]
    engine.add("answers", table_of(all_runs.ANSWERS, answers))
    touched = rows(engine.query(all_runs.TOUCHED)) if answers else []
    servers = {row["server"] for row in touched if not keys or row["key"] in keys}
    wanted = [row for row in touched if row["server"] in servers]
    engine.add("touched", table_of(all_runs.TOUCHED_KEYS, wanted))
    fields: dict[int, dict[str, frozenset[str]]] = {side: {} for side in all_runs.SIDES}
    for row in rows(engine.query(all_runs.FIELDS)) if wanted else []:
        fields[row["side"]][row["server"]] = frozenset(json.loads(row["fields"]))
    odd = {server for side in fields.values() for server, names in side.items() if are_too_many(names)}
    engine.add("odd", table_of(all_runs.SERVERS, [{"server": server} for server in odd]))
    found = {grain: _rows(engine, table, bool(wanted)) for grain, table in schema.GRAIN_TABLES.items()}
    before, after = (
        DiffInput(
            {name: ("ok", step[at].observed_at) for name, step in steps.items()},
            {grain: sides_of[side] for grain, sides_of in found.items()},
            fields[side],
        )
        for at, side in enumerate(all_runs.SIDES)
    )
    return before, after


def unstored_of(engine: "Engine", stored: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The globs of unknown fields that some answers were stored without.

    Args:
        engine: with the view ``payloads`` of all runs that hold them.
        stored: their observations.
    """
    if not stored:
        return ()
    answers = [{**row, "side": all_runs.SIDES[1]} for row in stored]
    engine.add("answers", table_of(all_runs.ANSWERS, answers))
    engine.add("touched", table_of(all_runs.TOUCHED_KEYS, [{**row, "key": None} for row in stored]))
    return ignored_in(name for row in rows(engine.query(all_runs.FIELDS)) for name in json.loads(row["fields"]))


def _rows(engine: "Engine", table: schema.Table, any_touched: bool) -> dict[int, pa.Table]:
    """The rows of one grain of each side."""
    if not any_touched:
        return {side: concat(table, []) for side in all_runs.SIDES}
    both = engine.query(all_runs.differing(table))
    before = values(both, "side").count(all_runs.SIDES[0])
    parts = zip(all_runs.SIDES, (both.slice(0, before), both.slice(before)), strict=True)
    return {side: conformed(part.select(table.names), arrow_schema(table)) for side, part in parts}
