"""Patterns in which ``*`` and ``?`` are wild and nothing else is, in Python and in SQL; case does not count."""

from collections.abc import Iterable, Sequence
from functools import cache
from unicodedata import normalize


def matches(value: str | None, globs: Sequence[str]) -> bool:
    """Return whether a value matches one of several patterns; one that is not reported matches none."""
    return value is not None and any(_matches(_folded(value), _folded(glob)) for glob in globs)


def sql_pattern(globs: Iterable[str]) -> str:
    """Return the regular expression of several patterns as a literal of SQL, for ``regexp_full_match``."""
    return sql_text(f"(?is)(?:{'|'.join(map(_expression, globs))})")


def sql_text(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def _folded(text: str) -> str:
    """Return a text without its case, character by character, as DuckDB's regular expressions ignore it."""
    if text.isascii():
        return text.lower()
    return "".join(map(_without_case, normalize("NFC", text)))


@cache
def _without_case(character: str) -> str:
    """Return the character that stands for a character in any case, such as ``s`` for the long s."""
    # A form of several characters, such as ss for the German sharp s, is none that DuckDB knows.
    return next(form for form in (character.casefold(), character.lower(), character) if len(form) == 1)


def _matches(text: str, glob: str) -> bool:
    """Match character by character; the time grows with the length of both, which a hostile key could not use."""
    at = place = 0
    star, resumed = -1, 0
    while at < len(text):
        if place < len(glob) and glob[place] == "*":
            star, resumed = place, at
            place += 1
        elif place < len(glob) and glob[place] in ("?", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:  # The last star takes one character more.
            resumed += 1
            at, place = resumed, star + 1
        else:
            return False
    return all(character == "*" for character in glob[place:])


def _expression(glob: str) -> str:
    wild = {"*": ".*", "?": "."}
    return "".join(
        wild.get(character) or (f"\\{character}" if character.isascii() and not character.isalnum() else character)
        for character in normalize("NFC", glob)
    )
