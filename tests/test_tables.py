"""Arrow types inside, pandas types at the door."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from unittest import mock

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import Snapshot, flatten_instances, flatten_models, schema
from inventory.api import frame
from inventory.errors import Invalid, ServerError
from inventory.tables import arrow_schema, build, concat, rows, values

ARROW = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "time": pa.timestamp("us", tz="UTC")}
PANDAS = {"integer": "Int64", "number": "Float64", "boolean": "boolean", "time": "datetime64[us, UTC]"}
TABLES = [pytest.param(table, id=name) for name, table in schema.TABLES.items()]
EVIL = "<script>alert('x')</script>&\"<b>"
BODY: dict[str, Any] = {
    "models": [
        {
            "key": "b",
            "size_bytes": 2**63 - 1,
            "quantization": {"bits_per_weight": 4},
            "loaded_instances": [{"id": "i"}],
        },
        {"key": "a", "capabilities": {"vision": True}, "variants": ["x", "y"]},
    ]
}


def empty(table: schema.Table, count: int = 0) -> pa.Table:
    """A table whose cells are all null."""
    return build(table, {name: [None] * count for name in table.names})


def snapshot(**observed: Any) -> Snapshot:
    """A snapshot of one observation and one model."""
    row = {"run_id": "r1", "server": "s", "status": "ok", **observed}
    model = {"server": row["server"], "key": row.get("error") or "a"}
    return Snapshot(
        {
            "observations": build(schema.OBSERVATIONS, {n: [row.get(n)] for n in schema.OBSERVATIONS.names}),
            "models": build(schema.MODELS, {name: [model.get(name)] for name in schema.MODELS.names}),
            "instances": empty(schema.INSTANCES),
        }
    )


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("table", TABLES)
def test_types_do_not_depend_on_values(table: schema.Table, count: int) -> None:
    """Tables without rows or without a single value have the schema's exact Arrow and pandas types."""
    arrow = empty(table, count)
    assert arrow.num_rows == count
    assert arrow.column_names == list(table.names)
    dtypes = frame(arrow).dtypes
    for column in table.columns:
        assert arrow.schema.field(column.name).type == ARROW.get(column.kind, pa.string())
        assert str(dtypes[column.name]) == PANDAS.get(column.kind, "string")
        assert arrow.column(column.name).null_count == count


@pytest.mark.parametrize("table", TABLES)
def test_metadata(table: schema.Table) -> None:
    """Each Arrow field carries its column's meaning and unit."""
    for column in table.columns:
        metadata = arrow_schema(table).field(column.name).metadata
        assert metadata[b"meaning"].decode() == column.meaning
        assert metadata.get(b"unit", b"").decode() == column.unit


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "time": st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
}


@given(st.sampled_from(list(schema.TABLES.values())), st.data())
def test_values_come_back(table: schema.Table, data: st.DataObject) -> None:
    """Every value that a column can hold comes out as it went in, with its type, null included."""
    count = data.draw(st.integers(0, 3))
    columns = {
        column.name: data.draw(
            st.lists(st.none() | CELLS.get(column.kind, TEXTS), min_size=count, max_size=count), label=column.name
        )
        for column in table.columns
    }
    arrow = build(table, columns)
    with mock.patch.dict(sys.modules):
        del sys.modules["pandas"]  # as in a command that needs no DataFrame, which goes another way
        assert build(table, columns).equals(arrow, check_metadata=True)
    assert {name: values(arrow, name) for name in table.names} == columns
    assert rows(arrow) == [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


@pytest.mark.parametrize(
    "text", ["", "\x00", "a\x00b", "\u2028", "\U0001f600", "\\", '"', "null", "2026-01-01", "\ufeff"]
)
def test_awkward_texts_come_back(text: str) -> None:
    """Texts with control characters, quotes or the look of something else stay what they are."""
    arrow = build(schema.MODELS, {name: [text if name == "description" else None] for name in schema.MODELS.names})
    assert values(arrow, "description") == [text]
    assert frame(arrow)["description"].tolist() == [text]


def test_a_column_with_a_dictionary_converts_as_its_texts() -> None:
    """So does a part of it, however short beside the dictionary, and one in several pieces."""
    texts = [None, *map(str, range(3_000)), "1", None]
    table = pa.table({"text": pa.array(texts).dictionary_encode()})
    end = table.slice(2_990)
    assert values(table, "text") == texts
    assert values(table.slice(0, 2_000), "text") == texts[:2_000]
    assert values(end, "text") == texts[2_990:]
    assert values(pa.concat_tables([end, table]), "text") == [*texts[2_990:], *texts]


def test_times_are_utc() -> None:
    """A time given in another zone is the same moment in UTC, to the microsecond."""
    moment = datetime(2026, 11, 23, 7, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    one = snapshot(observed_at=moment)
    assert one.observed_at == moment
    assert str(one.observations["observed_at"][0]) == "2026-11-23 06:00:00.123456+00:00"


@pytest.mark.parametrize("form", ["dict", "text", "bytes", "mapping", "list", "tuple", "bytearray"])
def test_payload_forms(form: str) -> None:
    """An answer is flattened the same as an object, as the list of models in it, as text and as bytes."""
    text = json.dumps(BODY)
    forms = {"dict": BODY, "text": text, "bytes": text.encode(), "mapping": pd.Series(BODY).to_dict()}
    forms |= {"list": BODY["models"], "tuple": tuple(BODY["models"]), "bytearray": bytearray(text.encode())}
    payload: Any = forms[form]
    models, instances = flatten_models(payload, "s"), flatten_instances(payload)
    assert models["key"].tolist() == ["a", "b"]
    assert models["server"].tolist() == ["s", "s"]
    assert models["size_bytes"].tolist() == [pd.NA, 2**63 - 1]
    assert models["variants"].tolist() == ['["x", "y"]', pd.NA]
    assert instances[["server", "key", "instance_id"]].values.tolist() == [["local", "b", "i"]]
    assert list(models) == list(schema.MODELS.names)
    assert list(instances) == list(schema.INSTANCES.names)
    kinds = {"string", "Int64", "Float64", "boolean", "datetime64[us, UTC]"}
    assert {str(dtype) for dtype in models.dtypes} == kinds


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"models": None},
        {"models": [{"key": float("nan")}]},
        {"models": [{"key": "a", "size_bytes": 10**5000}]},
        {"models": [{"key": "a", "size_bytes": {1, 2}}]},
        {"models": [{"key": "a", (1, 2): 3}]},
        [None],
        ["a"],
        [{"type": "llm"}],
        {"models": [{"key": "\ud800"}]},
        '{"models": [{"key": "\ud800"}]}',
        '{"models": [',
        "",
        b"",
        b"\xff",
    ],
)
@pytest.mark.parametrize("function", [flatten_models, flatten_instances])
def test_wrong_payloads(function: Any, payload: Any) -> None:
    """What is no answer is refused by both doors in every form, half a surrogate pair too."""
    with pytest.raises(ServerError):
        function(payload)


def test_payload_is_not_changed() -> None:
    """Flattening leaves the object that it is given as it was."""
    before = json.dumps(BODY)
    flatten_models(BODY)
    flatten_instances(BODY)
    assert json.dumps(BODY) == before


def test_deep_text_is_refused() -> None:
    """A text nested too deeply is refused, not a crash."""
    with pytest.raises(Invalid, match="nested more than 64 levels"):
        flatten_models('{"models": [{"key": "a", "x": ' + "[" * 100_000)


def test_no_pandas_on_the_way() -> None:
    """Building tables, reading rows and comparing import no pandas; a DataFrame does."""
    code = """
import sys
from datetime import UTC, datetime
from inventory import schema
from inventory import compare
from inventory.tables import build, concat, rows
from inventory import Snapshot
cells = {"observed_at": datetime(2026, 1, 1, tzinfo=UTC), "server": "s", "status": "ok", "key": "a", "ordinal": 0}
tables = {t.name: concat(t, [build(t, {n: [cells.get(n)] for n in t.names})]) for t in schema.TABLES.values()}
snapshot = Snapshot(tables)
print(len(rows(tables["observations"])), repr(snapshot), snapshot.observed_at, repr(compare(snapshot, snapshot)))
assert "pandas" not in sys.modules, "too early"
snapshot.models
assert "pandas" in sys.modules, "not at all"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_html_is_escaped() -> None:
    """Nothing that a server or a user wrote reaches Jupyter's page unescaped."""
    html = snapshot(server=EVIL, status="invalid", error=EVIL, run_id=EVIL)._repr_html_()
    for text in ("<script", "<b>alert", EVIL):
        assert text not in html
    assert html.count("&lt;script&gt;") == 6  # the run, the error and again with its server; the model's server and key


def test_html_shows_whole_keys_and_no_nulls() -> None:
    """A long key is not cut, and a cell without a value is empty."""
    html = snapshot(error="publisher/" + "long-" * 40)._repr_html_()
    assert "publisher/" + "long-" * 40 in html
    assert "NA" not in html
    assert "None" not in html
    assert "<td></td>" in html


def test_html_tells_what_is_left_out() -> None:
    """The page shows twenty models and says how many more there are."""
    models = build(
        schema.MODELS,
        {name: [f"k{number}" if name == "key" else None for number in range(23)] for name in schema.MODELS.names},
    )
    html = Snapshot({**snapshot().tables, "models": models})._repr_html_()
    assert "and 3 more models" in html
    assert "k19" in html
    assert "k20" not in html


@pytest.mark.parametrize(
    ("status", "complete", "anything_read"),
    [("ok", True, True), ("suspect", False, True), ("timeout", False, False), ("invalid", False, False)],
)
def test_what_was_read(status: str, complete: bool, anything_read: bool) -> None:
    """A snapshot is complete if every server is ok, and has read something if one is ok or suspect."""
    one = snapshot(status=status)
    assert (one.complete, one.anything_read) == (complete, anything_read)
    counts = "1 models, 0 loaded instances" if anything_read else "nothing is known"
    assert repr(one) == f"<Snapshot run r1: {int(complete)} of 1 server read, {counts}>"


def test_concat() -> None:
    """Tables come one after the other; none gives no rows, with the schema's types."""
    one = empty(schema.MODELS, 2)
    assert concat(schema.MODELS, [one, one]).num_rows == 4
    assert concat(schema.MODELS, []).schema.equals(arrow_schema(schema.MODELS), check_metadata=True)
