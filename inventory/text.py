"""Numbers, sizes, times and values as text, and the columns that a text takes in a terminal.

Texts that come from a server are escaped before they are measured, so that a model's name cannot move the cursor.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from click import unstyle

from inventory.run_ids import time_of

COLUMNS = 80
"""Columns of a terminal whose width is not known."""

MINUS = "\u2212"
"""The minus of pages and workbooks; a terminal shows the one of ASCII."""

GIGABYTE = 10**9

UNLIMITED = 10_000
"""Columns of a pipe: as many or more mean that nothing is folded and no column is left out."""

_REMEMBERED = 2**16  # cells of a table whose width is remembered: most of a column repeat

_NEVER_TEXT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def escape_controls(text: str) -> str:
    """Make everything visible that a terminal would act on in a text from elsewhere."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def escape_invisible(text: str) -> str:
    """Make controls, and what turns the direction of the text after it, visible in a text for a page.

    Line breaks and tabs stay, and so do the joiners that emoji and many scripts are written with.
    """
    if text.isprintable():  # as most are, and none of these characters is
        return text
    return _NEVER_TEXT.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


@lru_cache(_REMEMBERED)
def width(text: str) -> int:
    """Count the columns that a text takes in a terminal; its styles take none."""
    if "\x1b" in text:
        text = unstyle(text)
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(_REMEMBERED)
def pad(text: str, room: int, side: str = "<") -> str:
    """Fill a text up to a width with spaces: after it for ``<``, before it for ``>``."""
    fill = " " * (room - width(text))
    return fill + text if side == ">" else text + fill


def truncate(text: str, room: int) -> str:
    """Shorten a text to a width: its beginning, and three dots where something is missing."""
    if width(text) <= room:
        return text
    columns = 0
    for index, character in enumerate(text):
        columns += _columns(character)
        if columns > room - 3:
            return text[:index] + "..."
    return text


def wrap(text: str, room: int, indent: str = "") -> list[str]:
    """Break a text into lines of at most ``room`` columns, each after ``indent``; only a longer word is broken.

    A number stays with its unit, and a time with its zone, where there is room.
    From ``UNLIMITED`` on nothing is folded.
    """
    space = max(room - width(indent), 2) if room < UNLIMITED else max(width(text), 1)
    if text.isprintable() and text == text.strip() and 0 < width(text) <= space:
        return [indent + text]
    lines, line = [], ""
    for gap, word in _words(text, space):
        if line and width(line) + len(gap) + width(word) > space:
            lines.append(line)
            line = ""
        *full, rest = _pieces(word, space)
        lines += full
        line += " " * len(gap) + rest if line else rest
    return [indent + part for part in [*lines, *([line] if line else [])]]


def count(number: int, word: str) -> str:
    """Say a number of things: 1 model, 2 models."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def integer(value: int | None) -> str:
    """Format a whole number with thousands apart; - for not reported."""
    return format_value(value, missing="-")


def size(value: int | None) -> str:
    """Format bytes as GB (10^9); - for not reported."""
    return format_value(value, "bytes", "-")


def signed_size(value: int, minus: str = MINUS) -> str:
    """Format bytes as GB with a sign."""
    return f"{'+' if value >= 0 else minus}{size(abs(value))}"


def format_value(value: Any, unit: str = "", missing: str = "") -> str:
    """Format any value for people.

    Args:
        value: a text is returned as it is; numbers get thousands apart, times are in UTC without saying so.
        unit: the unit of its column: ``bytes`` become GB, a ``ratio`` per cent, ``days`` get one decimal.
        missing: what stands for None, which means not reported.
    """
    if value is None:
        return missing
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return utc_text(value, zone="")
    if isinstance(value, int | float):
        return _number(value, unit)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={item}" for name, item in value.items()) or "(none)"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "(none)"
    return str(value)


def utc_text(moment: datetime, *, minutes: bool = False, zone: str = " UTC") -> str:
    """Format a time in UTC: 2026-11-23 06:00:04 UTC.

    Args:
        moment: the time, in UTC.
        minutes: whether to leave out the seconds.
        zone: what stands after it; empty where the head of the column says it.
    """
    text = f"{moment:%Y-%m-%d %H:%M}" if minutes else f"{moment:%Y-%m-%d %H:%M:%S}"
    return text + zone


def local_text(moment: datetime, zone: tzinfo | None = None, *, minutes: bool = False, fraction: bool = False) -> str:
    """Format a time in the reader's zone: 2026-11-23 07:00:04 CET.

    Args:
        moment: the time, with any zone.
        zone: the reader's time zone; None for the system's.
        minutes: whether to leave out the seconds.
        fraction: whether to add microseconds.
    """
    local = moment.astimezone(zone)
    name = local.tzname() or ""
    ending = f" {name}" if name.isascii() and name.isalpha() and len(name) <= 5 else f"{local:%z}"
    seconds = "" if minutes else f"{local:%S.%f}" if fraction else f"{local:%S}"
    return f"{local:%Y-%m-%d %H:%M}" + (f":{seconds}" if seconds else "") + ending


def run_times(run_ids: Sequence[str], zone: tzinfo | None = None) -> dict[str, str]:
    """Return the time of each run as people read it, as short as it can be and still mean that run as a reference.

    Args:
        run_ids: all runs that a reference may mean.
        zone: the reader's time zone; None for the system's.
    """
    for minutes, fraction in ((True, False), (False, False), (False, True)):
        texts = {run: local_text(time_of(run), zone, minutes=minutes, fraction=fraction) for run in run_ids}
        if len(set(texts.values())) == len(texts):
            break
    return texts


def zone_in_head(head: str, times: Sequence[str]) -> tuple[str, list[str]]:
    """Move the zone of a column's times into its head, if it is the same everywhere: without it they are local too."""
    zones = {time[16:].rpartition(" ")[2] for time in times if " " in time[16:]}
    if len(zones) != 1 or not all(" " in time[16:] or time[:1].isalpha() for time in times):
        return head, [*times]
    [zone] = zones
    return f"{head} ({zone})", [time.removesuffix(f" {zone}") for time in times]


def moment_text(moment: datetime | None, zone: tzinfo | None) -> str:
    """Format a time in UTC and, if the reader's zone is known, there: 2026-11-23 06:00:04 UTC (07:00 CET)."""
    if moment is None:
        return "at an unknown time"
    text = utc_text(moment)
    if zone is None:
        return text
    local = moment.astimezone(zone)
    if local.utcoffset() == moment.utcoffset():
        return text
    day = "" if local.date() == moment.date() else f"{local:%Y-%m-%d} "
    return f"{text} ({day}{local:%H:%M %Z})"


def _words(text: str, room: int) -> Iterator[tuple[str, str]]:
    """Split a text into words, each with the white space before it; what belongs together is one word if it fits."""
    end = 0
    for match in re.finditer(r"\S+(?: (?:GB|UTC)\b\S*)?", text):
        gap, word, end = text[end : match.start()], match[0], match.end()
        if width(word) <= room:
            yield gap, word
        else:
            first, *others = word.split(" ")
            yield from [(gap, first), *((" ", other) for other in others)]


def _pieces(word: str, room: int) -> list[str]:
    """Break a word that is wider than the room, after a mark such as the slash of a key where one is near the end.

    After a full stop or a comma only where there is no other mark: it may be one of a version, such as 3.2.
    """
    pieces = []
    while width(word) > room:
        columns, end = 0, 0
        while end < len(word) and columns + _columns(word[end]) <= room:
            columns += _columns(word[end])
            end += 1
        ends = [max(word.rfind(mark, 0, end) for mark in marks) + 1 for marks in ("/@_-:", ",.")]
        end = next((mark for mark in ends if mark > end // 2), max(end, 1))
        pieces.append(word[:end])
        word = word[end:]
    return [*pieces, word]


def _number(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / GIGABYTE:,.2f} GB"
    if unit == "ratio":
        return f"{value:.1%}"
    if unit == "days":
        value = round(value, 1)
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
