"""lms-inventory: the models of LM Studio servers as tables people can trust.

The public door. Names are imported when they are first used, so that ``import inventory``, and with it
``lms-inventory --help``, costs next to nothing:

>>> import inventory
>>> snapshot = inventory.collect("http://127.0.0.1:1234")    # doctest: +SKIP
>>> snapshot.models                                          # doctest: +SKIP
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inventory.api import flatten_instances, flatten_models
    from inventory.changes import Changes
    from inventory.collect import collect
    from inventory.diff import compare
    from inventory.errors import ConfigurationError, FileError, InventoryError, ServerError
    from inventory.formats import read
    from inventory.history import History
    from inventory.servers import Server
    from inventory.snapshot import Snapshot

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
    "Changes": "diff",
    "ConfigurationError": "errors",
    "FileError": "errors",
    "History": "history",
    "InventoryError": "errors",
    "Server": "servers",
    "ServerError": "errors",
    "Snapshot": "snapshot",
    "collect": "collect",
    "compare": "diff",
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


class _Door(ModuleType):
    """Keeps ``inventory.collect`` the function: importing the room of that name would put the module in its place."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _ROOMS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Door
