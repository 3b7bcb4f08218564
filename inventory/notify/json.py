"""A notice as a JSON object, for programs."""

from json import dumps

from inventory.notify import Notice, Request


def render(notice: Notice, address: str) -> Request:
    """Post the whole notice as one object."""
    return Request(address, dumps(notice.document, ensure_ascii=False).encode(), {"Content-Type": "application/json"})
