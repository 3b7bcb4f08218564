"""Watch the connection of one request through the ``trace`` extension of httpx."""

from collections.abc import Mapping
from typing import Any

from inventory.errors import Invalid
from inventory.limits import HEAD_LIMIT

_HEAD_CHUNK = 4096
"""Bytes read at once until then. A chunk of interim responses (1xx) is parsed without a pause, at some 30 microseconds
for as few as 18 bytes: in small chunks, a server that sends nothing else holds up no other one."""


class ConnectionTrace:
    """A callback that httpx calls at each step of one request; it bounds and closes the request's connection."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._head_size = 0
        self._head_is_complete = False

    async def __call__(self, event: str, details: Mapping[str, Any]) -> None:
        """Note a step."""
        if event == "connection.connect_tcp.complete":
            self._stream = details["return_value"]
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._limit_head(details["return_value"])
        elif event == "http11.receive_response_headers.complete":
            self._head_is_complete = True

    async def aclose(self) -> None:
        """Close the connection: httpx forgets one whose TLS handshake is cancelled."""
        if self._stream is not None:
            await self._stream.aclose()  # guard: a connection that is given up is closed

    def _limit_head(self, stream: Any) -> None:
        """Limit what is read from a stream before the headers of the response are complete."""
        read = stream.read

        async def read_within_limit(max_bytes: int, timeout: float | None = None) -> bytes:
            if self._head_is_complete:
                return bytes(await read(max_bytes, timeout))
            data = bytes(await read(min(max_bytes, _HEAD_CHUNK), timeout))
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT:  # guard: bytes before a response
                raise Invalid(
                    f"the server sent more than {HEAD_LIMIT // 1024} KiB before its response",
                    "Is this LM Studio's address?",
                )
            return data

        stream.read = read_within_limit
