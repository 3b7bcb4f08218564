"""Tables that fit into a terminal: columns give way, long texts are folded, and nothing is cut."""

from collections.abc import Sequence

from click import style

from inventory.text import pad, width, wrap

_COMFORTABLE = 32
"""Columns that a folded text has at least, as long as there are columns that can give way for it."""

_LEAST = 8
"""Columns that a folded text has at least; where there are fewer, each row becomes a block of lines."""

_WIDEST = 200  # columns that all lines are padded to because of one cell
_GAP = 2  # columns between two cells
_SEPARATORS = frozenset(" /-_.:@,;=")  # after which a name is folded


def fold(text: str, room: int) -> list[str]:
    """Break a plain text into pieces of at most ``room`` columns, after a separator if one is near; nothing is lost."""
    if width(text) <= room:
        return [text]
    pieces: list[str] = []
    start = separator = columns = 0
    for index, character in enumerate(text):
        size = width(character)
        if columns + size > room and index > start:
            end = separator if 2 * width(text[start:separator]) > room else index
            pieces.append(text[start:end])
            start, columns = end, width(text[end:index])
        columns += size
        separator = index + 1 if character in _SEPARATORS else separator
    return [*pieces, text[start:]]


def fold_words(text: str, columns: int, indent: str = "") -> list[str]:
    """Break a text into lines between its words; only a word that is wider than the terminal is folded."""
    return [piece for line in wrap(text, columns, indent) for piece in fold(line, columns)]


def natural_width(lines: Sequence[Sequence[str]], heads: Sequence[str]) -> int:
    """Return the columns that a table takes if nothing is folded."""
    return sum(max(map(width, set(cells))) + _GAP for cells in zip(heads, *lines, strict=True)) - _GAP


def fit_table(
    lines: Sequence[Sequence[str]],
    sides: str,
    heads: Sequence[str],
    columns: int,
    *,
    optional: Sequence[int] = (),
    indent: str = "",
) -> list[list[str]]:
    """Lay out cells as ``text.table`` does, with no line wider than the terminal; no cell is cut.

    First columns give way, then the texts of the widest columns are folded. Where even that does not suffice, each
    row becomes a block with a line for each column.

    Args:
        lines: the cells of each row, one for each column; only those of columns at the right may be styled.
        sides: ``<`` or ``>`` for each column; the texts of those at the left may be folded.
        heads: the names of the columns.
        columns: columns of the terminal.
        optional: the places of the columns that give way, in that order.
        indent: what each line begins with.

    Returns:
        The lines of the heads, then those of each row, so that the caller may group the rows.
    """
    columns_of_cells = list(zip(heads, *lines, strict=True))
    rooms = [max(map(width, set(cells))) for cells in columns_of_cells]
    kept, room = _fitting(rooms, sides, columns - width(indent), optional)
    if room < min(_LEAST, max(rooms)):
        blocks = [_block(heads, line, columns, indent) for line in lines]
        return [[], *blocks[:1], *(["", *block] for block in blocks[1:])]
    shown = [min(rooms[place], room, _WIDEST) if sides[place] == "<" else rooms[place] for place in kept]
    folded = []
    for place, size in zip(kept, shown, strict=True):
        side, cells = sides[place], columns_of_cells[place]
        pieces = {cell: fold(cell, room) if side == "<" else [cell] for cell in set(cells)}
        padded = {cell: [pad(piece, size, side) for piece in pieces[cell]] for cell in pieces}
        folded.append((" " * size, [padded[cell] for cell in cells]))
    blanks = [blank for blank, _ in folded]
    gap = " " * _GAP
    laid_out = [
        [indent + gap.join(line).rstrip() for line in _lines(cells, blanks)]
        for cells in zip(*(cells for _, cells in folded), strict=True)
    ]
    head, *rows = laid_out
    return [[style(line, dim=True) for line in head], *rows]


def _lines(cells: Sequence[Sequence[str]], blanks: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the lines of a row, whose cells have one line each or several: what is missing is blank."""
    most = max(map(len, cells))
    if most == 1:
        return [tuple([line for [line] in cells])]
    filled = [[*cell, *[blank] * (most - len(cell))] for cell, blank in zip(cells, blanks, strict=True)]
    return list(zip(*filled, strict=True))


def _fitting(rooms: Sequence[int], sides: str, columns: int, optional: Sequence[int]) -> tuple[list[int], int]:
    """Return the places of the columns that stay, and the columns that a text has before it is folded."""
    kept, giving_way = [*range(len(rooms))], [*optional]
    while True:
        free = columns - _GAP * (len(kept) - 1) - sum(rooms[place] for place in kept if sides[place] == ">")
        texts = sorted(rooms[place] for place in kept if sides[place] == "<")
        room = max(texts, default=max(rooms)) if free >= sum(texts) else _room(texts, free)
        if not giving_way or free >= sum(texts) or room >= _COMFORTABLE:
            return kept, room
        kept.remove(giving_way.pop(0))


def _room(texts: Sequence[int], free: int) -> int:
    """Return the width to which the longest texts are folded, so that all together take what is free."""
    for index, text in enumerate(texts):
        share = free // (len(texts) - index)
        if text > share:
            return share
        free -= text
    return free


def _block(heads: Sequence[str], cells: Sequence[str], columns: int, indent: str) -> list[str]:
    """Show one row as a line for each column."""
    lines = []
    for head, cell in zip(heads, cells, strict=True):
        lines += [indent + piece.rstrip() for piece in fold(f"{head}: {cell}", columns - width(indent))]
    return lines
