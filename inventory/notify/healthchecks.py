"""A ping for a check of Healthchecks, which raises an alarm when none comes."""

from urllib.parse import urlsplit, urlunsplit

from inventory.notify import Notice, Request


def render(notice: Notice, address: str) -> Request:
    """Ping the check with the exit code of the run, and post the text for its log."""
    parts = urlsplit(address)
    path = f"{parts.path.rstrip('/')}/{notice.exit_code or 0}"
    url = urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
    return Request(url, notice.text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
