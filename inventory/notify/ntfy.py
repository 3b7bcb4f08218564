"""A notice for a topic of ntfy."""

from inventory.notify import Notice, Request

_LONGEST = 4000  # bytes of a message; a longer one becomes an attachment


def render(notice: Notice, address: str) -> Request:
    """Post the text; the link of the report is opened by a tap, if it is one."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "Title": "lms-inventory"}
    if notice.link.startswith(("http://", "https://")) and notice.link.isascii() and notice.link.isprintable():
        headers["Click"] = notice.link
    body = notice.text.encode()
    if len(body) > _LONGEST:
        body = body[:_LONGEST].decode(errors="ignore").encode() + b"\n..."
    return Request(address, body, headers)
