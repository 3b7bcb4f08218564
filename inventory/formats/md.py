"""Markdown for a ticket or a chat: the sections of ``Report`` in short, in the flavour of GitHub.

It says of whatever is left out how many there are, and where they are to be found.

A text that is more than words and numbers stands in code spans, where nothing is a link, a mention, a number of an
issue or emphasis. Pipes and backticks would end a cell or a span: they stand between spans, as character references.
"""

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from inventory.about import SIGNATURE
from inventory.report.breakdowns import Breakdown, group_label
from inventory.report.change_words import ChangeLine
from inventory.report.facts import Report
from inventory.report.palette import mark
from inventory.report.row_tables import RowTable, column_head, is_number
from inventory.report.trend import WORDS, TrendSection
from inventory.schema.derived import BREAKDOWN
from inventory.tables import Row
from inventory.text import count, escape_invisible, format_value, signed_size, truncate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from inventory import schema
    from inventory.formats import Tables

# A table has at most five columns, and a report of twelve servers less than 200 lines: more, nobody reads in a ticket.
_FINDINGS = 40
_CHANGES = 40
_SERVERS = 12
_LARGEST = 10
_GROUPS = 5
_RUNS = 10
_VALUE = 200  # columns of a value that changed; names are never cut
_ELSEWHERE = "in the same report as `.xlsx` or `.html`"
_PLAIN = re.compile(
    r"(?![0-9]+[.)](?: |$))"  # begins a list
    r"[+\u2212-]?[^\W_]+(?:(?:_|(?<=[0-9]):(?=[0-9])|(?::(?= ))?[ .,/%()\u00b7\u2212-]+)[^\W_]+)*[)%]?"
)
_LINKED = re.compile(r"www\.|\.[^\W\d_]{2}|%\w|\bGH-[0-9]|\b[0-9a-f]{7,}\b", re.IGNORECASE)
"""Texts that sites make a link of: addresses, domains (``example.com``), milestones (``%1``), issues and commits."""

_DELIMITERS = {"|": "&#124;", "`": "&#96;"}
"""The characters that end a table cell or a code span, as character references, which end neither."""

_BREAKS = {"\r": "\\r", "\n": "\\n", "\t": "\\t", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def encode(report: Report, grain: str) -> bytes:  # noqa: ARG001 - it is about every grain
    """Write the text of a report."""
    blocks = [
        f"# {escaped(report.title)}",
        "; ".join([f"**{report.status.read}**", *map(escaped, report.status.details)]),
        " \u00b7 ".join(f"{words} {escaped(name)}".lstrip() for words, name in [*report.banner, SIGNATURE]),
        _table(
            [("Figure", "t"), ("Value", "n"), ("Remark", "t")],
            [[figure.label, f"**{figure.value}**", escaped(figure.note)] for figure in report.key_figures],
        ),
        *_findings(report),
        *_changes(report),
        *_coverage(report),
        *_largest(report),
        *_space(report),
        *_trend(report.trend),
        *_evidence(report),
        *_sign_off(report),
    ]
    return ("\n\n".join(blocks) + "\n").encode()


def encode_tables(tables: "Tables") -> bytes:
    """Write a table each, every column under its own name."""
    blocks = []
    for definition, content in tables:
        names = [column_head(column, column.name) for column in definition.columns]
        blocks += [f"## {definition.name} ({content.num_rows:,})", _by_column(definition.columns, names, content)]
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
        lines = [_finding(row) for row in findings.table.first(_FINDINGS).rows]
        heads = [("Outcome", "t"), ("Server", "t"), ("Model", "t"), ("Finding", "t"), ("Since", "t")]
        blocks += [_table(heads, lines), *_more(len(findings.rows), _FINDINGS, "finding")]
    notes = [*findings.reasons, *findings.notes]
    return [*blocks, *(["\n".join(f"- {escaped(note)}" for note in notes)] if notes else [])]


def _finding(row: Row) -> list[str]:
    what = " ".join(part for part in (row["key"], row["instance_id"]) if part)
    since = "; ".join(part for part in (row["since"], row["exception"]) if part)
    rule = f"**{escaped(row['outcome'])}** {escaped(row['rule'])}"
    return [rule, escaped(row["server"]), escaped(what), escaped(row["finding"] or ""), escaped(since)]


def _changes(report: Report) -> list[str]:
    changes = report.what_changed
    blocks = [f"## {changes.title}" + (f" {escaped(changes.since)}" if changes.since else "")]
    blocks += [f"{changes.note}."] if changes.note else []
    if changes.lines:
        blocks += _change_table(changes.lines, report.several)
    skipped = changes.not_compared
    if skipped:
        items = [f"- **{escaped(row.server)}**: {escaped(row.text)}" for row in skipped[:_SERVERS]]
        blocks += ["### Not compared", "\n".join(items), *_more(len(skipped), _SERVERS, "server")]
    return blocks


def _change_table(lines: "Sequence[ChangeLine]", several: bool) -> list[str]:
    """Make one table of the changes, in which a row names each server; of many changes each server has its share."""
    groups: dict[str, list[ChangeLine]] = {}
    for line in lines:
        groups.setdefault(line.server, []).append(line)
    ranks = sorted(rank for group in groups.values() for rank in range(len(group)))
    share = max(ranks[_CHANGES], 1) if len(ranks) > _CHANGES else len(ranks)
    body = []
    for server in sorted(groups)[:_SERVERS]:
        body += [[f"**{escaped(server)}**", _group_note(groups[server]), "", "", ""]] if several else []
        body += map(_change, groups[server][:share])
    shown = sum(len(groups[server][:share]) for server in sorted(groups)[:_SERVERS])
    heads = [(head, "t") for head in ("Change", "Model", "What", "Before", "After")]
    return [_table(heads, body), *_more(len(lines), shown, "change")]


def _group_note(lines: "Sequence[ChangeLine]") -> str:
    """Say how many changes a server has, and how much more room they take."""
    differences = [line.size_difference for line in lines if line.size_difference is not None]
    number = count(len(lines), "change")
    return f"{number}, {signed_size(sum(differences))}" if differences else number


def _change(line: ChangeLine) -> list[str]:
    name = escaped(line.name)
    if line.key is not None and line.key != line.name:
        name += f" {escaped(line.key)}"
    difference = "" if line.size_difference is None else f", {signed_size(line.size_difference)}"
    hint = f" ({escaped(line.hint)})" if line.hint else ""
    before, after = (escaped(truncate(value, _VALUE)) for value in (line.before_with_size, line.after_with_size))
    return [f"{mark(line.word)} {line.word}", name, escaped(line.what) + difference + hint, before, after]


def _coverage(report: Report) -> list[str]:
    if report.period is None:
        return []
    servers = report.period.table
    sentence, server = report.period.summary
    words = f"{sentence} {escaped(server)}".rstrip()
    shown = _row_table(servers.first(_SERVERS))
    return [f"## {report.period.title}", f"{words}.", shown, *_more(servers.content.num_rows, _SERVERS, "server")]


def _sign_off(report: Report) -> list[str]:
    if report.period is None:
        return []
    lines = [[label, escaped(value)] for label, value in report.period.sign_off]
    return [f"## {report.period.sign_off_title}", _table([(report.period.sign_off_title, "t"), ("", "t")], lines)]


def _largest(report: Report) -> list[str]:
    models = report.largest
    if models is None:
        return []
    shown = models.first(_LARGEST)
    last = "as_of" if any(row["as_of"] for row in shown.rows) else "max_context_length"
    second = "server" if report.several else "params_string"
    names = ("key", second, "quantization_name", "size_bytes", last)
    columns = tuple(column for name in names for column in shown.columns if column.name == name)
    return [f"## {models.heading(_LARGEST)}", _row_table(replace(shown, columns=columns))]


def _space(report: Report) -> list[str]:
    space = report.space
    if space is None:
        return []
    blocks = [f"## {space.title}", *([f"{space.note}."] if space.note else [])]
    return blocks + [block for breakdown in space.breakdowns for block in _breakdown(breakdown)]


def _breakdown(breakdown: Breakdown) -> list[str]:
    limit = _SERVERS if breakdown.by == "server" else _GROUPS
    columns = BREAKDOWN.select(("model_count", "size_bytes", "share"))
    body = [
        [escaped(group_label(row["name"])), *(format_value(row[column.name], column.unit) for column in columns)]
        for row in breakdown.rows[:limit]
    ]
    heads = [(breakdown.by.capitalize(), "t"), ("Models", "n"), ("Size", "n"), ("Share", "n")]
    return [_table(heads, body), *_more(len(breakdown.rows), limit, breakdown.by)]


def _trend(trend: TrendSection) -> list[str]:
    if trend.note:
        return [f"## {trend.title}", f"{trend.note}."]
    sentence = f"Size on disk {trend.size_text} over {trend.period}; {trend.changes_text}."
    heads = [("Collected (UTC)", "t"), ("Status", "t"), ("Models", "n"), ("Size", "n"), ("Changes", "t")]
    latest = [_run(row) for row in reversed(trend.last(_RUNS).rows)]
    return [f"## {trend.title}", sentence, _table(heads, latest), *_more(trend.total, _RUNS, "earlier run", "")]


def _run(row: Row) -> list[str]:
    numbers = [f"{mark(word)}{row[word]:,}" for word in WORDS if row[word]]
    size, models = format_value(row["size_bytes"], "bytes"), format_value(row["model_count"])
    return [format_value(row["collected_at"]), escaped(row["status"]), models, size, " ".join(numbers)]


def _evidence(report: Report) -> list[str]:
    """List the servers that were not read, and what was unusual in the responses of the others."""
    items = [f"- **{escaped(name)}**: {status} - {escaped(error)}" for name, status, error in report.failures]
    blocks = ["\n".join(items[:_SERVERS]), *_more(len(items), _SERVERS, "server")] if items else []
    warnings = [f"- **{escaped(name)}**: {escaped(sentence)}" for name, sentence in report.warnings]
    if warnings:
        blocks += ["Warnings:", "\n".join(warnings[:_SERVERS]), *_more(len(warnings), _SERVERS, "warning")]
    return ["## Evidence", *(blocks or ["Every server was read, without a warning."])]


def _row_table(content: RowTable) -> str:
    return _by_column(content.columns, content.heads, content.content)


def _by_column(columns: "Sequence[schema.Column]", names: "Sequence[str]", content: "pa.Table") -> str:
    """Make a table of all rows, in which each distinct value of a column becomes Markdown once."""
    from inventory.columns import row_texts, text_of

    heads = [(name, "n" if is_number(column) else "t") for name, column in zip(names, columns, strict=True)]
    cells = [([column.name], partial(_cell, column)) for column in columns]
    lines = map(text_of, row_texts(content, cells, " | ", "\n| ", " |"))
    return "".join([_table(heads, ()), *lines])


def _cell(column: "schema.Column", value: "Any") -> str:
    return escaped(format_value(value, column.unit))


def _table(heads: "Sequence[tuple[str, str]]", body: "Iterable[Sequence[str]]") -> str:
    """Make a table; cells and heads are Markdown already."""
    rule = ["---:" if look == "n" else "---" for _, look in heads]
    lines = [[head for head, _ in heads], rule, *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _more(number: int, limit: int, word: str, more: str = "more ") -> list[str]:
    """Say how many are left out, and where they are."""
    return [f"and {count(number - limit, f'{more}{word}')}: {_ELSEWHERE}"] if number > limit else []
