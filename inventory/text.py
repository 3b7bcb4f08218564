"""Text in columns: made plain, measured, padded, cut and folded, as terminals show it.

Texts that come from a server are made plain first, so that a model's name cannot move the cursor.
"""

import re
import textwrap
import unicodedata
from collections.abc import Sequence

_WIDEST = 200  # columns that all lines are padded to because of one cell

_NEVER_TEXT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def escape_controls(text: str) -> str:
    """A text from elsewhere, with everything that a terminal would act on made visible."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def escape_invisible(text: str) -> str:
    """A text for a page: with controls, and what turns the direction of the text after it, made visible.

    Line breaks and tabs stay, and so do the joiners that emoji and many scripts are written with.
    """
    return _NEVER_TEXT.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def width(text: str) -> int:
    """Columns that a plain text takes in a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def pad(text: str, room: int, side: str = "<") -> str:
    """A text in a room: spaces after it for ``<``, before it for ``>``."""
    fill = " " * (room - width(text))
    return fill + text if side == ">" else text + fill


def truncate(text: str, room: int) -> str:
    """A text in a room: its beginning, and three dots where something is missing."""
    if width(text) <= room:
        return text
    taken = 0
    for index, character in enumerate(text):
        taken += _columns(character)
        if taken > room - 3:
            return text[:index] + "..."
    return text


def wrap(text: str, room: int, indent: str) -> list[str]:
    """A text as lines of at most ``room`` columns, each after ``indent``; a word is never broken."""
    return textwrap.wrap(
        text, room, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def row(cells: Sequence[str], rooms: Sequence[int], sides: Sequence[str]) -> str:
    """Cells side by side, two spaces between them."""
    return "  ".join(pad(cell, room, side) for cell, room, side in zip(cells, rooms, sides, strict=True)).rstrip()


def widths(lines: Sequence[Sequence[str]]) -> list[int]:
    """The columns that each cell of some lines needs; one that is longer than any screen stands out of its own."""
    return [min(max(map(width, column)), _WIDEST) for column in zip(*lines, strict=True)]


def count(number: int, word: str) -> str:
    """A number of things: 1 model, 2 models."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def integer(value: int | None) -> str:
    """A whole number with thousands apart, or - for not reported."""
    return "-" if value is None else f"{value:,}"


def size(value: int | None) -> str:
    """Bytes as GB (10^9), or - for not reported."""
    return "-" if value is None else f"{value / 1e9:,.2f} GB"


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
