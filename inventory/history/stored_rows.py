"""The rows of stored answers, of one kind: found by the digest and the run of each, and read column by column."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate, chain
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from inventory import schema
from inventory.columns import encoded, grouped, integers, pair_numbers, side_by_side, whole
from inventory.errors import FileError
from inventory.history.storage.data_file import ARROW
from inventory.history.storage.store import Store
from inventory.tables import arrow_schema, concat

ANSWER = ["digest", "stored_in"]
"""The columns that tell an answer, and the run that holds it."""

_OWNED = ("server", "as_of")  # the columns that the answer tells, not its rows
_PART, _MOST = 2**16, 2**18  # rows that are unpacked at a time where few are wanted, and where many are
_BUFFER = 2**16  # bytes of a column that are read at a time
_USUAL = 50  # rows of an answer, more or less
_SHARED = 8  # bytes a row that a column of texts takes at most if many rows have the same text


class StoredRows:
    """The rows of some stored answers, in the order of the files: those of one answer in the order of their keys.

    Args:
        store: the files.
        kind: the kind of the rows.
        answers: ``ANSWER`` of each; several may be the same.

    Attributes:
        owners: for each row of each answer, the place of the answer in ``answers``.
        rows: the same rows, as ``columns`` takes them: ascending.

    Raises:
        FileError: a file is missing, damaged, or can no longer be read.
    """

    def __init__(self, store: Store, kind: str, answers: pa.Table) -> None:
        from pyarrow import compute  # takes a while to import

        paths, table = store.checked(kind, answers.column("stored_in").unique().to_pylist())
        self._schema = ARROW[kind]
        self._files = [*paths, *([table] if table else [])]
        known = [whole(column) for column in encoded(answers.select(ANSWER)).columns]
        numbers = pair_numbers(known[0].indices, known[1].indices, len(known[1].dictionary)).dictionary_encode()
        order, bounds = grouped(numbers.indices)
        owners_of = pa.LargeListArray.from_arrays(integers(bounds), order.cast(pa.int64()))
        of_file = partial(_found, known=known, numbers=numbers.dictionary, owners_of=owners_of)
        parts = [*chain(*side_by_side(of_file, self._files, len(answers) * _USUAL))]
        starts = accumulate((count for *_, count in parts), initial=0)
        rows = (compute.add(rows, integers([start])[0]) for (_, rows, _), start in zip(parts, starts, strict=False))
        self.owners = pa.concat_arrays([integers([]), *(owners for owners, _, _ in parts)])
        self.rows = pa.concat_arrays([integers([]), *rows])
        pa.default_memory_pool().release_unused()  # Arrow keeps what was freed, and other columns take as much again

    def columns(self, names: Sequence[str], rows: pa.Array) -> dict[str, pa.ChunkedArray]:
        """Read some columns of some rows, which are ascending; texts are dictionaries."""
        halves = [names[::2], names[1::2]] if len(names) > 1 else [names]
        tables = side_by_side(lambda half: self._read(half, rows), halves, len(rows))
        return {name: table.column(name) for table in tables for name in table.column_names}

    def _read(self, names: Sequence[str], rows: pa.Array) -> pa.Table:
        """Read some columns of some rows in one thread."""
        tables = [pa.Table.from_batches([], self._schema).select(names)]  # the columns that a file may lack
        start = 0
        for file in self._files:
            parts = []
            for part in _parts(file, names, min(max(_PART, len(rows)), _MOST)):
                if chosen := _within(rows, start, start + len(part)):
                    parts.append(part.take(chosen))
                start += len(part)
            tables += [pa.concat_tables(parts)] if parts else []
        return pa.concat_tables(map(encoded, tables), promote_options="default").unify_dictionaries()


def answer_rows(store: Store, table: schema.Table, answers: pa.Table, columns: Sequence[str] | None = None) -> pa.Table:
    """Build the rows of one grain of some answers, in the order of the servers; those that are alike share their rows.

    Args:
        store: the files.
        table: the grain.
        answers: rows of ``all_runs.WANTED``.
        columns: only these, with texts as dictionaries; by default all, with the schema's types.

    Raises:
        FileError: a file is missing or damaged.
    """
    from pyarrow import compute

    target = [field for field in arrow_schema(table) if columns is None or field.name in columns]
    if not target:
        return concat(table, [])
    answers = encoded(answers.sort_by("server"))
    stored = StoredRows(store, table.name, answers)
    order = compute.array_sort_indices(stored.owners)  # a stable sort
    owners = stored.owners.take(order)
    rows = stored.columns([field.name for field in target if field.name not in _OWNED], stored.rows)
    arrays = [
        answers.column(field.name).take(owners) if field.name in _OWNED else whole(rows[field.name]).take(order)
        for field in target
    ]
    arrays = [array.cast(field.type) if columns is None else array for field, array in zip(target, arrays, strict=True)]
    fields = [field.with_type(array.type) for field, array in zip(target, arrays, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, arrow_schema(table).metadata))


def _found(
    file: Path | pa.Table, known: Sequence[pa.DictionaryArray], numbers: pa.Array, owners_of: pa.LargeListArray
) -> list[tuple[pa.Array, pa.Array, int]]:
    """Find the rows of some answers in one file.

    Args:
        file: the path of the file, or its rows.
        known: the digests of the answers, and their runs.
        numbers: the distinct numbers of the answers.
        owners_of: for each of these numbers the places of the answers that have it.

    Returns:
        Of each part of the file, for each row of each answer the place of the answer, and that of the row in the part;
        and how many rows the part has.
    """
    from pyarrow import compute

    if not (parts := [*map(encoded, _parts(file, ANSWER, _MOST))]):
        return []
    columns, result = pa.concat_tables(parts).unify_dictionaries().select(ANSWER).columns, []
    places = [
        compute.index_in(column.chunk(0).dictionary, value_set=texts.dictionary)
        for column, texts in zip(columns, known, strict=True)
    ]
    for digests, runs in zip(*(column.chunks for column in columns), strict=True):
        digest = places[0].take(digests.indices)
        inside = compute.indices_nonzero(digest.is_valid())  # most answers of a large file are often not wanted
        run = places[1].take(runs.indices.take(inside))
        number = compute.index_in(pair_numbers(digest.take(inside), run, len(known[1].dictionary)), value_set=numbers)
        owners = owners_of.take(number.drop_null())
        rows = inside.filter(number.is_valid()).take(compute.list_parent_indices(owners))
        result.append((compute.list_flatten(owners), rows.cast(pa.int64()), len(digests)))
    return result


def _parts(file: Path | pa.Table, names: Sequence[str], size: int) -> Iterator[pa.Table]:
    """Yield some columns of so many rows of a file at a time, texts as dictionaries where many rows share them."""
    if isinstance(file, pa.Table):
        # In one piece: each piece costs calls, and many small files have few rows each.
        yield file.select(names).unify_dictionaries().combine_chunks()
        return
    try:
        metadata = parquet.read_metadata(file)
        group = metadata.row_group(0)
        columns = [group.column(place) for place in range(metadata.num_columns)]
        present = {column.path_in_schema: column for column in columns if column.path_in_schema in names}
        texts = [column for column in present.values() if column.physical_type == "BYTE_ARRAY"]
        shared = [text.path_in_schema for text in texts if text.total_uncompressed_size <= _SHARED * group.num_rows]
        options = {"read_dictionary": shared, "pre_buffer": False, "buffer_size": _BUFFER}
        with parquet.ParquetFile(file, metadata=metadata, **options) as content:
            for batch in content.iter_batches(size, columns=[*present], use_threads=False):
                yield pa.Table.from_batches([batch])
    except OSError as error:  # it vanished, or cannot be read any more
        raise FileError(f"a file of the history could not be read: {error}", "Try again") from error


def _within(places: pa.Array, start: int, end: int) -> pa.Array:
    """Return the places, which ascend, that lie in a part, counted from its start."""
    from pyarrow import compute

    first, last = compute.search_sorted(places, integers([start, end])).to_pylist()
    return compute.subtract(places.slice(first, last - first), integers([start])[0])
