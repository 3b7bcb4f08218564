"""How much a file may make of itself: one that was made to take all memory or time is refused before it does.

A snapshot of 100,000 models takes about 25 MB of memory; a larger one belongs into a history, which reads only what it
needs.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from inventory import limits
from inventory.errors import FileError


def size_of(path: Path) -> int:
    """The size of a file that is not too large.

    Raises:
        FileError: it is.
    """
    size = path.stat().st_size
    if size > limits.FILE_LIMIT:
        raise too_large(path, f"it has {size:,} bytes")
    return size


def gathered(path: Path, batches: Iterable[pa.Table]) -> list[pa.Table]:
    """The parts of a table, once it is known that they do not take too much memory together.

    Args:
        path: the file that they come from.
        batches: the parts; no further one is asked for after those that are too much.

    Raises:
        FileError: they do.
    """
    limit = row_bytes(size_of(path))
    kept, total = [], 0
    for batch in batches:
        total += batch.nbytes
        if total > limit:  # guard: bytes of the rows of a file
            raise too_large(path, f"its rows take more than {limit // 2**20} MiB of memory")
        kept.append(batch)
    return kept


def row_bytes(size: int) -> int:
    """The bytes that the rows in a file of some size may take."""
    return min(limits.TABLE_LIMIT, max(limits.ROWS_ALWAYS, limits.ROWS_RATIO * size))


def too_large(path: Path, why: str) -> FileError:
    """The error for a file that would take more than it may."""
    return FileError(f"{path} could not be read: {why}", "Is it ours? A history holds more: lms-inventory snapshot")
