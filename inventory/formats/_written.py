"""The outcome of writing one file."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WrittenFile:
    """The outcome for one file that a snapshot was to be written to.

    Attributes:
        path: the file.
        holds: ``models``, ``instances`` ``metrics`` or, for a format that holds everything, ``report``.
        rows: rows of the table written.
        size: bytes written.
        skipped: why it was not written; empty if it was.
        without: the servers whose rows it does not hold, since it cannot say that their answers are in doubt.
    """

    path: Path
    holds: str
    rows: int = 0
    size: int = 0
    skipped: str = ""
    without: tuple[str, ...] = ()
