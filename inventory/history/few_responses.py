"""Rows of stored responses, loaded in Python where few are read: one server's models need no engine.

They are those of the queries ``rows`` and ``FIELDS`` in ``sql/all_runs.py``, and of answers that differ all rows.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.diff.compare import DiffInput
from inventory.diff.extras import are_too_many
from inventory.history.delta import diff_inputs, field_names
from inventory.history.sql import all_runs
from inventory.tables import rows, table_of, values

if TYPE_CHECKING:
    from inventory.history.delta import Step
    from inventory.history.states.difference import StoredResponse

FEW = 5_000
"""Rows of the files of one kind up to which Python is faster than loading an engine."""

Row = dict[str, Any]
_Rows = dict[tuple[str, str], list[Row]]  # by digest, and run that holds it


def load_few_rows(files: Mapping[str, pa.Table], steps: "Mapping[str, Step]") -> tuple[DiffInput, DiffInput] | None:
    """Load both sides of some steps, ready to be compared; None if some response has too many unknown fields.

    Args:
        files: the rows of the files that hold these responses, by kind; none where no response differs.
        steps: by the name that stands for the server.
    """
    differing = {name: step for name, step in steps.items() if step[0].digest != step[1].digest}
    fields, sides = [], []
    for at in range(len(all_runs.SIDES)):
        answers = {name: step[at] for name, step in differing.items()}
        payloads = _by_response(files.get("payloads"), {_name(answer) for answer in answers.values()})
        fields.append(
            {name: field_names(row["fields"]) for name, answer in answers.items() for row in payloads[_name(answer)]}
        )
        if any(map(are_too_many, fields[at].values())):
            return None
        wanted = [{"server": name, **answer._asdict(), "as_of": None} for name, answer in answers.items()]
        sides.append({grain: load_responses(files, table, wanted) for grain, table in schema.GRAIN_TABLES.items()})
    return diff_inputs(steps, {grain: [side[grain] for side in sides] for grain in schema.GRAIN_TABLES}, fields)


def load_responses(files: Mapping[str, pa.Table], table: schema.Table, wanted: Sequence[Row]) -> pa.Table:
    """Load the rows of one grain of some responses, under their servers.

    Args:
        files: as for ``load_few_rows``.
        table: the grain's.
        wanted: for each response its server, ``digest``, ``stored_in`` and ``as_of``.
    """
    stored = _by_response(files.get(table.name), {(row["digest"], row["stored_in"]) for row in wanted})
    chosen = [
        {**row, "server": response["server"], "as_of": response["as_of"]}
        for response in wanted
        for row in stored[response["digest"], response["stored_in"]]
    ]
    return table_of(table, sorted(chosen, key=lambda row: [(row[name] is not None, row[name]) for name in table.keys]))


def _by_response(table: pa.Table | None, names: Collection[tuple[str, str]]) -> _Rows:
    """Return the rows of some responses, which mostly stand together."""
    by_response: _Rows = defaultdict(list)
    stored = zip(*(values(table, name) for name in ("digest", "stored_in")), strict=True) if table is not None else ()
    places = [place for place, name in enumerate(stored) if name in names]
    if table is not None and places:
        for row in rows(table.slice(places[0], places[-1] - places[0] + 1)):
            by_response[row["digest"], row["stored_in"]].append(row)
    return by_response


def _name(response: "StoredResponse") -> tuple[str, str]:
    return response.digest, response.stored_in
