"""The rows of stored answers, of one kind: found by the digest and the run of each, and read column by column."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from inventory import schema
from inventory.columns import encoded, integers
from inventory.errors import FileError
from inventory.history.storage.data_file import ARROW
from inventory.history.storage.store import Store
from inventory.tables import column_of

_PART = 2**15  # rows that are unpacked at a time, unless more are wanted
_BUFFER = 2**16  # bytes of a column that are read at a time
_SHARED = 8  # bytes a row that a column of texts takes at most if many rows have the same text


class StoredRows:
    """The rows of some stored answers; those of one answer are in the order of their keys, as they were written.

    Args:
        store: the files.
        kind: the kind of the rows.
        answers: the digest of each answer, and the run that holds it; several may be the same.

    Attributes:
        owners: for each row of each answer, one answer after the other, the place of the answer in ``answers``.
        rows: the rows, as ``columns`` takes them.

    Raises:
        FileError: a file is missing, damaged, or can no longer be read.
    """

    def __init__(self, store: Store, kind: str, answers: Sequence[tuple[str, str]]) -> None:
        from pyarrow import compute  # takes a while to import

        paths, table = store.checked(kind, {run_id for _, run_id in answers})
        self._schema = ARROW[kind]
        self._files = [*paths, *([] if table is None else [table])]
        self._places: list[pa.Array] = []  # of the rows in each file
        digests, runs = (column_of(schema.TEXT, {row[at] for row in answers}).combine_chunks() for at in (0, 1))
        number_of = [dict(zip(texts.to_pylist(), range(len(texts)), strict=True)) for texts in (digests, runs)]
        wanted = integers(number_of[0][digest] * len(runs) + number_of[1][run_id] for digest, run_id in answers)
        known = compute.unique(wanted)
        numbers = [integers([])]
        for file in self._files:
            inside, start = [integers([])], 0
            for part in self._parts(file, ["digest", "stored_in"], 4 * _PART):
                digest = _place_in(digests, part.column("digest"))
                rows = compute.indices_nonzero(digest.is_valid())
                run = _place_in(runs, part.column("stored_in").take(rows))
                answer = compute.add(compute.multiply(digest.take(rows), integers([len(runs)])[0]), run)
                number = compute.index_in(answer, value_set=known)
                inside.append(compute.add(rows.filter(number.is_valid()).cast(pa.int64()), integers([start])[0]))
                numbers.append(number.drop_null().cast(pa.int64()))
                start += len(part)
            self._places.append(pa.concat_arrays(inside))
        number = pa.concat_arrays(numbers)
        in_order = compute.array_sort_indices(number).cast(pa.int64())  # a stable sort
        ends = compute.search_sorted(number.take(in_order), integers(range(len(known) + 1))).cast(pa.int32())
        rows = pa.ListArray.from_arrays(ends, in_order).take(compute.index_in(wanted, value_set=known))
        self.owners, self.rows = compute.list_parent_indices(rows).cast(pa.int64()), rows.flatten()

    def columns(self, names: Sequence[str], rows: pa.Array) -> pa.Table:
        """Read some columns of some rows, in their order; texts are dictionaries."""
        from pyarrow import compute

        is_whole = len(rows) >= sum(map(len, self._places))
        used = rows if is_whole else compute.unique(rows)
        used = used if is_whole else used.take(compute.array_sort_indices(used))
        tables, start = [pa.Table.from_batches([], self._schema).select(names)], 0  # the columns that a file may lack
        for file, places in zip(self._files, self._places, strict=True):
            chosen = places if is_whole else places.take(_within(used, start, start + len(places)))
            start += len(places)
            parts, end = [], 0
            for part in self._parts(file, names, max(_PART, len(chosen))):
                if inside := _within(chosen, end, end + len(part)):
                    parts.append(part.take(inside))
                end += len(part)
            tables += [pa.concat_tables(parts)] if parts else []
        table = pa.concat_tables(map(encoded, tables), promote_options="default").unify_dictionaries().combine_chunks()
        return table.take(rows if is_whole else compute.index_in(rows, value_set=used))

    def _parts(self, file: Path | pa.Table, names: Sequence[str], size: int) -> Iterator[pa.Table]:
        """Yield some columns of so many rows of a file at a time, texts as dictionaries where many rows share them."""
        if isinstance(file, pa.Table):
            yield file.select(names)
            return
        with _one_line_errors():
            metadata = parquet.read_metadata(file)
            group = metadata.row_group(0)
            columns = [group.column(place) for place in range(metadata.num_columns)]
            present = {column.path_in_schema: column for column in columns if column.path_in_schema in names}
            shared = [
                name
                for name, column in present.items()
                if column.physical_type == "BYTE_ARRAY" and column.total_uncompressed_size <= _SHARED * group.num_rows
            ]
            options = {"read_dictionary": shared, "pre_buffer": False, "buffer_size": _BUFFER}
            with parquet.ParquetFile(file, metadata=metadata, **options) as content:
                for batch in content.iter_batches(size, columns=[*present], use_threads=False):
                    yield pa.Table.from_batches([batch])


def _place_in(texts: pa.Array, column: pa.ChunkedArray) -> pa.Array:
    """Return the place of each text of a column among some texts; null where it is none of them."""
    from pyarrow import compute

    places = [integers([])]
    for chunk in column.chunks:
        if pa.types.is_dictionary(chunk.type):
            place = compute.index_in(chunk.dictionary, value_set=texts).take(chunk.indices)
        else:
            place = compute.index_in(chunk, value_set=texts)
        places.append(place.cast(pa.int64()))
    return pa.concat_arrays(places)


def _within(places: pa.Array, start: int, end: int) -> pa.Array:
    """Return those of some ascending places that are in a part, counted from where it starts."""
    from pyarrow import compute

    first, last = compute.search_sorted(places, integers([start, end])).to_pylist()
    return compute.subtract(places.slice(first, last - first), integers([start])[0])


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Report a file that vanished or cannot be read any more as an error of one line."""
    try:
        yield
    except OSError as error:
        raise FileError(f"a file of the history could not be read: {error}", "Try again") from error
