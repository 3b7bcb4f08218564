"""Engines that run a history's queries. FAMILY: ``Engine()`` with ``open``, ``add``, ``query(sql) -> pyarrow.Table``.

To add an engine: one file here with a class ``Engine``, and one word in ``ENGINES``.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from inventory.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    Files = tuple[Sequence[Path], pa.Table | None]

ENGINES = ("duckdb", "spark")


class Engine(Protocol):
    """One member of the family.

    Attributes:
        address: of the store of which the files are copies, for engines that can read it; empty if there is none.
    """

    address: str

    def open(self, name: str, files: "Files", columns: Sequence[str] = ("*",)) -> None:
        """Make a view over Parquet files, of all columns or of some; without files and table there is none.

        Args:
            name: the view.
            files: the paths; and a table of further rows, whose columns the view has too, null where a file lacks them.
            columns: only these.

        Raises:
            FileError: a file no longer exists or cannot be read.
        """
        ...

    def add(self, name: str, table: "pa.Table") -> None:
        """Make a view over a table in memory."""
        ...

    def query(self, sql: str) -> "pa.Table":
        """Return the result of one query over the views.

        Raises:
            FileError: a file no longer exists or cannot be read.
        """
        ...


def open_engine(name: str, address: str = "") -> Engine:
    """Open a new engine, with no view yet; ``address`` is its attribute.

    Raises:
        ConfigurationError: there is no engine of that name.
    """
    if name not in ENGINES:
        raise ConfigurationError(f"unknown engine {name!r}", "Use one of " + ", ".join(ENGINES))
    engine = cast("Engine", import_module(f"inventory.history.engines.{name}").Engine())
    engine.address = address
    return engine
