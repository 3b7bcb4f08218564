"""Tables as those of ``layout``, laid out by column: each different cell is measured and padded once."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow import compute

from inventory.columns import joined, mapped, parts_of, text_array
from inventory.terminal.layout import GAP, Fit, fit_columns
from inventory.text import UNLIMITED, pad


def column_table(
    columns: Sequence[pa.DictionaryArray],
    sides: str,
    heads: Sequence[str] = (),
    *,
    indent: str = "",
    room: int = UNLIMITED,
    optional: Sequence[int] = (),
) -> tuple[list[str], Iterator[pa.Array]]:
    """Lay out columns of unstyled texts as ``layout.table`` does lines of cells.

    Args:
        columns: the cells of each column.
        sides: this and the others as in ``layout.fit_columns``.
        heads: as there.
        indent: as there.
        room: columns of the terminal.
        optional: as there.

    Returns:
        The lines of the heads; and the text of each line of the table with its line breaks, of some lines at a time.
    """
    cells = [column.dictionary.to_pylist() for column in columns]
    fit = fit_columns(cells, sides, heads, indent=indent, columns=room, optional=optional)
    return fit.head(), _parts(columns, fit)


def _parts(columns: Sequence[pa.DictionaryArray], fit: Fit) -> Iterator[pa.Array]:
    """Yield the texts of lines: joined of padded cells; but row by row those in which a cell is folded."""
    shown = [_padded(columns[place], place, room, fit) for place, room in zip(fit.places, fit.rooms, strict=True)]
    begin, end, separator = text_array([fit.indent, "\n", ""])
    for cells, texts in zip(parts_of(columns), parts_of(shown), strict=True):
        lines = joined(texts, GAP)
        folded = compute.match_substring(lines, "\n")
        lines = compute.binary_join_element_wise(begin, compute.utf8_rtrim(lines, " "), end, separator)
        if compute.any(folded).as_py():
            lines = compute.replace_with_mask(lines, folded, _row_by_row(cells, folded, fit))
        yield lines


def _padded(column: pa.DictionaryArray, place: int, room: int, fit: Fit) -> pa.DictionaryArray:
    """Pad the cells of a column; for now, those that are folded are a line break, which no other cell has."""
    return mapped(column, lambda cell: "\n" if fit.is_folded(cell, room) else pad(cell, room, fit.sides[place]))


def _row_by_row(columns: Sequence[pa.DictionaryArray], chosen: pa.Array, fit: Fit) -> pa.Array:
    cells = (joined([column.filter(chosen)]).to_pylist() for column in columns)
    return text_array("".join(f"{line}\n" for line in fit.lines(row)) for row in zip(*cells, strict=True))
