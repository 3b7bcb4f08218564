"""The columns of each schema version, as fingerprints in ``tests/schema/versions.json``."""

import json
from hashlib import sha256
from pathlib import Path

from inventory import schema

FILE = Path(__file__).parent.parent / "schema" / "versions.json"


def fingerprint() -> str:
    """Return the first digits of the SHA-256 of the names and types of all columns."""
    columns = [(table.name, column.name, column.kind) for table in schema.TABLES.values() for column in table.columns]
    return sha256(repr(columns).encode()).hexdigest()[:16]


def known() -> dict[int, str]:
    """Return the fingerprint of each version."""
    return {int(version): value for version, value in json.loads(FILE.read_text()).items()}


def problem(versions: dict[int, str]) -> str:
    """Say what is wrong with the version of the columns as they are now; empty if nothing is.

    Args:
        versions: the fingerprint of each version.
    """
    version, newest = schema.SCHEMA_VERSION, max(versions)
    if version > newest + 1 or version not in {*versions, newest + 1}:
        return f"SCHEMA_VERSION is {version}; the next one is {newest + 1}"
    if versions.get(version, fingerprint()) != fingerprint():
        return (
            f"the columns are not those of schema version {version}: "
            f"set SCHEMA_VERSION in inventory/schema/__init__.py to {newest + 1}, "
            "then run .venv/bin/python tests/generate.py"
        )
    if version not in versions and versions[newest] == fingerprint():
        return f"SCHEMA_VERSION was raised to {version}, but the columns are still those of version {newest}"
    if version not in versions:
        return f"schema version {version} is new: run .venv/bin/python tests/generate.py, which records its columns"
    return ""


def record() -> None:
    """Record the columns of a version that is new; those of an earlier one are never replaced."""
    versions = known()
    if max(versions) < schema.SCHEMA_VERSION:
        FILE.write_text(json.dumps(versions | {schema.SCHEMA_VERSION: fingerprint()}, indent=1) + "\n")
