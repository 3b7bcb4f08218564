"""Size and memory limits that reject decompression bombs before they are read.

A snapshot of 100,000 models takes about 25 MB of memory; a larger one belongs into a history, which reads only what it
needs.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from inventory import limits
from inventory.errors import FileError


def size_of(path: Path) -> int:
    """Return the size of a file that is not too large.

    Raises:
        FileError: it is.
    """
    size = path.stat().st_size
    if size > limits.FILE_LIMIT:
        raise too_large(path, f"it has {size:,} bytes")
    return size


def gathered(path: Path, batches: Iterable[pa.Table]) -> list[pa.Table]:
    """Collect the parts of a table, unless they take too much memory together.

    Args:
        path: the file that they come from.
        batches: the parts; no further one is asked for after those that are too much.

    Raises:
        FileError: they do.
    """
    limit = row_bytes(size_of(path))
    parts, total = [], 0
    for batch in batches:
        total += batch.nbytes
        if total > limit:  # guard: bytes of the rows of a file
            raise too_large(path, f"its rows take more than {limit // 2**20} MiB of memory")
        parts.append(batch)
    return parts


def row_bytes(size: int) -> int:
    """Return the bytes that the rows of a file of some size may take."""
    return min(limits.TABLE_LIMIT, max(limits.ROWS_ALWAYS, limits.ROWS_RATIO * size))


def too_large(path: Path, why: str) -> FileError:
    """Make the error for a file that would take more memory or time than allowed."""
    return FileError(
        f"{path} could not be read: {why}",
        "The file may not come from lms-inventory. Use the history for inventories of this size",
    )
