"""One change, one line: what follows from another change of the same model is left out of texts for people."""

from collections.abc import Iterator, Sequence
from typing import Any

from inventory import schema
from inventory.tables import Row

_CAUSE = "quantization_name"
_CONSEQUENCES = ("quantization_bits_per_weight", "selected_variant", "variants", "size_bytes")
"""The fields of a model that another quantization changes."""


def linked(changes: Sequence[Row]) -> set[int]:
    """Return the places of the changes that are causes or may follow from one; none where nothing is a cause."""
    if not any(map(_is_cause, changes)):
        return set()
    return {place for place, row in enumerate(changes) if _is_cause(row) or _follows(row)}


def without_consequences(changes: Sequence[Row]) -> Iterator[tuple[Row, Row | None]]:
    """Yield the changes that follow from no other, each with the change of the size that follows from it.

    Args:
        changes: rows of ``schema.CHANGES``, or of the timeline, where only changes that one run saw belong together.
    """
    requantized = {_subject(row) for row in changes if _is_cause(row)}
    if not requantized:
        yield from ((row, None) for row in changes)
        return
    sizes = {_subject(row): row for row in changes if row["field"] == "size_bytes" and _follows(row)}
    for row in changes:
        if _is_cause(row):
            yield row, sizes.get(_subject(row))
        elif not (_follows(row) and _subject(row) in requantized):
            yield row, None


def _is_cause(row: Row) -> bool:
    return bool(row["field"] == _CAUSE and _is_reconfigured(row))


def _follows(row: Row) -> bool:
    """Return whether a field changes with the quantization; a size that is known on one side only is news."""
    if not _is_reconfigured(row) or row["field"] not in _CONSEQUENCES:
        return False
    return row["field"] != "size_bytes" or bool(row["old"] and row["new"])


def _is_reconfigured(row: Row) -> bool:
    return bool(row["change"] == "reconfigured" and row["grain"] == "model")


def _subject(row: Row) -> tuple[Any, ...]:
    """Identify the model that changed, and in a timeline the run that saw it."""
    return (row.get("run_id"), row["server"], row["grain"], *(row[name] for name in schema.INSTANCES.keys[1:]))
