"""Read the response of a server. FAMILY: ``async fetch(server, deadline, connections) -> RawResponse``.

In: a server and a deadline. Out: the bytes that it sent, unread.
For others: ``source_of``, ``Deadline``, ``RawResponse``, ``Connections`` and ``DaemonThreads``.

To add a source: one file here with a ``fetch``, one word in ``SOURCES``, and, if users may choose it by that word,
one in ``config.spec.APIS``.
"""

import asyncio
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, Self, cast

from inventory.config.servers import Server
from inventory.sources._connections import Connections, DaemonThreads

__all__ = ["SOURCES", "Connections", "DaemonThreads", "Deadline", "RawResponse", "source_of"]

SOURCES = ("auto", "file", "lmstudio", "lmstudio_v0")


@dataclass(frozen=True)
class Deadline:
    """The moment at which a response must be complete.

    Attributes:
        seconds: the time allowed in all, for messages.
        ends: the moment, by the clock of the running loop.
    """

    seconds: float
    ends: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Return the deadline this many seconds from now."""
        return cls(seconds, asyncio.get_running_loop().time() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self.ends - asyncio.get_running_loop().time()


@dataclass(frozen=True)
class RawResponse:
    """A response as received.

    Attributes:
        body: its bytes.
        source: where it came from: ``file``, or the API that was queried.
        http_status: its status code, over HTTP.
        path: the path in the server's address, before the endpoint.
        challenge: its header that asks for a password or a token.
    """

    body: bytes
    source: str
    http_status: int | None = None
    path: str = ""
    challenge: str = ""


class Source(Protocol):
    """A member of the family."""

    async def fetch(self, server: Server, deadline: Deadline, connections: Connections) -> RawResponse:
        """Read the response of a server before its deadline.

        Raises:
            ServerError: it could not be read.
        """
        ...


def source_of(server: Server) -> Source:
    """Return the source that reads a server."""
    return cast("Source", import_module(f"inventory.sources.{server.source}"))
