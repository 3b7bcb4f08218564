"""A saved answer: the body of ``GET /api/v1/models`` in a file, as ``curl -o answer.json`` writes it.

It may be as large as one that a server sends, and no larger.
"""

from pathlib import Path

from inventory.errors import Invalid, Unreachable
from inventory.servers import Server
from inventory.sources import BODY_LIMIT, Answer, Deadline, counted
from inventory.sources._connections import Connections


async def fetch(server: Server, deadline: Deadline, connections: Connections) -> Answer:  # noqa: ARG001 - a file needs neither
    """Read the file that the server's address names.

    Raises:
        Unreachable: there is no such file, or it cannot be read.
        Invalid: it is not a regular file, is too large, or has too many values.
    """
    path = Path(server.url.removeprefix("file:"))
    try:
        if path.exists() and not path.is_file():
            raise Invalid(f"{path} is not a regular file", "Give the file with a saved answer")
        if path.stat().st_size > BODY_LIMIT:
            raise Invalid(f"{path} is larger than {BODY_LIMIT // 2**20} MiB", "Is this a saved answer?")
        return counted(Answer(path.read_bytes(), "file"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreachable(
            f"the saved answer {path} could not be read: {reason}",
            "Save one with: curl -o answer.json http://HOST:1234/api/v1/models",
        ) from error
