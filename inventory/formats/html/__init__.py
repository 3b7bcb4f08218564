"""A page for people: one file that needs no script and no network, light or dark as the reader likes, and prints.

Its policy forbids everything but the style sheet inside it, which is named by its SHA-256. The facts are those of the
workbook; the charts are SVG in the page.
"""

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from inventory import schema
from inventory.about import VERSION
from inventory.formats.html.fragments import Cell, changes_table, head_cell, table, text, value_cell
from inventory.formats.html.stylesheet import style_sheet
from inventory.formats.html.svg import Point, bars, stacks, trend
from inventory.report.facts import (
    Report,
    breakdown,
    collection_status,
    field_name,
    key_figures,
    moment_text,
    no_changes_text,
)
from inventory.schema.derived import NOT_COMPARED
from inventory.tables import rows, table_of
from inventory.text import count, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from inventory.formats import Tables

_TITLE = "LM Studio model inventory"
_TOP = 10  # bars of a chart
_RUNS = 90  # runs of a chart
_HEADS = {"key": "Key", "url": "Address", "http_status": "HTTP status", "payload_digest": "SHA-256 of the answer"}
_FIRST = ("server", "display_name", "key", "instance_id")
_ASIDE = {"ordinal", "instance_ordinal", "params_count", "run_id", "digest", "stored_in"}
"""Columns for machines: they are in the CSV, Parquet and Excel files."""


def encode(overview: Report, grain: str) -> bytes:  # noqa: ARG001 - a page holds every grain
    """The page of a run: its state and figures, what changed, where the space goes, the trend, all the rows."""
    snapshot = overview.snapshot
    observed = rows(snapshot.tables["observations"])
    several = len(observed) > 1
    found = collection_status(overview)
    figures = "".join(
        f'<div><dt>{text(card.label)}</dt><dd class="value">{text(card.value)}</dd>'
        f'<dd class="note">{text(card.note)}</dd></div>'
        for card in key_figures(overview)
    )
    sections = [
        ("changes", "What changed" + (f" since {overview.since}" if overview.since else ""), _changes(overview))
    ]
    if snapshot.tables["models"].num_rows:
        sections.append(("space", "Where the space goes", _space(overview)))
    if len(overview.runs) > 1:
        sections.append(("trend", "Trend", _trend(overview.runs)))
    left = set() if several else {"server"}
    for grain_name, one in schema.GRAIN_TABLES.items():
        if grain_name in snapshot.grains and snapshot.anything_read:
            content = snapshot.tables[one.name]
            shown = _rows(one, content, left) if content.num_rows else f"<p>There are no {_named(one)}.</p>"
            sections.append((one.name, f"{_named(one).capitalize()} ({content.num_rows:,})", shown))
    sections.append(
        ("evidence", "Evidence", _rows(schema.OBSERVATIONS, _evident(snapshot.tables["observations"]), set()))
    )
    name, title, inner = sections[-1]
    sections[-1] = (name, title, f"{inner}<footer>{_footer(snapshot.run_id)}</footer>\n")
    links = "".join(f'<a href="#{name}">{text(title)}</a>\n' for name, title, _ in sections)
    parts = "".join(
        f'<section id="{name}"{_page(name)}><h2>{text(title)}</h2>\n{inner}</section>\n'
        for name, title, inner in sections
    )
    return _document(
        f"<header><h1>{_TITLE}</h1>\n<p>{_banner(overview, observed)}</p></header>\n<main>\n"
        f'<p class="state {found.level}">{text(found.text)}</p>\n<dl class="cards">{figures}</dl>\n'
        f"<nav>{links}</nav>\n{parts}</main>"
    )


def encode_tables(tables: "Tables") -> bytes:
    """A page with a table each, every column under its own name."""
    parts = "".join(
        f"<section><h2>{text(one.name)} ({content.num_rows:,})</h2>\n"
        + _box(table([head_cell(column, column.name) for column in one.columns], _body(one.columns, content)), one.name)
        + "</section>\n"
        for one, content in tables
    )
    return _document(f"<header><h1>{_TITLE}</h1></header>\n<main>\n{parts}</main>\n<footer>{_footer('')}</footer>")


def _document(body: str) -> bytes:
    style = style_sheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_TITLE}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    ).encode()


def _banner(overview: Report, observed: list[dict[str, Any]]) -> str:
    where = observed[0]["url"] or observed[0]["server"] if len(observed) == 1 else count(len(observed), "server")
    verb = "collected" if overview.snapshot.anything_read else "attempted"
    parts = [where, f"{verb} {moment_text(overview.snapshot.observed_at, overview.zone)}"]
    parts += [f"compared with {overview.since}"] if overview.since else []
    return " \u00b7 ".join(f"<bdi>{text(part)}</bdi>" for part in [*parts, f"lms-inventory {VERSION}"])


def _footer(run_id: str) -> str:
    run = f"Run {text(run_id)}. " if run_id else ""
    return f"{run}Times are UTC. GB is 10<sup>9</sup> bytes. A blank cell: not reported."


def _changes(overview: Report) -> str:
    still = no_changes_text(overview)
    parts = [f"<p>{text(still)}</p>\n"] if still else []
    changes = overview.changes
    if changes is None:
        return "".join(parts)
    if not still:
        several = len({row["server"] for row in rows(changes.table)}) > 1 or _several(overview)
        parts.append(_box(changes_table(changes, several=several, sizes=True), "What changed"))
    if changes.skipped.num_rows:
        parts.append("<h3>Not compared</h3>\n" + _rows(NOT_COMPARED, changes.skipped, set()))
    return "".join(parts)


def _several(overview: Report) -> bool:
    return len(rows(overview.snapshot.tables["observations"])) > 1


def _space(overview: Report) -> str:
    found = rows(breakdown(overview.snapshot))
    charts = []
    for by, look in (("publisher", "first-bar"), ("quantization", "second-bar"), ("server", "first-bar")):
        some = [row for row in found if row["by"] == by]
        known = [row for row in some if row["size_bytes"] is not None]
        if not known or (by == "server" and not _several(overview)):
            continue
        top = [(_name(row["name"]), float(row["size_bytes"]), size(row["size_bytes"])) for row in known[:_TOP]]
        title = f"Size by {by}" + (f" (top {_TOP} of {len(some):,})" if len(some) > _TOP else "")
        charts.append(_figure(title, bars(f"by-{by}", title, top, look)))
    return f'<div class="charts">{"".join(charts)}</div>\n' if charts else "<p>No model reports its size.</p>\n"


def _name(value: str | None) -> str:
    return "(not reported)" if value is None else value if value.strip() else json.dumps(value)


def _trend(runs: "Sequence[dict[str, Any]]") -> str:
    latest = runs[-_RUNS:]
    moments = [run["collected_at"] for run in latest]
    sizes = [None if not run["servers_ok"] or run["size_bytes"] is None else run["size_bytes"] / 1e9 for run in latest]
    charts = []
    if any(value is not None for value in sizes):
        points = [
            Point(run["collected_at"], value, run["status"] == "ok", run["servers_ok"])
            for run, value in zip(latest, sizes, strict=True)
        ]
        title = "Size on disk (GB)"
        charts.append(_figure(title, trend("size-trend", title, points, "GB")))
    words = [("added", "came-bar"), ("removed", "went-bar"), ("reconfigured", "other-bar")]
    found = [(word, look, [run[word] for run in latest]) for word, look in words]
    charts.append(_figure("Changes per run", stacks("changes-trend", "Changes per run", moments, found)))
    failed = sum(1 for value in sizes if value is None)
    partly = sum(1 for run, value in zip(latest, sizes, strict=True) if value is not None and run["status"] != "ok")
    told = [f"The last {len(latest):,} of {count(len(runs), 'run')}."] if len(runs) > len(latest) else []
    told += [f"A gap with a cross: {count(failed, 'run')} in which nothing was read."] if failed else []
    told += [f"A hollow point: {count(partly, 'run')} in which not every server was read."] if partly else []
    remark = f'<p class="remark">{" ".join(told)}</p>' if told else ""
    return f'<div class="charts">{"".join(charts)}</div>\n{remark}\n'


def _figure(title: str, chart: str) -> str:
    return f'<figure><h3 aria-hidden="true">{text(title)}</h3>{chart}</figure>\n'


def _rows(one: schema.Table, content: "pa.Table", left: set[str]) -> str:
    """The columns for people that have a value in some row, those that name the row first."""
    kept = [
        column
        for column in one.columns
        if column.name not in _ASIDE | left and content.column(column.name).null_count < content.num_rows
    ]
    kept.sort(key=lambda column: _FIRST.index(column.name) if column.name in _FIRST else len(_FIRST))
    heads = [head_cell(column, _HEADS.get(column.name, field_name(column.name))) for column in kept]
    return _box(table(heads, _body(kept, content)), one.name)


def _body(columns: "Sequence[schema.Column]", content: "pa.Table") -> "list[tuple[str, list[Cell]]]":
    return [("", [value_cell(column, row[column.name]) for column in columns]) for row in rows(content)]


def _evident(observed: "pa.Table") -> "pa.Table":
    """The observations, with the warnings as sentences."""
    told = [{**row, "warnings": " ".join(json.loads(row["warnings"] or "[]")) or None} for row in rows(observed)]
    return table_of(schema.OBSERVATIONS, told)


def _box(inner: str, name: str) -> str:
    """A box in which a table scrolls, also by the keyboard."""
    return f'<div class="box" role="region" tabindex="0" aria-label="{text(name)}">{inner}</div>\n'


def _page(name: str) -> str:
    """Whether a section starts a printed page."""
    return ' class="page"' if name in ("models", "instances", "evidence") else ""


def _named(one: schema.Table) -> str:
    return "loaded instances" if one is schema.INSTANCES else one.name
