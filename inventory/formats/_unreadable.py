"""Why a file cannot be read, each cause in its own words; and what a file is, whatever its suffix says."""

from collections.abc import Iterable
from pathlib import Path

AGAIN = "Write it again with: lms-inventory snapshot -o FILE"

_LOOKED_AT = 4 * 2**20  # bytes in which the directory of an OLE file is looked for
_HEAD = 64
_KINDS = (
    (b"\x1f\x8b", "it is compressed with gzip", "Unpack it first"),
    (b"BZh", "it is compressed with bzip2", "Unpack it first"),
    (b"\xfd7zXZ\x00", "it is compressed with xz", "Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd", "Unpack it first"),
    (b"%PDF", "it is a PDF document", "Give the file that it was made from"),
    (b"SQLite format 3\x00", "it is an SQLite database", "Export its table as CSV"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARQUET, _ZIP = b"PAR1", (b"PK\x03\x04", b"PK\x05\x06")
_MARKUP = (b"<html", b"<!doctype", b"<table", b"<head", b"<meta", b"<?xml")


class Unreadable(ValueError):
    """A file that cannot be read, and why.

    Args:
        what: what is wrong with it, to go on after "could not be read: ".
        advice: what to do about it, one sentence.
    """

    def __init__(self, what: str, advice: str = AGAIN) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


def check_kind(path: Path, suffix: str) -> None:
    """Refuse a file whose first bytes say that it is something else than its suffix says.

    Raises:
        Unreadable: it is; the error says what.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for magic, what, advice in _KINDS:
        if head.startswith(magic):
            raise Unreadable(what, advice)
    if head.startswith(_OLE):
        raise _ole(path)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_MARKUP):
        raise Unreadable("it is a web page or XML under another name", f"Open it and save it as .{suffix}")
    if suffix != "parquet" and head.startswith(_PARQUET):
        raise Unreadable("it is a Parquet file", "Name it .parquet")
    if suffix != "xlsx" and head.startswith(_ZIP):
        raise Unreadable("it is a workbook or another ZIP file", "Name a workbook .xlsx")
    if suffix == "parquet":
        _check_parquet(path, head)
    if suffix == "xlsx" and not head.startswith(_ZIP):
        raise Unreadable("it is not a workbook", "Name a CSV file .csv, a Parquet file .parquet")


def check_workbook(names: Iterable[str]) -> None:
    """Refuse another document that is a ZIP file too.

    Args:
        names: the parts in it.

    Raises:
        Unreadable: it is no workbook.
    """
    there = {*names}
    if "xl/workbook.xml" in there:
        return
    if "xl/workbook.bin" in there:
        raise Unreadable("it is a binary workbook (.xlsb)", "Save it as .xlsx")
    if "mimetype" in there:
        raise Unreadable("it is an OpenDocument file (.ods)", "Save it as .xlsx")
    raise Unreadable("it is no workbook: it has no part xl/workbook.xml", "Give a workbook that this tool wrote")


def _check_parquet(path: Path, head: bytes) -> None:
    if head.startswith(b"PARE"):
        raise Unreadable("it is encrypted", "Write it without encryption")
    if not head.startswith(_PARQUET):
        raise Unreadable("it is not a Parquet file", "Name a CSV file .csv, a workbook .xlsx")
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 4), 2)
        if path.stat().st_size < 12 or file.read() != _PARQUET:
            raise Unreadable("it is cut off: its end is missing", "Copy it again, or write it again")


def _ole(path: Path) -> Unreadable:
    """Say what an OLE compound file is: Excel stores encrypted workbooks and the old .xls as one."""
    with path.open("rb") as file:
        content = file.read(_LOOKED_AT)
    if "EncryptedPackage".encode("utf-16-le") in content:
        return Unreadable("it is protected by a password", "Save it without one")
    return Unreadable("it is an old Excel workbook (.xls) or another Office document", "Save it as .xlsx")
