"""Zip files in which nothing depends on when they are written: the same input makes the same bytes.

Their parts are written as Excel writes them where openpyxl chooses another way that the standard allows too: some
readers know only Excel's.
"""

import os
import posixpath
import re
import shutil
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

MOMENT = (1980, 1, 1, 0, 0, 0)
"""The time of every entry."""

_LEVEL = 3  # of compression: half the time of zlib's own 6, and a seventh more bytes
_END = b"</sheetData>"
_ABSOLUTE = re.compile(rb'(?<= Target=")/[^"]*')
_UNPREFIXED = re.compile(rb"(?<=<)/?(?=[A-Za-z]+[ />])")


class Archive(zipfile.ZipFile):
    """A zip file in which nothing depends on the time of writing: an entry opened by its name has the fixed time."""

    def __init__(self, file: Any) -> None:
        super().__init__(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        """Write one entry with a fixed time."""
        name = getattr(zinfo_or_arcname, "filename", zinfo_or_arcname)
        super().writestr(zipfile.ZipInfo(name, MOMENT), _as_excel_writes(name, data), zipfile.ZIP_DEFLATED)

    def pour(self, name: str, *sources: IO[bytes]) -> None:
        """Write one entry out of open files, one after the other, each from its beginning.

        The size is said beforehand: only an entry that may pass 4 GiB becomes ZIP64, which some readers refuse.
        """
        size = sum(source.seek(0, os.SEEK_END) for source in sources)
        with self.open(name, "w", force_zip64=size * 1.05 > zipfile.ZIP64_LIMIT) as target:
            for source in sources:
                source.seek(0)
                shutil.copyfileobj(source, target)


class Package(Archive):
    """The file of a workbook, in which each data sheet gets its rows."""

    def __init__(self, file: IO[bytes], bodies: Mapping[str, IO[bytes]]) -> None:
        super().__init__(file)
        self._bodies = bodies

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        """Write what openpyxl has of a sheet, with its rows."""
        head, end, tail = filename.getvalue().partition(_END)
        body = self._bodies.get(arcname, BytesIO())
        self.pour(arcname, BytesIO(head), body, BytesIO(end + tail))


def _as_excel_writes(name: str, part: Any) -> bytes:
    """Rewrite a part with relative targets of relationships, and with the usual prefix in drawings.

    In XML a value holds neither ``<`` nor a double quote, so that no value is taken for an element or an attribute.
    """
    body = part.encode() if isinstance(part, str) else bytes(part)
    if name.endswith(".rels"):
        folder = f"/{posixpath.dirname(posixpath.dirname(name))}"
        return _ABSOLUTE.sub(lambda match: posixpath.relpath(match[0].decode(), folder).encode(), body)
    if name.startswith("xl/drawings/"):
        return _UNPREFIXED.sub(rb"\g<0>xdr:", body).replace(b" xmlns=", b" xmlns:xdr=", 1)
    return body
