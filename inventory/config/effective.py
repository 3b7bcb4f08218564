"""Effective settings and where each one comes from, as rows and as text for a terminal."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from click import style

from inventory.text import escape_controls, pad, width

COLUMNS = 80
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


def settings_text(settings: Sequence[Setting], columns: int = COLUMNS) -> str:
    """Render the settings that apply to all servers, a line each: name, value and source."""
    common = [setting for setting in settings if setting.server is None]
    names = max(width(setting.name) for setting in common)
    values = max((width(value) for value in map(_value_text, common) if width(value) <= columns // 2), default=0)
    lines = [style("Settings", bold=True)]
    for setting in common:
        name, value = pad(setting.name, names), _value_text(setting)
        source = escape_controls(setting.source) or setting.origin
        if names + max(width(value), values) + width(source) + 6 > columns and width(value) > values:
            lines += [f"  {name}  {value}", f"  {' ' * names}  {style(source, dim=True)}"]
        else:
            lines.append(f"  {name}  {pad(value, values)}  {style(source, dim=True)}")
    return "\n".join(lines) + "\n"


def server_notes(settings: Sequence[Setting]) -> dict[str, str]:
    """Return the settings of single servers, a line for each server, by its name."""
    notes: dict[str, list[str]] = defaultdict(list)
    for setting in settings:
        if setting.server is not None:
            notes[setting.server].append(f"{setting.name} {_value_text(setting)}")
    return {server: "; ".join(texts) for server, texts in notes.items()}


def _value_text(setting: Setting) -> str:
    value = setting.value
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{escape_controls(label)}={escape_controls(text)}" for label, text in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(escape_controls, value)) or "-"
    if isinstance(value, int | float) and setting.name in ("timeout", "recheck"):
        return f"{value:g} s"
    return escape_controls(str(value))
