"""lms-inventory: inventory the models on LM Studio servers as tables, snapshots and change reports.

The public names. Each is imported when it is first used, so that ``import inventory``, and with it
``lms-inventory --help``, costs next to nothing:

>>> import inventory
>>> snapshot = inventory.collect("http://127.0.0.1:1234")    # doctest: +SKIP
>>> snapshot.models                                          # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING

from inventory.about import VERSION

if TYPE_CHECKING:
    from inventory.api import (
        Changes,
        History,
        Snapshot,
        collect,
        compare,
        flatten_instances,
        flatten_models,
        read,
        read_run_log,
    )
    from inventory.config.servers import Server
    from inventory.errors import ConfigurationError, FileError, InventoryError, ServerError
    from inventory.stub_server import StubServer

__version__ = VERSION

__all__ = [
    "Changes",
    "ConfigurationError",
    "FileError",
    "History",
    "InventoryError",
    "Server",
    "ServerError",
    "Snapshot",
    "StubServer",
    "__version__",
    "collect",
    "compare",
    "flatten_instances",
    "flatten_models",
    "read",
    "read_run_log",
]

_MODULES = {
    "ConfigurationError": "errors",
    "FileError": "errors",
    "InventoryError": "errors",
    "Server": "config.servers",
    "ServerError": "errors",
    "StubServer": "stub_server",
}
"""Where the names are that are not in ``api``, which imports pyarrow."""


if not TYPE_CHECKING:  # a type checker sees the imports above, and so finds misspelt names

    def __getattr__(name: str) -> object:
        """Import a public name on first use (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module 'inventory' has no attribute {name!r}")
        value = getattr(import_module(f"inventory.{_MODULES.get(name, 'api')}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
