"""Parquet: explicit types, zstd, units and meanings in every field, and how it came about in the file's metadata."""

import json
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

import inventory
from inventory import schema
from inventory.snapshot import Snapshot, arrow_schema, build, concat, rows

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.overview import Overview

_OURS = b"lms-inventory"


def encode(overview: "Overview", grain: str) -> bytes:
    """One table; the observations travel in the file's metadata, so that a server without models is known too."""
    snapshot = overview.snapshot
    table = snapshot.tables[schema.GRAIN_TABLES[grain].name]
    about = _about(snapshot, grain)
    observed = {
        "observations": [
            {**row, "observed_at": _text(row["observed_at"])} for row in rows(snapshot.tables["observations"])
        ]
    }
    metadata = {
        **(table.schema.metadata or {}),
        _OURS: json.dumps(about | observed, ensure_ascii=False),
        b"PANDAS_ATTRS": json.dumps(about, ensure_ascii=False),
    }  # what pandas gives as DataFrame.attrs
    return _written(table.replace_schema_metadata(metadata))


def encode_tables(tables: "Tables") -> bytes:
    """The first of some tables."""
    table = tables[0][1]
    return _written(table.replace_schema_metadata({**(table.schema.metadata or {}), _OURS: json.dumps(_tool())}))


def read(path: Path) -> Snapshot:
    """The table and the observations; the other grain is empty and not among ``grains``."""
    with parquet.ParquetFile(path, page_checksum_verification=True) as file:
        about = json.loads(file.schema_arrow.metadata[_OURS])
        grain = about["grain"]
        kept = schema.GRAIN_TABLES[grain]
        table = file.read()
    if not table.schema.equals(arrow_schema(kept)):
        raise ValueError("other columns than this version's")
    observed = [{**row, "observed_at": _time(row["observed_at"])} for row in about["observations"]]
    tables = {one.name: concat(one, []) for one in schema.GRAIN_TABLES.values()}
    tables[kept.name] = table.replace_schema_metadata(arrow_schema(kept).metadata)
    tables["observations"] = build(
        schema.OBSERVATIONS, {name: [row[name] for row in observed] for name in schema.OBSERVATIONS.names}
    )
    return Snapshot(tables, (grain,))


def _written(table: pa.Table) -> bytes:
    buffer = BytesIO()
    parquet.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    return buffer.getvalue()


def _tool() -> dict[str, Any]:
    return {"tool": "lms-inventory", "version": inventory.__version__, "schema_version": schema.SCHEMA_VERSION}


def _about(snapshot: Snapshot, grain: str) -> dict[str, Any]:
    return {
        **_tool(),
        "grain": grain,
        "run_id": snapshot.run_id,
        "observed_at": _text(snapshot.observed_at),
        "digests": {row["server"]: row["payload_digest"] for row in rows(snapshot.tables["observations"])},
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
