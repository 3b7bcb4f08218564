"""Where each key of a TOML text stands."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.config.toml_lines import Place, lines_of

TEXT = '''\
# a comment, and [no.table]
title = """
[server]
url = "no key" """   # a comment = nothing
"a.b" . 'c d' = 1
when = 1979-05-27 07:32:00   # a date with a space

[history]
path = 'C:\\no\\escape' # "
[[server]]
name = "one # no comment"
labels = { site = "Rome", "the owner" = 'Ann', deep = { er = [1, 2] } }
[[server]]

  name = "two"
  labels.site = """a"""""
[server.more.inner]
x = [
  "]", # ]
  { y = 1 },
]
[[server.part]]
z = \'\'\'
\'\'\'
[[server.part]]
'''

KEYS = st.one_of(st.sampled_from(["name", "url", "a-b", "1"]), st.text(max_size=4))
SCALARS = st.one_of(
    st.integers(-9, 9).map(str),
    st.sampled_from(["true", "inf", "1979-05-27 07:32:00.5", "1979-05-27", "07:32:00", "''", "'#'", "1e3"]),
    st.sampled_from(['"""\n[a]\nb = 1"""', "'''\n\n'''", '"""x"""""', '"""\\"""a\\\n  b"""', "''''x'''", '"""\n#"""']),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=5).map(
        lambda text: json.dumps(text, ensure_ascii=False)
    ),
)


def paths(value: Any, place: Place = ()) -> set[Place]:
    """Every path into what tomllib gave."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {place} - {()} | {path for name, one in inner for path in paths(one, (*place, name))}


def test_keys_are_found_on_their_lines() -> None:
    """Comments, quoted and dotted keys, inline tables, lists and texts of several lines lead nobody astray."""
    lines = lines_of(TEXT)
    assert lines.keys() == paths(tomllib.loads(TEXT))
    expected: dict[Place, int] = {
        ("title",): 2, ("a.b",): 5, ("a.b", "c d"): 5, ("when",): 6, ("history",): 8, ("history", "path"): 9,
        ("server",): 10, ("server", 0): 10, ("server", 0, "labels", "the owner"): 12, ("server", 1): 13,
        ("server", 1, "name"): 15, ("server", 1, "labels", "site"): 16, ("server", 1, "more", "inner", "x"): 18,
        ("server", 1, "more", "inner", "x", 0): 19, ("server", 1, "more", "inner", "x", 1, "y"): 20,
        ("server", 1, "part", 0, "z"): 23, ("server", 1, "part", 1): 25,
    }  # fmt: skip
    assert {place: lines[place] for place in expected} == expected


@pytest.mark.parametrize(
    "text", ["", "\n", "# only a comment", "a=1", "a=1\r\nb=2\r\n", "a=[]", "a={}", "[a]", "[ a . b ]"]
)
def test_small_texts(text: str) -> None:
    """A text of nothing or one thing is read to its end."""
    assert lines_of(text).keys() == paths(tomllib.loads(text))


class _Writer:
    """Writes TOML in many manners, and keeps on which line each key went."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Place, int] = {}

    def put(self, text: str) -> None:
        self.text += text

    def mark(self, place: Place) -> None:
        self.lines.setdefault(place, self.text.count("\n") + 1)

    def some(self, *texts: str) -> None:
        self.put(self.draw(st.sampled_from(texts)))

    def key(self, name: str) -> None:
        bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        escaped = "".join(f"\\u{ord(one):04x}" if ord(one) < 0x10000 else one for one in name)
        self.some(
            *([name] if bare else []), json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f"), f'"{escaped}"'
        )

    def value(self, place: Place, depth: int) -> None:
        kind = self.draw(st.sampled_from(["scalar", "scalar", "list", "table"])) if depth else "scalar"
        if kind == "scalar":
            self.put(self.draw(SCALARS.filter(_is_value)))
        elif kind == "list":
            self.some("[", "[ # ]\n", "[\n\n")
            for number in range(self.draw(st.integers(0, 3))):
                self.some("", " ", "\n  ", "# {,\n")
                self.mark((*place, number))
                self.value((*place, number), depth - 1)
                self.some(",", " ,", "\n,")
            self.some("]", "\n]")
        else:
            self.some("{", "{ ")
            names = self.draw(st.lists(KEYS, max_size=3, unique=True))
            for number, name in enumerate(names):
                self.put(", " if number else "")
                self.pair(place, name, depth - 1)
            self.some("}", " }")

    def pair(self, place: Place, name: str, depth: int) -> None:
        self.mark((*place, name))
        self.key(name)
        place = (*place, name)
        if depth and self.draw(st.booleans()):
            self.some(".", " . ")
            inner = self.draw(KEYS)
            self.mark((*place, inner))
            self.key(inner)
            place = (*place, inner)
        self.some("=", " = ", "\t=")
        self.value(place, depth)

    def between(self) -> None:
        self.some("\n", " # [x]\n", "\r\n", "\n\n  ", "\n# a = 1\n")


def _is_value(text: str) -> bool:
    try:
        tomllib.loads(f"a = {text}")
    except tomllib.TOMLDecodeError:
        return False
    return True


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[Place, int]]:
    """A TOML text and the line of each of its keys."""
    writer = _Writer(draw)
    writer.some("", "# first\n", "\n\n")
    for name in draw(st.lists(KEYS, max_size=4, unique=True)):
        writer.pair((), f"root {name}", 2)
        writer.between()
    numbers: dict[str, int] = {}
    for name, several in draw(st.lists(st.tuples(KEYS, st.booleans()), max_size=5)):
        table = f"several {name}" if several else f"one {name}"
        if not several and table in numbers:
            continue
        number = numbers[table] = numbers.get(table, -1) + 1
        place: Place = (table, number) if several else (table,)
        writer.mark((table,))
        writer.mark(place)
        writer.some("[[", "[[ ") if several else writer.some("[", "[ ")
        writer.key(table)
        writer.some("]]", " ]]") if several else writer.some("]", " ]")
        writer.between()
        for key in draw(st.lists(KEYS, max_size=3, unique=True)):
            writer.pair(place, key, 2)
            writer.between()
    return writer.text, writer.lines


@settings(max_examples=settings().max_examples // 2)
@given(documents())
def test_every_key_of_any_text_is_found_on_its_line(document: tuple[str, dict[Place, int]]) -> None:
    """However it is written, the paths are those of tomllib and the lines those of the keys."""
    text, lines = document
    assert paths(tomllib.loads(text)) == lines.keys()
    assert lines_of(text) == lines


@given(st.text("[]{}=.,'\"#\\ \nab1-", max_size=40))
def test_whatever_tomllib_accepts_is_understood(text: str) -> None:
    """Of any text that is TOML the same paths are found as tomllib finds."""
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert lines_of(text).keys() == paths(read)
