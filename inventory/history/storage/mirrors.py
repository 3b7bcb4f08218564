"""Mirrors: histories that are this machine's copy of a shared one, and know its address."""

import json
from pathlib import Path

from inventory.filesystem.regular_files import read_regular

MIRROR = "mirror.json"
"""The file that makes a history a mirror: its address, the time of the last full listing, whether it was probed."""


def address_of(folder: Path) -> str:
    """Return the address of the history of which a folder is the mirror; empty if it is a history of its own."""
    return str(read_mirror(folder).get("address", ""))


def read_mirror(folder: Path) -> dict[str, object]:
    """Read what is known of a mirror; nothing if the folder is none."""
    try:
        content = json.loads(read_regular(folder / MIRROR))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
