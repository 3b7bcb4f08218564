"""Saved answers."""

import os
from pathlib import Path

import pytest

import inventory
from inventory.servers import Server
from inventory.snapshot import rows
from inventory.sources.file import FILE_LIMIT


def status(path: Path) -> tuple[str, str]:
    """The status of a saved answer, and the error."""
    [row] = rows(inventory.collect([Server(f"file:{path}", "s")]).tables["observations"])
    return row["status"], row["error"]


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    """What is larger than any saved answer is told by its size, without being read."""
    path = tmp_path / "answer.json"
    with path.open("wb") as file:
        file.truncate(FILE_LIMIT + 1)  # without taking that room
    told = status(path)
    assert told[0] == "invalid"
    assert "is larger than 512 MiB" in told[1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    """A pipe does not hang, and a folder is told as what it is."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        told = status(path)
        assert told[0] == "invalid"
        assert "is not a regular file" in told[1]
    assert status(tmp_path / "none")[0] == "unreachable"
