"""Parquet that says what it holds, and that everybody reads the same."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars
import pyarrow as pa
import pytest
from pyarrow import parquet
from support.snapshots import MOMENT, RUN, fleet, same, snapshot

import inventory
from inventory import schema
from inventory.errors import FileError
from inventory.tables import rows

GRAINS = pytest.mark.parametrize(("grain", "table"), schema.GRAIN_TABLES.items(), ids=schema.GRAINS)
DTYPES = {
    schema.INTEGER: "Int64",
    schema.NUMBER: "Float64",
    schema.BOOLEAN: "boolean",
    schema.TIME: "datetime64[us, UTC]",
}
ARROW = {schema.INTEGER: pa.int64(), schema.NUMBER: pa.float64(), schema.BOOLEAN: pa.bool_()}
ARROW[schema.TIME] = pa.timestamp("us", "UTC")


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Path]:
    """The captured answers in a file per grain."""
    paths = {grain: tmp_path / f"{grain}.parquet" for grain in schema.GRAINS}
    for grain, path in paths.items():
        fleet().write(path, grain)
    return paths


FLEET = fleet()


def cells(table: schema.Table) -> list[dict[str, Any]]:
    """The rows that every reader must find."""
    return rows(fleet().tables[table.name])


@GRAINS
def test_schema(written: dict[str, Path], grain: str, table: schema.Table) -> None:
    """Types are those of the schema table, also of columns without a value; each field says its meaning and unit."""
    result = parquet.read_schema(written[grain])
    assert tuple(result.names) == table.names
    for column in table.columns:
        field = result.field(column.name)
        assert field.type == ARROW.get(column.kind, pa.string()), column.name
        assert field.metadata[b"meaning"].decode() == column.meaning
        assert field.metadata.get(b"unit", b"").decode() == column.unit


@GRAINS
def test_compressed(written: dict[str, Path], grain: str, table: schema.Table) -> None:
    """Every column is compressed with zstd."""
    group = parquet.read_metadata(written[grain]).row_group(0)
    assert {group.column(index).compression for index in range(len(table.columns))} == {"ZSTD"}


@pytest.mark.parametrize("flips", [20, pytest.param(300, marks=pytest.mark.long)])
def test_flips_noticed(flips: int, tmp_path: Path) -> None:
    """A flipped bit in the data is noticed: no cell is ever another one."""
    path = tmp_path / "x.parquet"
    fleet().write(path)
    body = path.read_bytes()
    groups = parquet.read_metadata(path).row_group(0)
    columns = [groups.column(index) for index in range(groups.num_columns)]
    end = max(column.data_page_offset + column.total_compressed_size for column in columns)
    refused = 0
    for place in range(4, end, max(end // flips, 1)):
        path.write_bytes(body[:place] + bytes([body[place] ^ 4]) + body[place + 1 :])
        try:
            same(FLEET, inventory.read(path), "models")
        except FileError:
            refused += 1
    assert refused > flips // 3


@GRAINS
def test_file_metadata(written: dict[str, Path], grain: str, table: schema.Table) -> None:
    """The file says which tool and version wrote it, of which run, when, and the digests of the answers."""
    about = json.loads(parquet.read_schema(written[grain]).metadata[b"lms-inventory"])
    digests = {row["server"]: row["payload_digest"] for row in rows(FLEET.tables["observations"])}
    expected = {
        "tool": "lms-inventory",
        "version": inventory.__version__,
        "schema_version": schema.SCHEMA_VERSION,
        "grain": grain,
        "what": f"run {RUN}",
        "run_id": RUN,
        "observed_at": MOMENT.isoformat(),
        "digests": digests,
        "statuses": dict.fromkeys(digests, "ok"),
        "as_of": dict.fromkeys(digests, MOMENT.isoformat()),
    }
    assert {name: about[name] for name in expected} == expected
    assert all(digests.values())
    assert pd.read_parquet(written[grain]).attrs == {"lms_inventory": f"run {RUN}"} | expected
    assert table.name in FLEET.tables


@GRAINS
def test_pandas(written: dict[str, Path], grain: str, table: schema.Table) -> None:
    """Plain pandas gives nullable types and the same cells: integers stay integers, null stays null."""
    frame = pd.read_parquet(written[grain])
    assert list(frame.columns) == list(table.names)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        column.name: DTYPES.get(column.kind, "string") for column in table.columns
    }
    result = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert result == cells(table)


@GRAINS
def test_duckdb(written: dict[str, Path], grain: str, table: schema.Table) -> None:
    """DuckDB reads the same cells."""
    result = duckdb.connect().execute(f"SELECT * FROM '{written[grain]}'").fetchall()
    assert result == [tuple(row.values()) for row in cells(table)]


@GRAINS
def test_polars(written: dict[str, Path], grain: str, table: schema.Table) -> None:
    """Polars reads the same cells."""
    assert polars.read_parquet(written[grain]).to_dicts() == cells(table)


def test_observations_travel(tmp_path: Path) -> None:
    """Whole observations come back, to the microsecond, also of a server that was not read or has no models."""
    for original in (FLEET, snapshot(), snapshot(status="suspect", latency_ms=0.1 + 0.2, error="\x00'=é")):
        original.write(tmp_path / "x.parquet")
        same(original, inventory.read(tmp_path / "x.parquet"), "models", "observations")
