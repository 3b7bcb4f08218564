"""What runs the queries of a history. FAMILY: ``Engine(files, tables)`` with ``query(sql) -> pyarrow.Table``.

To add an engine: one file here with a class ``Engine``, and one word in ``ENGINES``.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from inventory.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa

ENGINES = ("duckdb",)


class Engine(Protocol):
    """One member of the family."""

    def query(self, sql: str) -> "pa.Table":
        """The result of one query over the views."""
        ...


def open_engine(name: str, files: Mapping[str, Sequence[Path]], tables: Mapping[str, "pa.Table"]) -> Engine:
    """An engine with a view per name: over Parquet files, or over a table in memory.

    Raises:
        ConfigurationError: there is no engine of that name.
    """
    if name not in ENGINES:
        raise ConfigurationError(f"unknown engine {name!r}", "Use one of " + ", ".join(ENGINES))
    return cast("Engine", import_module(f"inventory.engines.{name}").Engine(files, tables))
