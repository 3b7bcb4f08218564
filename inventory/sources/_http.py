"""Send a GET over HTTP, within limits that hold whatever the server does.

httpx limits the time of each read, but neither that of the whole request nor the size of a body. Here one deadline
ends everything, and a body is read up to a limit. The transport of httpx is used without its client, so nothing follows
redirects, uses the environment's proxies or reads ``.netrc``: a token goes to its own server only.

Failures that may be over in a moment are retried before the deadline, after a random pause whose maximum doubles
("full jitter"), so that requests that failed together are not repeated together.
"""

import asyncio
import errno
import logging
import re
import socket
import ssl
from contextlib import aclosing
from datetime import datetime
from email.utils import parsedate_to_datetime
from io import BytesIO

import httpx

from inventory.config.addresses import path_of
from inventory.config.servers import Server
from inventory.errors import Invalid, Timeout, Unreachable
from inventory.limits import BODY_LIMIT, MAX_NAMES, PARTS_LIMIT, WIDE_LIMIT
from inventory.normalize.response import PATHS
from inventory.sources import Deadline, RawResponse
from inventory.sources._connections import Connections
from inventory.sources._failures import cause_chain, failure_of
from inventory.sources._trace import ConnectionTrace

ATTEMPTS = 3
PAUSE = 0.2
"""Maximum of the first pause, in seconds; it doubles with each further attempt."""

_RETRIED_STATUSES = frozenset({429, 502, 503, 504})  # too many requests, or a gateway whose server is not ready
_LONGEST_RETRY_AFTER = 10**9  # seconds
_WIDE_CHARACTER = re.compile(rb"[\xf0-\xf7]")  # the first byte of a character beyond 16 bits in UTF-8

# At level DEBUG they log the headers of a response, in which a server may repeat the token.
_HEADER_LOGGERS = (logging.getLogger("httpcore.connection"), logging.getLogger("httpcore.http11"))


async def get(server: Server, api: str, deadline: Deadline, connections: Connections) -> RawResponse:
    """Send a GET and read the whole response; failures that may be over in a moment are retried.

    Args:
        server: its address and token are used; the token is sent nowhere else.
        api: the API to query: a key of ``PATHS``.
        deadline: for everything together: name lookup, connections, headers, body, pauses.
        connections: what the requests of this run share.

    Raises:
        Unreachable: no connection could be made, it broke, or a gateway asks for a retry after the deadline.
        Timeout: the response was not complete in time.
        Invalid: the response is not HTTP, is compressed, or exceeds a limit of ``inventory/limits.py``.
    """
    # Names are looked up in threads that nobody waits for: the system's lookup may hang beyond every deadline.
    asyncio.get_running_loop().set_default_executor(connections.threads)  # guard: a name lookup is not waited for
    for logger in _HEADER_LOGGERS:
        if logger.isEnabledFor(logging.DEBUG):  # guard: no headers in a debug log
            logger.setLevel(logging.INFO)
    try:
        async with asyncio.timeout_at(deadline.ends):  # guard: total deadline
            return await _get_with_retries(server, api, deadline, connections)
    except TimeoutError as error:
        raise Timeout(
            f"no complete response from {server.url} within {deadline.seconds:g} s",
            "Is the machine busy or the network slow? Allow more time with --timeout SECONDS",
        ) from error
    except httpx.TransportError as error:
        raise failure_of(server, error) from error
    except (httpx.InvalidURL, ValueError, OSError, ExceptionGroup) as error:  # raised for names that are not valid
        raise Unreachable(f"{server.url} cannot be queried: its host name is not valid", "Check the address") from error


async def _get_with_retries(server: Server, api: str, deadline: Deadline, connections: Connections) -> RawResponse:
    """Send requests until a response can be used, or no further attempt is worth it."""
    attempt = 0
    while True:
        attempt += 1
        pause = connections.chance() * PAUSE * 2 ** (attempt - 1)
        try:
            response, retry_after = await _send(server, api, connections)
        except httpx.TransportError as error:
            if attempt == ATTEMPTS or pause >= deadline.remaining or not _is_transient(error):
                raise
        else:
            if response.http_status not in _RETRIED_STATUSES:
                return response
            requested_pause = _retry_after_seconds(retry_after, connections.clock())
            if requested_pause >= deadline.remaining:
                raise Unreachable(
                    f"the server or a gateway before it is not ready (HTTP {response.http_status}) and asks for a "
                    f"retry in {requested_pause:,.0f} s, after the deadline of {deadline.seconds:g} s",
                    "Try again later, or allow more time with --timeout SECONDS",
                    response.http_status,
                )
            pause = max(pause, requested_pause)
            if attempt == ATTEMPTS or pause >= deadline.remaining:
                return response
        await asyncio.sleep(pause)


async def _send(server: Server, api: str, connections: Connections) -> tuple[RawResponse, str]:
    """Send one request; return the response and the value of its Retry-After header."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "lms-inventory"}
    if server.token:
        headers["Authorization"] = f"Bearer {server.token}"
    async with (
        aclosing(ConnectionTrace()) as trace,
        httpx.AsyncHTTPTransport(verify=connections.tls_context(server), trust_env=False) as transport,
    ):
        request = httpx.Request("GET", server.url + PATHS[api], headers=headers, extensions={"trace": trace})
        response = await transport.handle_async_request(request)
        try:
            async with aclosing(response):
                return await _read(response, api, path_of(server.url)), response.headers.get("retry-after", "")
        except httpx.TransportError as error:  # the response had begun, so it is not requested again
            raise failure_of(server, error) from error


async def _read(response: httpx.Response, api: str, path: str = "") -> RawResponse:
    """Read the body of a response; ``path`` is that of the server's address."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):  # guard: no compressed response
        raise Invalid(
            "the response is compressed although no compression was requested",
            "Turn off compression in the proxy in between",
            response.status_code,
        )
    body = BytesIO()
    async for chunk in response.aiter_raw():
        if body.tell() + len(chunk) > BODY_LIMIT:  # guard: bytes of a body
            raise Invalid(
                f"the response is larger than {BODY_LIMIT // 2**20} MiB",
                "LM Studio's has a few kilobytes; is this its address?",
                response.status_code,
            )
        body.write(chunk)
        # Many small chunks arrive together: between them the deadline and other servers have their turn.
        await asyncio.sleep(0)
    challenge = response.headers.get("www-authenticate") or response.headers.get("proxy-authenticate", "")
    return _check_size(RawResponse(body.getvalue(), api, response.status_code, path, challenge))


def _check_size(response: RawResponse) -> RawResponse:
    """Return the response if parsing it takes no more than a second or two, and little memory.

    Raises:
        Invalid: it takes more.
    """
    body = response.body
    if len(body) > WIDE_LIMIT and _WIDE_CHARACTER.search(body):
        raise Invalid(
            f"the response is larger than {WIDE_LIMIT // 2**20} MiB, with characters that make each of its texts four "
            "times as large",
            "LM Studio's has a few kilobytes; is this its address?",
            response.http_status,
        )
    commas, lists, objects = map(body.count, (b",", b"[", b"{"))
    if max(commas + lists + objects, 5 * objects) > PARTS_LIMIT:  # guard: parts of a body
        raise Invalid(
            f"the response has more than {PARTS_LIMIT:,} values",
            "LM Studio's has some two dozen for each model; is this its address?",
            response.http_status,
        )
    if body.count(b'":') > MAX_NAMES * objects:  # guard: names of a body
        raise Invalid(
            f"the response has more than {MAX_NAMES:,} names in one object",
            "LM Studio's have some two dozen; is this its address?",
            response.http_status,
        )
    return response


def _retry_after_seconds(header: str, now: datetime) -> float:
    """Return the seconds that a Retry-After header asks for, as a number or a date; 0 if it is past or malformed."""
    if re.fullmatch(r"[0-9]+", header):
        return float(header) if len(header) < 10 else float(_LONGEST_RETRY_AFTER)
    try:
        return min(max((parsedate_to_datetime(header) - now).total_seconds(), 0.0), float(_LONGEST_RETRY_AFTER))
    except (ValueError, TypeError, IndexError, OverflowError):  # not a date, or one without a time zone
        return 0.0


def _is_transient(error: Exception) -> bool:
    """Return whether the reason why no response began may be over in a moment."""
    causes = cause_chain(error)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return False
    if any(isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN for cause in causes):
        return False
    is_reset = any(isinstance(cause, OSError) and cause.errno == errno.ECONNRESET for cause in causes)
    return isinstance(error, httpx.ConnectError | httpx.WriteError) or "disconnected" in str(error) or is_reset
