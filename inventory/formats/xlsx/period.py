"""The sheets that only the report of a period has: how much of it was read, and the block that a reviewer signs."""

from typing import TYPE_CHECKING

from inventory import schema
from inventory.formats.xlsx.sheets import Sheet
from inventory.schema.derived import COVERAGE
from inventory.tables import table_of

if TYPE_CHECKING:
    from inventory.report.facts import Report

_SIGN_OFF = schema.Table(
    "sign_off",
    "one line to sign",
    (
        schema.Column("item", schema.TEXT, "", "What is confirmed, or who confirms it.", key=True),
        schema.Column("value", schema.TEXT, "", "Its value; empty for what is filled in by hand."),
    ),
)


def period_sheets(report: "Report") -> list[Sheet]:
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
