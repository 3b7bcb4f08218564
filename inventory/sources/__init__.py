"""Where an answer comes from. FAMILY: ``async fetch(server, deadline, connections) -> Answer``.

To add a source: one file here with a ``fetch``, one word in ``SOURCES``, and, if people may ask for it by that word,
one in ``servers.APIS``.
"""

import asyncio
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, Self, cast

from inventory.config.servers import Server
from inventory.limits import BODY_LIMIT as BODY_LIMIT
from inventory.limits import PARTS_LIMIT as PARTS_LIMIT
from inventory.limits import WIDE_LIMIT as WIDE_LIMIT

if TYPE_CHECKING:
    from inventory.sources._connections import Connections

SOURCES = ("auto", "file", "lmstudio", "lmstudio_v0")


@dataclass(frozen=True)
class Deadline:
    """Until when an answer must be complete, whatever it takes to get it.

    Attributes:
        seconds: how long that was at first, for messages.
        ends: the moment, by the clock of the running loop.
    """

    seconds: float
    ends: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The deadline so many seconds from now."""
        return cls(seconds, asyncio.get_running_loop().time() + seconds)

    @property
    def left(self) -> float:
        """Seconds until then."""
        return self.ends - asyncio.get_running_loop().time()


@dataclass(frozen=True)
class RawResponse:
    """What came back, unread.

    Attributes:
        body: its bytes.
        source: who answered: ``file``, or the API's word.
        http_status: the status, over HTTP.
        path: the path in the server's address, before the endpoint.
        challenge: what the headers say about a password or a token that is wanted.
    """

    body: bytes
    source: str
    http_status: int | None = None
    path: str = ""
    challenge: str = ""


class Source(Protocol):
    """One member of the family."""

    async def fetch(self, server: Server, deadline: Deadline, connections: "Connections") -> RawResponse:
        """Read the answer of one server before its deadline.

        Raises:
            ServerError: it could not be read.
        """
        ...


def source_of(server: Server) -> Source:
    """The source that reads a server."""
    return cast("Source", import_module(f"inventory.sources.{server.source}"))
