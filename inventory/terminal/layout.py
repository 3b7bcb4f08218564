"""Tables, texts with a lead and rows of parts that are never wider than the terminal; keys are folded, never cut."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from click import style, unstyle

from inventory.text import pad, width, wrap

_WIDEST = 200  # columns that all lines are padded to because of one cell
_FEW_LETTERS = 12  # columns that a column of texts keeps as long as other texts can give way
_STYLED = re.compile(r"((?:\x1b\[[0-9;]*m)*)(.*?)((?:\x1b\[[0-9;]*m)*)", re.DOTALL)


def beside(lead: str, text: str, columns: int, look: Callable[[str], str] = str) -> list[str]:
    """Put a text after a lead; its further lines stand beneath it, or all of them where the lead leaves no room.

    Args:
        lead: what stands before it, which may be styled.
        text: the text, without styles.
        columns: columns of the terminal.
        look: styles a line of the text.
    """
    start = width(lead)
    if start <= columns // 2:
        first, *others = wrap(text, columns - start) or [""]
        return [(lead + look(first)).rstrip(), *(" " * start + look(line) for line in others)]
    before = min(len(lead) - len(lead.lstrip()), columns // 2 - 4)
    lines = wrap(text, columns, " " * (before + 4))
    return [*wrap(unstyle(lead), columns, " " * before), *(look(line) for line in lines)]


def flow(lead: str, parts: Sequence[str], columns: int, gap: str = "   ") -> list[str]:
    """Put parts, which may be styled, after a lead; a part that has no room begins another line beneath the first."""
    lines, start = [lead], width(lead)
    for part in parts:
        used = width(lines[-1])
        if used > start and used + len(gap) + width(part) > columns:
            lines.append(" " * start + part)
        else:
            lines[-1] += gap + part if used > start else part
    return lines


def table(
    lines: Sequence[Sequence[str]],
    sides: str,
    heads: Sequence[str] = (),
    *,
    indent: str = "",
    least: Sequence[int] = (),
    columns: int | None = None,
) -> list[str]:
    """Lay out cells in columns, two spaces between them, and return a text for each line, the heads first.

    Args:
        lines: the cells of each line, which may be styled. A line with fewer cells than there are columns ends in a
            text that no column is widened for.
        sides: ``<`` or ``>`` for each column.
        heads: the names of the columns; none by default.
        indent: what each line begins with.
        least: the least widths of the first columns.
        columns: columns of the terminal: what is wider is folded inside its column, texts before numbers, so that a
            text may have several lines. By default nothing is.
    """
    measured = [*([heads] if heads else []), *(line for line in lines if len(line) == len(sides))]
    rooms = [min(max(map(width, column)), _WIDEST) for column in zip(*measured, strict=True)] or [0] * len(sides)
    wished = [max(room, floor) for room, floor in zip(rooms, (*least, *[0] * len(rooms)), strict=False)]
    room = None if columns is None else columns - width(indent)
    rooms = wished if room is None else _narrowed(wished, rooms, sides, room)
    head = [[style(line, dim=True) for line in _lines(heads, rooms, sides, room)]] if heads else []
    texts = [*head, *(_lines(line, rooms, sides, room) for line in lines)]
    return ["\n".join(indent + line for line in text) for text in texts]


def _lines(cells: Sequence[str], rooms: Sequence[int], sides: str, columns: int | None) -> list[str]:
    """Lay out one line of a table: one text, or several where cells are folded."""
    if columns is None:
        return [_line(cells, rooms, sides)]
    is_short = len(cells) < len(sides)
    rest = columns - sum(rooms[: len(cells) - 1]) - 2 * (len(cells) - 1)
    folded = [
        _folded(cell, rest if is_short and index == len(cells) - 1 else rooms[index])
        for index, cell in enumerate(cells)
    ]
    return [_line(line, rooms, sides) for line in zip_longest(*folded, fillvalue="")]


def _line(cells: Sequence[str], rooms: Sequence[int], sides: str) -> str:
    return "  ".join(_padded(cells, rooms, sides)).rstrip()


def _padded(cells: Sequence[str], rooms: Sequence[int], sides: str) -> Iterator[str]:
    for index, cell in enumerate(cells):
        is_free_text = index == len(cells) - 1 < len(sides) - 1
        yield cell if is_free_text else pad(cell, rooms[index], sides[index])


def _folded(cell: str, room: int) -> list[str]:
    """Break a cell into lines, each in the style of the cell."""
    if width(cell) <= room:
        return [cell]
    begin, _, end = _STYLED.fullmatch(cell).groups()  # type: ignore[union-attr]  # it matches every text
    return [begin + line + end for line in wrap(unstyle(cell), room)]


def _narrowed(wished: Sequence[int], needed: Sequence[int], sides: str, columns: int) -> list[int]:
    """Narrow the columns of a table until it fits, the widest first.

    First what no cell needs is given up, then texts down to a few letters, then numbers too.
    """
    fitted = [*wished]
    texts = [min(room, _FEW_LETTERS) if side == "<" else room for room, side in zip(needed, sides, strict=True)]
    for floors in (needed, texts, [2] * len(needed)):
        while sum(fitted) + 2 * (len(fitted) - 1) > columns:
            able = [index for index, room in enumerate(fitted) if room > floors[index]]
            if not able:
                break
            fitted[max(able, key=lambda index: fitted[index])] -= 1
    return fitted
