"""Render a page of the manual, which is Markdown, as text for a terminal.

The pages use little of Markdown: headings, paragraphs, lists, quoted code and tables. Code is shown as it is, so that
it can be copied; everything else is wrapped to the width of the terminal.
"""

import re
from collections.abc import Iterator

from click import style

from inventory.terminal.layout import table
from inventory.text import width, wrap

_COMMENT = re.compile(r"<!-- .*? -->\n+")
_LINK = re.compile(r"!?\[([^]]*)\]\([^)]*\)")
_ITEM = re.compile(r"(- |\d+\. )")
_NARROWEST = 30  # columns that the last column of a table needs to be wrapped in its place


def page_text(markdown: str, columns: int) -> str:
    """Render a page.

    Args:
        markdown: the page.
        columns: the width of the terminal; code and single words may be wider.
    """
    blocks = [block for part in _parts(_COMMENT.sub("", markdown)) if (block := "\n".join(_block(part, columns)))]
    return "\n\n".join(blocks)


def summary(markdown: str) -> str:
    """Return the sentence below the title of a page, which says what the page is about."""
    return markdown.split("\n\n")[1]


def _parts(markdown: str) -> Iterator[list[str]]:
    """Split a page at its empty lines, except for those in quoted code."""
    part: list[str] = []
    quoted = False
    for line in markdown.splitlines():
        quoted ^= line.startswith("```")
        if line or quoted:
            part.append(line)
        else:
            yield part
            part = []
    yield part


def _block(lines: list[str], columns: int) -> Iterator[str]:
    """Render the lines between two empty ones."""
    if not lines:
        return
    if lines[0].startswith("```"):
        yield from (f"    {line}".rstrip() for line in lines if not line.startswith("```"))
    elif lines[0].startswith("|"):
        yield from _table([_cells(line) for index, line in enumerate(lines) if index != 1], columns)
    elif lines[0].startswith("#"):
        yield style(_plain(lines[0].lstrip("# ")), bold=True)
    else:
        for paragraph in _items(lines):
            mark = _ITEM.match(paragraph)
            indent = "  " if mark else ""
            first, *others = wrap(_plain(paragraph), columns - len(indent), indent)
            yield first
            yield from (" " * len(mark[0]) + line for line in others) if mark else others


def _items(lines: list[str]) -> Iterator[str]:
    """Join the lines of a paragraph, or those of each item of a list."""
    starts = [index for index, line in enumerate(lines) if index == 0 or _ITEM.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield " ".join(line.strip() for line in lines[start:end])


def _table(rows: list[list[str]], columns: int) -> Iterator[str]:
    """Render a table side by side, its last column wrapped, or row by row where that does not fit."""
    needed = [max(map(width, column)) for column in zip(*rows, strict=True)]
    room = columns - 2 * len(needed) - sum(needed[:-1])
    if room < min(_NARROWEST, needed[-1]):
        yield from _records(rows, columns)
        return
    lines = [
        [*(cells[:-1] if index == 0 else [""] * (len(cells) - 1)), line]
        for cells in rows[1:]
        for index, line in enumerate(wrap(cells[-1], room, "") or [""])
    ]
    yield from table(lines, "<" * len(needed), rows[0], indent="  ")


def _records(rows: list[list[str]], columns: int) -> Iterator[str]:
    """Render each row of a table as its first cell, with the other cells and their headings below it."""
    heads = rows[0]
    for cells in rows[1:]:
        yield "  " + cells[0]
        for head, cell in zip(heads[1:], cells[1:], strict=True):
            if cell:
                yield from wrap(f"{head}: {cell}", columns - 2, "      ")


def _cells(line: str) -> list[str]:
    return [_plain(cell.strip().replace(r"\|", "|")) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _plain(text: str) -> str:
    """Remove the marks of Markdown, except the quotes of code, which a reader may have to tell from the text."""
    return _LINK.sub(r"\1", text).replace("**", "").replace("``", "`")
