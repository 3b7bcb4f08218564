"""Zip files in which nothing depends on when they are written: the same input makes the same bytes."""

import shutil
import zipfile
from typing import IO, Any

MOMENT = (1980, 1, 1, 0, 0, 0)
"""The time of every entry."""


class Archive(zipfile.ZipFile):
    """A zip file in which nothing depends on the time of writing."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        """Write one entry with a fixed time."""
        name = getattr(zinfo_or_arcname, "filename", zinfo_or_arcname)
        super().writestr(zipfile.ZipInfo(name, MOMENT), data, zipfile.ZIP_DEFLATED)

    def pour(self, name: str, *sources: IO[bytes]) -> None:
        """Write one entry out of open files, one after the other."""
        info = zipfile.ZipInfo(name, MOMENT)
        info.compress_type = zipfile.ZIP_DEFLATED
        with self.open(info, "w", force_zip64=True) as target:  # its size, which may be large, is not known yet
            for source in sources:
                shutil.copyfileobj(source, target)
