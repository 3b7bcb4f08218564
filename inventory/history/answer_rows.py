"""The rows of stored answers under the names of their servers: read column by column, each file once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from inventory import schema
from inventory.columns import encoded, matches, row_numbers
from inventory.history.storage.data_file import verified
from inventory.tables import arrow_schema, concat

if TYPE_CHECKING:
    from inventory.history.engines import Files

_STORED = ["digest", "stored_in"]  # the columns by which an answer's rows are found
_OWNED = ("server", "as_of")  # the columns that the answer tells, not its rows


def answer_rows(
    files: "Files", table: schema.Table, answers: pa.Table, columns: Sequence[str] | None = None
) -> pa.Table:
    """Build the rows of one grain of some answers, in the order of the servers.

    Servers that are alike share their rows.

    Args:
        files: those of the grain that hold them, as ``Store.checked`` returns them.
        table: the grain.
        answers: rows of ``all_runs.WANTED``.
        columns: only these, with texts as dictionaries; by default all, with the schema's types.

    Raises:
        FileError: a file is missing or damaged.
    """
    target = [field for field in arrow_schema(table) if columns is None or field.name in columns]
    names = [*_STORED, *(field.name for field in target if field.name not in _OWNED)]
    texts = [*_STORED, *(field.name for field in target if pa.types.is_string(field.type))]
    paths, small = files
    parts = [] if small is None else [encoded(small.select(names))]
    parts += [verified(table.name, path).read(names, texts) for path in paths]
    if not target or not any(part.num_rows for part in parts):
        return concat(table, [])
    stored = pa.concat_tables(parts)
    answers = encoded(answers.sort_by("server"))
    numbers = row_numbers(pa.concat_tables([stored.select(_STORED), answers.select(_STORED)]).unify_dictionaries())
    of_answers, of_rows = matches(numbers.slice(0, stored.num_rows), numbers.slice(stored.num_rows))
    arrays = [
        answers[field.name].combine_chunks().take(of_answers)
        if field.name in _OWNED
        # One column at a time: of a fleet they take as much memory as the result.
        else stored.select([field.name]).unify_dictionaries().column(0).combine_chunks().take(of_rows)
        for field in target
    ]
    arrays = [array.cast(field.type) if columns is None else array for field, array in zip(target, arrays, strict=True)]
    fields = [field.with_type(array.type) for field, array in zip(target, arrays, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, arrow_schema(table).metadata))
