"""HTML fragments: what the page and Jupyter share. Every text is escaped here and nowhere else.

Words and marks carry the meaning, colour only repeats it: code hosts strip styles. In Jupyter a look is a ``style`` of
the element, in the page a ``class``.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from inventory import schema
from inventory.report.change_lines import describe_changes
from inventory.report.change_words import ChangeLine, ChangeLines
from inventory.report.facts import Report
from inventory.report.palette import LIGHT, MARKS, TONES, mark
from inventory.report.row_tables import MODEL_COLUMNS, column_head, is_number
from inventory.tables import RunTables, rows
from inventory.text import count, escape_invisible, format_value, integer, signed_size, truncate

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory.diff.changes import ChangeSet

SHOWN = 20
"""Rows that Jupyter shows of a table."""

_ERROR = 60
"""Columns of an error beside a run, so that its row stays one line; ``history.runs()`` has the whole sentence."""

TINT = 0.25
"""How much of a colour Jupyter's ground takes on: the theme's own ink, light or dark, stays readable on it."""

_TINTS = {"good": LIGHT.added_bar, "bad": LIGHT.removed_bar, "warn": LIGHT.changed_bar}

STYLES = {
    **{level: f"background:rgba({', '.join(map(str, bytes.fromhex(_TINTS[level])))}, {TINT})" for level in MARKS},
    "n": "text-align:right",
    "t": "text-align:left",
    "w": "text-align:left;white-space:nowrap",
}
"""Each look in Jupyter: a tint of the theme's ground, so that it reads in a light and in a dark one."""

_MODELS = ("server", *MODEL_COLUMNS)
_RUNS = (
    "collected_at",
    "status",
    "servers_ok",
    "servers",
    "model_count",
    "instance_count",
    "size_bytes",
    "added",
    "removed",
    "reconfigured",
    "error",
)


class Markup(str):
    """HTML that is not escaped again: a fragment of this package."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return itself: the protocol by which Jinja2 knows markup."""
        return self


class Cell(NamedTuple):
    """One cell of a table.

    Attributes:
        text: what it says, as it came.
        look: ``n`` for a number, which stands at the right; ``t`` for a text; ``w`` for words that stay on one line;
            ``p`` for the head of a column of texts such as 7B, which are sorted as numbers.
        tag: ``code`` for an identifier, ``b`` for what matters; may be empty.
        above: a name above the text; may be empty.
    """

    text: str
    look: str = "t"
    tag: str = ""
    above: str = ""


_BOLD = ("reconfigured", "renamed")  # words of changes whose value after stands out


def text(value: str) -> str:
    """Escape a text for HTML, so that it is taken for nothing else; a bare carriage return would become a line feed."""
    return escape(escape_invisible(value)).replace("\r", "&#13;")


def table(
    heads: Sequence[Cell], body: Iterable[tuple[str, Sequence[Cell]]], *, styled: bool = False, stacked: bool = False
) -> Markup:
    """Make a table.

    Args:
        heads: the names of the columns.
        body: for each row its look, which may be empty, and its cells.
        styled: whether looks are styles of each element, for Jupyter, instead of classes.
        stacked: whether the cells of a row may stand beneath each other where the page is narrow.
    """
    cells = ((look, "".join(cell_html(cell, styled=styled) for cell in row)) for look, row in body)
    lines = "".join(f"<tr{_look(look, styled)}>{row}</tr>\n" for look, row in cells)
    return Markup(f"{table_begin(heads, styled=styled, stacked=stacked)}{lines}{TABLE_END}")


def table_begin(heads: Sequence[Cell], *, styled: bool = False, stacked: bool = False) -> str:
    """Make the beginning of a table as ``table`` does, after which its rows stand."""
    titles = "".join(cell_html(head, "th", styled=styled) for head in heads)
    look = ' class="stacked"' if stacked else ""
    return f"<table{look}><thead><tr>{titles}</tr></thead>\n<tbody>\n"


TABLE_END = "</tbody></table>"
"""What stands after the rows of a table."""


def cell_html(cell: Cell, tag: str = "td", *, styled: bool = False) -> str:
    """Make a cell, or with the tag ``th`` the head of a column; ``styled`` as in ``table``."""
    direction = "" if cell.text.isascii() and cell.above.isascii() else ' dir="auto"'
    scope = ' scope="col"' if tag == "th" else ""
    inner = text(cell.text)
    look = _look(cell.look, styled) if inner and (styled or cell.look in "np") else ""
    inner = f"<{cell.tag}>{inner}</{cell.tag}>" if cell.tag and inner else inner
    inner = f"<b>{text(cell.above)}</b>{inner}" if cell.above else inner
    return f"<{tag}{scope}{look}{direction}>{inner}</{tag}>"


def value_cell(column: schema.Column) -> Callable[[Any], Cell]:
    """Return a function that makes a cell for people of a value of a column; blank for what is not reported."""
    look = "n" if is_number(column) else "w" if column.kind == schema.TIME else "t"
    identifier = column.name.endswith(("key", "_id", "digest", "url", "stored_in", "variant"))
    tag = "code" if identifier and look == "t" else ""
    if column.kind == schema.LIST:
        return lambda value: Cell(_list_text(value), look, tag)
    return lambda value: Cell(format_value(value, column.unit), look, tag)


def changes_table(lines: ChangeLines, *, several: bool = False, sizes: bool = False, styled: bool = False) -> Markup:
    """Make a table of changes in colour, a row each.

    Args:
        lines: the changes.
        several: whether there is more than one server, so that each row names its own.
        sizes: whether to say how much more room each takes.
        styled: as in ``table``.
    """

    def difference(line: ChangeLine) -> Cell:
        return Cell("" if line.size_difference is None else signed_size(line.size_difference), "n")

    columns: list[tuple[str, Callable[[ChangeLine], Cell]]] = [
        ("Item", lambda line: Cell(line.grain.capitalize())),
        ("Model / instance", lambda line: Cell(line.identity, tag="code")),
        ("Setting", lambda line: Cell(line.field_name)),
        ("Before", lambda line: Cell(line.before_with_size)),
        ("After", lambda line: Cell(line.after_with_size, tag="b" if line.word in _BOLD else "")),
        *([("Size difference", difference)] if sizes else []),
        *([("Remark", lambda line: Cell(line.hint))] if any(kind.hint for kind in lines.kinds) else []),
    ]

    def begin(line: ChangeLine) -> str:
        word = cell_html(Cell(f"{mark(line.word)} {line.word.capitalize()}", "w", "b"), styled=styled)
        return f"<tr{_look(TONES[line.word], styled)}>{word}"

    def end(line: ChangeLine) -> str:
        return "".join(cell_html(cell_of(line), styled=styled) for _, cell_of in columns) + "</tr>\n"

    cell_of_server = {server: cell_html(Cell(server), styled=styled) for server in {*lines.servers}}
    servers = [map(cell_of_server.__getitem__, lines.servers)] if several else []
    names = ["Change", *(["Server"] if several else []), *(name for name, _ in columns)]
    heads = [Cell(name, "n" if name == "Size difference" else "t") for name in names]
    body = "".join(chain.from_iterable(zip(lines.each(begin), *servers, lines.each(end), strict=True)))
    return Markup(f"{table_begin(heads, styled=styled, stacked=not styled)}{body}{TABLE_END}")


def changes_html(changes: "ChangeSet") -> str:
    """Show changes in Jupyter: how many of each word, the table, and the servers that were not compared."""
    section = describe_changes(changes)
    counts = [
        f'<span style="{STYLES[TONES[group.word]]}">&nbsp;{mark(group.word)} {group.total:,} {group.word}&nbsp;</span>'
        for group in section.groups
    ]
    blocks = [f"<p><b>Changes</b>&nbsp; {'&nbsp; '.join(counts) or 'none'}</p>"]
    if section.lines:
        blocks.append(changes_table(section.lines[:SHOWN], several=section.several, styled=True))
    blocks += [_more(len(section.lines) - SHOWN, "change")]
    reasons = [f"<b>{text(row.server)}</b>: {text(row.reason)}" for row in section.not_compared]
    return "".join([*blocks, *_items("Not compared", reasons)])


def snapshot_html(snapshot: RunTables) -> str:
    """Show a snapshot in Jupyter: its counts, the servers not read, the first models."""
    report = Report(snapshot)
    reasons = [f"<b>{text(name)}</b>: {text(status)} - {text(error)}" for name, status, error in report.failures]
    banner = f'<span style="{STYLES[report.coverage.level]}">&nbsp;{text(report.coverage.text)}&nbsp;</span>'
    head = f"<p><b>{text(repr(snapshot)[1:-1])}</b>&nbsp; {banner}</p>"
    models = snapshot.tables["models"]
    shown = _table(schema.MODELS, _MODELS, models.slice(0, SHOWN)) if models.num_rows else ""
    return "".join([head, *_items("Not read", reasons), shown, _more(models.num_rows - SHOWN, "model")])


def runs_html(title: str, table_of_runs: schema.Table, runs: "pa.Table") -> str:
    """Show the runs of a history in Jupyter: the newest ones, those that were not complete in colour."""
    newest = runs.slice(max(runs.num_rows - SHOWN, 0))
    looks = ["" if row["status"] == "ok" else "bad" if row["status"] == "failed" else "warn" for row in rows(newest)]
    shown = _table(table_of_runs, _RUNS, newest, looks, _ERROR) if runs.num_rows else "<p>No runs yet</p>"
    more = _more(runs.num_rows - SHOWN, "earlier run")
    return f"<p><b>{text(title)}</b></p>{shown}{more}"


def _table(
    kind: schema.Table, names: Sequence[str], content: "pa.Table", looks: Sequence[str] = (), widest: int | None = None
) -> str:
    """Show some columns of a table, under the names that DataFrames have; texts at most so many columns wide."""
    columns = kind.select(names)
    makers = [(column.name, value_cell(column)) for column in columns]
    body = [
        (look, [_short(cell_of(row[name]), widest) for name, cell_of in makers])
        for row, look in zip(rows(content), looks or [""] * content.num_rows, strict=True)
    ]
    heads = [Cell(column_head(column, column.name), "n" if is_number(column) else "t") for column in columns]
    return table(heads, body, styled=True)


def _short(cell: Cell, widest: int | None) -> Cell:
    return cell if widest is None else cell._replace(text=truncate(cell.text, widest))


def _list_text(value: str | None) -> str:
    """Join a list that stands in a column as JSON; a text that is none is shown as it is."""
    try:
        return format_value(json.loads(value or "null"))
    except ValueError:
        return str(value)


def _look(look: str, styled: bool) -> str:
    if not look:
        return ""
    return f' style="{STYLES[look]}"' if styled else f' class="{look}"'


def _items(title: str, items: Sequence[str]) -> list[str]:
    """Make a list with a title, of at most ``SHOWN`` fragments; nothing if there are none."""
    if not items:
        return []
    shown = "".join(f"<li>{item}</li>" for item in items[:SHOWN])
    return [f"<p>{title} ({integer(len(items))})</p><ul>{shown}</ul>", _more(len(items) - SHOWN, "server")]


def _more(number: int, word: str) -> str:
    return f"<p>and {count(number, f'more {word}')}</p>" if number > 0 else ""
