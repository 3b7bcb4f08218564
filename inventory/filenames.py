"""Which names are files everywhere: a report or a history may be copied to another system."""

import re

_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[1-9\u00b9\u00b2\u00b3])[ .]*(\..*)?", re.IGNORECASE | re.DOTALL)
_NO_NAME = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[ .]$')


def no_name(name: str) -> bool:
    """Whether Windows takes a file's name for something else: a device such as ``NUL.csv``, or a stream or pattern."""
    return bool(_RESERVED.fullmatch(name) or _NO_NAME.search(name))
