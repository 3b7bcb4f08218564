"""Damaged, foreign and malicious files: refused by name, soon, and with no other exception."""

import os
import random
import re
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import inventory
from formats.samples import fleet, hostile, same
from inventory import formats
from inventory.errors import FileError

FORMATS = pytest.mark.parametrize("suffix", formats.READABLE)
TABLES = pytest.mark.parametrize("suffix", formats.TABLES)
SECONDS = 5
HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
BOMBS = {
    "a sheet of nothing": (b"", HEAD + b" " * 100_000_000),
    "endless rows": (b"</sheetData>", b'<row r="99999999999"><c r="A99999999999"/></row></sheetData>'),
    "far column": (b"</sheetData>", b'<row r="90"><c r="XFD90"/></row>' * 1000 + b"</sheetData>"),
    "last row": (b"</sheetData>", b'<row r="1048576"><c r="A1048576"/></row></sheetData>'),
    "empty cells": (b"</sheetData>", b"<row>" + b"<c/>" * 1_500_000 + b"</row></sheetData>"),
    "entities": (
        b"^",
        b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%b">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12))
        + b"]><a>&m;</a>",
    ),
    "a file from elsewhere": (b"^", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
}


def damaged(path: Path) -> bool:
    """Whether a file is refused by name, in time; no other exception is let through."""
    began = time.monotonic()
    try:
        inventory.read(path)
    except FileError as error:
        return str(path) in str(error)
    finally:
        assert time.monotonic() - began < SECONDS
    return False


def rewrite(path: Path, change: dict[str, bytes], pattern: bytes = b"") -> None:
    """Replace parts of a workbook, or, with a pattern, what it finds in them."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, content in change.items():
        parts[name] = content.join(re.split(pattern, parts[name], maxsplit=1)) if pattern else content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@FORMATS
def test_cut_off(tmp_path: Path, suffix: str) -> None:
    """A file cut off anywhere is refused; of a CSV file, whole lines may be gone, and no other line is changed."""
    path = tmp_path / f"x.{suffix}"
    taken = hostile()
    taken.write(path)
    body = path.read_bytes()
    step = max(len(body) // 40, 1)
    for size in sorted({*range(0, len(body), step), 1, 2, 3, 4, 100, len(body) - 100, len(body) - 4, len(body) - 1}):
        path.write_bytes(body[:size])
        if not damaged(path):
            assert suffix == "csv"
            found = inventory.read(path).tables["models"]
            assert found.equals(taken.tables["models"].slice(0, found.num_rows))


@FORMATS
def test_flipped_bits(tmp_path: Path, suffix: str) -> None:
    """A file with a flipped bit is refused or read, in time; no other exception comes out."""
    path = tmp_path / f"x.{suffix}"
    fleet().write(path)
    body, chance = path.read_bytes(), random.Random(11)
    refused = 0
    for _ in range(60):
        flipped = bytearray(body)
        flipped[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        refused += damaged(path)
    assert refused


@FORMATS
def test_not_ours(tmp_path: Path, suffix: str) -> None:
    """Empty files, noise, texts and files of the other formats are refused."""
    path = tmp_path / f"x.{suffix}"
    chance = random.Random(3)
    bodies = [
        b"",
        b"\0",
        b"\n",
        b"a,b\r\n1,2\r\n",
        b"PAR1PAR1",
        b"PK\x05\x06" + bytes(18),
        b"<html>",
        chance.randbytes(5000),
    ]
    for other in set(formats.READABLE) - {suffix}:
        fleet().write(tmp_path / f"other.{other}")
        bodies.append((tmp_path / f"other.{other}").read_bytes())
    for body in bodies:
        path.write_bytes(body)
        assert damaged(path), body[:20]


@FORMATS
def test_no_file(tmp_path: Path, suffix: str) -> None:
    """What is no file is refused at once: nothing there, a folder, a FIFO, a device, a link to itself, a long name."""
    names = [f"{name}.{suffix}" for name in ("missing", "folder", "fifo", "device", "loop", "no/x", "x" * 300)]
    (tmp_path / names[1]).mkdir()
    if os.name == "posix":
        os.mkfifo(tmp_path / names[2])
        (tmp_path / names[3]).symlink_to("/dev/zero")
        (tmp_path / names[4]).symlink_to(names[4])
    for name in names:
        assert damaged(tmp_path / name), name


@FORMATS
def test_other_columns(tmp_path: Path, suffix: str) -> None:
    """A file with a column less is refused, whoever wrote it."""
    taken = fleet()
    models = taken.tables["models"]
    path = tmp_path / f"x.{suffix}"
    frame = models.drop_columns(["extra"]).to_pandas()
    {"csv": frame.to_csv, "parquet": frame.to_parquet, "xlsx": frame.to_excel}[suffix](path, index=False)
    assert damaged(path)


@TABLES
def test_half_pair(tmp_path: Path, suffix: str) -> None:
    """One file of a pair is not the pair."""
    fleet().write(tmp_path / f"x.{suffix}", "both")
    (tmp_path / f"x.instances.{suffix}").unlink()
    assert damaged(tmp_path / f"x.{suffix}")


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(tmp_path: Path, name: str) -> None:
    """A workbook made to take all memory or time is refused, or read as if the needless were not there, in time."""
    path = tmp_path / "x.xlsx"
    fleet().write(path)
    pattern, bomb = BOMBS[name]
    rewrite(path, {"xl/worksheets/sheet2.xml": bomb}, pattern)
    began = datetime.now(UTC)
    try:
        same(fleet(), inventory.read(path))
    except FileError as error:
        told = str(error)
    else:
        told = str(path)
    assert str(path) in told
    assert datetime.now(UTC) - began < timedelta(seconds=5)


def test_bomb_told(tmp_path: Path) -> None:
    """What it would unpack to is told."""
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(100_000_000))
    with pytest.raises(FileError, match="unpacks to 100,000,000 bytes"):
        inventory.read(path)
