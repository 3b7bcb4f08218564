"""What lies under HTTP: streams of bytes that are closed whatever happens, and watched until an answer has begun."""

import logging
import re
from contextvars import ContextVar
from typing import Any

import httpcore

from inventory.errors import Invalid

_HEAD_LIMIT = 256 * 1024
"""Bytes that may come before the head of an answer is whole; LM Studio's has some two hundred."""

_INTERIM_LIMIT = 500
"""Interim answers (1xx) that may come before it; LM Studio sends none. httpcore takes those that came together
one after the other, and no other server has a turn meanwhile: thousands are in a few kilobytes."""

_LOGGERS = ("httpcore.connection", "httpcore.http11")
"""They tell, at level DEBUG, the heads of answers, in which a server may repeat the token."""

_INTERIM = re.compile(rb"HTTP/1\.[01] 1[0-9][0-9]")


_ours = ContextVar("ours", default=False)


def _is_others(_: logging.LogRecord) -> bool:
    """Whether a record is of somebody else's request."""
    return not _ours.get()


class Network(httpcore.AnyIOBackend):
    """Opens the connections of one request, and closes them: httpcore forgets one that is given up while TLS greets.

    Attributes:
        begun: the head of an answer is there, and what comes is its body.
    """

    def __init__(self) -> None:
        super().__init__()
        self.begun = False
        self._opened: list[httpcore.AsyncNetworkStream] = []
        self._received = self._interim = 0
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_is_others)  # the same one is added once
        _ours.set(True)

    async def connect_tcp(self, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        stream = await super().connect_tcp(*args, **options)
        self._opened.append(stream)
        return _Watched(stream, self)

    async def aclose(self) -> None:
        for stream in self._opened:
            await stream.aclose()

    def look(self, data: bytes) -> None:
        """Look at what came.

        Raises:
            Invalid: the head of an answer is not there yet, and too much has come before it.
        """
        if self.begun:
            return
        self._received += len(data)
        self._interim += len(_INTERIM.findall(data))
        if self._interim > _INTERIM_LIMIT or self._received > _HEAD_LIMIT:
            raise Invalid("the server sends more before its answer than belongs there", "Is this LM Studio's address?")


class _Watched(httpcore.AsyncNetworkStream):
    """A stream whose network looks at what comes; after TLS has greeted, at what it meant."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, network: Network) -> None:
        self._stream = stream
        self._network = network

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        self._network.look(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(self, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        return _Watched(await self._stream.start_tls(*args, **options), self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
