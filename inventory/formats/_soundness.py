"""Whether what a file says can be a snapshot at all: a file need not come from where it says, nor from this tool."""

import pyarrow as pa
from pyarrow import compute

from inventory import schema
from inventory.parse import strict
from inventory.snapshot import Snapshot

_MODEL = [column.name for column in schema.MODELS.columns if column.key]
_JSON: dict[str, type] = {schema.LIST: list, schema.OBJECT: dict}


def check(snapshot: Snapshot) -> Snapshot:
    """The snapshot, once its keys are there and differ, texts are texts, numbers finite, lists and objects such.

    A row that stands there many times fits into a small file, however many times.

    Raises:
        ValueError: something is not so.
    """
    for name, content in snapshot.tables.items():
        table = schema.TABLES[name]
        content.validate(full=True)
        keys = [column.name for column in table.columns if column.key]
        for column in table.columns:
            _check_column(column, content.column(column.name))
        if content.group_by(keys, use_threads=False).aggregate([]).num_rows < content.num_rows:
            raise ValueError(f"a row of {name} stands there twice")
    if not set(snapshot.tables["observations"].column("status").unique().to_pylist()) <= {*schema.STATUSES, None}:
        raise ValueError("no status has such a name")
    if snapshot.grains == schema.GRAINS:
        check_models(snapshot)
    return snapshot


def check_models(snapshot: Snapshot) -> None:
    """Check that each instance is one of a model that is there.

    Raises:
        ValueError: one is not.
    """
    models, instances = (snapshot.tables[table.name].select(_MODEL) for table in schema.GRAIN_TABLES.values())
    together = pa.concat_tables([table.replace_schema_metadata() for table in (models, instances)])
    if together.group_by(_MODEL, use_threads=False).aggregate([]).num_rows > models.num_rows:
        raise ValueError("an instance of a model that is not there")


def _check_column(column: schema.Column, values: pa.ChunkedArray) -> None:
    if column.key and values.null_count and column.name != "instance_id":
        raise ValueError(f"a row without its {column.name}")
    if column.kind == schema.NUMBER and compute.all(compute.is_finite(values)).as_py() not in (True, None):
        raise ValueError(f"{column.name} is no number")
    if wanted := _JSON.get(column.kind):
        for text in values.unique().to_pylist():
            if text is not None and not _is(text, wanted):
                raise ValueError(f"{column.name} is no JSON of its kind")


def _is(text: str, wanted: type) -> bool:
    found = strict(text)
    if wanted is dict:
        return isinstance(found, dict)
    return isinstance(found, list) and all(isinstance(item, str) for item in found)
