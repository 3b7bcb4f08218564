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
from inventory.formats._limits import TABLE_LIMIT, gathered, too_large
from inventory.formats._pages import THRIFT_LIMITS, check_footer, check_pages
from inventory.snapshot import Snapshot, arrow_schema, build, concat, rows

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.overview import Overview

_OURS = b"lms-inventory"
_BATCH = 4096  # rows that are spelt out together
_PARTS = 1_000_000  # values in what the file says of itself: some dozens for each server


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
    """The table and the observations; the other grain is empty and not among ``grains``.

    Raises:
        FileError: it would take too much memory.
    """
    check_footer(path)
    with parquet.ParquetFile(path, **THRIFT_LIMITS) as file:
        metadata, found = file.metadata, file.schema_arrow
    about = _about_of(found.metadata[_OURS])
    kept = schema.GRAIN_TABLES[about["grain"]]
    if not found.equals(arrow_schema(kept)):
        raise ValueError("other columns than this version's")
    check_pages(path, metadata)
    texts = [one.name for one in found if pa.types.is_string(one.type)]
    with parquet.ParquetFile(
        path, metadata=metadata, read_dictionary=texts, page_checksum_verification=True, **THRIFT_LIMITS
    ) as file:
        batches = (_spelt_out(path, batch, kept) for batch in file.iter_batches(_BATCH, use_threads=False))
        table = concat(kept, gathered(path, batches))
    observed = [{**row, "observed_at": _time(row["observed_at"])} for row in about["observations"]]
    tables = {one.name: concat(one, []) for one in schema.GRAIN_TABLES.values()}
    tables[kept.name] = table
    tables["observations"] = build(
        schema.OBSERVATIONS, {name: [row[name] for row in observed] for name in schema.OBSERVATIONS.names}
    )
    return Snapshot(tables, (about["grain"],))


def _about_of(text: bytes) -> dict[str, Any]:
    """What the file says of itself."""
    if max(text.count(b","), text.count(b"["), text.count(b"{")) > _PARTS:
        raise ValueError("more than the observations of a run")
    about: dict[str, Any] = json.loads(text)
    return about


def _spelt_out(path: Path, batch: pa.RecordBatch, kept: schema.Table) -> pa.Table:
    """The rows with their texts, once it is known how long these are: a small number can stand for a long one.

    Raises:
        FileError: they are too long.
    """
    from pyarrow import compute  # takes longer to import than a small file to write

    numbered = [column for column in batch.columns if pa.types.is_dictionary(column.type)]
    lengths = [compute.binary_length(one.dictionary).cast(pa.int64()).take(one.indices) for one in numbered]
    size = sum(compute.sum(one).as_py() or 0 for one in lengths)
    if size > TABLE_LIMIT:
        raise too_large(path, f"its texts take more than {TABLE_LIMIT // 2**20} MiB of memory")
    return pa.Table.from_batches([batch]).cast(arrow_schema(kept))


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
