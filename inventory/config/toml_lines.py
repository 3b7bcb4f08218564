"""Line numbers of the tables and keys of a TOML text, which tomllib does not report."""

import re

KeyPath = tuple[str | int, ...]
"""The path to a value in what ``tomllib.loads`` returns: ``("server", 0, "url")``."""

_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_LINE = re.compile(rf"[ \t]*(?:(?P<brackets>\[\[?)[ \t]*(?P<table>{_KEY})[ \t]*\]|(?P<key>{_KEY})[ \t]*=)")


def lines_of(text: str) -> dict[KeyPath, int]:
    """Find the line, counted from 1, of each table and key that begins a line.

    A key inside ``{ ... }`` or a list has no line of its own: its parent's is meant.

    Args:
        text: valid TOML.
    """
    lines: dict[KeyPath, int] = {}
    last: dict[KeyPath, int] = {}  # the number of the last table of each array of tables
    table: KeyPath = ()
    for number, line in enumerate(text.split("\n"), 1):
        if not (match := _LINE.match(line)):
            continue
        key_path: KeyPath = () if match["brackets"] else table
        for part in re.findall(_PART, match["table"] or match["key"]):
            key_path += (last[key_path],) if key_path in last else ()
            key_path += (part[1:-1] if part[0] in "\"'" else part,)
            lines.setdefault(key_path, number)
        if match["brackets"] == "[[":
            last[key_path] = last.get(key_path, -1) + 1
            key_path += (last[key_path],)
            lines[key_path] = number
        table = key_path if match["brackets"] else table
    return lines
