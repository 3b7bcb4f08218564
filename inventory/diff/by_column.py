"""Changes found column by column, on the servers whose rows are matched by their names alone.

Where no name is repeated, no model can be another one under a new name and all fields are reported as before, two rows
of the same name are the same model or instance, whatever else is there. That holds for most servers.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from inventory import schema
from inventory.columns import numbered, whole
from inventory.diff.fields import compared_columns, value_text
from inventory.tables import arrow_schema, column_of, conformed
from inventory.tables import rows as dict_rows

FEW = 2_000
"""Rows up to which comparing row by row is faster."""

Pair = tuple[pa.Table, pa.Table]  # rows before, and rows after
_IN_PARTS = (schema.LIST, schema.OBJECT)  # kinds of values that can have different texts and be equal
APPEARED = {"model": "added", "instance": "loaded"}
DISAPPEARED = {"model": "removed", "instance": "unloaded"}
NAMED = {grain: (*table.keys, "display_name") for grain, table in schema.GRAIN_TABLES.items()}
"""The columns of the rows of a grain that a change of them has too."""


@dataclass(frozen=True)
class Matching:
    """The servers all of whose rows are matched by their names.

    Attributes:
        servers: their names.
        pairs: the rows before and those after of the same names, in the same order, by grain.
        unmatched: the rows before without a partner after, and the other way, by grain.
        others: all rows of the other servers, before and after, by grain.
    """

    servers: Collection[str]
    pairs: Mapping[str, Pair]
    unmatched: Mapping[str, Pair]
    others: Mapping[str, Pair]


def match_by_name(
    sides: Sequence[Mapping[str, pa.Table]], servers: Sequence[str], same_fields: Callable[[str], bool] | None
) -> Matching:
    """Match the rows of those servers on which nothing but names is needed for it; of none where there are few rows.

    Args:
        sides: the rows before and after, by grain.
        servers: the servers that are compared, sorted.
        same_fields: tells whether the same fields had a value before and after on a server; None if the rows tell.
    """
    tables = {grain: (sides[0][grain], sides[1][grain]) for grain in sides[0]}
    if sum(table.num_rows for pair in tables.values() for table in pair) <= FEW:
        return Matching((), {}, {}, tables)
    from pyarrow import compute

    others = {number for number, name in enumerate(servers) if same_fields and not same_fields(name)}
    pairs, unmatched = {}, {}
    for grain in tables:
        table = schema.GRAIN_TABLES[grain]
        old, new = both = tables[grain] = _identified(table, tables[grain], servers)
        if old.column("id").equals(new.column("id")):
            pairs[grain], unmatched[grain] = both, (old.slice(0, 0), new.slice(0, 0))
        else:
            partners = compute.index_in(new.column("id"), value_set=whole(old.column("id")))
            gone = compute.index_in(old.column("id"), value_set=whole(new.column("id"))).is_null()
            pairs[grain] = old.take(partners.drop_null()), new.filter(partners.is_valid())
            unmatched[grain] = old.filter(gone), new.filter(partners.is_null())
        others |= {number for rows in both for number in _numbers(rows.filter(_is_odd(rows, table)))}
        others |= _numbers(unmatched[grain][0]) & _numbers(unmatched[grain][1])  # one may be the other
        for column in table.columns:
            if column.kind in _IN_PARTS:
                others |= _numbers(pairs[grain][1].filter(_differs(*pairs[grain], column)))
            if column.compared and not column.key and not same_fields:
                before, after = (_numbers(rows.filter(rows.column(column.name).is_valid())) for rows in both)
                others |= before ^ after
    left_out = whole(column_of(schema.INTEGER, sorted(others)))

    def chosen(tables: Mapping[str, Pair], *, matched: bool) -> Mapping[str, Pair]:
        return {
            grain: (_chosen(old, left_out, matched), _chosen(new, left_out, matched))
            for grain, (old, new) in tables.items()
        }

    names = {name for number, name in enumerate(servers) if number not in others}
    return Matching(names, chosen(pairs, matched=True), chosen(unmatched, matched=True), chosen(tables, matched=False))


def with_matched(
    changes: pa.Table,
    matching: Matching,
    servers: Sequence[str],
    ignore: Sequence[str],
    moments: Sequence[datetime | None],
    text_of: Callable[[dict[str, Any], str], str],
) -> pa.Table:
    """Add the changes of the servers that were matched by name to those of the others.

    Args:
        changes: the others, sorted: rows of ``schema.CHANGES``.
        matching: as ``match_by_name`` returns it.
        servers: as for ``match_by_name``.
        ignore: globs of fields that are not compared.
        moments: when each server was observed.
        text_of: returns the values of a row, of some grain, as a change holds them.
    """
    if not matching.pairs:
        return changes
    words = {"server": servers, "grain": schema.GRAINS, "change": schema.CHANGES_WORDS}
    times = column_of(schema.TIME, moments)
    parts = [*_reconfigured(matching.pairs, ignore), *_unmatched(matching.unmatched, ignore, text_of)]
    if parts:
        further = pa.concat_tables(_completed(part, times) for part in parts)
        further = _sorted(further, further.column("id")).select(changes.column_names)
        changes = pa.concat_tables([changes, conformed(further, changes.schema)])
    place = _number_of([(changes.column(name), column_of(schema.TEXT, known)) for name, known in words.items()])
    return _sorted(changes, place)


def _reconfigured(pairs: Mapping[str, Pair], ignore: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the changed values of the pairs, field by field."""
    for grain, (old, new) in pairs.items():
        named = new.select(["id", "number", *NAMED[grain]])
        columns = {column.name: column for column in compared_columns(schema.GRAIN_TABLES[grain].name, tuple(ignore))}
        for name, column in sorted(columns.items()):
            if column.kind in _IN_PARTS:
                continue
            changed = _differs(old, new, column)
            if (rows := named.filter(changed)).num_rows:
                rows = _with_words(rows, grain=grain, change="reconfigured", field=name)
                before, after = (_texts(side.column(name).filter(changed), column) for side in (old, new))
                yield rows.append_column("old", before).append_column("new", after)


def _unmatched(
    unmatched: Mapping[str, Pair], ignore: Sequence[str], text_of: Callable[[dict[str, Any], str], str]
) -> Iterator[pa.Table]:
    """Yield the rows that came or went; the values of equal ones are put into words once."""
    from pyarrow import compute

    for grain, sides in unmatched.items():
        names = [column.name for column in compared_columns(schema.GRAIN_TABLES[grain].name, tuple(ignore))]
        for rows, word, side in zip(sides, (DISAPPEARED[grain], APPEARED[grain]), ("old", "new"), strict=True):
            if rows.num_rows:
                # Unknown fields are compared as the whole response of the server says.
                by_server = ["server"] if rows.column("extra").null_count < rows.num_rows else []
                numbers, _ = numbered(rows.select([*names, *by_server]))
                distinct = rows.take(compute.index_in(compute.unique(numbers), value_set=numbers))
                texts = column_of(schema.TEXT, [text_of(row, grain) for row in dict_rows(distinct)])
                named = _with_words(rows.select(["id", "number", *NAMED[grain]]), grain=grain, change=word)
                yield named.append_column(side, texts.take(numbers))


def _with_words(rows: pa.Table, **words: str) -> pa.Table:
    """Add columns in each of which one word stands."""
    for name, word in words.items():
        rows = rows.append_column(name, pa.repeat(column_of(schema.TEXT, [word])[0], len(rows)))
    return rows


def _completed(rows: pa.Table, moments: pa.ChunkedArray) -> pa.Table:
    """Add the times and the columns without a value, so that all parts have the same columns."""
    rows = rows.append_column("observed_at", moments.take(rows.column("number")))
    missing = [field for field in arrow_schema(schema.CHANGES) if field.name not in rows.column_names]
    for field in missing:
        rows = rows.append_column(field.name, pa.nulls(len(rows), field.type))
    return rows.select(["id", *schema.CHANGES.names])


def _identified(table: schema.Table, sides: Pair, servers: Sequence[str]) -> Pair:
    """Add to the rows of some servers the place of the server, and a number that is the same for the same names.

    The numbers sort as the names do. A row with a name of null has none.
    """
    known = {"server": column_of(schema.TEXT, servers)}
    for name in (name for name in table.keys[1:] if "ordinal" not in name):
        texts = {text for side in sides for text in side.column(name).unique().to_pylist()}
        known[name] = column_of(schema.TEXT, sorted(text for text in texts if text is not None))
    result = []
    for side in sides:
        number = _number_of([(side.column("server"), known["server"])])
        identity = _number_of([(side.column(name), texts) for name, texts in known.items()])
        side = side.append_column("number", number).append_column("id", identity)
        result.append(side.filter(number.is_valid()) if number.null_count else side)
    old, new = result
    return old, new


def _number_of(names: Sequence[tuple[pa.ChunkedArray, pa.ChunkedArray]]) -> pa.ChunkedArray:
    """Number rows by their texts in some columns, beside each of which stand its texts in their order."""
    from pyarrow import compute

    number = None
    for cells, known in names:
        place = compute.index_in(cells, value_set=whole(known)).cast(pa.int64())
        size = column_of(schema.INTEGER, [len(known)])[0]
        number = place if number is None else compute.add_checked(compute.multiply_checked(number, size), place)
    return number


def _sorted(table: pa.Table, numbers: pa.ChunkedArray) -> pa.Table:
    """Sort rows by a number; those of the same number stay in their order."""
    from pyarrow import compute

    return table.take(compute.array_sort_indices(whole(numbers)))


def _is_odd(rows: pa.Table, table: schema.Table) -> pa.ChunkedArray:
    """Return for each row whether its name is null, or that of another row of the server too."""
    from pyarrow import compute

    odd, zero = rows.column("id").is_null(), column_of(schema.INTEGER, [0])[0]
    for name in table.keys:
        if "ordinal" in name:
            odd = compute.or_kleene(odd, compute.not_equal(rows.column(name), zero))
    return odd


def _differs(old: pa.Table, new: pa.Table, column: schema.Column) -> pa.ChunkedArray:
    """Return for each pair of rows whether a column differs; null where neither has a value."""
    from pyarrow import compute

    before, after = old.column(column.name), new.column(column.name)
    appeared = compute.xor(before.is_valid(), after.is_valid())
    return compute.or_kleene(compute.not_equal(before, after), appeared)


def _texts(cells: pa.ChunkedArray, column: schema.Column) -> pa.ChunkedArray:
    """Format the values of a column as the changes table holds them."""
    if column.kind != schema.NUMBER:
        return cells.cast(pa.string())
    return column_of(schema.TEXT, [value_text(value, column.name) for value in cells.to_pylist()])


def _chosen(rows: pa.Table, left_out: pa.Array, matched: bool) -> pa.Table:
    """Choose the rows of the servers that are left out, or of the others."""
    if not left_out:
        return rows if matched else rows.slice(0, 0)
    from pyarrow import compute

    is_left_out = compute.is_in(rows.column("number"), value_set=left_out)
    return rows.filter(compute.invert(is_left_out) if matched else is_left_out)


def _numbers(rows: pa.Table) -> set[int]:
    return set(rows.column("number").unique().to_pylist())
