"""Data files as bytes that came from elsewhere, before they take a place in a history."""

from pathlib import Path

from inventory.history.storage.checksum import read_verified
from inventory.history.storage.data_file import DataFile, belongs, is_newer


def is_whole(kind: str, path: Path, body: bytes) -> bool:
    """Return whether bytes have a valid seal and belong under their name, whichever version wrote them."""
    about = read_verified(body)
    return about is not None and belongs(kind, path, about)


def responses_of(path: Path, body: bytes) -> set[str]:
    """Return the runs to whose files an observations file refers; none if it is damaged, or of a newer version."""
    about = read_verified(body)
    if about is None or is_newer(about):
        return set()
    column = DataFile(path, body, about).read(["stored_in"]).column("stored_in")
    return {run_id for run_id in column.unique().to_pylist() if run_id}


def runs_of(body: bytes) -> list[str]:
    """Return the runs in a merged file."""
    return list((read_verified(body) or {}).get("runs", ()))
