"""File names that are valid on every operating system, and paths as people write them: ``~``, ``file://``."""

import re
from pathlib import Path

from inventory.errors import ConfigurationError

_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[1-9\u00b9\u00b2\u00b3])[ .]*(\..*)?", re.IGNORECASE | re.DOTALL)
_NO_NAME = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[ .]$')


def no_name(name: str) -> bool:
    """Return whether Windows takes a file name for a device such as ``NUL.csv``, a stream or a pattern."""
    return bool(_RESERVED.fullmatch(name) or _NO_NAME.search(name))


def with_home(path: str) -> str:
    """Replace a leading ``~`` or ``~USER`` by that home folder; shells do it only where nothing is quoted.

    Raises:
        ConfigurationError: there is no such home folder.
    """
    if not path.startswith("~"):
        return path
    try:
        home = Path(path).expanduser()
    except (RuntimeError, ValueError):
        home = Path()
    if not home.is_absolute():
        raise ConfigurationError(
            f"there is no home folder for {path!r}",
            "Write the whole path; a file or folder whose own name begins with ~ is ./~NAME",
        )
    return str(home)


def local_folder(path: str | Path) -> Path:
    """Return the folder that a path, or its ``file://`` address, names.

    Raises:
        ConfigurationError: it is another address, such as ``s3://bucket/folder``.
    """
    scheme, is_address, folder = str(path).partition("://")
    if not is_address:
        return Path(with_home(str(path)))
    if scheme != "file":
        raise ConfigurationError(
            f"a history at a {scheme}:// address is not supported here: it must be a local or mounted folder",
            "Of a shared history, lms-inventory sync names the folder that holds all of it",
        )
    from urllib.request import url2pathname  # brings a whole HTTP client, which most commands do without

    return Path(with_home(url2pathname(folder)))
