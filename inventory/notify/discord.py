"""A notice for a Discord webhook."""

import re
from json import dumps

from inventory.notify import Notice, Request

_LONGEST = 2000  # characters of a message
_MARKS = re.compile(r"([\\*_~`|>#\[\]()<:@-])")
_NO_PREVIEWS = 4


def render(notice: Notice, address: str) -> Request:
    """Post the text, in which no name is a link, a mention or emphasis; what is too long ends in dots."""
    lines = [_MARKS.sub(r"\\\1", line) for line in notice.text.split("\n")]
    text = "\n".join(lines)
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 4].rstrip("\\") + "\n..."
    content = {"content": text, "allowed_mentions": {"parse": []}, "flags": _NO_PREVIEWS}
    return Request(address, dumps(content).encode(), {"Content-Type": "application/json"})
