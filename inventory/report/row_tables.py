"""Tables for people: the columns that say something, under names that a person reads."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from inventory import schema
from inventory.columns import integers, rows_where, text_column
from inventory.schema.headings import heading
from inventory.tables import Row, rows

_FIRST = ("server", "display_name", "key", "instance_id")
_FOR_MACHINES = {"ordinal", "instance_ordinal", "params_count", "run_id", "digest", "stored_in"}
"""Columns that are in the CSV, Parquet and Excel files only."""

MODEL_COLUMNS = (
    "key",
    "params_string",
    "architecture",
    "quantization_name",
    "size_bytes",
    "max_context_length",
    "loaded_instance_count",
)
"""The columns of a model that people look for."""

_LISTED = 20  # of the largest models: no form shows more
_LARGEST = ("key", "server", "params_string", "quantization_name", "size_bytes", "max_context_length")
LARGEST_COLUMNS = (*_LARGEST, "loaded_instance_count", "as_of")
"""The columns of the largest models."""


@dataclass(frozen=True)
class RowTable:
    """Rows with the columns that are shown of them.

    Attributes:
        name: identifies the table in its page.
        title: its heading, or what the rows are, in words; empty where a section has but one table.
        columns: the columns, in the order in which they are shown.
        content: the rows.
        more: further rows that there are.
    """

    name: str
    title: str
    columns: tuple[schema.Column, ...]
    content: pa.Table
    more: int = 0

    @property
    def heads(self) -> list[str]:
        """The names of the columns for people."""
        return [column_head(column, heading(column.name)) for column in self.columns]

    @property
    def rows(self) -> list[Row]:
        """The values of the rows by column name."""
        return rows(self.content)

    def heading(self, limit: int) -> str:
        """Return its heading where only so many rows are shown, which says of how many."""
        number = self.content.num_rows + self.more
        return f"{self.title} (of {number:,})" if number > limit else self.title

    def first(self, limit: int) -> "RowTable":
        """Return the table with its first rows only."""
        return replace(self, content=self.content.slice(0, limit), more=0)


def column_head(column: schema.Column, name: str) -> str:
    """Return the head of a column: its name, and UTC where it holds times."""
    return f"{name} (UTC)" if column.kind == schema.TIME else name


def is_number(column: schema.Column) -> bool:
    """Return whether a column holds numbers, which stand at the right."""
    return column.kind in (schema.INTEGER, schema.NUMBER)


def row_table(table: schema.Table, content: pa.Table, title: str, without: Sequence[str] = ()) -> RowTable:
    """Choose the columns that have a value in some row, those that name the row first.

    Args:
        table: the columns that there are.
        content: the rows.
        title: what they are, in words.
        without: further columns that are not shown.
    """
    hidden = {*_FOR_MACHINES, *without, *(name for name in table.names if content[name].null_count == len(content))}
    columns = [column for column in table.columns if column.name not in hidden]
    columns.sort(key=lambda column: _FIRST.index(column.name) if column.name in _FIRST else len(_FIRST))
    return RowTable(table.name, title, tuple(columns), content)


def largest_models(models: pa.Table, *, several: bool, older: Collection[str] = ()) -> RowTable:
    """List the largest models, the largest first.

    Args:
        models: the models table.
        several: whether each row names its server.
        older: the servers whose rows tell their age.
    """
    from pyarrow import compute  # takes a while to import

    sizes = _sizes(models)
    largest = compute.select_k_unstable(sizes, _LISTED, [("size", "descending")])
    candidates = models.filter(compute.is_in(sizes, sizes.take(largest)))
    shown = with_ages(largest_first(candidates).slice(0, _LISTED), older)
    ages = with_ages(models, older).column("as_of").null_count < models.num_rows if older else False
    hidden = {*(() if several else ("server",)), *(() if ages else ("as_of",))}
    names = [name for name in LARGEST_COLUMNS if name not in hidden]
    columns = schema.MODELS.select(names)
    return RowTable("largest", "Largest models", columns, shown, models.num_rows - shown.num_rows)


def with_ages(rows: pa.Table, older: Collection[str]) -> pa.Table:
    """Return rows for people: with the age of those only whose server has an older answer than others."""
    from pyarrow import compute  # takes a while to import

    place = rows.schema.get_field_index("as_of")
    is_older = rows_where(rows, "server", older.__contains__)
    no_age = pa.nulls(1, rows.field(place).type)[0]
    return rows.set_column(place, rows.field(place), compute.if_else(is_older, rows.column(place), no_age))


def largest_first(rows: pa.Table) -> pa.Table:
    """Sort rows of models as ``by_size`` does."""
    from pyarrow import compute  # takes a while to import

    names = [rows.column(name).cast(pa.string()) for name in ("server", "key")]
    order = [("size", "descending"), ("server", "ascending"), ("key", "ascending")]
    keys = pa.Table.from_arrays([_sizes(rows), *names], ["size", "server", "key"])
    return rows.take(compute.sort_indices(keys, sort_keys=order))


def _sizes(rows: pa.Table) -> pa.Array:
    """Return the sizes; 0 where none is reported."""
    from pyarrow import compute  # takes a while to import

    return compute.coalesce(rows.column("size_bytes").combine_chunks(), integers([0])[0])


def by_size(rows: Sequence[Row]) -> list[Row]:
    """Sort rows of models by size, the largest first; those that report none come last."""
    return sorted(rows, key=lambda row: (-(row["size_bytes"] or 0), row["server"], row["key"]))


def server_table(observations: pa.Table) -> RowTable:
    """List the observations, with the warnings as sentences, and with the age of those answers that are older."""
    from pyarrow import compute  # takes a while to import

    as_of, observed_at = observations["as_of"], observations["observed_at"]
    is_new = compute.coalesce(compute.equal(as_of, observed_at), integers([0]).cast(pa.bool_())[0])
    older = compute.if_else(is_new, pa.nulls(1, as_of.type)[0], as_of)
    sentences = text_column(observations, ["warnings"], lambda texts: " ".join(json.loads(texts or "[]")))
    hidden = () if any(sentences.dictionary.to_pylist()) else ("warnings",)
    for name, column in (("as_of", older), ("warnings", sentences)):
        observations = observations.set_column(observations.schema.get_field_index(name), name, column)
    return row_table(schema.OBSERVATIONS, observations, "", hidden)
