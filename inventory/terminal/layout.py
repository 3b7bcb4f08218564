"""Tables, texts with a lead and rows of parts that are never wider than the terminal; nothing is cut."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from click import style, unstyle

from inventory.text import UNLIMITED, pad, width, wrap

_WIDEST = 200  # columns that all lines are padded to because of one cell
GAP = "  "
"""What stands between two columns."""

COLOURS = {"good": "green", "warn": "yellow", "bad": "red"}
"""The colour of each tone, as click calls it."""

_COMFORTABLE = 32
"""Columns that a folded text has at least, as long as there are columns that can give way for it."""

_LEAST = 8
"""Columns that a folded text has at least; where there are fewer, each line of a table becomes a block of lines."""

_WORD = 14  # columns of the longest word of a head that is not broken
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
    columns: int = UNLIMITED,
) -> list[str]:
    """Lay out lines of cells as ``fit_columns`` fits them; return a text for the heads and each; it may be folded."""
    fit = fit_columns(cells_of(lines, sides), sides, heads, indent=indent, least=least, columns=columns)
    head = fit.head()
    return ["\n".join(part) for part in [*([head] if head else []), *map(fit.lines, lines)]]


@dataclass(frozen=True)
class Fit:
    """How a table fits into a terminal.

    Attributes:
        sides: this and the next ones as for ``fit_columns``.
        places: the places of the columns that are shown.
        rooms: their widths.
        in_blocks: whether each line becomes a block.
    """

    sides: str
    heads: Sequence[str]
    indent: str
    columns: int
    places: Sequence[int]
    rooms: Sequence[int]
    in_blocks: bool

    def is_folded(self, cell: str, room: int) -> bool:
        """Return whether a cell has several lines where there is so much room, or is a line of a block."""
        return self.in_blocks or (self.columns < UNLIMITED and width(cell) > room)

    def head(self) -> list[str]:
        """Lay out the heads; none where there are blocks."""
        lines = self._folded(self.heads, at_bottom=True) if self.heads and not self.in_blocks else []
        return [self.indent + style(line, dim=True) for line in lines]

    def lines(self, cells: Sequence[str]) -> list[str]:
        """Lay out the cells of one line."""
        if self.in_blocks:
            return _block(self.heads, cells, self.columns, self.indent)
        return [self.indent + line for line in self._folded(cells)]

    def _folded(self, cells: Sequence[str], *, at_bottom: bool = False) -> list[str]:
        if self.columns >= UNLIMITED:
            return [_line(cells, self.rooms, self.sides)]
        sides = "".join(self.sides[place] for place in self.places)
        room = self.columns - width(self.indent)
        chosen = [cells[place] for place in self.places if place < len(cells)]
        return _folded_line(chosen, self.rooms, sides, room, at_bottom=at_bottom)


def fit_columns(
    cells: Sequence[Collection[str]],
    sides: str,
    heads: Sequence[str] = (),
    *,
    indent: str = "",
    columns: int = UNLIMITED,
    optional: Sequence[int] = (),
    least: Sequence[int] = (),
) -> Fit:
    """Fit a table into the terminal: columns, two spaces between them, with no line wider than it; no cell is cut.

    First columns give way, then heads are folded between their words, then the texts of the widest columns. Where even
    that does not suffice and there are heads, each line becomes a block with a line for each column.

    Args:
        cells: the different cells of each column, which may be styled, as ``cells_of`` returns them.
        sides: ``<`` for a column of texts, ``>`` for one of numbers, which are not folded.
        heads: the names of the columns; none by default.
        indent: what each line begins with.
        columns: columns of the terminal; from ``UNLIMITED`` on no column gives way and nothing is folded.
        optional: the places of the columns that give way, in that order.
        least: the least widths of the first columns.
    """
    needed = _needed(cells, heads)
    rooms = [max(room, floor) for room, floor in zip(needed, (*least, *[0] * len(needed)), strict=False)]
    if columns >= UNLIMITED:
        return Fit(sides, heads, indent, columns, [*range(len(rooms))], rooms, in_blocks=False)
    room = columns - width(indent)
    places, rooms = _fitting(rooms, _floors(cells, sides, heads, needed), room, optional)
    return Fit(sides, heads, indent, columns, places, rooms, in_blocks=bool(heads) and _total(rooms) > room)


def natural_width(cells: Sequence[Collection[str]], heads: Sequence[str]) -> int:
    """Return the columns that a table takes if nothing is folded, by the different cells of each column."""
    return _total(_needed(cells, heads))


def cells_of(lines: Sequence[Sequence[str]], sides: str) -> list[set[str]]:
    """Return the different cells of each column of a table.

    A line with fewer cells than there are columns ends in a text that no column is widened for.
    """
    cells: list[set[str]] = [set() for _ in sides]
    for line in lines:
        for column, cell in zip(cells, line if len(line) == len(sides) else line[:-1], strict=False):
            column.add(cell)
    return cells


def _needed(cells: Sequence[Collection[str]], heads: Sequence[str] = ()) -> list[int]:
    """Return the width of the widest cell of each column, or of its head."""
    rooms = [min(max(map(width, column), default=0), _WIDEST) for column in cells]
    return [*map(max, rooms, map(width, heads))] if heads else rooms


def _floors(
    cells: Sequence[Collection[str]], sides: str, heads: Sequence[str], needed: Sequence[int]
) -> list[tuple[int, ...]]:
    """Return to what each column is narrowed, step by step: to its cells, to folded heads, to folded texts.

    Without heads nothing can become a block: then numbers are folded too.
    """
    words = [max(map(width, head.split()), default=0) for head in heads] or [0] * len(sides)
    widest = [max(room, word) for room, word in zip(_needed(cells), words, strict=True)]
    texts = [
        max(min(room, _LEAST), min(word, _WORD)) if side == "<" else room
        for room, word, side in zip(widest, words, sides, strict=True)
    ]
    last = texts if heads else [min(room, 2) for room in texts]
    return [*zip(needed, widest, texts, last, strict=True)]


def _folded_line(
    cells: Sequence[str], rooms: Sequence[int], sides: str, columns: int, *, at_bottom: bool = False
) -> list[str]:
    """Lay out one line of a table as one line of text, or several where cells are folded."""
    is_short = len(cells) < len(sides)
    rest = columns - sum(rooms[: len(cells) - 1]) - 2 * (len(cells) - 1)
    folded = [
        _folded(cell, rest if is_short and index == len(cells) - 1 else rooms[index])
        for index, cell in enumerate(cells)
    ]
    if at_bottom:
        height = max(map(len, folded), default=0)
        folded = [[""] * (height - len(lines)) + lines for lines in folded]
    return [_line(line, rooms, sides) for line in zip_longest(*folded, fillvalue="")]


def _line(cells: Sequence[str], rooms: Sequence[int], sides: str) -> str:
    if len(cells) < len(sides):  # it ends in a text that no column is widened for
        return GAP.join([*map(pad, cells[:-1], rooms, sides), *cells[-1:]]).rstrip()
    return GAP.join(map(pad, cells, rooms, sides)).rstrip()


def _folded(cell: str, room: int) -> list[str]:
    """Break a cell into lines, each in the style of the cell."""
    if width(cell) <= room:
        return [cell]
    begin, _, end = _STYLED.fullmatch(cell).groups()  # type: ignore[union-attr]  # it matches every text
    return [begin + line + end for line in wrap(unstyle(cell), room)]


def _block(heads: Sequence[str], cells: Sequence[str], columns: int, indent: str) -> list[str]:
    """Show one line of a table as a line for each column, the first of them further left."""
    lines: list[str] = []
    for number, (head, cell) in enumerate(zip(heads, cells, strict=False)):
        is_free_text = number == len(cells) - 1 < len(heads) - 1
        lead = indent + (GAP if number else "") + ("" if is_free_text else f"{head}: ")
        lines += beside(lead, unstyle(cell), columns)
    return lines


def _total(rooms: Sequence[int]) -> int:
    return sum(rooms) + len(GAP) * (len(rooms) - 1)


def _fitting(
    wished: Sequence[int], floors: Sequence[Sequence[int]], columns: int, optional: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Return the places of the columns that stay, and their widths."""
    places, giving_way = [*range(len(wished))], [*optional]
    while True:
        own = [floors[place] for place in places]
        rooms = _narrowed([wished[place] for place in places], own, columns)
        is_comfortable = all(room >= min(floor[0], _COMFORTABLE) for room, floor in zip(rooms, own, strict=True))
        if not giving_way or (is_comfortable and _total(rooms) <= columns):
            return places, rooms
        places.remove(giving_way.pop(0))


def _narrowed(wished: Sequence[int], floors: Sequence[Sequence[int]], columns: int) -> list[int]:
    """Narrow the columns of a table until it fits, the widest first, and all of them to a floor before the next."""
    fitted = [*wished]
    for step in zip(*floors, strict=True):
        while _total(fitted) > columns:
            able = [index for index, room in enumerate(fitted) if room > step[index]]
            if not able:
                break
            fitted[max(able, key=lambda index: fitted[index])] -= 1
    return fitted
