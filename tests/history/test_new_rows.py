"""Rows as they are stored: their digests stay those of earlier versions, which DuckDB computed."""

from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import schema
from inventory.history import new_rows
from inventory.tables import build

TEXTS = st.text(st.characters(codec="utf-8"))  # with controls, quotes and everything else that can stand in an answer
VALUES: dict[str, st.SearchStrategy[Any]] = {
    schema.TEXT: TEXTS,
    schema.LIST: TEXTS,
    schema.OBJECT: TEXTS,
    schema.INTEGER: st.integers(-(2**63), 2**63 - 1),
    schema.NUMBER: st.floats(allow_nan=False, allow_infinity=False)
    | st.builds(lambda digits, power: float(f"{digits}e{power}"), st.integers(-999, 999), st.integers(-25, 25)),
    schema.BOOLEAN: st.booleans(),
}


def compared(table: schema.Table) -> list[schema.Column]:
    """The columns whose values make the digest of a row."""
    return [
        column
        for column in table.columns
        if column.name in table.response_names and "ordinal" not in column.name and (column.key or column.compared)
    ]


@st.composite
def tables(draw: st.DrawFn, table: schema.Table) -> pa.Table:
    """Rows of a table; values repeat, and some are null."""
    columns = {name: [None] * 6 for name in table.names}
    for column in compared(table):
        choice = draw(st.lists(st.none() | VALUES[column.kind], min_size=1, max_size=3))
        columns[column.name] = draw(st.lists(st.sampled_from(choice), min_size=6, max_size=6))
    return build(table, columns)


@pytest.mark.parametrize("name", ["models", "instances"])
@given(data=st.data())
def test_the_digest_of_a_row_is_that_of_earlier_versions(name: str, data: st.DataObject) -> None:
    """So that a row which did not change is not read after an update either."""
    table = schema.TABLES[name]
    content = data.draw(tables(table))
    members = ", ".join(f"{column.name} := {column.name}" for column in compared(table))
    sql = f"SELECT substr(sha256(to_json(struct_pack({members}))), 1, 16) AS digest FROM content"
    expected = [digest for (digest,) in duckdb.execute(sql).fetchall()]
    assert new_rows.row_digests(table, content).to_pylist() == expected
