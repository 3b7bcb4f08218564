"""The findings of an audit for people: grouped by severity and rule, with what to do about them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from inventory import schema
from inventory.report.change_words import changed_value
from inventory.report.row_tables import RowTable
from inventory.rules.evaluate import FAIL, UNKNOWN, WAIVED, Judgement
from inventory.rules.model import SEVERITIES
from inventory.schema.derived import FINDINGS
from inventory.schema.headings import heading
from inventory.tables import Row, table_of
from inventory.text import count

TONES = {"high": "bad", "medium": "warn", "unknown": "warn"}
"""The tone of each outcome that has one, as ``palette`` calls it."""

_FIRST = ("outcome", "rule", "server", "key", "instance_id", "finding", "wanted", "since", "exception", "because")
_COLUMNS = FINDINGS.by_name | {
    "outcome": schema.Column("outcome", schema.TEXT, "The severity of a finding; unknown or waived where it is none."),
    "finding": schema.Column("finding", schema.TEXT, "What does not comply, and what the rule wants."),
    "exception": schema.Column("exception", schema.TEXT, "Who made an exception, until when, and why."),
}
WORDED = schema.Table(
    "findings",
    FINDINGS.row,
    (*(_COLUMNS[name] for name in _FIRST), *(column for column in FINDINGS.columns if column.name not in _FIRST)),
)
"""The findings with what people read in front: the columns of ``worded``."""

_IN_SHORT = tuple(
    replace(column, kind=schema.TEXT, unit="") if column.name == "since" else column
    for column in WORDED.columns[: len(_FIRST)]
    if column.name not in ("wanted", "because")
)
PRINTED = len(_FIRST)
"""How many of its first columns people read."""


@dataclass(frozen=True)
class FindingGroup:
    """The findings of one rule with the same status, on one field and with the same wish.

    Attributes:
        rule: the rule.
        severity: its severity.
        status: ``fail``, ``unknown`` or ``waived``.
        because: why there is the rule; may be empty.
        field: the column for people; empty for an expression.
        wanted: what the rule wants.
        rows: rows of ``derived.FINDINGS``.
    """

    rule: str
    severity: str
    status: str
    because: str
    field: str
    wanted: str
    rows: tuple[Row, ...]

    @property
    def to_do(self) -> str:
        """What to do about them, one sentence."""
        if self.status == UNKNOWN:
            return "Read the servers: lms-inventory check says what is wrong. Not read is not a pass."
        if self.status == WAIVED:
            return "Nothing until the exceptions end."
        if self.rows[0]["field"] == "as_of":
            return "Take a snapshot of the servers; lms-inventory check says what is wrong with one."
        if self.rows[0]["grain"] == "server":
            return "Bring the servers in line, or add a [[waiver]] with an end date."
        return "Remove or replace the models, or add a [[waiver]] with an end date."


@dataclass(frozen=True)
class FindingsSection:
    """The outcome of an audit.

    Attributes:
        groups: the findings: those that fail from the worst on, what is not known, and what is waived.
        rows: rows of ``derived.FINDINGS``: those that fail, the worst first; what is not known; what is waived.
        notes: what there is to say beside them, such as how old a pass is: a sentence each.
    """

    groups: tuple[FindingGroup, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    title = "Findings"

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of findings that fail, by severity."""
        counts = Counter(row["severity"] for row in self.rows if row["status"] == FAIL)
        return {severity: counts[severity] for severity in SEVERITIES}

    @property
    def unknown(self) -> int:
        """The number of servers of which some rule knows nothing."""
        return len({row["server"] for row in self.rows if row["status"] == UNKNOWN})

    @property
    def waived(self) -> int:
        """The number of findings with an exception that holds."""
        return sum(row["status"] == WAIVED for row in self.rows)

    @property
    def tone(self) -> str:
        """How it stands: ``bad``, ``warn`` or ``good``."""
        if self.counts["high"]:
            return "bad"
        return "warn" if any(self.counts.values()) or self.unknown else "good"

    @property
    def text(self) -> str:
        """All of it in one sentence, such as ``3 findings (1 high, 2 medium); 1 server unknown; 2 waived``."""
        total = sum(self.counts.values())
        each = ", ".join(f"{number:,} {severity}" for severity, number in self.counts.items() if number)
        parts = [f"{count(total, 'finding')} ({each})" if total else "No findings"]
        parts += [f"{count(self.unknown, 'server')} unknown"] if self.unknown else []
        return "; ".join([*parts, *([f"{self.waived:,} waived"] if self.waived else [])])

    @property
    def worded(self) -> list[Row]:
        """The findings with the columns of ``WORDED``."""
        return [
            {
                **row,
                "outcome": row["severity"] if row["status"] == FAIL else row["status"],
                "finding": finding_text(row) or None,
                "exception": exception_text(row) or None,
            }
            for row in self.rows
        ]

    @property
    def table(self) -> RowTable:
        """The findings in few columns: with what is wanted in brackets, and the day since when."""
        body = [
            {
                **row,
                "finding": f"{row['finding'] or 'Not as wanted'} ({row['wanted']})",
                "since": f"{row['since']:%Y-%m-%d}" if row["since"] else None,
            }
            if row["status"] != UNKNOWN
            else row
            for row in self.worded
        ]
        columns = [column for column in _IN_SHORT if any(row[column.name] for row in body)]
        return RowTable("findings", "", tuple(columns), table_of(schema.Table("findings", "", _IN_SHORT), body))

    @property
    def reasons(self) -> list[str]:
        """Why there are the rules that were not kept: a sentence each."""
        reasons = {group.rule: group.because for group in self.groups if group.because}
        return [f"{rule}: {because.rstrip('.')}." for rule, because in reasons.items()]


def findings_section(judgement: Judgement) -> FindingsSection:
    """Group the findings of an audit."""
    parts: dict[tuple[Any, ...], list[Row]] = {}
    order = (FAIL, UNKNOWN, WAIVED)
    unread: dict[str, Row] = {}  # A server that was not read is unknown for every rule alike.
    for row in sorted(judgement.findings, key=lambda row: order.index(row["status"])):
        if row["status"] == UNKNOWN and row["field"] == "status":
            unread.setdefault(row["server"], row)
        else:
            names = ("status", "severity", "rule", "field", "wanted")
            parts.setdefault(tuple(row[name] for name in names), []).append(row)
    if unread:
        about = {row["rule"] for row in judgement.findings if row["field"] == "status" and row["status"] == UNKNOWN}
        rule = next(iter(about)) if len(about) == 1 else count(len(about), "rule")
        parts[UNKNOWN, "", rule, "status", "a complete answer"] = [row | {"because": None} for row in unread.values()]
    groups = [
        FindingGroup(
            rule,
            severity,
            status,
            rows[0]["because"] or "",
            heading(field) if field and field != "if" else "",
            wanted or "",
            tuple(rows),
        )
        for (status, severity, rule, field, wanted), rows in parts.items()
    ]
    groups.sort(key=lambda group: order.index(group.status))
    ordered = sorted(judgement.findings, key=lambda row: order.index(row["status"]))
    return FindingsSection(tuple(groups), tuple(ordered), tuple(judgement.notes))


def value_text(row: Mapping[str, Any]) -> str:
    """Return the value of a finding for people."""
    if row["field"] is None:
        return ""
    if row["value"] is None:
        return "" if row["grain"] == "server" and row["status"] != UNKNOWN else "not reported"
    return changed_value(row["value"], row["field"]) if row["grain"] != "server" else str(row["value"])


def finding_text(row: Mapping[str, Any]) -> str:
    """Say what does not comply: ``Publisher acme``; empty for an expression."""
    if row["status"] == UNKNOWN:
        return f"not known: {row['value'] or 'no answer'}"
    name = heading(row["field"]) if row["field"] else ""
    value = value_text(row)
    if row["value"] is None and row["grain"] == "server" and name:
        return f"{name}: none"
    return f"{name} {value}".strip()


def exception_text(row: Mapping[str, Any]) -> str:
    """Say who made an exception to a finding, until when and why; empty where there is none."""
    if row["waived_until"] is None:
        return ""
    word = "until" if row["status"] == WAIVED else "expired on"
    by = f" by {row['waived_by']}" if row["waived_by"] else ""
    return f"waived {word} {row['waived_until']}{by}: {row['waived_because']}"
