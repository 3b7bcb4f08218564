"""The contents of the data sheets of a workbook: the tables, and beside them what people ask next."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from inventory import schema
from inventory.about import VERSION
from inventory.columns import integers
from inventory.formats.xlsx.cells import short
from inventory.formats.xlsx.columns import (
    LABEL,
    LAST,
    hidden_in,
    in_reading_order,
    label_columns,
    label_names,
    labels_in,
)
from inventory.formats.xlsx.sheets import Sheet
from inventory.report.breakdowns import group_label
from inventory.report.change_lines import describe_changes
from inventory.report.findings import PRINTED, WORDED
from inventory.report.findings import TONES as FINDING_TONES
from inventory.report.history_facts import CHANGED, known_of
from inventory.report.palette import STATUS_TONES, TONES
from inventory.schema import derived
from inventory.schema.derived import BREAKDOWN, COVERAGE, HINTS
from inventory.tables import build, column_of, rows, table_of, total_of, values

if TYPE_CHECKING:
    from inventory.report.facts import Report

TITLES = {"observations": "Observations", "models": "Models", "instances": "Instances"}
"""The sheets that a snapshot is read back from, by table; they have the table's columns, and may have more."""

OLDER_TITLES = {"observations": "Evidence"}
"""What these sheets were called before."""

LIVES = tuple(column for column in derived.LIFECYCLE.columns if column.name in ("first_seen", "last_loaded"))
"""The columns of the models that a history tells."""

_NAME = 28  # columns of a name in a chart
_LABEL = schema.Column("label", schema.TEXT, "The name as the charts show it, shortened.")

_WORDED = (
    schema.Column("what", schema.TEXT, "What changed, in words: the model, an instance, or a field."),
    schema.Column("before", schema.TEXT, "What it was, in words."),
    schema.Column("after", schema.TEXT, "What it is, in words."),
    schema.Column("size_difference", schema.INTEGER, "Bytes that it takes more than before.", "bytes more"),
    *(column for column in HINTS.columns if column.name == "hint"),
    schema.Column(
        "seen_in_run",
        schema.TEXT,
        "The newest run that saw the change; empty without a history.",
    ),
)
_CHANGES_FIRST = (
    *("change", "server", "display_name", "what", "before", "after", "size_difference"),
    *("key", "instance_id", "seen_in_run"),
)
_WORDS = ("what", "before", "after", "hint")
_CHANGES_HELPERS = ("grain", "field", "old", "new")
_CHANGES = in_reading_order(
    replace(schema.CHANGES, columns=(*schema.CHANGES.columns, *_WORDED)), _CHANGES_FIRST, _CHANGES_HELPERS
)

_RUNS_HELPERS = ("state_model_count", "size_measured", "size_incomplete", "label")
_RUNS = in_reading_order(
    replace(
        derived.RUNS,
        columns=(
            *derived.RUNS.columns,
            schema.Column("state_model_count", schema.INTEGER, "Models of the state after the run.", "models"),
            schema.Column(
                "size_measured", schema.INTEGER, "Size of the state after the run, if it read a server.", "bytes"
            ),
            schema.Column("size_incomplete", schema.INTEGER, "The same, if it did not read every server.", "bytes"),
            _LABEL,
        ),
    ),
    ("collected_at", "status"),
    ("unread", "error", "run_id", *_RUNS_HELPERS),
)
_BREAKDOWN = replace(BREAKDOWN, columns=(*BREAKDOWN.columns, _LABEL))
_SERVERS = in_reading_order(
    derived.SERVERS,
    ("server", "status", "last_read", "days_silent", "model_count", "instance_count", "size_bytes"),
    ("first_read", "last_asked", "url", "error", "labels"),
)
_CARDS_ONLY = ("run_id", "stored_in", "payload_digest", "digest", "labels", "state_of", "tool_version")
"""Columns of the observations that are printed in the cards of the sheet Evidence."""

_ADDED = replace(
    schema.OBSERVATIONS,
    columns=(
        schema.Column("payload_bytes", schema.INTEGER, "Length of the body as received.", "B"),
        schema.Column("not_compared", schema.TEXT, "Why it was not compared, if it was not."),
        schema.Column("last_read", schema.TIME, "If not compared: when it was last read completely.", "UTC"),
        schema.Column("state_of", schema.TEXT, "The run whose state the workbook holds; empty for one run."),
        schema.Column("tool_version", schema.TEXT, "The version of lms-inventory that wrote this workbook."),
    ),
)
"""The columns that the sheet of the observations has beside theirs."""

_OBSERVATIONS = in_reading_order(
    replace(schema.OBSERVATIONS, columns=(*schema.OBSERVATIONS.columns, *_ADDED.columns)),
    ("server", "status"),
    _CARDS_ONLY,
)
READ = {
    "observations": _OBSERVATIONS,
    **{table.name: replace(table, columns=(*table.columns, *LIVES)) for table in schema.GRAIN_TABLES.values()},
}
"""The columns that this tool gives the sheets that are read back, beside the labels of the servers."""

_DICTIONARY = schema.Table(
    "dictionary",
    "one column of one sheet",
    (
        schema.Column("sheet", schema.TEXT, "The sheet.", key=True),
        schema.Column("column", schema.TEXT, "The column.", key=True),
        schema.Column("name", schema.TEXT, "Its name in CSV, Parquet, pandas and queries."),
        schema.Column("type", schema.TEXT, "What a cell holds."),
        schema.Column("unit", schema.TEXT, "The unit of a number; times are in UTC."),
        schema.Column("json_path", schema.TEXT, "Where LM Studio's answer has it; empty for what this tool adds."),
        schema.Column("meaning", schema.TEXT, "What it means. An empty cell means: not reported."),
    ),
)

_SIGN_OFF = schema.Table(
    "sign_off",
    "one line to sign",
    (
        schema.Column("item", schema.TEXT, "What is confirmed, or who confirms it.", key=True),
        schema.Column("value", schema.TEXT, "Its value; empty for what is filled in by hand."),
    ),
)


def sheets_of(report: "Report") -> list[Sheet]:
    """Make the data sheets of a run, in their order; of a snapshot of one grain only that one."""
    snapshot = report.snapshot
    sheets = [
        _grain(report, grain, snapshot.tables[table.name])
        for grain, table in schema.GRAIN_TABLES.items()
        if grain in snapshot.grains
    ]
    sheets += [_servers(report), *_findings(report), _changes(report), _runs(report), _breakdown(report)]
    sheets += [_observations(report), *_period(report)]
    return [*sheets, _dictionary(sheets)]


def _grain(report: "Report", grain: str, content: pa.Table) -> Sheet:
    table = schema.GRAIN_TABLES[grain]
    further, content = _with_labels(report, content)
    lives = report.history_facts.lives
    if grain == "model" and lives is not None and lives.num_rows:
        further = (*further, *LIVES)
        known = known_of(content, lives, ("server", "key"), [column.name for column in LIVES])
        content = pa.table([*content.columns, *known.columns], [*content.column_names, *known.column_names])
    shown = in_reading_order(replace(table, columns=(*table.columns, *further)))
    empty = "no model is loaded" if grain == "instance" and report.models else _no_models(report)
    return Sheet(TITLES[table.name], shown, content, 2, hidden=hidden_in(shown, content), empty=empty, unprinted=LAST)


def _with_labels(report: "Report", content: pa.Table) -> tuple[tuple[schema.Column, ...], pa.Table]:
    """Add a column for each label that a server has to rows that have servers; return the columns beside."""
    labels = {row["server"]: labels_in(row["labels"]) for row in report.servers}
    columns = label_columns(label_names(labels.values()))
    servers = values(content, "server") if columns else []
    for column in columns:
        cells = [labels.get(server, {}).get(column.name.removeprefix(LABEL)) for server in servers]
        content = content.append_column(column.name, column_of(schema.TEXT, cells))
    return columns, content


def _no_models(report: "Report") -> str:
    return "the servers have no models" if report.snapshot.anything_read else "no server was read"


def _servers(report: "Report") -> Sheet:
    further, content = _with_labels(report, table_of(derived.SERVERS, report.server_rows))
    shown = replace(_SERVERS, columns=(*_SERVERS.columns[:-5], *further, *_SERVERS.columns[-5:]))
    hidden = hidden_in(shown, content, ("labels",))
    return Sheet("Servers", shown, content, 1, "status", STATUS_TONES, hidden, "no server was asked")


def _findings(report: "Report") -> list[Sheet]:
    """Make the sheet of the findings, in words first; without rules there is none."""
    if report.findings is None:
        return []
    content = table_of(WORDED, report.findings.worded)
    empty = "everything that was read complies with the rules"
    hidden = hidden_in(WORDED, content)
    unprinted = WORDED.names[PRINTED:]
    return [Sheet("Findings", WORDED, content, 4, "outcome", FINDING_TONES, hidden, empty, unprinted)]


def _changes(report: "Report") -> Sheet:
    shown = table_of(_CHANGES, [])
    if report.changes and report.all_changes:
        lines = report.all_changes.lines
        if len(lines) < report.changes.table.num_rows:  # some follow from others
            lines = describe_changes(report.changes, all_fields=True).lines
        seen, changes = report.history_facts.seen, report.changes.table
        words = {name: [getattr(kind, name) or None for kind in lines.kinds] for name in _WORDS}
        words["size_difference"] = [total_of([kind.size_difference]) for kind in lines.kinds]
        words["seen_in_run"] = [None] * len(lines.kinds)
        worded = build(replace(_CHANGES, columns=_WORDED), words).take(integers(lines.numbers))
        columns = {name: table.column(name) for table in (changes, worded) for name in table.column_names}
        if seen:
            columns["seen_in_run"] = known_of(changes, seen, CHANGED, ["run_id"]).column("run_id")
        shown = pa.table({name: columns[name] for name in _CHANGES.names})
    hidden = hidden_in(_CHANGES, shown, _CHANGES_HELPERS)
    note = report.what_changed.note
    return Sheet("Changes", _CHANGES, shown, 3, "change", TONES, hidden, note[:1].lower() + note[1:])


def _runs(report: "Report") -> Sheet:
    days = [run.collected_at.date() for run in report.trend.runs if run.collected_at]
    shown = "{:%d %b}" if len(set(days)) == len(days) else "{:%d %b %H:%M}"
    content = []
    for row, run in zip(report.runs, report.trend.runs, strict=True):
        label = shown.format(run.collected_at) if run.collected_at else None
        sizes = {
            "size_measured": run.size_bytes if run.measured else None,
            "size_incomplete": None if run.complete else run.size_bytes,
        }
        unread = row["unread"] if row["unread"] != "[]" else None
        content.append({**row, **sizes, "unread": unread, "state_model_count": run.model_count, "label": label})
    shown = table_of(_RUNS, content)
    hidden = hidden_in(_RUNS, shown, _RUNS_HELPERS)
    return Sheet("Runs", _RUNS, shown, 2, "status", STATUS_TONES, hidden, "the report was made without a history")


def _breakdown(report: "Report") -> Sheet:
    content = [{**row, "label": short(group_label(row["name"]), _NAME)} for row in report.breakdown]
    shown = table_of(_BREAKDOWN, content)
    hidden = hidden_in(_BREAKDOWN, shown, ("label",))
    return Sheet("Breakdown", _BREAKDOWN, shown, 2, hidden=hidden, empty=_no_models(report))


def _observations(report: "Report") -> Sheet:
    observed, names = report.snapshot.tables["observations"], report.server_names
    skipped = {row["server"]: row for row in rows(report.changes.skipped)} if report.changes else {}
    sizes = {server: len(body) for server, body in report.snapshot.payloads.items()}
    more: dict[str, list[Any]] = {
        "payload_bytes": [sizes.get(name) for name in names],
        "not_compared": [skipped.get(name, {}).get("reason") for name in names],
        "last_read": [skipped.get(name, {}).get("last_read") for name in names],
        "state_of": [report.snapshot.state_of or None] * len(names),
        "tool_version": [VERSION] * len(names),
    }
    added = build(_ADDED, more)
    shown = pa.table([*observed.columns, *added.columns], [*observed.column_names, *added.column_names])
    hidden = hidden_in(_OBSERVATIONS, shown, ("labels",))
    return Sheet(
        "Observations", _OBSERVATIONS, shown, 2, "status", STATUS_TONES, hidden, "no server was asked", _CARDS_ONLY
    )


def _period(report: "Report") -> list[Sheet]:
    """Make the sheets Coverage and Sign-off; none for a report that is not of a period."""
    period = report.period
    if period is None:
        return []
    coverage = period.coverage
    lines = table_of(_SIGN_OFF, [{"item": item, "value": value or None} for item, value in period.sign_off])
    return [
        Sheet(period.title, COVERAGE, coverage, 1, empty="no server was asked"),
        Sheet(period.sign_off_title, _SIGN_OFF, lines, 1),
    ]


def _dictionary(sheets: list[Sheet]) -> Sheet:
    content = [
        {
            "sheet": sheet.title,
            "column": head,
            "name": column.name,
            "type": column.kind,
            "unit": column.unit or None,
            "json_path": column.path or None,
            "meaning": column.meaning,
        }
        for sheet in sheets
        for column, head in zip(sheet.table.columns, sheet.heads, strict=True)
    ]
    return Sheet("Dictionary", _DICTIONARY, table_of(_DICTIONARY, content), 2)
