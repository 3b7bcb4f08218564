"""The contents of the data sheets of a workbook: the tables, and beside them what people ask next."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inventory import schema
from inventory.about import VERSION
from inventory.formats.xlsx.cells import short
from inventory.formats.xlsx.sheets import Sheet
from inventory.report.breakdowns import group_label
from inventory.report.findings import PRINTED, WORDED
from inventory.report.findings import TONES as FINDING_TONES
from inventory.report.palette import STATUS_TONES, TONES
from inventory.schema import derived
from inventory.schema.derived import BREAKDOWN, HINTS
from inventory.tables import rows, table_of, total_of

if TYPE_CHECKING:
    from inventory.report.facts import Report

TITLES = {"observations": "Evidence", "models": "Models", "instances": "Instances"}
"""The sheets that a snapshot is read back from, by table; they have the table's columns, and may have more."""

_NAME = 28  # columns of a name in a chart
_LABEL = schema.Column("label", schema.TEXT, "", "The name as the charts show it, shortened.")

_CHANGES_FIRST = ("change", "server", "display_name")
_WORDED = (
    schema.Column("what", schema.TEXT, "", "What changed, in words: the model, an instance, or a field."),
    schema.Column("before", schema.TEXT, "", "What it was, in words."),
    schema.Column("after", schema.TEXT, "", "What it is, in words."),
    schema.Column("size_difference", schema.INTEGER, "", "Bytes that it takes more than before.", "bytes more"),
    *(column for column in HINTS.columns if column.name == "hint"),
)
_CHANGES = replace(
    schema.CHANGES,
    columns=(
        *(column for name in _CHANGES_FIRST for column in schema.CHANGES.columns if column.name == name),
        *_WORDED,
        *(column for column in schema.CHANGES.columns if column.name not in _CHANGES_FIRST),
    ),
)
_PRINTED = _CHANGES.names.index("ordinal")  # what follows is for machines

_RUNS = replace(
    derived.RUNS,
    columns=(
        *derived.RUNS.columns,
        schema.Column("state_model_count", schema.INTEGER, "", "Models of the state after the run.", "models"),
        schema.Column(
            "size_measured", schema.INTEGER, "", "Size of the state after the run, if it read a server.", "bytes"
        ),
        schema.Column("size_incomplete", schema.INTEGER, "", "The same, if it did not read every server.", "bytes"),
        _LABEL,
    ),
)
_BREAKDOWN = replace(BREAKDOWN, columns=(*BREAKDOWN.columns, _LABEL))
_EVIDENCE = replace(
    schema.OBSERVATIONS,
    columns=(
        *schema.OBSERVATIONS.columns,
        schema.Column("payload_bytes", schema.INTEGER, "", "Length of the body as received.", "B"),
        schema.Column("not_compared", schema.TEXT, "", "Why it was not compared, if it was not."),
        schema.Column("last_read", schema.TIME, "", "If not compared: when it was last read completely.", "UTC"),
        schema.Column("state_of", schema.TEXT, "", "The run whose state the workbook holds; empty for one run."),
        schema.Column("tool_version", schema.TEXT, "", "The version of lms-inventory that wrote this workbook."),
    ),
)
EVIDENCE_NAMES = _EVIDENCE.names
"""The columns of the sheet of observations, which has more than their table."""

_DICTIONARY = schema.Table(
    "dictionary",
    "one column of one sheet",
    (
        schema.Column("sheet", schema.TEXT, "", "The sheet.", key=True),
        schema.Column("column", schema.TEXT, "", "The column, with the same name in CSV and Parquet.", key=True),
        schema.Column("type", schema.TEXT, "", "What a cell holds."),
        schema.Column("unit", schema.TEXT, "", "The unit of a number; times are in UTC."),
        schema.Column("json_path", schema.TEXT, "", "Where LM Studio's answer has it; empty for what this tool adds."),
        schema.Column("meaning", schema.TEXT, "", "What it means. An empty cell means: not reported."),
    ),
)


def sheets_of(report: "Report") -> list[Sheet]:
    """Make the data sheets of a run, in their order; of a snapshot of one grain only that one."""
    snapshot = report.snapshot
    sheets = [
        _grain(grain, snapshot.tables[table.name])
        for grain, table in schema.GRAIN_TABLES.items()
        if grain in snapshot.grains
    ]
    sheets += _findings(report)
    sheets += [_changes(report), _runs(report), _breakdown(report), _evidence(report)]
    return [*sheets, _dictionary(sheets)]


def _grain(grain: str, content: Any) -> Sheet:
    table = schema.GRAIN_TABLES[grain]
    empty = content.num_rows and [
        column.name for column in table.columns if content.column(column.name).null_count == content.num_rows
    ]
    return Sheet(TITLES[table.name], table, content, frozen=2, folded=tuple(empty or ()))


def _findings(report: "Report") -> list[Sheet]:
    """Make the sheet of the findings, in words first; without rules there is none."""
    if report.findings is None:
        return []
    content = table_of(WORDED, report.findings.worded)
    return [Sheet("Findings", WORDED, content, 4, "outcome", FINDING_TONES, printed=PRINTED)]


def _changes(report: "Report") -> Sheet:
    content: list[dict[str, Any]] = []
    if report.changes and report.all_changes:
        for row, line in zip(rows(report.changes.table), report.all_changes.lines, strict=True):
            words = {"what": line.what, "before": line.before, "after": line.after, "hint": line.hint}
            cells = {name: text or None for name, text in words.items()}
            content.append({**row, **cells, "size_difference": total_of([line.size_difference])})
    return Sheet("Changes", _CHANGES, table_of(_CHANGES, content), 3, "change", TONES, printed=_PRINTED)


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
        content.append({**row, **sizes, "state_model_count": run.model_count, "label": label})
    return Sheet("Runs", _RUNS, table_of(_RUNS, content), 2, "status", STATUS_TONES)


def _breakdown(report: "Report") -> Sheet:
    content = [{**row, "label": short(group_label(row["name"]), _NAME)} for row in report.breakdown]
    return Sheet("Breakdown", _BREAKDOWN, table_of(_BREAKDOWN, content), 2)


def _evidence(report: "Report") -> Sheet:
    skipped = {row["server"]: row for row in rows(report.changes.skipped)} if report.changes else {}
    content = []
    for row in report.servers:
        body, reason = report.snapshot.payloads.get(row["server"]), skipped.get(row["server"])
        more = {
            "payload_bytes": None if body is None else len(body),
            "not_compared": reason["reason"] if reason else None,
            "last_read": reason["last_read"] if reason else None,
            "state_of": report.snapshot.state_of or None,
            "tool_version": VERSION,
        }
        content.append(row | more)
    return Sheet("Evidence", _EVIDENCE, table_of(_EVIDENCE, content), 2, "status", STATUS_TONES)


def _dictionary(sheets: list[Sheet]) -> Sheet:
    content = [
        {
            "sheet": sheet.title,
            "column": column.name,
            "type": column.kind,
            "unit": column.unit or None,
            "json_path": column.path or None,
            "meaning": column.meaning,
        }
        for sheet in sheets
        for column in sheet.table.columns
    ]
    return Sheet("Dictionary", _DICTIONARY, table_of(_DICTIONARY, content), 2)
