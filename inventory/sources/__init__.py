"""Where an answer comes from. FAMILY: ``async fetch(server, timeout) -> Answer``.

To add a source: one file here with a ``fetch``, one word in ``SOURCES``, and a rule in ``servers.Server.source`` that
says which addresses are its own.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from inventory.servers import Server

SOURCES = ("lmstudio", "file")

BODY_LIMIT = 32 * 1024 * 1024
"""Bytes that a body may have: some 30,000 models; LM Studio's own answers have a few dozen kilobytes."""


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
