"""Markdown for a ticket or a chat: the state, the figures, what changed, who was not read. Short; flavour of GitHub.

A text that is more than words and numbers stands in code spans, where nothing is a link, a mention, a number of an
issue or emphasis. Pipes and backticks would end a cell or a span: they stand between spans, as character references.
"""

import json
import re
from typing import TYPE_CHECKING, Any

from inventory.about import VERSION
from inventory.formats.html.fragments import MARKS, head_cell, value_cell
from inventory.report.facts import (
    ChangeLine,
    Report,
    breakdown,
    collection_status,
    key_figures,
    lines,
    moment_text,
    no_changes_text,
)
from inventory.tables import rows
from inventory.terminal.changes import signed_size
from inventory.text import count, escape_invisible, integer, size, truncate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from inventory.formats import Tables

_CHANGES = 200
_SERVERS = 50
_LARGEST = 10
_GROUPS = 10
_VALUE = 200  # columns of a value that changed; names are never cut
_PLAIN = re.compile(r"[+\u2212-]?[^\W_]+(?:(?:_|(?<=[0-9]):(?=[0-9])|(?::(?= ))?[ .,/%()\u00b7\u2212-]+)[^\W_]+)*[)%]?")
_LINKED = re.compile(r"www\.|\.[^\W\d_]{2}|%\w|\bGH-[0-9]|\b[0-9a-f]{7,}\b", re.IGNORECASE)
"""What some site makes a link of: addresses, domains (``example.com``), milestones (``%1``), issues and commits."""

_DELIMITERS = {"|": "&#124;", "`": "&#96;"}
"""What ends a cell of a table or a code span, as character references, which end neither."""

_BREAKS = {"\r": "\\r", "\n": "\\n", "\t": "\\t", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def encode(overview: Report, grain: str) -> bytes:  # noqa: ARG001 - it tells of every grain
    """The text of a run."""
    snapshot = overview.snapshot
    observed = rows(snapshot.tables["observations"])
    several = len(observed) > 1
    where = observed[0]["url"] or observed[0]["server"] if len(observed) == 1 else count(len(observed), "server")
    verb = "Collected" if snapshot.anything_read else "Attempted"
    told = [f"{verb} {moment_text(snapshot.observed_at, overview.zone)}", escaped(where)]
    told += [f"compared with {escaped(overview.since)}"] if overview.since else []
    word, dash, reason = collection_status(overview).text.partition(" - ")
    figures = key_figures(overview)
    blocks = [
        "# LM Studio model inventory",
        f"**{word}**{dash}{escaped(reason)}",
        " \u00b7 ".join([*told, f"lms-inventory {VERSION}"]),
        _table(
            [(card.label, "n") for card in figures],
            [[f"**{card.value}**" for card in figures], [escaped(card.note) for card in figures]],
        ),
        *_changes(overview, several),
        *_evidence(observed),
    ]
    if snapshot.tables["models"].num_rows:
        blocks += [*_largest(rows(snapshot.tables["models"]), several), *_space(rows(breakdown(snapshot)))]
    return ("\n\n".join(blocks) + "\n").encode()


def encode_tables(tables: "Tables") -> bytes:
    """A table each, every column under its own name."""
    blocks = []
    for one, content in tables:
        heads = [head_cell(column, column.name) for column in one.columns]
        body = [[escaped(value_cell(column, row[column.name]).text) for column in one.columns] for row in rows(content)]
        blocks += [f"## {one.name} ({content.num_rows:,})", _table([(head.text, head.look) for head in heads], body)]
    return ("\n\n".join(blocks) + "\n").encode()


def escaped(text: str) -> str:
    """A text that Markdown shows as it is, on one line; what cannot be seen is made visible."""
    shown = "".join(_BREAKS.get(character, character) for character in escape_invisible(text))
    if _PLAIN.fullmatch(shown) and not _LINKED.search(shown):
        return shown
    if not shown.strip():
        return f'`"{shown}"`' if shown else ""
    return "".join(_DELIMITERS.get(piece) or _code_span(piece) for piece in re.findall("[|`]|[^|`]+", shown))


def _code_span(text: str) -> str:
    """A code span of a text without backticks; of spaces at both ends, Markdown would take one each."""
    pad = " " if text[0] == text[-1] == " " and text.strip(" ") else ""
    return f"`{pad}{text}{pad}`"


def _changes(overview: Report, several: bool) -> list[str]:
    blocks = ["## What changed" + (f" since {escaped(overview.since)}" if overview.since else "")]
    still = no_changes_text(overview)
    if still:
        blocks.append(f"{still}.")
    changes = overview.changes
    if changes is None:
        return blocks
    if not still:
        found = lines(changes)
        heads = ["Change", *(["Server"] if several else []), "Model", "What", "Before", "After"]
        blocks.append(
            _table(
                [*((head, "t") for head in heads), ("Size", "n")],
                [_change(line, several) for line in found[:_CHANGES]],
            )
        )
        blocks += _more(len(found), _CHANGES, "change")
    skipped = rows(changes.skipped)
    if skipped:
        items = [
            f"- **{escaped(one['server'])}**: {escaped(one['reason'])}"
            + (f", last read {one['last_read']:%Y-%m-%d %H:%M} UTC" if one["last_read"] else "")
            for one in skipped[:_SERVERS]
        ]
        blocks += ["### Not compared", "\n".join(items), *_more(len(skipped), _SERVERS, "server")]
    return blocks


def _change(line: ChangeLine, several: bool) -> list[str]:
    name = escaped(line.name)
    if line.key is not None and line.key != line.name:
        name += f" {escaped(line.key)}"
    hint = f" ({escaped(line.hint)})" if line.hint else ""
    size_told = "" if line.size_difference is None else signed_size(line.size_difference)
    before, after = (escaped(truncate(value, _VALUE)) for value in (line.before, line.after))
    cells = [f"{MARKS[line.word]} {line.word}", *([escaped(line.server)] if several else [])]
    return [*cells, name, escaped(line.what) + hint, before, after, size_told]


def _evidence(observed: "Sequence[dict[str, Any]]") -> list[str]:
    """The servers that were not read, and what was odd in the answers of the others."""
    failed = [row for row in observed if row["status"] != "ok"]
    items = [
        f"- **{escaped(row['server'])}**: {row['status'].replace('_', ' ')} - {escaped(row['error'] or '')}"
        for row in failed[:_SERVERS]
    ]
    blocks = ["\n".join(items), *_more(len(failed), _SERVERS, "server")] if items else []
    odd = [
        f"- **{escaped(row['server'])}**: {escaped(sentence)}"
        for row in observed
        for sentence in json.loads(row["warnings"] or "[]")
    ]
    blocks += ["Warnings:", "\n".join(odd[:_SERVERS]), *_more(len(odd), _SERVERS, "warning")] if odd else []
    return ["## Evidence", *blocks] if blocks else []


def _largest(models: "Sequence[dict[str, Any]]", several: bool) -> list[str]:
    top = sorted(models, key=lambda model: (-(model["size_bytes"] or 0), model["server"], model["key"]))[:_LARGEST]
    heads = [("Key", "t"), *([("Server", "t")] if several else []), ("Params", "t"), ("Quantization", "t")]
    body = [
        [
            escaped(model["key"]),
            *([escaped(model["server"])] if several else []),
            escaped(model["params_string"] or ""),
            escaped(model["quantization_name"] or ""),
            "" if model["size_bytes"] is None else size(model["size_bytes"]),
            integer(model["max_context_length"]) if model["max_context_length"] is not None else "",
            integer(model["loaded_instance_count"] or 0),
        ]
        for model in top
    ]
    numbers = [("Size", "n"), ("Max context", "n"), ("Loaded", "n")]
    title = "Largest models" + (f" (of {len(models):,})" if len(models) > _LARGEST else "")
    return [f"## {title}", _table([*heads, *numbers], body)]


def _space(found: "Sequence[dict[str, Any]]") -> list[str]:
    blocks = ["## Where the space goes"]
    for by in ("publisher", "quantization"):
        some = [row for row in found if row["by"] == by]
        body = [
            [
                "(not reported)" if row["name"] is None else escaped(row["name"]) or '`""`',
                f"{row['model_count']:,}",
                "" if row["size_bytes"] is None else size(row["size_bytes"]),
                "" if row["share"] is None else f"{row['share']:.1%}",
            ]
            for row in some[:_GROUPS]
        ]
        heads = [(by.capitalize(), "t"), ("Models", "n"), ("Size", "n"), ("Share", "n")]
        blocks += [_table(heads, body), *_more(len(some), _GROUPS, by)]
    return blocks


def _table(heads: "Sequence[tuple[str, str]]", body: "Iterable[Sequence[str]]") -> str:
    """A table; cells and heads are Markdown already."""
    rule = ["---:" if look == "n" else "---" for _, look in heads]
    told = [[head for head, _ in heads], rule, *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in told)


def _more(number: int, limit: int, word: str) -> list[str]:
    return [f"and {count(number - limit, f'more {word}')}"] if number > limit else []
