"""lms-inventory: the models of LM Studio servers as tables people can trust.

The public door. Names are imported when they are first used, so that ``import inventory``, and with it
``lms-inventory --help``, costs next to nothing:

>>> import inventory
>>> snapshot = inventory.collect("http://127.0.0.1:1234")    # doctest: +SKIP
>>> snapshot.models                                          # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inventory.api import flatten_instances, flatten_models
    from inventory.collection.collector import collect
    from inventory.config.servers import Server
    from inventory.diff.changes import Changes
    from inventory.diff.compare import compare
    from inventory.errors import ConfigurationError, FileError, InventoryError, ServerError
    from inventory.formats import read
    from inventory.history.reader import History
    from inventory.tables import Snapshot

__version__ = "0.1.0"

__all__ = [
    "Changes",
    "ConfigurationError",
    "FileError",
    "History",
    "InventoryError",
    "Server",
    "ServerError",
    "Snapshot",
    "collect",
    "compare",
    "flatten_instances",
    "flatten_models",
    "read",
]

_ROOMS = {
    "Changes": "diff.compare",
    "ConfigurationError": "errors",
    "FileError": "errors",
    "History": "history.reader",
    "InventoryError": "errors",
    "Server": "config.servers",
    "ServerError": "errors",
    "Snapshot": "tables",
    "collect": "collection.collector",
    "compare": "diff.compare",
    "flatten_instances": "api",
    "flatten_models": "api",
    "read": "formats",
}


if not TYPE_CHECKING:  # a type checker sees the imports above, and so finds misspelt names

    def __getattr__(name: str) -> object:
        """Import a public name from its room on first use (PEP 562)."""
        if name not in _ROOMS:
            raise AttributeError(f"module 'inventory' has no attribute {name!r}")
        value = getattr(import_module(f"inventory.{_ROOMS[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
