"""Patterns in which ``*`` and ``?`` are wild and nothing else is, in Python and in SQL; case does not count."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from unicodedata import normalize


def matches(value: str | None, globs: Sequence[str]) -> bool:
    """Return whether a value matches one of several patterns; one that is not reported matches none."""
    return value is not None and _compiled(tuple(globs)).fullmatch(normalize("NFC", value)) is not None


def sql_pattern(globs: Iterable[str]) -> str:
    """Return the regular expression of several patterns as a literal of SQL, for ``regexp_full_match``."""
    return sql_text(f"(?is)(?:{'|'.join(map(_expression, globs))})")


def sql_text(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


@cache
def _compiled(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_expression, globs)), re.IGNORECASE | re.DOTALL)


def _expression(glob: str) -> str:
    wild = {"*": ".*", "?": "."}
    return "".join(
        wild.get(character) or (f"\\{character}" if character.isascii() and not character.isalnum() else character)
        for character in normalize("NFC", glob)
    )
