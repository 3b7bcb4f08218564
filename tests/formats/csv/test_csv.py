"""CSV that spreadsheets open right, whatever the texts are."""

import csv
from pathlib import Path

import duckdb
import polars
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.snapshots import fleet, snapshot

import inventory
from inventory import schema
from inventory.formats import csv as ours
from inventory.tables import build

text = st.text(st.sampled_from("'\"=+-@;, \t\r\n\0ax|%\uff1d"), max_size=10)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("\ta", "'\ta"),
        ("\ra", "'\ra"),
        ("\na", "'\na"),
        ("'", "''"),
        ("'a", "''a"),
        (" =1", "' =1"),
        ("\0=1", "'\0=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),
        ('a;"=1', "a;\"'=1"),
        ("a\n=1", "a\n'=1"),
        ("a;'=1", "a;''=1"),
        ("", ""),
        ("a", "a"),
        ("a'b", "a'b"),
        ("a=b", "a=b"),
        ("a-b; c", "a-b; c"),
        ("qwen/qwen3-4b@q4_k_m", "qwen/qwen3-4b@q4_k_m"),
    ],
)
def test_guard(tmp_path: Path, given: str, written: str) -> None:
    """A quote goes before what could start a formula, and nowhere else."""
    path = tmp_path / "x.csv"
    snapshot([{"server": "s", "key": given, "ordinal": 0}]).write(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1][1] == written
    assert inventory.read(path).tables["models"].column("key").to_pylist() == [given]


def test_guard_in_a_dictionary() -> None:
    """Texts that come out of a history in dictionaries are guarded as others are."""
    content = pa.table({"key": pa.array(["=1", "a", None, "=1"]).dictionary_encode()})
    table = schema.Table("x", "a row", (schema.Column("key", schema.TEXT, ""),))
    assert ours.encode_tables([(table, content)], plain=True) == b'"key"\n"\'=1"\n"a"\n\n"\'=1"\n'


@settings(max_examples=settings().max_examples, deadline=None)
@given(texts=st.lists(text, min_size=1, max_size=20))
def test_guard_reversible(texts: list[str]) -> None:
    """Whatever a text is made of, taking the quotes off gives it back exactly."""
    table = pa.table({"a": texts})
    guarded = ours._replaced(table, ours._GUARD)
    assert ours._replaced(guarded, ours._UNGUARD).equals(table)


def test_bytes(tmp_path: Path) -> None:
    """A byte order mark, CRLF, quoted texts, plain numbers and booleans; null is nothing, the empty text two quotes."""
    row = {"server": "s", "key": "k", "ordinal": 0, "type": "", "size_bytes": -5, "capabilities_vision": True}
    snapshot([row | {"quantization_bits_per_weight": 4.5}]).write(tmp_path / "x.csv")
    body = (tmp_path / "x.csv").read_bytes()
    header = ",".join(f'"{name}"' for name in schema.MODELS.names)
    cells = dict.fromkeys(schema.MODELS.names, "")
    cells |= {"server": '"s"', "key": '"k"', "ordinal": "0", "type": '""', "size_bytes": "-5"}
    cells |= {"capabilities_vision": "true", "quantization_bits_per_weight": "4.5"}
    assert body == f"\ufeff{header}\r\n{','.join(cells.values())}\r\n".encode()


def test_other_readers(tmp_path: Path) -> None:
    """DuckDB and polars read the same cells."""
    fleet().write(tmp_path / "x.csv")
    expected = fleet().tables["models"].select(["key", "size_bytes", "capabilities_vision"]).to_pylist()
    names = ", ".join(expected[0])
    result = duckdb.connect().execute(f"SELECT {names} FROM '{tmp_path / 'x.csv'}'").fetchall()
    assert result == [tuple(row.values()) for row in expected]
    assert polars.read_csv(tmp_path / "x.csv").select(list(expected[0])).to_dicts() == expected


def test_saved_by_spreadsheet(tmp_path: Path) -> None:
    """A file saved again with LF, TRUE and no needless quotes is read; it cannot tell the empty text from null."""
    fleet().write(tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    with (tmp_path / "x.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [{"true": "TRUE", "false": "FALSE"}.get(cell, cell) for cell in line] for line in lines
        )
    expected = fleet().tables["models"]
    nulled = {
        column.name: [None if value == "" else value for value in expected.column(column.name).to_pylist()]
        for column in schema.MODELS.columns
    }
    assert inventory.read(tmp_path / "x.csv").tables["models"].equals(build(schema.MODELS, nulled))


def test_what_it_cannot_tell(tmp_path: Path) -> None:
    """The servers of the rows count as read; run and time are unknown."""
    fleet().write(tmp_path / "x.csv")
    result = inventory.read(tmp_path / "x.csv")
    assert result.run_id == ""
    assert result.observed_at is None
    assert set(result.tables["observations"].column("status").to_pylist()) == {"ok"}
    assert set(result.tables["observations"].column("server").to_pylist()) == set(
        fleet().tables["models"].column("server").to_pylist()
    )
