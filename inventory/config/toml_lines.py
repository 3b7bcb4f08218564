"""Where each key of a TOML text stands: tomllib tells what a file says, but not on which line.

The text is one that tomllib has accepted, so what is read here is only as much of TOML's grammar
(https://toml.io/en/v1.0.0) as tells keys, tables and the ends of values apart.
"""

import re
import tomllib
from typing import Any

Place = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[\s\ufeff]|#[^\n]*)*")
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?"""(?!")'
    r"|'''[\s\S]*?'''(?!')"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|[^\s,\]}#]+(?: [0-9][^\s,\]}#]*)?"  # a date and a time may have a space between them
)


def lines_of(text: str) -> dict[Place, int]:
    """The line, from 1, of each key, table and list item of a TOML text.

    Args:
        text: valid TOML.

    Returns:
        By path, as one reaches the value in what ``tomllib.loads`` gives: ``("server", 0, "url")``.
    """
    scan = _Scan(text)
    scan.document()
    return scan.lines


class _Scan:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Place, int] = {}
        self._line, self._counted = 1, 0
        self._lengths: dict[Place, int] = {}  # of the arrays of tables

    def document(self) -> None:
        table: Place = ()
        self._blank()
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._pair(table)
            self._blank()

    def _header(self) -> Place:
        """``[a.b]`` or ``[[a.b]]``: the table that follows."""
        line = self._here()
        several = self.text.startswith("[[", self.at)
        self.at += 2 if several else 1
        self._blank()
        *outer, name = self._key()
        self._blank()
        self.at += 2 if several else 1
        place: Place = ()
        for part in outer:
            place = self._inner((*place, part), line)
        place = (*place, name)
        if several:
            self.lines.setdefault(place, line)
            number = self._lengths.get(place, 0)
            self._lengths[place] = number + 1
            place = (*place, number)
        self.lines.setdefault(place, line)
        return place

    def _inner(self, place: Place, line: int) -> Place:
        """The table that a part of a header means: of an array of tables the last one."""
        self.lines.setdefault(place, line)
        return (*place, self._lengths[place] - 1) if place in self._lengths else place

    def _pair(self, table: Place) -> None:
        line = self._here()
        place = table
        for part in self._key():
            place = (*place, part)
            self.lines.setdefault(place, line)
        self._blank()
        self.at += 1  # the equals sign
        self._blank()
        self._value(place)

    def _value(self, place: Place) -> None:
        opening = self.text[self.at]
        if opening not in "[{":
            self.at = _end(_SCALAR.match(self.text, self.at), self.at)
            return
        self.at += 1
        number = 0
        while self._item():
            if opening == "{":
                self._pair(place)
            else:
                self.lines[*place, number] = self._here()
                self._value((*place, number))
                number += 1

    def _item(self) -> bool:
        """Go to the next item of a list or an inline table; False behind its end."""
        self._blank()
        if self.text.startswith(",", self.at):
            self.at += 1
            self._blank()
        if self.text[self.at] in "]}":
            self.at += 1
            return False
        return True

    def _key(self) -> list[str]:
        """The parts of a key, which may be dotted and quoted."""
        began = self.at
        self.at = _end(_KEY.match(self.text, began), began)
        key = self.text[began : self.at]
        if _BARE.fullmatch(key):
            return [key]
        parts: list[str] = []
        inner: Any = tomllib.loads(f"{key} = 0")
        while isinstance(inner, dict):
            ((part, inner),) = inner.items()
            parts.append(part)
        return parts

    def _blank(self) -> None:
        """Go past spaces, line ends and comments."""
        self.at = _end(_BLANK.match(self.text, self.at), self.at)

    def _here(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line


def _end(found: re.Match[str] | None, at: int) -> int:
    if found is None:
        raise ValueError(f"no TOML at character {at}")
    return found.end()
