"""Each cause for which a file cannot be read has its own sentence; "damaged" is said of what is damaged."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.snapshots import convert, fleet

import inventory
from inventory import formats, schema
from inventory.errors import FileError
from inventory.schema import derived

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def _zip(*names: str) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return body.getvalue()


def _lines(body: bytes) -> list[bytes]:
    return body.split(b"\r\n")


CAUSES: dict[tuple[str, str], tuple[Callable[[bytes], bytes], str]] = {
    ("csv", "empty"): (lambda _: b"", "it is empty"),
    ("csv", "compressed"): (gzip.compress, "it is compressed with gzip"),
    ("csv", "bars"): (lambda body: body.replace(b",", b"|"), "it is separated by '|'"),
    ("csv", "not ours"): (lambda _: b"name,size\r\na,1\r\n", "no column of it is one of a snapshot: name, size"),
    ("csv", "no server"): (lambda body: body.replace(b'"server",', b'"host",'), "it has no column server"),
    ("csv", "no key"): (lambda body: body.replace(b'"key",', b'"model",'), "it has no column key"),
    ("csv", "one name twice"): (lambda body: body.replace(b'"type"', b'"format"'), "two columns are called format"),
    ("csv", "no number"): (
        lambda body: body.replace(_lines(body)[2], _lines(body)[2].replace(b",0,", b",abc,", 1)),
        "row 3, column ordinal: 'abc' is not a whole number",
    ),
    ("csv", "neither"): (
        lambda body: body.replace(b",true,", b",perhaps,", 1),
        "column capabilities_vision: 'perhaps' is neither true nor false",
    ),
    ("csv", "cut off in the header"): (lambda body: body[:40], "it is cut off in its first line"),
    ("csv", "cut off in a row"): (lambda body: body[: body.rindex(b'"llm"')], "cells, the header 24: it is cut off"),
    ("csv", "cut off in a text"): (
        lambda body: body[: body.rindex(b'"llm"') + 3],
        "it is cut off inside a text of row",
    ),
    ("csv", "cut off in a character"): (
        lambda body: body.decode("utf-8-sig").encode("utf-16")[:-1],
        "it is cut off inside a character",
    ),
    ("csv", "a cell too many"): (
        lambda body: body.replace(_lines(body)[1], _lines(body)[1] + b",x"),
        "row 2 has 25 cells, the header 24: a text without quotes may hold a separator",
    ),
    ("csv", "Latin-1"): (lambda body: body.replace(b'"llm"', b'"\xe9"', 1), "it is not UTF-8"),
    ("csv", "a row twice"): (
        lambda body: body + _lines(body)[1] + b"\r\n",
        "a row of models stands there twice",
    ),
    ("csv", "a workbook"): (lambda _: _zip("a"), "it is a workbook or another ZIP file"),
    ("csv", "a web page"): (lambda _: b"<!DOCTYPE html><html></html>", "it is a web page or XML"),
    ("csv", "a Parquet file"): (lambda _: b"PAR1 PAR1", "it is a Parquet file"),
    ("parquet", "cut off"): (lambda body: body[:-9], "it is cut off: its end is missing"),
    ("parquet", "text"): (lambda _: b"server,key\r\na,b\r\n", "it is not a Parquet file"),
    ("parquet", "encrypted"): (lambda _: b"PARE" + bytes(50) + b"PARE", "it is encrypted"),
    ("parquet", "damaged"): (lambda body: body[:40] + bytes(200) + body[240:], "it is damaged"),
    ("xlsx", "cut off"): (lambda body: body[:-500], "it is damaged: a part of the ZIP file is missing"),
    ("xlsx", "protected"): (
        lambda _: OLE + "EncryptedPackage".encode("utf-16-le"),
        "it is protected by a password",
    ),
    ("xlsx", "old"): (lambda _: OLE + "Workbook".encode("utf-16-le"), "it is an old Excel workbook (.xls)"),
    ("xlsx", "a web page"): (lambda _: b"<html><table></table></html>", "it is a web page or XML"),
    ("xlsx", "XML"): (lambda _: b'\xef\xbb\xbf<?xml version="1.0"?><Workbook/>', "it is a web page or XML"),
    ("xlsx", "binary"): (lambda _: _zip("xl/workbook.bin"), "it is a binary workbook (.xlsb)"),
    ("xlsx", "OpenDocument"): (lambda _: _zip("mimetype", "content.xml"), "it is an OpenDocument file (.ods)"),
    ("xlsx", "another archive"): (lambda _: _zip("a", "b"), "it is no workbook: it has no part xl/workbook.xml"),
    ("xlsx", "text"): (lambda _: b"server,key\r\na,b\r\n", "it is not a workbook"),
    ("xlsx", "compressed"): (gzip.compress, "it is compressed with gzip"),
}


@pytest.mark.parametrize(("suffix", "name"), CAUSES, ids=" ".join)
def test_cause(suffix: str, name: str, tmp_path: Path) -> None:
    """What is wrong is said, and what to do about it."""
    path = tmp_path / f"x.{suffix}"
    fleet().write(path)
    change, messages = CAUSES[suffix, name]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(FileError) as caught:
        inventory.read(path)
    assert caught.value.what.startswith(f"{path} could not be read: ")
    assert messages in caught.value.what
    assert ("damaged" in caught.value.what) == ("damaged" in messages)
    assert caught.value.advice


def test_no_two_causes_have_one_sentence() -> None:
    """Of a format, each of these is told in words of its own."""
    for suffix in formats.READABLE:
        texts = {messages: name for (item, name), (_, messages) in CAUSES.items() if item == suffix}
        alike = {"XML", "a web page"}  # told as the web page that it could be
        assert {*texts.values()} | alike == {name for item, name in CAUSES if item == suffix} | alike


def test_tables_of_the_history(tmp_path: Path) -> None:
    """Tables that other commands write are told as what they are."""
    tables = {
        "changes": schema.CHANGES,
        "the lives of models": derived.LIFECYCLE,
        "the runs of a history": derived.RUNS,
        "models by key": derived.FLEET,
        "counts by server or label": derived.GROUPS,
    }
    from inventory.tables import build

    for suffix in formats.TABLES:
        for what, table in tables.items():
            path = tmp_path / f"x.{suffix}"
            formats.write_tables([(table, build(table, {name: [] for name in table.names}))], path)
            with pytest.raises(FileError, match=f"it holds {what}, not a snapshot"):
                inventory.read(path)


@pytest.mark.long
def test_what_libreoffice_names(tmp_path: Path) -> None:
    """A real .xls and a real .ods under the name of a workbook are told as that."""
    fleet().write(tmp_path / "x.xlsx")
    for to, messages in (("xls", "it is an old Excel workbook"), ("ods", "it is an OpenDocument file")):
        target = tmp_path / f"{to}.xlsx"
        target.write_bytes(convert(tmp_path / "x.xlsx", to).read_bytes())
        with pytest.raises(FileError, match=messages):
            inventory.read(target)
