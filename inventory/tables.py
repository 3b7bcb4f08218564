"""The tables of a run as Arrow tables with the schema's types, and the ways between them and rows of Python values."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.json

from inventory import schema
from inventory.normalize.flatten import Columns
from inventory.run_ids import time_of
from inventory.schema.gaps import Gaps

Row = dict[str, Any]
"""A row of a table: Python values by the names of the columns; times are ``datetime`` in UTC."""

STATE = "state at "
"""How ``RunTables.what`` begins where the tables are those of a state."""

ATTRIBUTE = "lms_inventory"
"""The name among the attributes of a DataFrame under which ``RunTables.what`` stands."""

_PART = 20_000  # rows of a fleet's table that are Python values at a time
_SHORT = 1_000  # values of a dictionary that are converted for however few rows
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARROW = {
    schema.INTEGER: pa.int64(),
    schema.NUMBER: pa.float64(),
    schema.BOOLEAN: pa.bool_(),
    schema.TIME: pa.timestamp("us", tz="UTC"),
}
_PANDAS = {
    schema.INTEGER: ("int64", "Int64"),
    schema.NUMBER: ("float64", "Float64"),
    schema.BOOLEAN: ("bool", "boolean"),
    schema.TIME: ("datetimetz", "datetime64[us, UTC]"),
}

_TEXT_FIELDS = {
    column.name for table in schema.GRAIN_TABLES.values() for column in table.columns if column.kind == schema.TEXT
}
"""Fields whose values a change holds as they are; those of others are JSON."""


@dataclass(frozen=True)
class RunTables:
    """The tables of one run, of a file, or of a state: what the core passes on.

    Attributes:
        tables: ``observations``, ``models`` and ``instances`` as Arrow tables with the types of ``schema/``.
        grains: the grains it holds: both, or the one that a CSV or Parquet file was written in.
        payloads: the responses as received, by server name; empty for tables read from a file.
        gaps: what the file that it was read from does not tell.
        ignored: globs of unknown fields that its digests were taken without.
        state_of: the run whose state they are: of each server the last complete answer by then; empty for one run.
    """

    tables: Mapping[str, pa.Table]
    grains: tuple[str, ...] = schema.GRAINS
    payloads: Mapping[str, bytes] = field(default_factory=dict)
    gaps: Gaps = field(default_factory=Gaps)
    ignored: tuple[str, ...] = ()
    state_of: str = ""

    @property
    def run_id(self) -> str:
        """The id of the run, or of the run whose state it is; empty for a file that does not tell it."""
        return self.state_of or str(next(iter(values(self.tables["observations"], "run_id")), None) or "")

    @property
    def state_at(self) -> datetime | None:
        """The time of the state, which is that of its run; None for one run."""
        return time_of(self.state_of) if self.state_of else None

    @property
    def what(self) -> str:
        """What the tables hold: ``state at 2026-11-28T06:00:00Z`` or ``run 20261128T060000.000000Z-3f9a``."""
        if self.state_of:
            return f"{STATE}{time_of(self.state_of):%Y-%m-%dT%H:%M:%SZ}"
        return f"run {self.run_id}" if self.run_id else ""

    @property
    def observed_at(self) -> datetime | None:
        """When the last server answered or was given up, in UTC; None for a file that does not tell it."""
        return max(filter(None, values(self.tables["observations"], "observed_at")), default=None)

    @property
    def complete(self) -> bool:
        """True if every server that was asked was read."""
        return all(status == "ok" for status in values(self.tables["observations"], "status"))

    @property
    def anything_read(self) -> bool:
        """True if the rows of at least one server are known; without one, an empty table proves nothing."""
        observations = self.tables["observations"]
        if not {"ok", "suspect"}.isdisjoint(values(observations, "status")):
            return True
        return any(map(is_known, rows(observations.select(["status", "as_of", "observed_at"]))))


def is_known(observation: Mapping[str, Any]) -> bool:
    """Return whether the rows of a server come from a complete answer: a new one, or an older one."""
    as_of, observed = observation["as_of"], observation["observed_at"]
    return observation["status"] == "ok" or bool(as_of and observed and as_of < observed)


def named_rows(columns: Columns, server: str) -> Columns:
    """Return the columns of one response with the server's name in each row, and no time of the response."""
    count = len(columns["key"])
    return {"server": [server] * count, **columns, "as_of": [None] * count}


def build(table: schema.Table, columns: Mapping[str, list[Any]]) -> pa.Table:
    """Build an Arrow table with the schema's types from a list of Python values per column.

    Times are ``datetime`` with a zone. ``pyarrow.array`` imports pandas, which costs a cold command more time than all
    other work. So it is used only where pandas is imported already; elsewhere the values travel as JSON.
    """
    target = arrow_schema(table)
    if not columns[table.names[0]]:
        return pa.Table.from_arrays([pa.nulls(0, field.type) for field in target], schema=target)
    plain = {
        column.name: _micros(columns[column.name]) if column.kind == schema.TIME else columns[column.name]
        for column in table.columns
    }
    if "pandas" in sys.modules:
        return pa.Table.from_arrays([pa.array(plain[field.name], field.type) for field in target], schema=target)
    texts = (f"{json.dumps(name)}:{json.dumps(column, ensure_ascii=False)}".encode() for name, column in plain.items())
    document = b"{%s}" % b",".join(texts)
    kinds = [pa.int64() if column.kind == schema.TIME else _arrow_type(column) for column in table.columns]
    lists = pa.schema([(name, pa.list_(kind)) for name, kind in zip(table.names, kinds, strict=True)])
    reading = pyarrow.json.ReadOptions(use_threads=False, block_size=len(document) + 1)
    parsing = pyarrow.json.ParseOptions(explicit_schema=lists, unexpected_field_behavior="error")
    document_table = pyarrow.json.read_json(BytesIO(document), read_options=reading, parse_options=parsing)
    arrays = [document_table.column(name).chunk(0).values for name in table.names]
    return pa.Table.from_arrays(
        [array.view(field.type) for array, field in zip(arrays, target, strict=True)], schema=target
    )


@cache
def arrow_schema(table: schema.Table) -> pa.Schema:
    """Return the Arrow schema of a table: types, meanings and units as field metadata, and what pandas needs.

    With the ``pandas`` entry, ``Table.to_pandas`` and ``pandas.read_parquet`` give Int64, Float64, boolean and string
    (the format is described in pandas' developer guide, "Storing pandas DataFrame objects in Apache Parquet").
    """
    fields = [
        pa.field(
            column.name,
            _arrow_type(column),
            metadata={
                key: text
                for key, text in (("meaning", column.meaning), ("unit", column.unit), ("json_path", column.path))
                if text
            },
        )
        for column in table.columns
    ]
    described = [
        {
            "name": column.name,
            "field_name": column.name,
            "pandas_type": kind,
            "numpy_type": dtype,
            "metadata": {"timezone": "UTC"} if column.kind == schema.TIME else None,
        }
        for column in table.columns
        for kind, dtype in [_PANDAS.get(column.kind, ("unicode", "string"))]
    ]
    pandas = {
        "index_columns": [],
        "column_indexes": [],
        "columns": described,
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.3.0",
    }
    return pa.schema(fields, metadata={"pandas": json.dumps(pandas)})


def rows(table: pa.Table) -> list[Row]:
    """Convert a table to rows of Python values."""
    columns = {name: values(table, name) for name in table.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def cells(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the values of some columns row by row, with those of a part of the table in memory at a time."""
    for start in range(0, table.num_rows, _PART):
        part = table.slice(start, _PART)
        yield from zip(*(values(part, name) for name in names), strict=True)


def json_rows(table: schema.Table, records: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Convert rows to values for JSON output: lists and objects as such, old and new values of changes by their type.

    Args:
        table: the schema of the rows, which may have some of its columns only.
        records: the rows, as ``rows`` gives them.
    """
    parsed = [column.name for column in table.columns if column.kind in (schema.LIST, schema.OBJECT)]
    typed = [column.name for column in table.columns if column.kind == schema.VALUE]
    result = []
    for record in records:
        row = dict(record)
        row |= {name: row[name] and json.loads(row[name]) for name in parsed if name in row}
        row |= {name: _typed(row[name], row.get("field")) for name in typed if name in row}
        result.append(row)
    return result


def values(table: pa.Table, name: str) -> list[Any]:
    """Convert one column to Python values; times are ``datetime`` in UTC."""
    column = table.column(name)
    if pa.types.is_dictionary(column.type):  # its own way to Python values takes ten times as long
        return [value for chunk in column.chunks for value in _decoded(chunk)]
    if pa.types.is_timestamp(column.type):  # as integers first: pyarrow's own way to a datetime imports pandas
        return [None if value is None else _EPOCH + timedelta(microseconds=value) for value in _integers(column)]
    result: list[Any] = column.to_pylist()
    return result


def span_of(table: pa.Table, name: str) -> tuple[datetime, datetime]:
    """Return the first and the last time in a column without nulls."""
    micros = _integers(table.column(name))
    return _EPOCH + timedelta(microseconds=min(micros)), _EPOCH + timedelta(microseconds=max(micros))


def conformed(table: pa.Table, target: pa.Schema) -> pa.Table:
    """Return a table with the types and metadata of a schema with the same names.

    ``Table.cast`` does the same, and imports ``pyarrow.compute`` also where there is nothing to do.
    """
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(table.columns, target, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=target)


def table_of(table: schema.Table, records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Build an Arrow table with the schema's types from rows as ``rows`` gives them; further values are ignored."""
    return build(table, {name: [row[name] for row in records] for name in table.names})


def total_of(numbers: Sequence[int | None]) -> int | None:
    """Sum the numbers that are known; None if none is, or if no column can hold the sum."""
    total = sum(known := [number for number in numbers if number is not None])
    return total if (known or not numbers) and abs(total) < 2**63 else None


def column_of(kind: str, cells: Iterable[Any]) -> pa.ChunkedArray:
    """Build a column of values of one kind as ``build`` does; pyarrow's own ways import pandas."""
    return build(schema.Table("", "", (schema.Column("value", kind),)), {"value": [*cells]}).column("value")


def texts_table(**columns: Iterable[str | None]) -> pa.Table:
    """Build a table of texts, such as a view that a query is joined with."""
    return pa.table({name: column_of(schema.TEXT, texts) for name, texts in columns.items()})


def concat(table: schema.Table, tables: Iterable[pa.Table]) -> pa.Table:
    """Concatenate tables with the same schema; without any, return an empty table."""
    parts = [*tables, build(table, {name: [] for name in table.names})]
    return pa.concat_tables(parts).combine_chunks()


def _arrow_type(column: schema.Column) -> pa.DataType:
    return _ARROW.get(column.kind, pa.string())


def _decoded(column: pa.DictionaryArray) -> list[Any]:
    """Convert an array with a dictionary to Python values; a short one without Arrow's functions, slow to import."""
    is_part = len(column.dictionary) > max(len(column), _SHORT)  # of a long column
    distinct: list[Any] = (column.dictionary.take(column.indices) if is_part else column.dictionary).to_pylist()
    return distinct if is_part else [None if n is None else distinct[n] for n in column.indices.to_pylist()]


def _integers(times: pa.ChunkedArray) -> list[Any]:
    return [value for chunk in times.chunks for value in chunk.view(pa.int64()).to_pylist()]


def _micros(moments: list[datetime | None]) -> list[int | None]:
    return [None if moment is None else (moment - _EPOCH) // timedelta(microseconds=1) for moment in moments]


def _typed(text: str | None, field: str | None) -> Any:
    """Return a value of the field that a change or finding is about; without a field, the values of a row."""
    if text is None or field in _TEXT_FIELDS:
        return text
    try:
        return json.loads(text)
    except ValueError:  # In a file that somebody else wrote, it may be any text.
        return text
