"""The limits of the tool, for the table in ``inventory/manual/security.md``: what they hold is read from the code.

A limit is a constant in the package. ``tests/test_generated.py`` finds every constant that is called a limit there, and
fails when one of them is missing here.
"""

from importlib import import_module
from operator import attrgetter
from typing import NamedTuple


class Limit(NamedTuple):
    """A row of the table.

    Attributes:
        what: what is limited.
        where: the module in ``inventory`` and the constant, as ``module:NAME``; of a tuple several, one a place.
        text: how their values are shown, as ``str.format`` has it; ``MiB`` and ``KiB`` divide.
        usual: what a real inventory has.
        stops: what the limit prevents.
    """

    what: str
    where: str
    text: str
    usual: str
    stops: str


_MEMORY = "Filling the memory."

LIMITS = {
    "A response": (
        Limit("bytes of a body", "sources:BODY_LIMIT", "{MiB}", "some dozen KiB", _MEMORY),
        Limit(
            "the same with an emoji in it",
            "sources:WIDE_LIMIT",
            "{MiB}",
            "some dozen KiB",
            "One such character makes all of a text take four bytes each.",
        ),
        Limit(
            "values in a body",
            "sources:PARTS_LIMIT",
            "{0:,}",
            "some thousands; 10,000 models have fewer",
            "Few bytes that take long to parse.",
        ),
        Limit("levels of nesting", "normalize.strict_json:MAX_DEPTH", "{0}", "6", "Exhausting the stack."),
        Limit(
            "names in one object",
            "normalize.strict_json:MAX_NAMES",
            "{0:,}",
            "some two dozen",
            "Each name would become a field of its own.",
        ),
        Limit(
            "digits of a whole number",
            "normalize.strict_json:MAX_DIGITS",
            "{0:,}",
            "12",
            "Numbers that take long to read.",
        ),
        Limit(
            "characters of all unknown names",
            "normalize.flatten:_NAMING,_NAMING_EACH",
            "{0:,}, and {1} for each row",
            "some hundred per row",
            "Names repeated in the rows of instances and changes: memory squared.",
        ),
        Limit(
            "unknown fields that are compared one by one; of more, those of a row are compared as one",
            "diff.extras:UNKNOWN_FIELDS",
            "{0:,}",
            "about a dozen",
            "Servers that use ids as names: a change for each, and all names in memory.",
        ),
        Limit(
            "bytes of the headers before a body",
            "sources._network:_HEAD_LIMIT",
            "{KiB}",
            "200 bytes",
            "Headers without end.",
        ),
        Limit(
            "interim responses (1xx) before it",
            "sources._network:_INTERIM_LIMIT",
            "{0}",
            "0",
            "One server that keeps all others waiting.",
        ),
    ),
    "Settings": (
        Limit("seconds of `--timeout`", "config.spec:TIMEOUT.most", "{0:,.0f}", "10", "A run that never ends."),
        Limit(
            "servers queried at the same time",
            "config.spec:CONCURRENCY.most",
            "{0:,.0f}",
            "64",
            "Running out of sockets.",
        ),
        Limit("bytes of a saved response", "sources.file:FILE_LIMIT", "{MiB}", "some dozen KiB", _MEMORY),
        Limit(
            "bytes of `inventory.toml` or a list of servers", "config.text_input:LIMIT", "{MiB}", "some KiB", _MEMORY
        ),
        Limit("bytes of a token file", "config.credentials:_LIMIT", "{KiB}", "35 bytes", "The wrong file."),
        Limit(
            "bytes of `ca_file`",
            "sources._connections:_CA_LIMIT",
            "{MiB}",
            "200 KiB for all public authorities",
            "The wrong file.",
        ),
        Limit(
            "characters of a host, of a zone in it",
            "config.addresses:_HOST_LIMIT,_ZONE_LIMIT",
            "{0}, {1}",
            "20; 5",
            "Addresses that no server can have.",
        ),
    ),
    "A file given to `diff` or `show`": (
        Limit(
            "bytes of its rows in memory",
            "formats._limits:TABLE_LIMIT",
            "{MiB}",
            "25 MiB for 100,000 models",
            "Filling the memory; keep larger fleets in a history.",
        ),
        Limit(
            "the same, in proportion to the file",
            "formats._limits:_ALWAYS,_RATIO",
            "{MiB}, or {1:,} times its size",
            "up to 100 times",
            "Decompression bombs.",
        ),
        Limit("bytes of the file", "formats._limits:FILE_LIMIT", "{MiB}", "less than its rows", _MEMORY),
        Limit(
            "Parquet: bytes that a page unpacks to",
            "formats.parquet.page_headers:PAGE_LIMIT",
            "{MiB}",
            "1 MiB, or one value",
            "Decompression bombs.",
        ),
        Limit(
            "Parquet: pages", "formats.parquet.page_headers:_PAGES", "{0:,}", "some dozen", "Few bytes that take long."
        ),
        Limit(
            "Parquet: bytes of the footer",
            "formats.parquet.page_headers:FOOTER_LIMIT",
            "{MiB}",
            "some hundred per server",
            _MEMORY,
        ),
        Limit(
            "Parquet: values in the metadata of the file",
            "formats.parquet:_PARTS",
            "{0:,}",
            "some dozen per server",
            "Few bytes that take long to parse.",
        ),
        Limit(
            "Excel: bytes that it unpacks to",
            "formats.xlsx.reader:_UNPACKED,_UNPACKED_RATIO,_UNPACKED_MOST",
            "{MiB}, or {1} times its size, at most {2MiB}",
            "5 times",
            "Decompression bombs.",
        ),
        Limit(
            "Excel: elements of a part",
            "formats.xlsx.reader:_ELEMENTS,_ELEMENTS_RATIO,_ELEMENTS_MOST",
            "{0:,}, or {1} per packed byte, at most {2:,} in all",
            "4,000,000 for 100,000 models",
            "Few bytes that take long to parse.",
        ),
        Limit("Excel: different names of elements", "formats.xlsx.reader:_NAMES", "{0:,}", "some hundred", _MEMORY),
        Limit(
            "Excel: characters of all shared texts",
            "formats.xlsx.reader:_CHARACTERS",
            "{0:,}",
            "0; other programs have some thousands",
            _MEMORY,
        ),
        Limit("Excel: parts", "formats.xlsx.reader:_ENTRIES", "{0:,}", "some 40", "Few bytes that take long."),
        Limit("Excel: characters of a cell", "formats.xlsx.reader:_CELL", "{0:,}", "32,767 at most", _MEMORY),
        Limit(
            "Excel: columns that are read",
            "formats.xlsx.reader:_COLUMNS,_KEPT",
            "{1} of {0:,}",
            "30",
            "A cell far to the right, which stands for thousands of empty ones.",
        ),
        Limit(
            "CSV from other programs: rows",
            "formats.csv.foreign:_ROWS",
            "{0:,}",
            "some hundred",
            "A slow reader that takes long.",
        ),
        Limit(
            "CSV from other programs: characters of a line",
            "formats.csv.foreign:_LINE",
            "{0:,}",
            "some hundred",
            _MEMORY,
        ),
        Limit("CSV: bytes of the header", "formats.csv.sniff:_HEADER_LIMIT", "{KiB}", "500 bytes", "The wrong file."),
    ),
    "A file that is written": (
        Limit(
            "Excel: rows of a sheet, the header included",
            "formats.xlsx:ROW_LIMIT",
            "{0:,}",
            "some hundred",
            "A workbook that Excel cuts off.",
        ),
        Limit(
            "Excel: characters of a cell; the rest continues on the sheet LongTexts",
            "formats.xlsx.cells:CELL_LIMIT",
            "{0:,}",
            "some hundred",
            "Texts that Excel cuts off.",
        ),
    ),
}
"""The rows of the table, in sections."""


def values(limit: Limit) -> list[float]:
    """Return the values of a limit's constants, as the code has them."""
    module, _, names = limit.where.partition(":")
    return [attrgetter(name)(import_module(f"inventory.{module}")) for name in names.split(",")]


def value_text(limit: Limit) -> str:
    """Return the values of a limit as the table shows them."""
    numbers = values(limit)
    text = limit.text
    for index, number in enumerate(numbers):
        for unit, size in (("MiB", 2**20), ("KiB", 2**10)):
            for mark in (f"{{{index}{unit}}}", *([f"{{{unit}}}"] if index == 0 else [])):
                text = text.replace(mark, f"{number / size:g} {unit}")
    return text.format(*numbers)
