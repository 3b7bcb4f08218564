"""Lines of the tables and keys of a TOML text."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from inventory.config.toml_lines import KeyPath, lines_of

TEXT = """\
# a comment, and [no.table]
"a.b" . 'c d' = 1
when = 1979-05-27 07:32:00   # a date = with a space

[history]\r
path = 'C:\\no\\escape' # "
[[server]]
name = "one # no = comment"
labels = { site = "Rome", "the owner" = 'Ann' }
[[ server ]]

  name = "two"
  labels.site = "a"
[server.more.inner]
x = [
  "]", # ]
]
[[server.part]]
z = 1
[[server.part]]
"""

KEYS = st.one_of(st.sampled_from(["name", "url", "a-b", "1"]), st.text("ab _-.#=[]", min_size=1, max_size=4))
VALUES = st.sampled_from(["1", '"a = b"', "'[x]'", "[1, 2]", "{ }", "1979-05-27 07:32:00"])


def paths(value: Any, key_path: KeyPath = ()) -> set[KeyPath]:
    """List every path to a table or a key in what tomllib returned."""
    inner: Any = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        inner = enumerate(value)
    return {key_path} - {()} | {path for name, item in inner for path in paths(item, (*key_path, name))}


def test_keys_are_found_on_their_lines() -> None:
    """Comments, quoted and dotted keys, tables in tables and lists of several lines do not mislead it."""
    lines = lines_of(TEXT)
    inline: set[KeyPath] = {("server", 0, "labels", name) for name in ("site", "the owner")}
    assert lines.keys() == paths(tomllib.loads(TEXT)) - inline
    expected: dict[KeyPath, int] = {
        ("a.b",): 2, ("a.b", "c d"): 2, ("when",): 3, ("history",): 5, ("history", "path"): 6,
        ("server",): 7, ("server", 0): 7, ("server", 0, "labels"): 9, ("server", 1): 10, ("server", 1, "name"): 12,
        ("server", 1, "labels", "site"): 13, ("server", 1, "more", "inner", "x"): 15,
        ("server", 1, "part", 0, "z"): 19, ("server", 1, "part", 1): 20,
    }  # fmt: skip
    assert {key_path: lines[key_path] for key_path in expected} == expected


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[KeyPath, int]]:
    """Write a text of tables and keys, each on a line of its own, with the line of each."""
    text: list[str] = []
    lines: dict[KeyPath, int] = {}

    def write(line: str, *key_paths: KeyPath) -> None:
        text.extend([*draw(st.lists(st.sampled_from(["", "# [a]", "  # a = 1"]), max_size=2)), line])
        for key_path in key_paths:
            lines.setdefault(key_path, len(text))

    def write_keys(table: KeyPath) -> None:
        for key in draw(st.lists(KEYS, max_size=3, unique=True)):
            bare = key.replace("-", "").replace("_", "").isalnum()
            spelling = draw(st.sampled_from([*([key] if bare else []), f'"{key}"', f"'{key}'"]))
            write(f"{draw(st.sampled_from(['', '  ']))}{spelling} = {draw(VALUES)}", (*table, key))

    write_keys(())
    for name in draw(st.lists(st.sampled_from(["one x", "two x"]), max_size=2, unique=True)):
        write(f"['{name}'] # [b]", (name,))
        write_keys((name,))
    for number in range(draw(st.integers(0, 3))):
        write("[[many-x]]", ("many-x",), ("many-x", number))
        write_keys(("many-x", number))
    return draw(st.sampled_from(["\n", "\r\n"])).join(text), lines


@given(documents())
def test_every_key_is_found_on_its_line(document: tuple[str, dict[KeyPath, int]]) -> None:
    """Each table and key that begins a line is found there, under the path that tomllib gives it."""
    text, lines = document
    assert paths(tomllib.loads(text)) == lines.keys()
    assert lines_of(text) == lines


@given(st.text("[]{}=.,'\"#\\ \nab1-", max_size=40))
def test_any_text_is_scanned(text: str) -> None:
    """Whatever the text is, each line that is reported is a line of it."""
    assert set(lines_of(text).values()) <= set(range(1, text.count("\n") + 2))
