"""Zip files in which nothing depends on when they are written: the same input makes the same bytes.

Their parts are written as Excel writes them where openpyxl chooses another way that the standard allows too: some
readers know only Excel's.
"""

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

Pieces = Callable[[], Iterable[bytes | memoryview]]
"""What makes the content of a part, piece by piece, each time that it is called."""

MOMENT = (1980, 1, 1, 0, 0, 0)
"""The time of every entry."""

_LEVEL = 3  # of compression: half the time of zlib's own 6, and a seventh more bytes
_END = b"</sheetData>"
_ABSOLUTE = re.compile(rb'(?<= Target=")/[^"]*')
_UNPREFIXED = re.compile(rb"(?<=<)/?(?=[A-Za-z]+[ />])")


class Package(zipfile.ZipFile):
    """The file of a workbook, in which each data sheet gets its rows.

    Nothing in it depends on the time of writing: an entry that is opened by its name has the fixed time.
    """

    def __init__(self, file: Any, bodies: Mapping[str, Pieces]) -> None:
        super().__init__(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        self._bodies = bodies

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        """Write one entry with a fixed time."""
        name = getattr(zinfo_or_arcname, "filename", zinfo_or_arcname)
        super().writestr(zipfile.ZipInfo(name, MOMENT), _as_excel_writes(name, data), zipfile.ZIP_DEFLATED)

    def pour(self, name: str, pieces: Pieces, *, is_large: bool = False) -> None:
        """Write one entry out of pieces as they are made.

        How large it is shows at its end. One that passes 2 GiB is made again as ZIP64, which some readers refuse.
        """
        try:
            with self.open(name, "w", force_zip64=is_large) as target:
                target.writelines(pieces())
        except RuntimeError:  # zipfile's, of an entry that is too large
            if is_large:
                raise
            self.pour(name, pieces, is_large=True)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        """Write what openpyxl has of a sheet, with its rows."""
        head, end, tail = filename.getvalue().partition(_END)
        rows = self._bodies.get(arcname, tuple)
        self.pour(arcname, lambda: chain([head], rows(), [end + tail]))


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
