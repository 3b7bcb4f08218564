"""The suffixes of files, each of which is a format, and what kind of format each is."""

from pathlib import Path

from inventory import schema
from inventory.errors import ConfigurationError

TABLES = ("csv", "parquet")
"""Formats that hold one table, of one grain."""

REPORTS = ("xlsx", "html", "md", "cdx.json")
"""Formats that hold everything, also that nothing could be read."""

METRICS = ("prom",)
"""Formats that a monitoring system reads: numbers of the present, also how the run itself ended."""

UNMARKED = ("csv",)
"""Formats that have no place for statuses: they hold only rows of servers that were read completely."""

READABLE = (*TABLES, "xlsx")
"""Formats that a snapshot can be read back from."""

SNAPSHOTS_ONLY = ("cdx.json", "prom")
"""Formats that hold a snapshot and no other tables."""

FORMATS = (*TABLES, *REPORTS, *METRICS)
GRAINS = (*schema.GRAINS, "both")


def suffix_of(path: str | Path) -> str:
    """Return the known suffix of a path, in small letters and without the first dot; empty if it has none."""
    name = Path(path).name.lower()
    return next((suffix for suffix in FORMATS if name.endswith(f".{suffix}") and name != f".{suffix}"), "")


def format_of(path: str | Path) -> str:
    """Return the format of a path.

    Raises:
        ConfigurationError: its suffix is not known.
    """
    if suffix := suffix_of(path):
        return suffix
    known = ", ".join(f".{name}" for name in FORMATS)
    raise ConfigurationError(f"{path}: unknown format", f"The suffix is the format; use one of {known}")


def require_tables(path: str | Path) -> None:
    """Refuse a path whose format cannot hold tables that are no snapshot, such as changes.

    Raises:
        ConfigurationError: it cannot, or its suffix is not known.
    """
    if (suffix := format_of(path)) in SNAPSHOTS_ONLY:
        known = ", ".join(f".{name}" for name in FORMATS if name not in SNAPSHOTS_ONLY)
        raise ConfigurationError(f"{path}: .{suffix} holds the state, and no other tables", f"Use one of {known}")
