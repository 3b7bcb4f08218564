"""A notice for a Slack webhook, or one that takes the same: Mattermost, Rocket.Chat."""

from json import dumps

from inventory.notify import Notice, Request

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""The characters with which a text would mention everybody or be a link."""


def render(notice: Notice, address: str) -> Request:
    """Post the text, in which no name is a link, a mention or emphasis."""
    content = {"text": notice.text.translate(_ESCAPES), "mrkdwn": False, "unfurl_links": False}
    return Request(address, dumps(content).encode(), {"Content-Type": "application/json"})
