"""What runs the queries of a history. FAMILY: ``Engine()`` with ``open``, ``add`` and ``query(sql) -> pyarrow.Table``.

To add an engine: one file here with a class ``Engine`` and a function ``place(address)``, and one word in ``ENGINES``.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from inventory.errors import ConfigurationError
from inventory.filesystem.names import with_home

if TYPE_CHECKING:
    import pyarrow as pa

    Files = tuple[Sequence[Path], pa.Table | None]

ENGINES = ("duckdb", "spark")


class Engine(Protocol):
    """One member of the family."""

    def open(self, name: str, files: "Files", columns: Sequence[str] = ("*",)) -> None:
        """Make a view over Parquet files, of all columns or of some; without files there is none.

        Args:
            name: the view.
            files: the paths; and an empty table whose columns the view has too, null where a file lacks them.
            columns: only these.

        Raises:
            FileError: a file is not there any more.
        """
        ...

    def add(self, name: str, table: "pa.Table") -> None:
        """Make a view over a table in memory."""
        ...

    def query(self, sql: str) -> "pa.Table":
        """The result of one query over the views.

        Raises:
            FileError: a file is not there any more.
        """
        ...


def open_engine(name: str) -> Engine:
    """A new engine, with no view yet.

    Raises:
        ConfigurationError: there is no engine of that name.
    """
    return cast("Engine", _member(name).Engine())


def place(name: str, path: str | Path) -> Path:
    """Where a history is: a folder, or what stands for one at an address that an engine can read.

    Args:
        name: the engine.
        path: the folder, its ``file://`` address, or another address.

    Raises:
        ConfigurationError: the engine cannot read such an address.
        FileError: there is no folder at the address, or it could not be reached.
    """
    scheme, address, folder = str(path).partition("://")
    if not address:
        return Path(with_home(str(path)))
    if scheme != "file":
        return cast("Path", _member(name).place(str(path)))
    from urllib.request import url2pathname  # brings a whole HTTP client, which most commands do without

    return Path(with_home(url2pathname(folder)))


def _member(name: str) -> Any:
    if name not in ENGINES:
        raise ConfigurationError(f"unknown engine {name!r}", "Use one of " + ", ".join(ENGINES))
    return import_module(f"inventory.history.engines.{name}")
