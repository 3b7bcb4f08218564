"""Effective settings and where each one comes from -> text for a terminal, returned as ``str``."""

from collections import defaultdict
from collections.abc import Sequence

from click import style

from inventory.config.effective import Setting
from inventory.terminal.layout import beside
from inventory.text import COLUMNS, escape_controls, format_value, pad, width

_UNITS = {"timeout": "s", "recheck": "s", "retire_after": "days", "stale_after": "days"}


def settings_text(settings: Sequence[Setting], columns: int = COLUMNS) -> str:
    """Show the settings of all servers, a line each: name, value and origin."""
    common = [setting for setting in settings if setting.server is None]
    names = max(width(setting.name) for setting in common)
    texts = [_value_text(setting) for setting in common]
    values = max((width(text) for text in texts if width(text) <= columns // 2), default=0)
    lines = [style("Settings", bold=True)]
    for setting, value in zip(common, texts, strict=True):
        name = pad(setting.name, names)
        source = (escape_controls(setting.source) or setting.origin).rstrip()
        lead = f"  {name}  {pad(value, values)}  "
        if width(lead) + width(source) <= columns:
            lines.append(lead + style(source, dim=True) if source else lead.rstrip())
        else:
            lines += beside(f"  {name}  ", value, columns)
            lines += beside(f"  {' ' * names}  ", source, columns, lambda line: style(line, dim=True))
    return "\n".join(lines) + "\n"


def server_notes(settings: Sequence[Setting]) -> dict[str, str]:
    """Join what is set for single servers into a line each, by their names."""
    notes: dict[str, list[str]] = defaultdict(list)
    for setting in settings:
        if setting.server is not None:
            notes[setting.server].append(f"{setting.name} {_value_text(setting)}")
    return {server: "; ".join(parts) for server, parts in notes.items()}


def _value_text(setting: Setting) -> str:
    is_empty = setting.value is None or setting.value in ((), [])
    text = escape_controls(format_value(None if is_empty else setting.value, missing="-"))
    return text if is_empty else f"{text} {_UNITS.get(setting.name, '')}".rstrip()
