"""Conditions on rows, such as ``size>10GB``: parsed, and applied to the rows of a snapshot."""

import json
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any
from unicodedata import normalize

import pyarrow as pa

from inventory import schema
from inventory.columns import row_numbers, rows_where
from inventory.errors import ConfigurationError, did_you_mean
from inventory.history.selectors import span_of
from inventory.report.row_tables import is_number
from inventory.tables import RunTables, arrow_schema, conformed

OPERATORS = ("=", "!=", "<", "<=", ">", ">=")

ALIASES = {
    "size": ("size_bytes",),
    "params": ("params_count",),
    "quant": ("quantization_name",),
    "context": ("config_context_length", "max_context_length"),
    "loaded": ("loaded_instance_count",),
}
"""Short names of columns; of several, the first one that the table has."""

_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_MISSPELT = {"==": "=", "=>": ">=", "=<": "<=", "<>": "!=", "=!": "!=", "~": "=", "=~": "=", "!~": "!="}
_PARTS = re.compile(r"([^=<>!~]*)([=<>!~]+)(.*)", re.DOTALL)
_NUMBER = re.compile(r"([+-]?(?:[0-9][0-9,_]{0,29})?(?:\.[0-9]{1,29})?)\s*([a-z]*)")

_DECIMAL = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
_BYTES = {"": 1, "b": 1} | {
    letter + ending: base**power
    for power, letter in enumerate("kmgt", 1)
    for ending, base in (("", 1000), ("b", 1000), ("ib", 1024))
}
_UNITS = {
    "bytes": (_BYTES, "a size such as 10GB, 500MB or 4GiB"),
    "parameters": (_DECIMAL, "a number of parameters such as 7B or 350M"),
    "tokens": ({"": 1, "k": 1024, "m": 1024**2}, "a number of tokens such as 131072 or 128k"),
}
_PLAIN = ({"": 1}, "a number")
_BOOLEANS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


@dataclass(frozen=True)
class RowFilter:
    """A condition on the rows of a table.

    Attributes:
        text: as the user wrote it.
        column: the column it is about.
        matches: tells whether a value of the column meets it.
    """

    text: str
    column: str
    matches: Callable[[Any], bool]


def parse_filters(texts: Iterable[str], grain: str) -> list[RowFilter]:
    """Parse conditions on the rows of a grain.

    Texts compare without regard to case, with ``*`` and ``?`` as wildcards; a list matches if one of its items does.
    A value that was not reported matches only ``=null``.

    Raises:
        ConfigurationError: one is no condition, or its column, operator or value does not fit; the error names the
            nearest column or operator.
    """
    return [_parse(text, schema.GRAIN_TABLES[grain]) for text in texts]


def column_named(name: str, table: schema.Table) -> schema.Column:
    """Return the column that a name or an alias means.

    Raises:
        ConfigurationError: there is none; the error names the nearest one, and those that exist.
    """
    columns, word = table.by_name, name.strip().lower()
    for candidate in (word, *ALIASES.get(word, ())):
        if candidate in columns:
            return columns[candidate]
    near = did_you_mean(word, [*(alias for alias, names in ALIASES.items() if {*names} & columns.keys()), *columns])
    raise ConfigurationError(
        f"{table.name} have no column {name!r}", f"{near} There are: {', '.join(columns)}".lstrip()
    )


def filter_tables(snapshot: RunTables, filters: Sequence[RowFilter], grain: str) -> RunTables:
    """Return the rows that meet all conditions: models with their loaded instances, or instances with their models.

    Args:
        snapshot: the state or run; what is known about its servers stays.
        filters: conditions on the rows of the grain.
        grain: model or instance.
    """
    if not filters:
        return snapshot
    name = schema.GRAIN_TABLES[grain].name
    matching = snapshot.tables[name]
    for each in filters:
        matching = matching.filter(rows_where(matching, each.column, each.matches))
    others = {
        table.name: _of_models(snapshot.tables[table.name], matching)
        for table in schema.GRAIN_TABLES.values()
        if table.name != name
    }
    return replace(snapshot, tables={**snapshot.tables, **others, name: matching})


def _of_models(table: pa.Table, models: pa.Table) -> pa.Table:
    """Return the rows of a table that are about the same models as those of another."""
    from pyarrow import compute  # takes a while to import

    keys = pa.schema([arrow_schema(schema.MODELS).field(name) for name in schema.MODELS.keys])
    numbers = row_numbers(pa.concat_tables([conformed(part.select(keys.names), keys) for part in (models, table)]))
    return table.filter(compute.is_in(numbers[models.num_rows :], numbers[: models.num_rows].unique()))


def _parse(text: str, table: schema.Table) -> RowFilter:
    parts = _PARTS.fullmatch(text)
    if parts is None or not parts[1].strip():
        raise ConfigurationError(
            f"--filter {text!r} is not a condition",
            "Write COLUMN, one of = != < <= > >=, and a value, all in quotes: --filter 'size>10GB'",
        )
    name, sign, value = map(str.strip, parts.groups())
    if sign not in OPERATORS:
        near = _MISSPELT.get(sign)
        known = f"There are: {' '.join(OPERATORS)}"
        raise ConfigurationError(
            f"--filter {text!r} has an unknown operator {sign!r}", f"Did you mean {near!r}? {known}" if near else known
        )
    column = column_named(name, table)
    if value.lower() == "null":
        test = _null_test(text, sign)
    else:
        test_reported = _test(text, column, sign, value)

        def test(cell: Any) -> bool:
            return cell is not None and test_reported(cell)

    return RowFilter(text.strip(), column.name, test)


def _null_test(text: str, sign: str) -> Callable[[Any], bool]:
    if sign not in ("=", "!="):
        raise ConfigurationError(f"--filter {text!r}: null is neither more nor less than a value", "Use = or !=")
    return lambda cell: (cell is None) == (sign == "=")


def _test(text: str, column: schema.Column, sign: str, value: str) -> Callable[[Any], bool]:
    """Return the test of a value that was reported."""
    if is_number(column):
        return _compared(sign, _number(text, column, value))
    if column.kind == schema.TIME:
        return _time_test(text, sign, value)
    if sign not in ("=", "!="):
        what = "yes or no" if column.kind == schema.BOOLEAN else "a text"
        raise ConfigurationError(f"--filter {text!r}: {column.name} is {what}, neither more nor less", "Use = or !=")
    wanted = sign == "="
    if column.kind == schema.BOOLEAN:
        if value.lower() not in _BOOLEANS:
            raise ConfigurationError(f"--filter {text!r}: {column.name} cannot be {value!r}", "Use yes or no")
        return lambda cell: (cell == _BOOLEANS[value.lower()]) == wanted
    pattern = _folded(value).replace("[", "[[]")
    if column.kind == schema.LIST:
        return lambda cell: any(fnmatchcase(_folded(item), pattern) for item in json.loads(cell)) == wanted
    return lambda cell: fnmatchcase(_folded(cell), pattern) == wanted


def _compared(sign: str, value: Any) -> Callable[[Any], bool]:
    if sign in _ORDERED:
        return lambda cell: _ORDERED[sign](cell, value)
    return lambda cell: (cell == value) == (sign == "=")


def _number(text: str, column: schema.Column, value: str) -> float:
    """Read a number with the units of its column; whole if it can be, so that large ones stay exact."""
    units, example = _UNITS.get(column.unit, _PLAIN)
    parts = _NUMBER.fullmatch(value.lower())
    if parts is None or not parts[1].strip("+-") or parts[2] not in units:
        raise ConfigurationError(f"--filter {text!r}: {column.name} cannot be {value!r}", f"Give {example}")
    number = Decimal(parts[1].replace(",", "").replace("_", "")) * units[parts[2]]
    return int(number) if number == int(number) else float(number)


def _time_test(text: str, sign: str, value: str) -> Callable[[Any], bool]:
    """Compare with a month, a day or a time, of which the whole minute or second counts; local unless it has a zone."""
    try:
        begin, end = span_of(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"--filter {text!r}: {error.what}", error.advice) from error
    tests: dict[str, Callable[[Any], bool]] = {
        "=": lambda cell: begin <= cell < end,
        "!=": lambda cell: not begin <= cell < end,
        "<": lambda cell: cell < begin,
        "<=": lambda cell: cell < end,
        ">": lambda cell: cell >= end,
        ">=": lambda cell: cell >= begin,
    }
    return tests[sign]


def _folded(text: str) -> str:
    """Return a text as it is compared: in Unicode's composed form, without regard to case."""
    return normalize("NFC", normalize("NFC", text).casefold())
