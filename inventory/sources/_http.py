"""The only room that speaks HTTP: a GET, within bounds that hold whatever the other side does.

httpx has a timeout for each read but none for the whole, reads bodies of any size, and would follow the environment's
proxies with the token in hand. Here: one total deadline, one cap, no proxy, no redirect, no compression. What may be
over in a moment is tried again before the deadline, after a pause that is random between nothing and twice the last
one ("full jitter"), so that many that failed together do not come back together.
"""

import asyncio
import errno
import re
import socket
import ssl
from contextlib import aclosing
from datetime import datetime
from email.utils import parsedate_to_datetime
from io import BytesIO

import httpcore
import httpx

from inventory.config.addresses import path_of
from inventory.config.servers import Server
from inventory.errors import Invalid, Timeout, Unreachable
from inventory.limits import MAX_NAMES
from inventory.normalize.response import PATHS
from inventory.sources import BODY_LIMIT, PARTS_LIMIT, WIDE_LIMIT, Deadline, RawResponse
from inventory.sources._connections import Connections
from inventory.sources._failures import cause_chain, failure_of
from inventory.sources._network import Network

ATTEMPTS = 3
PAUSE = 0.2
"""Seconds that the first pause may have; the next ones may have twice as much each."""

_PASSING = frozenset({429, 502, 503, 504})  # too many requests, or a gateway whose server is not ready
_BROKEN = (httpcore.NetworkError, httpcore.ProtocolError)
_WIDE = re.compile(rb"[\xf0-\xf7]")  # begins a character beyond 16 bits in UTF-8
_LONGEST = 10**9  # seconds; nobody waits longer


async def get(server: Server, api: str, deadline: Deadline, connections: Connections) -> RawResponse:
    """Send a GET and read the whole answer; what may be over in a moment is tried up to ``ATTEMPTS`` times.

    Args:
        server: whose address and token are used; the token goes nowhere else.
        api: which API is asked: a word of ``decode.PATHS``.
        deadline: for everything together: name lookup, connections, headers, body, pauses.
        connections: what the requests of this run share.

    Raises:
        Unreachable: no connection could be made, it broke, or a gateway wants to be asked again after the deadline.
        Timeout: the answer was not complete in time.
        Invalid: the answer is not HTTP, is compressed, is larger than the limits of ``sources`` or ``MAX_NAMES``,
            or too much comes before it.
    """
    try:
        async with asyncio.timeout_at(deadline.ends):  # guard: total deadline
            return await _attempts(server, api, deadline, connections)
    except TimeoutError as error:
        raise Timeout(
            f"no complete answer from {server.url} within {deadline.seconds:g} s",
            "Is the machine busy or the network slow? Give it longer with --timeout SECONDS",
        ) from error
    except _BROKEN as error:
        raise failure_of(server, error) from error
    except (httpx.InvalidURL, ValueError, OSError, ExceptionGroup) as error:  # a name that a library below trips over
        raise Unreachable(f"{server.url} cannot be asked: its host name is not valid", "Check the address") from error


async def _attempts(server: Server, api: str, deadline: Deadline, connections: Connections) -> RawResponse:
    """Ask until there is an answer to keep, or no further attempt is worth it."""
    attempt = 0
    while True:
        attempt += 1
        pause = connections.chance() * PAUSE * 2 ** (attempt - 1)
        try:
            answer, retry_after = await _attempt(server, api, connections)
        except _BROKEN as error:
            if attempt == ATTEMPTS or pause >= deadline.left or not _is_passing(error):
                raise
        else:
            if answer.http_status not in _PASSING:
                return answer
            wanted = _seconds(retry_after, connections.clock())
            if wanted >= deadline.left:
                raise Unreachable(
                    f"the server or a gateway before it is not ready (HTTP {answer.http_status}) and wants to be "
                    f"asked again in {wanted:,.0f} s, which the deadline of {deadline.seconds:g} s leaves no time for",
                    "Ask later, or give it longer with --timeout SECONDS",
                    answer.http_status,
                )
            pause = max(pause, wanted)
            if attempt == ATTEMPTS or pause >= deadline.left:
                return answer
        await asyncio.sleep(pause)


async def _attempt(server: Server, api: str, connections: Connections) -> tuple[RawResponse, str]:
    """One request; returns the answer, and what it says about when to ask again."""
    url = httpx.URL(server.url + PATHS[api])
    headers: list[tuple[bytes | str, bytes | str]] = [
        ("Host", url.netloc),
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
    ]
    headers += [("User-Agent", "lms-inventory")]
    if server.token:
        headers += [("Authorization", f"Bearer {server.token}")]
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    async with (
        aclosing(Network()) as network,
        aclosing(connections.open(server, target.origin, network)) as connection,
    ):
        response = await connection.handle_async_request(httpcore.Request("GET", target, headers=headers))
        network.begun = True
        try:
            async with aclosing(response):
                return await _read(response, api, path_of(server.url)), _header(response, b"retry-after")
        except _BROKEN as error:  # in the middle of an answer: it is not asked for again
            raise failure_of(server, error) from error


async def _read(response: httpcore.Response, api: str, path: str = "") -> RawResponse:
    """Read the rest of an answer; ``path`` is that of the server's address."""
    if _header(response, b"content-encoding").lower() not in ("", "identity"):  # guard: no compressed answer
        raise Invalid(
            "the answer is compressed although no compression was asked for",
            "Turn compression off in the proxy in between",
            response.status,
        )
    body = BytesIO()
    async for chunk in response.aiter_stream():
        if body.tell() + len(chunk) > BODY_LIMIT:  # guard: bytes of a body
            raise Invalid(
                f"the answer is larger than {BODY_LIMIT // 2**20} MiB",
                "LM Studio's has a few kilobytes; is this its address?",
                response.status,
            )
        body.write(chunk)
        await asyncio.sleep(0)  # many small chunks come in one piece: let the deadline and other servers in
    challenge = _header(response, b"www-authenticate") or _header(response, b"proxy-authenticate")
    return _counted(RawResponse(body.getvalue(), api, response.status, path, challenge))


def _header(response: httpcore.Response, name: bytes) -> str:
    return b",".join(value for key, value in response.headers if key.lower() == name).decode("latin-1").strip()


def _counted(answer: RawResponse) -> RawResponse:
    """The answer, once it is known to have no more parts than can be parsed in a second or two, and little memory."""
    if len(answer.body) > WIDE_LIMIT and _WIDE.search(answer.body):
        raise Invalid(
            f"the answer is larger than {WIDE_LIMIT // 2**20} MiB, with characters that make each of its texts four "
            "times as large",
            "LM Studio's has a few kilobytes; is this its address?",
            answer.http_status,
        )
    commas, lists, objects = map(answer.body.count, (b",", b"[", b"{"))
    if max(commas + lists + objects, 5 * objects) > PARTS_LIMIT:  # guard: parts of a body
        raise Invalid(
            f"the answer has more than {PARTS_LIMIT:,} values",
            "LM Studio's has some two dozen for each model; is this its address?",
            answer.http_status,
        )
    if answer.body.count(b'":') > MAX_NAMES * objects:  # guard: names of a body
        raise Invalid(
            f"the answer has more than {MAX_NAMES:,} names in one object",
            "LM Studio's have some two dozen; is this its address?",
            answer.http_status,
        )
    return answer


def _seconds(retry_after: str, now: datetime) -> float:
    """The seconds in a Retry-After header, which holds them or a date; 0 for the past, and for what is neither."""
    if re.fullmatch(r"[0-9]+", retry_after):
        return float(retry_after) if len(retry_after) < 10 else float(_LONGEST)
    try:
        return min(max((parsedate_to_datetime(retry_after) - now).total_seconds(), 0.0), float(_LONGEST))
    except (ValueError, TypeError, IndexError, OverflowError):  # no date, or one without a zone
        return 0.0


def _is_passing(error: Exception) -> bool:
    """Whether the reason why no answer began may be over in a moment."""
    causes = cause_chain(error)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return False
    if any(isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN for cause in causes):
        return False
    is_reset = any(isinstance(cause, OSError) and cause.errno == errno.ECONNRESET for cause in causes)
    return isinstance(error, httpcore.ConnectError | httpcore.WriteError) or "disconnected" in str(error) or is_reset
