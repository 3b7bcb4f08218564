"""Effective settings and where each one comes from."""

from dataclasses import dataclass
from typing import Any

DEFAULT, FILE, ENVIRONMENT, FLAG = "default", "file", "environment", "flag"


@dataclass(frozen=True)
class Setting:
    """One effective setting.

    Attributes:
        name: its key in ``inventory.toml``, or the option's name.
        value: its value; never a token, but where one is stored.
        origin: ``default``, ``file``, ``environment`` or ``flag``.
        source: the line of the file, the variable or the option; empty for a default.
        server: the server that it applies to; None for all.
    """

    name: str
    value: Any
    origin: str = DEFAULT
    source: str = ""
    server: str | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The setting as a row for ``--json``."""
        return {
            "server": self.server,
            "setting": self.name,
            "value": self.value,
            "origin": self.origin,
            "said": self.source or None,
        }
