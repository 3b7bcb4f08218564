"""The only room that speaks HTTP: one GET, within bounds that hold whatever the other side does.

httpx has a timeout for each read but none for the whole, reads bodies of any size, and would follow the environment's
proxies with the token in hand. Here: one total deadline, one cap, no proxy, no redirect, no compression.
"""

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from functools import cache
from io import BytesIO
from typing import Any

import httpx

from inventory.errors import Invalid, Timeout, Unreachable
from inventory.servers import PORT, Server
from inventory.sources import BODY_LIMIT, PARTS_LIMIT, Answer

_PAUSE = 0.2  # seconds before the one further attempt
_START = "Is the LM Studio server running? Start it on that machine with: lms server start"


async def get(server: Server, path: str, timeout: float) -> Answer:
    """Send one GET and read the whole answer; a connection that cannot be made is tried once more.

    Args:
        server: whose address and token are used; the token goes nowhere else.
        path: the path below the address.
        timeout: seconds for everything together: name lookup, connections, headers, body.

    Raises:
        Unreachable: no connection could be made, or it broke.
        Timeout: the answer was not complete in time.
        Invalid: the answer is not HTTP, is compressed, or is larger than ``BODY_LIMIT`` or ``PARTS_LIMIT``.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(_Daemons())
    try:
        async with asyncio.timeout(timeout):
            try:
                return await _attempt(server, path)
            except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError) as error:
                if not _is_worth_repeating(error):
                    raise
                await asyncio.sleep(_PAUSE)
                return await _attempt(server, path)
    except TimeoutError as error:
        raise Timeout(
            f"no complete answer from {server.url} within {timeout:g} s",
            "Is the machine busy or the network slow? Give it longer with --timeout SECONDS",
        ) from error
    except httpx.ConnectError as error:
        raise Unreachable(f"could not reach {server.url}: {_reason(error)}", _advice(server)) from error
    except httpx.RemoteProtocolError as error:
        if "disconnected" in str(error) or "peer closed" in str(error):
            raise Unreachable(f"{server.url} closed the connection in the middle of its answer", _START) from error
        raise Invalid(f"what answers at {server.url} does not speak HTTP", "Check the address and the port") from error
    except httpx.TransportError as error:
        raise Unreachable(f"the connection to {server.url} broke: {_reason(error)}", _START) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Unreachable(f"{server.url} cannot be asked: its host name is not valid", "Check the address") from error


async def _attempt(server: Server, path: str) -> Answer:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "lms-inventory"}
    if server.token:
        headers["Authorization"] = f"Bearer {server.token}"
    request = httpx.Request("GET", server.url + path, headers=headers)
    async with (
        # the transport alone: it knows no proxies, redirects and cookies; `get` holds the deadline over all of it
        httpx.AsyncHTTPTransport(verify=_tls(server.url.startswith("https:")), trust_env=False) as transport,
        aclosing(await transport.handle_async_request(request)) as response,
    ):
        if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise Invalid(
                "the answer is compressed although no compression was asked for",
                "Turn compression off in the proxy in between",
                response.status_code,
            )
        body = BytesIO()
        async for chunk in response.aiter_raw():
            if body.tell() + len(chunk) > BODY_LIMIT:
                raise Invalid(
                    f"the answer is larger than {BODY_LIMIT // 2**20} MiB",
                    "LM Studio's has a few kilobytes; is this its address?",
                    response.status_code,
                )
            body.write(chunk)
            await asyncio.sleep(0)  # many small chunks come in one piece: let the deadline and other servers in
        return _counted(Answer(body.getvalue(), response.status_code))


def _counted(answer: Answer) -> Answer:
    """The answer, once it is known to have no more parts than can be parsed in a second or two."""
    commas, lists, objects = map(answer.body.count, (b",", b"[", b"{"))
    if max(commas + lists + objects, 5 * objects) > PARTS_LIMIT:
        raise Invalid(
            f"the answer has more than {PARTS_LIMIT:,} values",
            "LM Studio's has some two dozen for each model; is this its address?",
            answer.http_status,
        )
    return answer


@cache
def _tls(needed: bool) -> ssl.SSLContext:
    """One TLS context for all servers, as making one is slow; where none is needed, one that trusts nobody."""
    return httpx.create_ssl_context() if needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _is_worth_repeating(error: httpx.TransportError) -> bool:
    return isinstance(error, httpx.ConnectError) or "disconnected" in str(error)


def _reason(error: httpx.TransportError) -> str:
    """Why a connection failed, in words; the operating system's own are the last of the chain."""
    cause: BaseException | None = error
    text = ""
    while cause is not None:
        if isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({cause.reason or 'no TLS there'}); is it https?"
        if isinstance(cause, socket.gaierror):
            return "there is no host of that name"
        if isinstance(cause, OSError) and cause.errno:
            text = os.strerror(cause.errno).lower()
        cause = cause.__cause__ or cause.__context__
    return text or "no connection"


def _advice(server: Server) -> str:
    if httpx.URL(server.url).port is None:
        return f"No port was given, and LM Studio listens on {PORT}: try HOST:{PORT}"
    return f"{_START}; or give its address: --server http://HOST:PORT"


class _Daemons(ThreadPoolExecutor):
    """Looks names up in threads that nobody waits for: the system's lookup may hang beyond every deadline."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
                    future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nothing."""
