"""Options of ``schedule``: when, what and where to."""

import click

from inventory.cli._options import PATH, option
from inventory.schedules import DEFAULT_AT, PERIODS

at_option = option(
    "Schedule", "--at", "clocks", metavar="HH:MM", multiple=True,
    help=f"Run daily at this local time. Repeatable. Default: {DEFAULT_AT}.",
)  # fmt: skip
every_option = option(
    "Schedule",
    "--every",
    metavar="TIME",
    help="Run at this interval instead, counted from midnight: 15m, 1h, 6h or 1d.",
)
report_option = option(
    "Schedule",
    "--report",
    "period",
    type=click.Choice(PERIODS),
    help="Report the last month or week, on the first day of the next, instead of taking snapshots; to the files of -o "
    "or of [report] output. Default time: 07:00.",
)
install_option = option(
    "Schedule", "--install", metavar="DIR", type=PATH, help="Write the files into DIR instead of printing them."
)
name_option = option(
    "Schedule", "--name", default="lms-inventory", show_default=True, help="Name of the schedule and of its files."
)
