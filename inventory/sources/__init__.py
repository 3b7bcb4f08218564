"""Read the response of a server. FAMILY: ``async fetch(server, deadline, connections) -> RawResponse``.

In: a server and a deadline. Out: the bytes that it sent, unread.
For others: ``source_of``, ``Deadline``, ``RawResponse`` and ``Connections``.

To add a source: one file here with a ``fetch``, one word in ``SOURCES``, and, if users may choose it by that word,
one in ``config.servers.APIS``.
"""

import asyncio
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, Self, cast

from inventory.config.servers import Server
from inventory.sources._connections import Connections

__all__ = ["BODY_LIMIT", "PARTS_LIMIT", "SOURCES", "WIDE_LIMIT", "Connections", "Deadline", "RawResponse", "source_of"]

SOURCES = ("auto", "file", "lmstudio", "lmstudio_v0")

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes that a body may have; LM Studio's own answers have a few dozen kilobytes."""

WIDE_LIMIT = BODY_LIMIT // 4
"""Bytes that it may have if it holds an emoji or another character beyond 16 bits, as one makes all of a text take four
bytes each."""

PARTS_LIMIT = 400_000
"""Commas and opening brackets that a body may have, and five times its objects: over 10,000 models. Few bytes can hold
much to parse, and an object becomes a row or a cell of its own."""


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
