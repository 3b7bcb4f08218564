"""Limits of size and effort for everything that comes from outside: servers' responses, files, configuration.

Each says what it counts, what a real inventory has, and what it stops. The security page of the manual shows them all.
"""

from typing import Self

_KIB, _MIB = 2**10, 2**20


class Limit(int):
    """A greatest allowed number, with what it means.

    Attributes:
        unit: what is counted.
        usual: how much of it a real inventory has.
        stops: what a greater number would do.
    """

    unit: str
    usual: str
    stops: str

    def __new__(cls, value: int, unit: str, *, usual: str, stops: str) -> Self:
        """Make a limit that is used like the number itself."""
        limit = super().__new__(cls, value)
        limit.unit, limit.usual, limit.stops = unit, usual, stops
        return limit


# Responses of servers.

BODY_LIMIT = Limit(16 * _MIB, "bytes of a response", usual="a few dozen KiB", stops="a response that fills the memory")
WIDE_LIMIT = Limit(
    4 * _MIB,
    "bytes of a response with emoji or other characters beyond 16 bits",
    usual="a few dozen KiB",
    stops="texts that take four bytes for each character",
)
PARTS_LIMIT = Limit(
    400_000,
    "commas and brackets in a response, and five times its objects",
    usual="some 40 for each model",
    stops="few bytes that hold much to parse",
)
MAX_DEPTH = Limit(64, "levels of nesting in JSON", usual="6", stops="a parser that runs out of stack")
MAX_NAMES = Limit(
    10_000, "names in one JSON object", usual="two dozen", stops="an explosion of fields: each becomes one of its own"
)
MAX_DIGITS = Limit(
    4_300, "digits of a whole number", usual="at most 13", stops="numbers whose conversion takes time squared"
)
NAMES_LIMIT = Limit(
    _MIB,
    "characters of the names in a response",
    usual="a few hundred for each row",
    stops="long names that stand again in the row of each instance, which takes memory squared",
)
NAMES_PER_ROW = Limit(
    256, "further characters of names for each row", usual="a few hundred", stops="the same, in a large response"
)
PARAMS_LIMIT = Limit(
    64, "characters of a parameter count, such as 8x7B", usual="at most 8", stops="a search that takes time squared"
)
UNKNOWN_FIELDS = Limit(
    1_000,
    "unknown fields compared one by one",
    usual="a dozen",
    stops="a change for each of thousands of invented fields; they are compared as one",
)

HEAD_LIMIT = Limit(
    32 * _KIB, "bytes before a response is complete up to its headers", usual="two hundred", stops="endless headers"
)

# Files that say what to do.

HOST_LIMIT = Limit(253, "characters of a host name", usual="at most 60", stops="a name that DNS cannot hold")
ZONE_LIMIT = Limit(
    32, "characters of a network interface in an address", usual="at most 15", stops="an interface that cannot be"
)
CA_LIMIT = Limit(16 * _MIB, "bytes of a CA file", usual="200 KiB", stops="the wrong file")
SAVED_LIMIT = Limit(
    512 * _MIB, "bytes of a saved response (file:)", usual="a few dozen KiB", stops="the wrong file, such as a model"
)
TEXT_LIMIT = Limit(
    16 * _MIB, "bytes of inventory.toml or a server list", usual="a few KiB", stops="the wrong file, such as a model"
)
TOKEN_LIMIT = Limit(64 * _KIB, "bytes of a token file", usual="37", stops="the wrong file")

# Inventory files that are read: CSV, Parquet, Excel.

TABLE_LIMIT = Limit(
    96 * _MIB,
    "bytes of a file's rows in memory",
    usual="25 MiB for 100,000 models",
    stops="a file that fills the memory; a history reads only what it needs",
)
FILE_LIMIT = Limit(
    4 * TABLE_LIMIT, "bytes of a file", usual="less than its rows in memory", stops="a file that fills the memory"
)
ROWS_ALWAYS = Limit(
    16 * _MIB, "bytes of rows in memory, however small the file", usual="a few MiB", stops="a decompression bomb"
)
ROWS_RATIO = Limit(
    1_000, "times its size that the rows of a larger file take", usual="at most 100", stops="a decompression bomb"
)
CELL_PARTS = Limit(
    400_000, "commas, colons and brackets in a cell of JSON", usual="a few dozen", stops="few bytes that hold much"
)
COLUMN_PARTS = Limit(
    2_000_000, "the same, in the distinct cells of a column", usual="a few thousand", stops="few bytes that hold much"
)
CSV_HEADER = Limit(64 * _KIB, "bytes of a CSV file's first line", usual="a few hundred", stops="a file that is no CSV")
CSV_LINE = Limit(4 * _MIB, "characters of a line of CSV", usual="a few thousand", stops="a quote that is never closed")
CSV_ROWS = Limit(
    200_000,
    "rows of a CSV file that another program wrote",
    usual="as many as there are models",
    stops="hours of reading: this way takes twenty times as long",
)
PARQUET_TEXTS = Limit(
    TABLE_LIMIT, "bytes of a Parquet file's texts in memory", usual="20 MiB for 100,000 models", stops="repeated texts"
)
PARQUET_PAGE = Limit(
    48 * _MIB, "bytes that a Parquet page unpacks to", usual="1 MiB, or a single value", stops="a decompression bomb"
)
PARQUET_PAGES = Limit(100_000, "pages of a Parquet file", usual="a few dozen", stops="hours of reading headers")
PARQUET_FOOTER = Limit(
    16 * _MIB,
    "bytes of a Parquet footer",
    usual="a few hundred for each server",
    stops="a footer that fills the memory",
)
PARQUET_ITEMS = Limit(
    100_000, "items of a list in a Parquet footer", usual="a few hundred", stops="a list that fills the memory"
)
PARQUET_PARTS = Limit(
    1_000_000,
    "values in the observations that a Parquet footer holds",
    usual="a few dozen for each server",
    stops="few bytes that hold much to parse",
)
WORKBOOK_ALWAYS = Limit(
    2 * _MIB,
    "bytes a workbook unpacks to, however small it is",
    usual="a few hundred KiB",
    stops="a decompression bomb",
)
WORKBOOK_RATIO = Limit(
    50, "times its size that a larger workbook unpacks to", usual="at most 20", stops="a decompression bomb"
)
WORKBOOK_LIMIT = Limit(
    128 * _MIB, "bytes that any workbook unpacks to", usual="100 MiB for 100,000 models", stops="a decompression bomb"
)
WORKBOOK_PARTS = Limit(10_000, "files in a workbook", usual="a few dozen", stops="a directory that fills the memory")
PART_ELEMENTS = Limit(
    200_000, "XML elements of a part, however small it is", usual="a few thousand", stops="few bytes that hold much"
)
PART_RATIO = Limit(
    3, "elements for each 2 packed bytes of a larger part", usual="1", stops="few bytes that hold much to parse"
)
WORKBOOK_ELEMENTS = Limit(
    5_000_000, "XML elements of a workbook", usual="4 million for 100,000 models", stops="hours of parsing"
)
XML_NAMES = Limit(
    10_000, "different names of XML elements", usual="a few hundred", stops="names that the parser never forgets"
)
SHARED_TEXTS = Limit(
    32 * _MIB, "characters of a workbook's shared texts", usual="10 MiB for 100,000 models", stops="filling the memory"
)
CELL_TEXT = Limit(_MIB, "characters of a cell", usual="Excel has room for 32,767", stops="a cell that fills the memory")
SHEET_COLUMNS = Limit(
    16_384, "the number of a cell's column", usual="at most 40", stops="a cell that Excel itself cannot have"
)
READ_COLUMNS = Limit(
    64, "columns that are read of a sheet", usual="at most 40", stops="a cell far right that stands for empty ones"
)

# Queries.

QUERY_MEMORY = Limit(
    4 * 2**30, "bytes that a query may use", usual="300 MiB for a million models", stops="a query that fills the memory"
)

LIMITS: dict[str, Limit] = {name: value for name, value in globals().items() if isinstance(value, Limit)}
"""All of them, by name, in the order above."""
