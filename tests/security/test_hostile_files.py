"""T14: damaged, foreign and malicious files given to `diff`: one line and exit 4, soon, in little memory."""

import json
import os
import random
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from support.cli_runner import clean
from support.snapshots import fleet, hostile, same

import inventory
from inventory import formats, schema
from inventory.errors import FileError
from inventory.tables import arrow_schema

FORMATS = pytest.mark.parametrize("suffix", formats.READABLE)
TABLES = pytest.mark.parametrize("suffix", formats.TABLES)
SECONDS = 5
"""Of work, which is CPU time: waiting for it is what a busy machine does."""
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
    began = time.process_time()
    try:
        inventory.read(path)
    except FileError as error:
        return str(path) in str(error)
    finally:
        assert time.process_time() - began < SECONDS
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
            actual = inventory.read(path).tables["models"]
            assert actual.equals(taken.tables["models"].slice(0, actual.num_rows))


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
    began = time.process_time()
    try:
        same(fleet(), inventory.read(path))
    except FileError as error:
        told = str(error)
    else:
        told = str(path)
    assert str(path) in told
    assert time.process_time() - began < SECONDS


def test_bomb_told(tmp_path: Path) -> None:
    """What it would unpack to is told."""
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(100_000_000))
    with pytest.raises(FileError, match="unpacks to 100,000,000 bytes"):
        inventory.read(path)


_GIVEN = """
import json, os, resource, sys, time
import inventory.cli, inventory.cli.diff, inventory.operations.compare, inventory.history.engines.duckdb
from inventory.formats import csv, parquet, xlsx
def refuse(event, arguments):
    if event.startswith("socket."):
        os._exit(99)
sys.addaudithook(refuse)
ours, *paths = sys.argv[1:]
for path in paths:
    read, written = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(written, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.close(written)
        try:
            inventory.cli.main(["diff", path, ours])
        except SystemExit as end:
            os._exit(end.code or 0)
        os._exit(1)
    os.close(written)
    with os.fdopen(read, errors="replace") as lines:
        said = lines.read()
    _, status, used = os.wait4(child, 0)
    seconds = used.ru_utime + used.ru_stime
    print(json.dumps([os.waitstatus_to_exitcode(status), seconds, used.ru_maxrss // 1024, said]), flush=True)
"""
"""Gives each file to `diff`, in a process of its own that ends with 99 when it opens a socket."""


def given_to_diff(ours: Path, *refs: str | Path) -> list[tuple[int, float, int, str]]:
    """For each file the exit code, the seconds of work, the peak of memory in MiB, and what was said."""
    done = subprocess.run(
        [sys.executable, "-c", _GIVEN, ours, *refs],
        env=clean(),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def with_parquet(path: Path, ours: Path, rows: int, **texts: str) -> None:
    """A file of ours by its columns and by what it says of itself, of many rows whose texts are in a dictionary."""
    row = parquet.read_table(ours).slice(0, 1)
    columns = {}
    for field in arrow_schema(schema.MODELS):
        if field.name in texts:
            numbers = pa.repeat(pa.scalar(0, pa.int32()), rows)
            columns[field.name] = pa.DictionaryArray.from_arrays(numbers, pa.array([texts[field.name]]))
        else:
            columns[field.name] = pa.repeat(row.column(field.name)[0], rows)
    table = pa.table(columns)
    with parquet.ParquetWriter(path, table.schema, store_schema=False, compression="zstd") as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(parquet.read_metadata(ours).metadata)


def with_cells(path: Path, ours: Path, cells: bytes, sheet: str = "xl/worksheets/sheet2.xml") -> None:
    """A workbook of ours with further cells, and large enough for them by its size."""
    path.write_bytes(ours.read_bytes())
    rewrite(path, {sheet: cells + b"</sheetData>"}, b"</sheetData>")
    rewrite(path, {"xl/media/image1.png": random.Random(1).randbytes(2_000_000)})


def with_lines(path: Path, ours: Path, piece: bytes, times: int, end: bytes = b"") -> None:
    """A CSV file with our columns and then always the same."""
    with path.open("wb") as file:
        file.write(ours.read_bytes().split(b"\r\n")[0] + b"\r\n")
        for _ in range(times):
            file.write(piece)
        file.write(end)


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="measured by forking, which this system cannot")
@pytest.mark.parametrize("large", [0, pytest.param(1, marks=pytest.mark.full)], ids=["small", "large"])
def test_given_to_diff(tmp_path: Path, large: int) -> None:
    """Each is refused in one line with exit 4, within 5 seconds of work and 512 MiB, and no socket is opened."""
    ours = {suffix: tmp_path / f"ours.{suffix}" for suffix in formats.READABLE}
    for path in ours.values():
        fleet().write(path)
    table, book, text = (ours[suffix] for suffix in ("parquet", "xlsx", "csv"))
    with_parquet(tmp_path / "many rows.parquet", table, (400_000, 3_000_000)[large])
    with_parquet(tmp_path / "one long text.parquet", table, 200_000, description="x" * 1_000_000)
    with_parquet(tmp_path / "longer text.parquet", table, 10, description="x" * (30_000_000, 60_000_000)[large])
    with_cells(tmp_path / "cells.xlsx", book, b"<row>" + b"<c/>" * (1_000_000, 9_000_000)[large] + b"</row>")
    with_cells(tmp_path / "rows.xlsx", book, b"<row/>" * (1_000_000, 7_000_000)[large])
    names = b" ".join(b'a%d="1"' % number for number in range((30_000, 300_000)[large]))
    with_cells(tmp_path / "names.xlsx", book, b"<row " + names + b"/>")
    far = b'<row r="9"><c r="A9" t="b"><v>1</v></c><c r="XFD9"/></row>' * (20_000, 90_000)[large]
    with_cells(tmp_path / "far columns.xlsx", book, far)
    wide = b'<row><c t="inlineStr"><is><t>' + b"<i/>".join([b"x" * 900_000] * 130) + b"</t></is></c></row>"
    with_cells(tmp_path / "wide text.xlsx", book, wide)
    many = json.dumps([[]] * (1_000_000, 5_000_000)[large]).replace(" ", "")
    with_parquet(tmp_path / "lists.parquet", table, 1, variants=many)
    with_parquet(tmp_path / "objects.parquet", table, 1, extra=f'{{"a": {many.replace("[]", "{}")}}}')
    with_parquet(tmp_path / "names.parquet", table, 1, extra=json.dumps(dict.fromkeys(map(str, range(500_000)), 1)))
    with_cells(tmp_path / "deep.xlsx", book, b"<a>" * 500_000)
    with_cells(tmp_path / "entities.xlsx", book, b"&a;")
    rewrite(tmp_path / "entities.xlsx", {"xl/worksheets/sheet2.xml": b'<!DOCTYPE a [<!ENTITY a "<c/>">]>'}, b"^")
    with zipfile.ZipFile(tmp_path / "parts.xlsx", "w") as archive:
        for number in range(20_000):
            archive.writestr(str(number), b"")
    times = (4, 380)[large]
    with_lines(tmp_path / "one line.csv", text, b"x" * 2**20, times, b"\n")
    with_lines(tmp_path / "one text.csv", text, b'"' + b"x" * 2**20, times, b'"\n')
    with_lines(tmp_path / "quotes.csv", text, b'"' * 2**20, times, b"\n")
    with_lines(tmp_path / "NUL.csv", text, bytes(2**20), times, b"\n")
    with_lines(tmp_path / "commas.csv", text, b"," * 2**20, times, b"\n")
    empty = b"," * (len(schema.MODELS.names) - 1) + b"\n"
    with_lines(tmp_path / "empty rows.csv", text, empty * 1000, (300, 10_000)[large])
    with_lines(tmp_path / "line breaks.csv", text, b"\n" * 2**20, times)
    with_lines(
        tmp_path / "the same row.csv", text, text.read_bytes().split(b"\r\n")[1] + b"\r\n", (99_999, 999_999)[large]
    )
    for suffix in formats.READABLE:
        with (tmp_path / f"sparse.{suffix}").open("wb") as file:
            file.truncate(20 * 2**30)
    refs: list[str | Path] = [path for path in sorted(tmp_path.iterdir()) if not path.stem.startswith("ours")]
    refs += [f"http://127.0.0.1:9/x.{suffix}" for suffix in formats.READABLE]
    refs += [f"s3://bucket/x.{suffix}" for suffix in formats.READABLE]
    for suffix in formats.READABLE:
        refs += [f"//host/share/x.{suffix}", tmp_path / f"loop.{suffix}", tmp_path / f"fifo.{suffix}"]
        (tmp_path / f"loop.{suffix}").symlink_to(f"loop.{suffix}")
        os.mkfifo(tmp_path / f"fifo.{suffix}")
    for ref, (code, seconds, peak, said) in zip(refs, given_to_diff(table, *refs), strict=True):
        assert code == 4, (ref, code, said)
        assert said.startswith("lms-inventory: "), ref
        assert said.count("\n") == 1, (ref, said)
        assert seconds < SECONDS, ref
        assert peak <= 512, ref


def test_saved_answers(tmp_path: Path) -> None:
    """A saved answer may be as large as one that a server sends: more is `invalid`, at once."""
    bodies = {
        "large": b" " * (16 * 2**20 + 1),
        "dense": b'{"models": [' + b"{}," * 500_000 + b"{}]}",
        "deep": b"[" * 500_000,
        "nothing": b"",
    }
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(20 * 2**30)
    (tmp_path / "folder").mkdir()
    names = [*bodies, "sparse", "folder"]
    taken = inventory.collect([inventory.Server(f"file:{tmp_path / name}", name) for name in names])
    seen = taken.tables["observations"]
    assert seen.column("server").to_pylist() == sorted(names)
    assert set(seen.column("status").to_pylist()) == {"invalid"}
