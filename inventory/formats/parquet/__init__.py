"""Parquet: explicit types, zstd, units and meanings in every field, and how it came about in the file's metadata."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from inventory import limits, schema
from inventory.about import VERSION
from inventory.formats._columns import SkippedRows, gaps_of, grain_of, numbered, observed_of
from inventory.formats._limits import gathered, too_large
from inventory.formats._unreadable import Unreadable, check_kind
from inventory.formats.parquet.page_headers import THRIFT_LIMITS, Chunk, check_footer, check_pages, column_chunks
from inventory.formats.parquet.typed import typed
from inventory.schema.gaps import Gaps
from inventory.tables import ATTRIBUTE, STATE, RunTables, arrow_schema, concat, rows, table_of

if TYPE_CHECKING:
    from inventory.formats import Tables
    from inventory.report.facts import Report

_OURS = b"lms-inventory"
_ATTRIBUTES = b"PANDAS_ATTRS"  # what pandas gives as DataFrame.attrs, and writes again
_TIMES = tuple(column.name for column in schema.OBSERVATIONS.columns if column.kind == schema.TIME)
_REWRITTEN = "another program wrote it again: servers that have rows count as read, others are not known"
_LENGTHS = "DELTA_LENGTH_BYTE_ARRAY"  # each text stands in the page, as in a plain one
_DELTA = {"DELTA_BYTE_ARRAY", _LENGTHS}
_BATCH = 4096  # rows that are spelt out together


def encode(report: "Report", grain: str) -> bytes:
    """Write one table; the observations go into the file's metadata, so that a server without rows is in it too."""
    snapshot = report.snapshot
    table = snapshot.tables[schema.GRAIN_TABLES[grain].name]
    about = _about(snapshot, grain)
    observed = {
        "observations": [
            {**row, **{name: _text(row[name]) for name in _TIMES}} for row in rows(snapshot.tables["observations"])
        ]
    }
    metadata = {
        **(table.schema.metadata or {}),
        _OURS: json.dumps(about | observed, ensure_ascii=False),
        _ATTRIBUTES: json.dumps({ATTRIBUTE: snapshot.what} | about, ensure_ascii=False),
    }
    return _written(table.replace_schema_metadata(metadata))


def encode_tables(tables: "Tables") -> bytes:
    """Encode the first of several tables."""
    table = tables[0][1]
    return _written(table.replace_schema_metadata({**(table.schema.metadata or {}), _OURS: json.dumps(_tool())}))


def read(path: Path) -> RunTables:
    """Read the table and the observations; the other grain is empty and not among ``grains``.

    Another program that wrote the file again drops what it says of itself: then its rows alone tell which servers were
    read, or, from pandas, also their statuses.

    Raises:
        FileError: it would take too much memory.
        Unreadable: it holds no table of a snapshot, or a value that is none of its column.
    """
    check_kind(path, "parquet")
    check_footer(path)  # guard: Parquet the footer is looked at
    with parquet.ParquetFile(path, **THRIFT_LIMITS) as file:
        metadata, columns = file.metadata, file.schema_arrow
    notes = columns.metadata or {}
    about = _about_of(notes.get(_OURS) or notes.get(_ATTRIBUTES))
    grain = grain_of(columns.names)
    table = schema.GRAIN_TABLES[grain]
    gaps = gaps_of(table, columns.names) | _newer(about)
    chunks = column_chunks(path)
    check_pages(path, chunks)  # guard: Parquet the pages are looked at
    content, more = _content(path, table, metadata, columns, chunks)
    content = numbered(table, content, gaps)
    observed, unknown = _observed(about, content)
    tables = {each.name: concat(each, []) for each in schema.GRAIN_TABLES.values()}
    tables |= {table.name: content, "observations": observed}
    return RunTables(tables, (grain,), gaps=gaps | more | unknown, state_of=_state_of(about))


def _about_of(text: bytes | None) -> dict[str, Any]:
    """Read the metadata of this tool; nothing if another program wrote the file."""
    if text is None:
        return {}
    if max(text.count(b","), text.count(b"["), text.count(b"{")) > limits.PARQUET_PARTS:
        raise ValueError("more than the observations of a run")
    about = json.loads(text)
    return about if isinstance(about, dict) else {}


def _state_of(about: dict[str, Any]) -> str:
    """Return the run whose state the file holds; empty for one run."""
    return str(about.get("run_id") or "") if str(about.get("what") or "").startswith(STATE) else ""


def _newer(about: dict[str, Any]) -> Gaps:
    """Say that a newer version wrote the file, if it did."""
    version = about.get("schema_version")
    if not isinstance(version, int) or version <= schema.SCHEMA_VERSION:
        return Gaps()
    return Gaps(notes=(f"lms-inventory {str(about.get('version'))[:20]} wrote it, which is newer than this one",))


def _content(
    path: Path, table: schema.Table, metadata: Any, columns: pa.Schema, chunks: Sequence[Chunk]
) -> tuple[pa.Table, Gaps]:
    """Read the rows, and describe what they lack."""
    known = [name for name in table.names if name in columns.names]
    flat = {metadata.schema.column(place).path: metadata.schema.column(place) for place in range(metadata.num_columns)}
    for name in known:
        if name not in flat:
            raise Unreadable(f"column {name} holds {columns.field(name).type} where single values should be")
    skipped = SkippedRows()
    batches = (
        batch for group in range(metadata.num_row_groups) for batch in _group(path, metadata, group, known, chunks)
    )
    content = concat(table, gathered(path, _spelt_out(path, batches, table, skipped)))
    return content, skipped.gaps(content.num_rows)


def _group(
    path: Path, metadata: Any, group: int, known: list[str], chunks: Sequence[Chunk]
) -> Iterator[pa.RecordBatch]:
    """Read the batches of one group of rows; texts that many rows may share are numbered.

    Raises:
        Unreadable: a column is packed in a way that can make much out of little.
    """
    texts = []
    for chunk in (chunk for chunk in chunks if chunk.group == group):
        if chunk.name in known and chunk.kind == "BYTE_ARRAY":
            delta = chunk.encodings & _DELTA
            if delta - {_LENGTHS} or (delta and chunk.dictionary is not None):
                why = f"column {chunk.name} is encoded as {', '.join(sorted(delta))}"
                raise Unreadable(why, "Write it with the encoding PLAIN or with dictionaries")
            texts += [] if delta else [chunk.name]
    with parquet.ParquetFile(
        path,
        metadata=metadata,
        read_dictionary=texts,
        page_checksum_verification=True,
        pre_buffer=False,  # which would begin a thread, whatever use_threads says
        **THRIFT_LIMITS,
    ) as file:
        yield from file.iter_batches(_BATCH, row_groups=[group], columns=known, use_threads=False)


def _observed(about: dict[str, Any], content: pa.Table) -> tuple[pa.Table, Gaps]:
    """Make the observations, and describe what they lack."""
    if "observations" in about:
        observations = [
            {**dict.fromkeys(schema.OBSERVATIONS.names), **row, **{name: _time(row.get(name)) for name in _TIMES}}
            for row in about["observations"]
        ]
        return table_of(schema.OBSERVATIONS, observations), Gaps()
    statuses = about.get("statuses")
    derived = rows(observed_of(content))
    if isinstance(statuses, dict):
        present = {row["server"] for row in derived}
        derived += [
            {**dict.fromkeys(schema.OBSERVATIONS.names), "server": server}
            for server in statuses
            if server not in present
        ]
        ages = about.get("as_of")
        ages = {server: _time(text) for server, text in ages.items()} if isinstance(ages, dict) else {}
        derived = [
            {**row, "status": statuses.get(row["server"], "ok"), "as_of": ages.get(row["server"], row["as_of"])}
            for row in derived
        ]
        derived = [row for row in derived if row["status"] != "ok" or row["server"] in present]
    moment = _time(about.get("observed_at"))
    observations = [{**row, "run_id": about.get("run_id") or "", "observed_at": moment} for row in derived]
    return table_of(schema.OBSERVATIONS, observations), Gaps(servers=True, notes=(_REWRITTEN,))


def _spelt_out(
    path: Path, batches: Iterable[pa.RecordBatch], table: schema.Table, skipped: SkippedRows
) -> Iterator[pa.Table]:
    """Look up the texts of the rows once their length is known: a small number can stand for a long text.

    Raises:
        FileError: they are too long.
        Unreadable: a value is none of its column.
    """
    from pyarrow import compute  # takes longer to import than a small file to write

    target = arrow_schema(table)
    before = 0
    for batch in batches:
        numbered = [column for column in batch.columns if pa.types.is_dictionary(column.type)]
        lengths = [
            compute.binary_length(column.dictionary).cast(pa.int64()).take(column.indices)
            for column in numbered
            if not pa.types.is_fixed_size_binary(column.type.value_type)
        ]
        size = sum(compute.sum(column).as_py() or 0 for column in lengths)
        if size > limits.PARQUET_TEXTS:
            raise too_large(path, f"its texts take more than {limits.PARQUET_TEXTS // 2**20} MiB of memory")
        names = batch.schema.names
        columns = [
            typed(batch.column(column.name), column, target.field(column.name).type, before)
            if column.name in names
            else pa.nulls(batch.num_rows, target.field(column.name).type)
            for column in table.columns
        ]
        yield skipped.left_out(pa.Table.from_arrays(columns, schema=target), names, before + 1)
        before += batch.num_rows


def _written(table: pa.Table) -> bytes:
    buffer = BytesIO()
    parquet.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    return buffer.getvalue()


def _tool() -> dict[str, Any]:
    return {"tool": "lms-inventory", "version": VERSION, "schema_version": schema.SCHEMA_VERSION}


def _about(snapshot: RunTables, grain: str) -> dict[str, Any]:
    observations = rows(snapshot.tables["observations"])
    return {
        **_tool(),
        "grain": grain,
        "what": snapshot.what,
        "run_id": snapshot.run_id,
        "observed_at": _text(snapshot.observed_at),
        "digests": {row["server"]: row["payload_digest"] for row in observations},
        "statuses": {row["server"]: row["status"] for row in observations},
        "as_of": {row["server"]: _text(row["as_of"]) for row in observations},
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
