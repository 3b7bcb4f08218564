"""A saved answer: the body of ``GET /api/v1/models`` in a file, as ``curl -o answer.json`` writes it."""

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

from inventory.errors import Invalid, Unreachable
from inventory.servers import Server
from inventory.sources import Answer, Deadline
from inventory.sources._connections import Connections

FILE_LIMIT = 512 * 1024 * 1024
"""Bytes that a saved answer may have. It is the user's own file, so there may be more of it than of a server's."""


async def fetch(server: Server, deadline: Deadline, connections: Connections) -> Answer:  # noqa: ARG001 - a file needs neither
    """Read the file that the server's address names.

    Raises:
        Unreachable: there is no such file, or it cannot be read.
        Invalid: it is not a regular file, or too large.
    """
    path = Path(server.url.removeprefix("file:"))
    try:
        if path.exists() and not path.is_file():
            raise Invalid(f"{path} is not a regular file", "Give the file with a saved answer")
        if path.stat().st_size > FILE_LIMIT:
            raise Invalid(f"{path} is larger than {FILE_LIMIT // 2**20} MiB", "Is this a saved answer?")
        return Answer(_as_utf8(path.read_bytes(), path), "file")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreachable(
            f"the saved answer {path} could not be read: {reason}",
            "Save one with: curl -o answer.json http://HOST:1234/api/v1/models",
        ) from error


def _as_utf8(body: bytes, path: Path) -> bytes:
    """Return a body in UTF-8, as LM Studio sent it; PowerShell saves it in UTF-16.

    Raises:
        Invalid: it begins as UTF-16 and does not go on so.
    """
    encoding = json.detect_encoding(body)
    if not encoding.startswith("utf-16"):
        return body
    try:
        return body.decode(encoding).encode()
    except UnicodeError as error:
        if body[:2] not in (BOM_UTF16_LE, BOM_UTF16_BE):
            return body
        raise Invalid(
            f"{path} is damaged: it is UTF-16, as PowerShell writes it, with characters that are none",
            "Save the answer again, as UTF-8",
        ) from error
