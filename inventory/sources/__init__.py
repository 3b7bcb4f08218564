"""Where an answer comes from. FAMILY: ``async fetch(server, timeout) -> Answer``.

To add a source: one file here with a ``fetch``, one word in ``SOURCES``, and a rule in ``servers.Server.source`` that
says which addresses are its own.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from inventory.servers import Server

SOURCES = ("lmstudio", "file")

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes that a body may have; LM Studio's own answers have a few dozen kilobytes."""

PARTS_LIMIT = 400_000
"""Commas and opening brackets that a body may have, and five times its objects: over 10,000 models. Few bytes can hold
much to parse, and an object becomes a row or a cell of its own."""


@dataclass(frozen=True)
class Answer:
    """What came back, unread: the body's bytes and, over HTTP, the status."""

    body: bytes
    http_status: int | None = None


class Source(Protocol):
    """One member of the family."""

    async def fetch(self, server: Server, timeout: float) -> Answer:
        """Read the answer of one server within ``timeout`` seconds in all.

        Raises:
            ServerError: it could not be read.
        """
        ...


def source_of(server: Server) -> Source:
    """The source that reads a server."""
    return cast("Source", import_module(f"inventory.sources.{server.source}"))
