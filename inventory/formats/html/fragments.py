"""HTML fragments, returned as ``str``: what the page and Jupyter share. Every text is escaped here and nowhere else.

Words and marks carry the meaning, colour only repeats it: code hosts strip styles. In Jupyter a look is a ``style`` of
the element, in the page a ``class``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from inventory import schema
from inventory.report.facts import Report, collection_status, field_name, lines
from inventory.tables import RunTables, rows
from inventory.terminal.changes import signed_size
from inventory.text import count, escape_invisible, integer, size

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory.diff.changes import ChangeSet

SHOWN = 20
"""Rows that Jupyter shows of a table."""

MARKS = {
    "added": "+",
    "removed": "\u2212",
    "renamed": "~",
    "reconfigured": "~",
    "loaded": "+",
    "unloaded": "\u2212",
    "reported": "~",
    "unreported": "~",
}
"""The mark before each word of ``schema.CHANGES_WORDS``."""

TONES = {"+": "came", "\u2212": "went", "~": "other"}
"""The look that goes with each mark."""

STYLES = {
    "came": "background:#e3f4e8;color:#0b5c28",
    "went": "background:#fae3e3;color:#96161b",
    "other": "background:#fdf0cf;color:#6b4200",
    "n": "text-align:right",
    "t": "text-align:left",
    "w": "text-align:left;white-space:nowrap",
}
"""Each look in Jupyter: both colours are given, so that it reads on a dark ground too."""

_MODELS = (
    "server",
    "key",
    "params_string",
    "architecture",
    "quantization_name",
    "size_bytes",
    "max_context_length",
    "loaded_instance_count",
)
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


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what it says, as it came.
        look: ``n`` for a number, which stands at the right; ``t`` for a text; ``w`` for words that stay on one line.
        tag: ``code`` for an identifier, ``b`` for what matters; may be empty.
    """

    text: str
    look: str = "t"
    tag: str = ""


def text(value: str) -> str:
    """A text as HTML shows it and cannot take for anything else; a carriage return would else become a line feed."""
    return escape(escape_invisible(value)).replace("\r", "&#13;")


def table(
    heads: Sequence[Cell], body: Iterable[tuple[str, Sequence[Cell]]], caption: str = "", *, styled: bool = False
) -> str:
    """A table.

    Args:
        heads: the names of the columns.
        body: for each row its look, which may be empty, and its cells.
        caption: what the table is.
        styled: whether looks are styles of each element, for Jupyter, instead of classes.
    """
    titles = "".join(_cell(head, "th", styled) for head in heads)
    told = f"<caption>{text(caption)}</caption>" if caption else ""
    found = "".join(
        f"<tr{_look(look, styled)}>{''.join(_cell(cell, 'td', styled) for cell in cells)}</tr>\n"
        for look, cells in body
    )
    return f"<table>{told}<thead><tr>{titles}</tr></thead>\n<tbody>\n{found}</tbody></table>"


def value_cell(column: schema.Column, value: Any) -> Cell:
    """A value for people: thousands apart, bytes as GB, yes and no; blank for what is not reported."""
    if column.kind in (schema.INTEGER, schema.NUMBER):
        if value is None:
            return Cell("", "n")
        plain = f"{value:,}" if isinstance(value, int) else f"{value:,g}"
        return Cell(size(value) if column.unit == "bytes" else plain, "n")
    if value is None:
        return Cell("")
    if column.kind == schema.BOOLEAN:
        return Cell("yes" if value else "no")
    if column.kind == schema.TIME:
        return Cell(f"{value:%Y-%m-%d %H:%M:%S}", "w")
    identifier = column.name.endswith(("key", "_id", "digest", "url", "stored_in", "variant"))
    return Cell(str(value), tag="code" if identifier else "")


def head_cell(column: schema.Column, name: str) -> Cell:
    """The head of a column: its name, and UTC where it holds times."""
    number = column.kind in (schema.INTEGER, schema.NUMBER)
    return Cell(f"{name} (UTC)" if column.kind == schema.TIME else name, "n" if number else "t")


def changes_table(
    changes: "ChangeSet", limit: int | None = None, *, several: bool = False, sizes: bool = False, styled: bool = False
) -> str:
    """The changes in colour, a row each.

    Args:
        changes: what changed.
        limit: rows at most.
        several: whether there is more than one server, so that each row names its own.
        sizes: whether to say how much more room each takes.
        styled: as in ``table``.
    """
    heads = ["Change", *(["Server"] if several else []), "Item", "Model / instance", "Setting", "Before", "After"]
    found = list(zip(rows(changes.table), lines(changes), strict=True))[:limit]
    hinted = any(line.hint for _, line in found)
    titles = [*map(Cell, heads), *([Cell("Size difference", "n")] if sizes else [])]
    titles += [Cell("Remark")] if hinted else []
    body = []
    for row, line in found:
        mark = MARKS[line.word]
        cells = [Cell(f"{mark} {line.word.capitalize()}", "w", "b")]
        cells += [Cell(line.server)] if several else []
        cells += [
            Cell(line.grain.capitalize()),
            Cell(row["instance_id"] or row["key"] or row["server"], tag="code"),
            Cell(line.what if line.grain == "server" else field_name(row["field"]) if row["field"] else ""),
            Cell(line.before),
            Cell(line.after, tag="b" if line.word in ("reconfigured", "renamed") else ""),
        ]
        if sizes:
            difference = line.size_difference
            cells.append(Cell("" if difference is None else signed_size(difference), "n"))
        cells += [Cell(line.hint)] if hinted else []
        body.append((TONES[mark], cells))
    return table(titles, body, styled=styled)


def changes_html(changes: "ChangeSet") -> str:
    """The changes in Jupyter: how many of each word, the table, and the servers that were not compared."""
    told = []
    for word in schema.CHANGES_WORDS:
        number = sum(changes.counts(grain)[word] for grain in schema.GRAINS)
        style = STYLES[TONES[MARKS[word]]]
        told += [f'<span style="{style}">&nbsp;{MARKS[word]} {number:,} {word}&nbsp;</span>'] if number else []
    servers = {row["server"] for row in rows(changes.table)} | changes.not_compared.keys()
    blocks = [f"<p><b>Changes</b>&nbsp; {'&nbsp; '.join(told) or 'none'}</p>"]
    if changes.table.num_rows:
        blocks.append(changes_table(changes, SHOWN, several=len(servers) > 1, styled=True))
    blocks += [_more(changes.table.num_rows - SHOWN, "change")]
    reasons = [f"<b>{text(server)}</b>: {text(reason)}" for server, reason in changes.not_compared.items()]
    return "".join([*blocks, *_items("Not compared", reasons)])


def snapshot_html(snapshot: RunTables) -> str:
    """A snapshot in Jupyter: its counts, the servers not read, the first models."""
    reasons = [
        f"<b>{text(row['server'])}</b>: {text(row['status'])} - {text(row['error'] or '')}"
        for row in rows(snapshot.tables["observations"])
        if row["status"] != "ok"
    ]
    good = collection_status(Report(snapshot)).level == "good"
    style = STYLES["came" if good else "went"]
    word = "complete" if good else "not complete"
    head = f'<p><b>{text(repr(snapshot)[1:-1])}</b>&nbsp; <span style="{style}">&nbsp;{word}&nbsp;</span></p>'
    models = snapshot.tables["models"]
    shown = _table(schema.MODELS, _MODELS, models.slice(0, SHOWN)) if models.num_rows else ""
    return "".join([head, *_items("Not read", reasons), shown, _more(models.num_rows - SHOWN, "model")])


def runs_html(title: str, table_of_runs: schema.Table, runs: "pa.Table") -> str:
    """The runs of a history in Jupyter: the newest ones, those that were not complete in colour."""
    newest = runs.slice(max(runs.num_rows - SHOWN, 0))
    looks = ["" if row["status"] == "ok" else "went" if row["status"] == "failed" else "other" for row in rows(newest)]
    shown = _table(table_of_runs, _RUNS, newest, looks) if runs.num_rows else "<p>No runs yet</p>"
    more = _more(runs.num_rows - SHOWN, "earlier run")
    return f"<p><b>{text(title)}</b></p>{shown}{more}"


def _table(kind: schema.Table, names: Sequence[str], content: "pa.Table", looks: Sequence[str] = ()) -> str:
    """Some columns of a table, under the names that DataFrames have."""
    columns = [column for name in names for column in kind.columns if column.name == name]
    body = [
        (look, [value_cell(column, row[column.name]) for column in columns])
        for row, look in zip(rows(content), looks or [""] * content.num_rows, strict=True)
    ]
    return table([head_cell(column, column.name) for column in columns], body, styled=True)


def _cell(cell: Cell, tag: str, styled: bool) -> str:
    direction = "" if cell.text.isascii() else ' dir="auto"'
    scope = ' scope="col"' if tag == "th" else ""
    inner = text(cell.text)
    look = _look(cell.look, styled) if inner and (styled or cell.look == "n") else ""
    inner = f"<{cell.tag}>{inner}</{cell.tag}>" if cell.tag and inner else inner
    return f"<{tag}{scope}{look}{direction}>{inner}</{tag}>"


def _look(look: str, styled: bool) -> str:
    if not look:
        return ""
    return f' style="{STYLES[look]}"' if styled else f' class="{look}"'


def _items(title: str, items: Sequence[str]) -> list[str]:
    """A list with a title, of at most ``SHOWN`` fragments; nothing if there are none."""
    if not items:
        return []
    shown = "".join(f"<li>{item}</li>" for item in items[:SHOWN])
    return [f"<p>{title} ({integer(len(items))})</p><ul>{shown}</ul>", _more(len(items) - SHOWN, "server")]


def _more(number: int, word: str) -> str:
    return f"<p>and {count(number, f'more {word}')}</p>" if number > 0 else ""
