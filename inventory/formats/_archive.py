"""Zip files in which nothing depends on when they are written: the same input makes the same bytes."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

_MOMENT = (1980, 1, 1, 0, 0, 0)


class Archive(zipfile.ZipFile):
    """A zip file in which nothing depends on the time of writing."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        """Write one entry with a fixed time."""
        name = getattr(zinfo_or_arcname, "filename", zinfo_or_arcname)
        super().writestr(zipfile.ZipInfo(name, _MOMENT), data, zipfile.ZIP_DEFLATED)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        """Write one file as an entry with a fixed time."""
        info = zipfile.ZipInfo(str(arcname or filename), _MOMENT)
        info.compress_type = zipfile.ZIP_DEFLATED
        with Path(filename).open("rb") as source, self.open(info, "w") as target:
            shutil.copyfileobj(source, target)
