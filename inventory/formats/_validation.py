"""Validate a snapshot that was read from a file: a file need not come from where it says, nor from this tool."""

import pyarrow as pa
from pyarrow import compute

from inventory import limits, schema
from inventory.formats._unreadable import Unreadable
from inventory.normalize.strict_json import strict
from inventory.run_ids import RUN_ID
from inventory.tables import RunTables, values

_MODEL = [column.name for column in schema.MODELS.columns if column.key]
_JSON: dict[str, type] = {schema.LIST: list, schema.OBJECT: dict}

_YEARS = range(1970, 9999)  # the others cannot be told in every time zone


def check(snapshot: RunTables) -> RunTables:
    """Check a snapshot: its keys are there and differ, texts are texts, numbers finite, lists and objects such.

    A row that stands there many times fits into a small file, however many times.

    Raises:
        Unreadable: something is not so.
    """
    for name, content in snapshot.tables.items():
        table = schema.TABLES[name]
        content.validate(full=True)
        keys = [column.name for column in table.columns if column.key]
        for column in table.columns:
            _check_column(column, content.column(column.name))
        if content.group_by(keys, use_threads=False).aggregate([]).num_rows < content.num_rows:
            raise Unreadable(f"a row of {name} stands there twice")
    _check_observations(snapshot.tables["observations"], snapshot.state_of)
    if snapshot.grains == schema.GRAINS:
        check_models(snapshot)
    return snapshot


def check_models(snapshot: RunTables) -> None:
    """Check that each instance is one of a model that is there.

    Raises:
        Unreadable: one is not.
    """
    models, instances = (snapshot.tables[table.name].select(_MODEL) for table in schema.GRAIN_TABLES.values())
    together = pa.concat_tables([table.replace_schema_metadata() for table in (models, instances)])
    if together.group_by(_MODEL, use_threads=False).aggregate([]).num_rows > models.num_rows:
        raise Unreadable("an instance of a model that is not there")


def _check_observations(table: pa.Table, state_of: str) -> None:
    """Check what is said of the servers: those of one run have its id, those of a state have ids of several."""
    if not set(values(table, "status")) <= {*schema.STATUSES}:
        raise Unreadable("no status has such a name")
    ids = set(values(table, "run_id"))
    if (len(ids) > 1 and not state_of) or not all(
        not run_id or RUN_ID.fullmatch(run_id) for run_id in {*ids, state_of}
    ):
        raise Unreadable("no run has such an id")
    moments = (*values(table, "observed_at"), *values(table, "as_of"))
    if not all(moment is None or moment.year in _YEARS for moment in moments):
        raise Unreadable("no run was at such a time")


def _check_column(column: schema.Column, cells: pa.ChunkedArray) -> None:
    if column.key and cells.null_count and column.name != "instance_id":
        raise Unreadable(f"a row without its {column.name}")
    if column.kind == schema.NUMBER and compute.all(compute.is_finite(cells)).as_py() not in (True, None):
        raise Unreadable(f"{column.name} is no number")
    if wanted := _JSON.get(column.kind):
        texts = cells.unique().drop_null()
        _check_parts(column, texts)
        for text in texts.to_pylist():
            if not _is(text, wanted):
                raise Unreadable(f"{column.name} is no JSON of its kind")


def _check_parts(column: schema.Column, texts: pa.Array) -> None:
    """Refuse JSON that holds more than an answer can, before any of it is made into Python's objects."""
    parts = pa.array([0] * len(texts), pa.int64())
    for mark in ",:[{":
        parts = compute.add(parts, compute.count_substring(texts, mark))
    most, total = compute.max(parts).as_py() or 0, compute.sum(parts).as_py() or 0
    if most > limits.CELL_PARTS or total > limits.COLUMN_PARTS:
        raise Unreadable(f"{column.name} holds more than any answer")


def _is(text: str, wanted: type) -> bool:
    value = strict(text)
    if wanted is dict:
        return isinstance(value, dict)
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
