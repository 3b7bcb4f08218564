"""A page for people: one file that needs no network, light or dark as the reader likes, and prints.

Its policy forbids everything but the style sheet and the script inside it, which are named by their SHA-256. The script
only sorts and filters: without it everything is there and can be read. The page shows the sections of ``Report``; the
charts are SVG in the page. To add a section: a function here, and its call in ``encode``.
"""

from typing import TYPE_CHECKING

from inventory import schema
from inventory.formats.html.fragments import Cell, Markup, changes_table, table, value_cell
from inventory.formats.html.page import Section, render_page
from inventory.formats.html.server_groups import group_rows, row_lines, table_of, whole_of
from inventory.formats.html.svg import Point, bars, stacks, trend
from inventory.report.breakdowns import Breakdown, group_label
from inventory.report.facts import Report
from inventory.report.findings import TONES as FINDING_TONES
from inventory.report.row_tables import RowTable, column_head, is_number, row_table
from inventory.report.trend import WORDS, TrendSection
from inventory.schema.derived import NOT_COMPARED
from inventory.tables import table_of as arrow_table_of
from inventory.text import GIGABYTE, count, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from inventory.formats import Tables

MOST_ROWS = 250_000
"""Models or instances that a page shows at most: browsers open a page of 100 MB, and not one of 500."""

_BARS = 10  # of a chart
_LARGEST = 10  # models
_RUNS = 90  # of a chart
_BAR_CLASSES = {"publisher": "first-bar", "server": "first-bar"}
_CHANGE_CLASSES = dict(zip(WORDS, ("added-bar", "removed-bar", "changed-bar"), strict=True))


def encode(report: Report, grain: str) -> bytes:  # noqa: ARG001 - a page holds every grain
    """Render the page of a report."""
    sections = [*_findings(report), _changes(report), *_coverage(report), *_largest(report), *_space(report)]
    sections += [_trend(report.trend), *(_all_rows(content, report) for content in report.row_tables)]
    return render_page([*sections, _evidence(report), *_sign_off(report)], report)


def encode_tables(tables: "Tables") -> bytes:
    """Render a page with a table each, every column under its own name."""
    sections = []
    for definition, content in tables:
        heads = [column_head(column, column.name) for column in definition.columns]
        shown = _table(definition.columns, heads, content)
        sections.append(Section(definition.name, f"{definition.name} ({content.num_rows:,})", tables=[("", shown)]))
    return render_page(sections)


def _findings(report: Report) -> "Iterator[Section]":
    findings = report.findings
    if findings is None:
        return
    content = findings.table
    heads = [Cell(head) for head in content.heads]
    tones = (FINDING_TONES.get(row["outcome"], "") for row in content.rows)
    makers = [(column.name, value_cell(column)) for column in content.columns]
    cells = ([cell_of(row[name]) for name, cell_of in makers] for row in content.rows)
    shown = [("", table(heads, zip(tones, cells, strict=True), stacked=True))] if findings.rows else []
    remark = " ".join([*findings.reasons, *findings.notes])
    yield Section("findings", findings.title, f"{findings.text}.", remark=remark, tables=shown)


def _changes(report: Report) -> Section:
    changes = report.what_changed
    tables = []
    if changes.lines:
        tables.append(("", changes_table(changes.lines, several=report.several, sizes=True)))
    if changes.not_compared:
        skipped = arrow_table_of(NOT_COMPARED, [vars(row) for row in changes.not_compared])
        tables.append(("Not compared", _whole(row_table(NOT_COMPARED, skipped, ""))))
    return Section("changes", f"{changes.title} {changes.since}".rstrip(), changes.note, tables=tables)


def _coverage(report: Report) -> "Iterator[Section]":
    if period := report.period:
        note = f"{' '.join(period.summary).rstrip()}."
        yield Section("coverage", period.title, note, tables=[("", _whole(period.table))])


def _sign_off(report: Report) -> "Iterator[Section]":
    if period := report.period:
        lines = (("", [Cell(label), Cell(value)]) for label, value in period.sign_off)
        body = table([Cell(period.sign_off_title), Cell("")], lines)
        yield Section("sign-off", period.sign_off_title, tables=[("", body)])


def _largest(report: Report) -> "Iterator[Section]":
    if models := report.largest:
        yield Section("largest", models.heading(_LARGEST), tables=[("", table_of(models.first(_LARGEST)))])


def _space(report: Report) -> "Iterator[Section]":
    if space := report.space:
        yield Section("space", space.title, space.note, [_bar_chart(breakdown) for breakdown in space.breakdowns])


def _bar_chart(breakdown: Breakdown) -> tuple[str, Markup]:
    shown = breakdown.sized[:_BARS]
    top = f" (top {_BARS} of {len(breakdown.rows):,})" if len(breakdown.rows) > _BARS else ""
    title = f"{breakdown.title}{top}"
    values = [(group_label(row["name"]), float(row["size_bytes"]), size(row["size_bytes"])) for row in shown]
    look = _BAR_CLASSES.get(breakdown.by, "second-bar")
    return title, bars(f"by-{breakdown.by}", title, values, look)


def _trend(whole: TrendSection) -> Section:
    if whole.note:
        return Section("trend", whole.title, whole.note)
    shown = whole.last(_RUNS)
    charts = []
    runs = [(run, run.collected_at) for run in shown.runs if run.collected_at is not None]
    if any(run.size_bytes is not None for run, _ in runs):
        points = [
            Point(moment, None if run.size_bytes is None else run.size_bytes / GIGABYTE, run.complete, run.measured)
            for run, moment in runs
        ]
        title = "Size on disk (GB)"
        charts.append((title, trend("size-trend", title, points, "GB")))
    stacked = [(word, look, [run.counts[word] for run, _ in runs]) for word, look in _CHANGE_CLASSES.items()]
    title = "Changes per run"
    charts.append((title, stacks("changes-trend", title, [moment for _, moment in runs], stacked)))
    remarks = [f"The {shown.period}."] if shown.total > len(shown.runs) else []
    if shown.unknown:
        remarks.append(f"A gap with a cross: {count(shown.unknown, 'run')} at which no size was known.")
    if shown.incomplete:
        hollow = f"A hollow point: {count(shown.incomplete, 'run')} in which not every server was read"
        remarks.append(f"{hollow}; the others count as they were last read.")
    return Section("trend", whole.title, charts=charts, remark=" ".join(remarks))


def _all_rows(content: RowTable, report: Report) -> Section:
    number = content.content.num_rows
    title = f"{content.title.capitalize()} ({number:,})"
    if not number:
        return Section(content.name, title, f"There are no {content.title}.", on_new_page=True)
    groups, shown = group_rows(content, report.snapshot.tables["observations"], MOST_ROWS)
    option = " --grain instance" if content.name == schema.INSTANCES.name else ""
    more = (
        f"This page shows {shown:,} of {number:,} {content.title}, as browsers open no larger one. To get all: "
        f"lms-inventory export -o {content.name}.parquet{option}"
    )
    return Section(content.name, title, groups=groups, more="" if shown == number else more, on_new_page=True)


def _evidence(report: Report) -> Section:
    return Section("evidence", "Evidence", tables=[("", table_of(report.evidence))], on_new_page=True)


def _whole(content: RowTable) -> Markup:
    return _table(content.columns, content.heads, content.content)


def _table(columns: "Sequence[schema.Column]", heads: "Sequence[str]", content: "pa.Table") -> Markup:
    looks = ["n" if is_number(column) else "t" for column in columns]
    cells = [([column.name], value_cell(column)) for column in columns]
    return whole_of([*map(Cell, heads, looks)], row_lines(content, cells))
