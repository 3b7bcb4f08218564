"""Time zones of the machine, in which dates and times without a zone are read and written."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def local_zone(name: str) -> Iterator[None]:
    """Let the machine be in a zone, such as ``Europe/Berlin`` or ``ABC-1`` for UTC+1, until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        try:
            yield
        finally:
            patch.undo()
            time.tzset()
