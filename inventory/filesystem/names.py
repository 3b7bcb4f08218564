"""Names of files: which are files everywhere, as a report may be copied to another system, and what ``~`` means."""

import re
from pathlib import Path

from inventory.errors import ConfigurationError

_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[1-9\u00b9\u00b2\u00b3])[ .]*(\..*)?", re.IGNORECASE | re.DOTALL)
_NO_NAME = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[ .]$')


def no_name(name: str) -> bool:
    """Whether Windows takes a file's name for something else: a device such as ``NUL.csv``, or a stream or pattern."""
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
