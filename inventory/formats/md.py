"""Markdown for a ticket or a chat: the sections of ``Report`` in short, in the flavour of GitHub.

A text that is more than words and numbers stands in code spans, where nothing is a link, a mention, a number of an
issue or emphasis. Pipes and backticks would end a cell or a span: they stand between spans, as character references.
"""

import re
from typing import TYPE_CHECKING

from inventory.about import SIGNATURE
from inventory.report.breakdowns import COLUMNS, Breakdown, group_label
from inventory.report.change_lines import ChangeLine
from inventory.report.facts import TITLE, Report
from inventory.report.palette import mark
from inventory.report.row_tables import RowTable, column_head, is_number, run_table
from inventory.tables import rows
from inventory.text import count, escape_invisible, format_value, signed_size, truncate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from inventory import schema
    from inventory.formats import Tables
    from inventory.report.trend import TrendSection

_FINDINGS = 100
_CHANGES = 200
_SERVERS = 50
_LARGEST = 10
_GROUPS = 10
_RUNS = 10
_VALUE = 200  # columns of a value that changed; names are never cut
_PLAIN = re.compile(r"[+\u2212-]?[^\W_]+(?:(?:_|(?<=[0-9]):(?=[0-9])|(?::(?= ))?[ .,/%()\u00b7\u2212-]+)[^\W_]+)*[)%]?")
_LINKED = re.compile(r"www\.|\.[^\W\d_]{2}|%\w|\bGH-[0-9]|\b[0-9a-f]{7,}\b", re.IGNORECASE)
"""Texts that sites make a link of: addresses, domains (``example.com``), milestones (``%1``), issues and commits."""

_DELIMITERS = {"|": "&#124;", "`": "&#96;"}
"""The characters that end a table cell or a code span, as character references, which end neither."""

_BREAKS = {"\r": "\\r", "\n": "\\n", "\t": "\\t", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def encode(report: Report, grain: str) -> bytes:  # noqa: ARG001 - it is about every grain
    """Write the text of a report."""
    figures = report.key_figures
    blocks = [
        f"# {TITLE}",
        "; ".join([f"**{report.status.read}**", *map(escaped, report.status.details)]),
        " \u00b7 ".join(f"{words} {escaped(name)}".lstrip() for words, name in [*report.banner, SIGNATURE]),
        _table(
            [(figure.label, "n") for figure in figures],
            [[f"**{figure.value}**" for figure in figures], [escaped(figure.note) for figure in figures]],
        ),
        *_findings(report),
        *_changes(report),
        *_largest(report),
        *_space(report),
        *_trend(report.trend),
        *_evidence(report),
    ]
    return ("\n\n".join(blocks) + "\n").encode()


def encode_tables(tables: "Tables") -> bytes:
    """Write a table each, every column under its own name."""
    blocks = []
    for definition, content in tables:
        names = [column_head(column, column.name) for column in definition.columns]
        blocks += [f"## {definition.name} ({content.num_rows:,})", _rows(definition.columns, names, rows(content))]
    return ("\n\n".join(blocks) + "\n").encode()


def escaped(text: str) -> str:
    """Escape a text so that Markdown shows it as it is, on one line; what cannot be seen is made visible."""
    shown = "".join(_BREAKS.get(character, character) for character in escape_invisible(text))
    if _PLAIN.fullmatch(shown) and not _LINKED.search(shown):
        return shown
    if not shown.strip():
        return f'`"{shown}"`' if shown else ""
    return "".join(_DELIMITERS.get(piece) or _code_span(piece) for piece in re.findall("[|`]|[^|`]+", shown))


def _code_span(text: str) -> str:
    """Make a code span of a text without backticks; of spaces at both ends, Markdown would remove one each."""
    pad = " " if text[0] == text[-1] == " " and text.strip(" ") else ""
    return f"`{pad}{text}{pad}`"


def _findings(report: Report) -> list[str]:
    findings = report.findings
    if findings is None:
        return []
    blocks = [f"## {findings.title}", f"**{findings.text}**"]
    if findings.rows:
        whole = findings.table
        blocks += [_row_table(whole.first(_FINDINGS)), *_more(len(whole.rows), _FINDINGS, "finding")]
    return [*blocks, *(["\n".join(f"- {escaped(note)}" for note in findings.notes)] if findings.notes else [])]


def _changes(report: Report) -> list[str]:
    changes = report.what_changed
    blocks = [f"## {changes.title}" + (f" {escaped(changes.since)}" if changes.since else "")]
    blocks += [f"{changes.note}."] if changes.note else []
    if changes.lines:
        heads = ["Change", *(["Server"] if report.several else []), "Model", "What", "Before", "After"]
        body = [_change(line, report.several) for line in changes.lines[:_CHANGES]]
        blocks.append(_table([*((head, "t") for head in heads), ("Size difference", "n")], body))
        blocks += _more(len(changes.lines), _CHANGES, "change")
    skipped = changes.not_compared
    if skipped:
        items = [f"- **{escaped(row.server)}**: {escaped(row.text)}" for row in skipped[:_SERVERS]]
        blocks += ["### Not compared", "\n".join(items), *_more(len(skipped), _SERVERS, "server")]
    return blocks


def _change(line: ChangeLine, several: bool) -> list[str]:
    name = escaped(line.name)
    if line.key is not None and line.key != line.name:
        name += f" {escaped(line.key)}"
    hint = f" ({escaped(line.hint)})" if line.hint else ""
    difference = "" if line.size_difference is None else signed_size(line.size_difference)
    before, after = (escaped(truncate(value, _VALUE)) for value in (line.before, line.after))
    cells = [f"{mark(line.word)} {line.word}", *([escaped(line.server)] if several else [])]
    return [*cells, name, escaped(line.what) + hint, before, after, difference]


def _largest(report: Report) -> list[str]:
    models = report.largest
    if models is None:
        return []
    return [f"## {models.heading(_LARGEST)}", _row_table(models.first(_LARGEST))]


def _space(report: Report) -> list[str]:
    space = report.space
    if space is None:
        return []
    blocks = [f"## {space.title}", *([f"{space.note}."] if space.note else [])]
    return blocks + [block for breakdown in space.breakdowns for block in _breakdown(breakdown)]


def _breakdown(breakdown: Breakdown) -> list[str]:
    columns = [COLUMNS[name] for name in ("model_count", "size_bytes", "share")]
    body = [
        [escaped(group_label(row["name"])), *(format_value(row[column.name], column.unit) for column in columns)]
        for row in breakdown.rows[:_GROUPS]
    ]
    heads = [(breakdown.by.capitalize(), "t"), ("Models", "n"), ("Size", "n"), ("Share", "n")]
    return [_table(heads, body), *_more(len(breakdown.rows), _GROUPS, breakdown.by)]


def _trend(trend: "TrendSection") -> list[str]:
    if trend.note:
        return [f"## {trend.title}", f"{trend.note}."]
    sentence = f"Size on disk {trend.size_text} over {trend.period}; {trend.changes_text}."
    latest = run_table(trend.last(_RUNS).rows)
    more = [f"and {count(trend.total - _RUNS, 'earlier run')}"] if trend.total > _RUNS else []
    return [f"## {trend.title}", sentence, _row_table(latest), *more]


def _evidence(report: Report) -> list[str]:
    """List the servers that were not read, and what was unusual in the responses of the others."""
    items = [f"- **{escaped(name)}**: {status} - {escaped(error)}" for name, status, error in report.failures]
    blocks = ["\n".join(items[:_SERVERS]), *_more(len(items), _SERVERS, "server")] if items else []
    warnings = [f"- **{escaped(name)}**: {escaped(sentence)}" for name, sentence in report.warnings]
    if warnings:
        blocks += ["Warnings:", "\n".join(warnings[:_SERVERS]), *_more(len(warnings), _SERVERS, "warning")]
    return ["## Evidence", *(blocks or ["Every server was read, without a warning."])]


def _row_table(content: RowTable) -> str:
    return _rows(content.columns, content.heads, content.rows)


def _rows(columns: "Sequence[schema.Column]", names: "Sequence[str]", content: "Sequence[dict[str, object]]") -> str:
    looks = ["n" if is_number(column) else "t" for column in columns]
    body = [[escaped(format_value(row[column.name], column.unit)) for column in columns] for row in content]
    return _table(list(zip(names, looks, strict=True)), body)


def _table(heads: "Sequence[tuple[str, str]]", body: "Iterable[Sequence[str]]") -> str:
    """Make a table; cells and heads are Markdown already."""
    rule = ["---:" if look == "n" else "---" for _, look in heads]
    lines = [[head for head, _ in heads], rule, *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _more(number: int, limit: int, word: str) -> list[str]:
    return [f"and {count(number - limit, f'more {word}')}"] if number > limit else []
