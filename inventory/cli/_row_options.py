"""Options about rows: which ones, in which order and columns, and how they are printed."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from inventory.cli._command import WholeNumber
from inventory.cli._options import option

FORMATS = ("table", "csv", "json", "jsonl", "md")

_Command = TypeVar("_Command", bound=Callable[..., Any])

filter_option = option(
    "Output",
    "--filter",
    "filters",
    metavar="EXPR",
    multiple=True,
    help="Only rows that meet a condition, such as 'size>10GB', 'params<=8B', 'context>=128k', 'quant=Q4*' or "
    "'publisher!=google': any column, or size, params, quant, context, loaded; one of = != < <= > >=. In texts * and "
    "? are wildcards and case does not count; 128k is 128 x 1024. What was not reported matches only '=null'. "
    "Repeatable; all conditions must hold.",
)
sort_option = option(
    "Output",
    "--sort",
    metavar="COLUMN",
    help="Sort by this column; -COLUMN sorts in descending order. Default: the largest first.",
)
columns_option = option(
    "Output", "--columns", metavar="NAME,...", help="The columns to show; of several servers, each row names its own."
)
limit_option = option("Output", "--limit", metavar="N", type=WholeNumber(min=1), help="Show the first N rows only.")
wide_option = option(
    "Output",
    "--wide",
    is_flag=True,
    help="Leave out and fold nothing, in one table that may be wider than the terminal, as in a pipe.",
)
format_option = option(
    "Output",
    "--format",
    "form",
    type=click.Choice(FORMATS, case_sensitive=False),
    help="Print a table for people (the default), CSV, JSON as --json and --jsonl do, or Markdown.",
)
_json = option(
    "Output", "--json", "as_json", flag_value="json", default=None, help="Print one JSON object and nothing else."
)
_json_lines = option(
    "Output", "--jsonl", "as_json", flag_value="jsonl", default=None, help="Print a line of JSON for each row instead."
)


def json_options(command: _Command) -> _Command:
    """Add the options that print tables as JSON; the parameter is ``json``, ``jsonl`` or None."""
    return _json(_json_lines(command))
