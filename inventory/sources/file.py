"""Read a saved response: the body of ``GET /api/v1/models`` in a file, as ``curl -o answer.json`` writes it."""

import asyncio
import json
import os
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

from inventory.config.servers import Server
from inventory.errors import Invalid, Timeout, Unreachable
from inventory.filesystem.regular_files import UnsuitableFileError, read_cached, read_regular
from inventory.limits import SAVED_LIMIT
from inventory.sources import Connections, Deadline, RawResponse

_READ_DIRECTLY = 2**20
"""Maximum size in bytes of a file that is read without a thread if the system has cached it and its folder responds."""

_SAVE = "Save one with: curl -o answer.json http://HOST:1234/api/v1/models"


async def fetch(server: Server, deadline: Deadline, connections: Connections) -> RawResponse:
    """Read the file that the server's address names, in a thread that is abandoned at the deadline.

    Raises:
        Unreachable: there is no such file, or it cannot be read.
        Invalid: it is not a regular file, too large or empty.
        Timeout: it was not read in time, as from a network drive that is away.
    """
    path = Path(server.url.removeprefix("file:"))
    try:
        async with asyncio.timeout_at(deadline.ends):
            await asyncio.sleep(0)  # between many cached files the deadlines of other servers have their turn
            folder = os.path.dirname(path)  # noqa: PTH120 - a third of the time, for each of thousands
            body = read_cached(path, _READ_DIRECTLY) if folder in connections.responsive_folders else None
            if body is None:
                loop = asyncio.get_running_loop()
                body = await loop.run_in_executor(connections.threads, read_regular, path, SAVED_LIMIT)
                connections.responsive_folders.add(folder)
    except UnsuitableFileError as error:
        advice = "Is this a saved response?" if error.too_large else "Give the file with a saved response"
        raise Invalid(f"{path} {error}", advice) from error
    except TimeoutError as error:
        raise Timeout(
            f"the saved response {path} could not be read within {deadline.seconds:g} s",
            "Is it on a network drive that is away, or locked? Allow more time with --timeout SECONDS",
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreachable(f"the saved response {path} could not be read: {reason}", _SAVE) from error
    if not body:
        raise Invalid(f"the saved response {path} is empty", _SAVE)
    return RawResponse(_as_utf8(body, path), "file")


def _as_utf8(body: bytes, path: Path) -> bytes:
    """Return a body in UTF-8, as LM Studio sent it; PowerShell saves it as UTF-16.

    Raises:
        Invalid: it begins as UTF-16 and is not valid UTF-16.
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
            f"{path} is damaged: it is UTF-16, as PowerShell writes it, with invalid characters",
            "Save the response again, as UTF-8",
        ) from error
