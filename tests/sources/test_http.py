"""HTTP requests, to servers that misbehave on real sockets."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.hostile_servers import CERTIFICATE, HEAD, LEGAL, REFUSED, Behaviour, Hostile, answer, raw, silence

import inventory
from inventory.config.servers import Server
from inventory.errors import ConfigurationError, Invalid, ServerError, Timeout, Unreachable
from inventory.limits import BODY_LIMIT, HEAD_LIMIT, PARTS_LIMIT, WIDE_LIMIT
from inventory.sources import Connections, Deadline, RawResponse, source_of
from inventory.sources._http import ATTEMPTS, _read

TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"


NOW = datetime(2026, 11, 23, 6, 0, 4, tzinfo=UTC)


def ask(url: str, timeout: float = 5.0, token: str | None = None, chance: float = 0.0, **more: Any) -> RawResponse:
    """Fetch from one server; with a chance of 0, further attempts follow at once."""
    server = Server(url, "s", token, **more)

    async def fetch() -> RawResponse:
        connections = Connections([server], lambda: NOW, lambda: chance)
        return await source_of(server).fetch(server, Deadline.after(timeout), connections)

    return asyncio.run(fetch())


def status_of(url: str, token: str | None = None) -> str:
    """Return the status of a server's observation."""
    snapshot = inventory.collect(Server(url, "s", token), timeout=5)
    return str(snapshot.tables["observations"].column("status")[0].as_py())


@pytest.fixture
def legal() -> Iterator[Hostile]:
    """A server that responds correctly."""
    with Hostile(answer(LEGAL)) as server:
        yield server


def test_one_get_is_sent_and_nothing_else(legal: Hostile) -> None:
    """The request is one GET of the endpoint, which asks for JSON without compression and carries no token."""
    assert ask(legal.url).body == LEGAL
    (request,) = legal.requests
    lines = request.decode().lower().splitlines()
    assert lines[0] == "get /api/v1/models http/1.1"
    assert "accept-encoding: identity" in lines
    assert "accept: application/json" in lines
    assert f"host: 127.0.0.1:{legal.port}" in lines
    assert not [line for line in lines if line.startswith(("authorization", "cookie", "content-"))]


def test_a_prefix_of_a_reverse_proxy_is_asked(legal: Hostile) -> None:
    """The path prefix in an address comes before the endpoint."""
    ask(f"{legal.url}/gpu//box/v1")
    assert legal.requests[0].startswith(b"GET /gpu/box/api/v1/models HTTP/1.1\r\n")


@pytest.mark.usefixtures("real_pauses")
def test_a_refused_connection_is_tried_again() -> None:
    """A refused connection is unreachable after further attempts with pauses between them, and says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for chance, least, most in ((0.0, 0.0, 0.5), (1.0, 0.6, 2.0)):
        began = time.monotonic()
        with pytest.raises(Unreachable, match="connection refused") as caught:
            ask(f"http://127.0.0.1:{port}", chance=chance)
        assert least <= time.monotonic() - began < most
        assert "lms server start" in caught.value.advice


def test_a_server_that_hangs_up_is_asked_again() -> None:
    """A connection closed before a response is retried a few times; one closed during a response is not."""
    with Hostile(lambda *_: None) as server:
        with pytest.raises(Unreachable):
            ask(server.url)
        assert len(server.requests) == ATTEMPTS
    with Hostile(REFUSED["closed in the middle"][0]) as server:
        with pytest.raises(Unreachable, match="in the middle"):
            ask(server.url)
        assert len(server.requests) == 1


def flaky(first: Behaviour, times: int) -> Behaviour:
    """Do something this many times, then respond correctly."""
    requests: list[bytes] = []

    def behave(connection: socket.socket, request: bytes) -> None:
        requests.append(request)
        (first if len(requests) <= times else answer(LEGAL))(connection, request)

    return behave


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_is_not_ready_is_retried(status: int) -> None:
    """Too many requests and gateways without their server are retried; the last response counts."""
    with Hostile(flaky(answer(b"", f"{status} Wait"), ATTEMPTS - 1)) as server:
        assert ask(server.url).body == LEGAL
        assert len(server.requests) == ATTEMPTS
    with Hostile(answer(b"", f"{status} Wait")) as server:
        assert ask(server.url).http_status == status
        assert len(server.requests) == ATTEMPTS


@pytest.mark.parametrize(
    "name",
    ["unauthorized", "forbidden", "not found", "broken", "nothing", "OpenAI", "web page", "too old", "gzip", "garbage"],
)
def test_lasting_failures_are_not_retried(name: str) -> None:
    """A refusal and a wrong body cost one request."""
    with Hostile(REFUSED[name][0]) as server:
        status_of(server.url)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("1", 1.0),
        (f"{NOW.replace(second=5):%a, %d %b %Y %H:%M:%S} GMT", 1.0),
        ("0", 0.0),
        (f"{NOW.replace(year=2020):%a, %d %b %Y %H:%M:%S} GMT", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("\u00b2", 0.0),
    ],
)
def test_retry_after_is_honoured(header: str, pause: float) -> None:
    """Seconds and dates are waited for; a past or malformed one is ignored."""
    with Hostile(flaky(answer(b"", "503 Wait", f"Retry-After: {header}"), 1)) as server:
        began = time.monotonic()
        assert ask(server.url).body == LEGAL
        assert pause <= time.monotonic() - began < pause + 0.9


@pytest.mark.parametrize(
    "header", ["5", "9" * 5000, f"{NOW.replace(minute=1):%a, %d %b %Y %H:%M:%S} GMT", "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_a_retry_after_beyond_the_deadline_ends_it_at_once(header: str) -> None:
    """A pause beyond the deadline is not begun, and the error says so."""
    with Hostile(answer(b"", "429 Too Many", f"Retry-After: {header}")) as server:
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"retry in [0-9,]+ s, after the deadline of 3 s") as caught:
            ask(server.url, 3)
        assert time.monotonic() - began < 1
        assert caught.value.http_status == 429
        assert len(server.requests) == 1


@pytest.mark.usefixtures("real_pauses")
def test_a_pause_beyond_the_deadline_is_not_begun() -> None:
    """The last response is reported, not a timeout."""
    with Hostile(answer(b"", "503 Wait")) as server:
        assert ask(server.url, 0.15, chance=1.0).http_status == 503
        assert len(server.requests) == 1
    with Hostile(lambda *_: None) as server:
        with pytest.raises(Unreachable):
            ask(server.url, 0.15, chance=1.0)
        assert len(server.requests) == 1


def attempts_at(url: str) -> int:
    """Count the attempts at a server that cannot be reached: each draws a pause."""
    pauses = count()
    server = Server(url, "s")

    async def fetch() -> RawResponse:
        connections = Connections([server], lambda: NOW, lambda: 0.0 * next(pauses))
        return await source_of(server).fetch(server, Deadline.after(5), connections)

    with pytest.raises(Unreachable):
        asyncio.run(fetch())
    return next(pauses)


def test_a_truncated_response_is_not_retried() -> None:
    """A response that a reset ends has begun: to request it again would only make its server work more."""
    with Hostile(REFUSED["reset in the middle"][0]) as server:
        assert attempts_at(server.url) == 1


def test_a_certificate_that_is_not_trusted_is_looked_at_once() -> None:
    """An untrusted certificate is not retried: it would be the same a moment later."""
    with Hostile(answer(LEGAL), tls=True) as server:
        assert attempts_at(server.url) == 1


def test_only_a_lookup_that_may_succeed_later_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name is looked up once, and again if the system reports a temporary failure."""
    for code, attempts in ((socket.EAI_NONAME, 1), (socket.EAI_AGAIN, ATTEMPTS)):
        monkeypatch.setattr(socket, "getaddrinfo", partial(_fail, socket.gaierror(code, "no")))
        assert attempts_at("http://somewhere:1234") == attempts


def _fail(error: OSError, *_: Any, **__: Any) -> None:
    raise error


def test_small_chunks_let_others_in() -> None:
    """Between any two chunks of a response others have their turn, also if all chunks arrive together."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "

    async def read() -> int:
        turns = 0

        async def take_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        others = asyncio.create_task(take_turns())
        await _read(httpx.Response(200, content=pieces()), "lmstudio")
        others.cancel()
        return turns

    assert asyncio.run(read()) >= 99


@pytest.mark.guard("bytes before a response")
@pytest.mark.parametrize("piece", [b"HTTP/1.1 100 C\r\n\r\n", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"])
def test_only_so_much_is_read_before_a_response(piece: bytes) -> None:
    """Interim responses within the limit are skipped, more of them are refused; the body does not count."""
    body = LEGAL + b" " * 2 * HEAD_LIMIT
    whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    for size in (0, HEAD_LIMIT - 5000):
        with Hostile(raw(piece * (size // len(piece)) + whole)) as server:
            assert ask(server.url, 50).body == body
    with Hostile(raw(piece * (HEAD_LIMIT // len(piece) + 1) + whole)) as server:
        with pytest.raises(Invalid, match="more than 32 KiB before its response"):
            ask(server.url, 50)
        assert len(server.requests) == 1


@pytest.mark.guard("a connection that is given up is closed")
@pytest.mark.parametrize("scheme", ["http:", "https:"])
def test_a_connection_that_is_given_up_is_closed(scheme: str) -> None:
    """At the deadline the connection is closed, also in the middle of the TLS handshake, while the loop runs on."""
    closed = threading.Event()

    def wait_for_the_end(connection: socket.socket, _: bytes) -> None:
        with contextlib.suppress(OSError):
            silence(connection, b"")
        closed.set()

    async def fetch(server: Server) -> bool:
        connections = Connections([server], lambda: NOW, lambda: 0.0)
        with pytest.raises(Timeout):
            await source_of(server).fetch(server, Deadline.after(0.3), connections)
        return await asyncio.to_thread(closed.wait, 10)

    with Hostile(wait_for_the_end, reads=False) as hostile:
        assert asyncio.run(fetch(Server(hostile.url.replace("http:", scheme), "s")))


def test_a_private_authority_is_trusted_where_it_is_given() -> None:
    """With its certificate as ca_file a server is read over TLS; the public ones are not trusted then."""
    with Hostile(answer(LEGAL), tls=True) as server:
        assert ask(server.url, token=TOKEN, ca_file=str(CERTIFICATE)).body == LEGAL
        assert TOKEN.encode() in server.requests[-1]
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            ask(server.url)


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nxx\n"])
def test_a_wrong_file_of_authorities_is_refused_before_any_request(content: bytes | None, tmp_path: Path) -> None:
    """A missing, empty or broken file is a configuration error; nothing is sent, and no token is shown."""
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_bytes(content)
    with Hostile(answer(LEGAL)) as other, Hostile(answer(LEGAL), tls=True) as server:
        servers = [Server(other.url, "a", TOKEN), Server(server.url, "b", TOKEN, ca_file=str(path))]
        with pytest.raises(ConfigurationError, match="certificate authorities for b") as caught:
            inventory.collect(servers)
        assert other.requests == server.requests == []
    assert str(path) in caught.value.what
    assert TOKEN not in str(caught.value)


def test_a_server_that_comes_back_is_read() -> None:
    """The response to the second attempt is used."""
    requests: list[bytes] = []

    def once(connection: socket.socket, request: bytes) -> None:
        requests.append(request)
        if len(requests) == 2:
            answer(LEGAL)(connection, request)

    with Hostile(once) as server:
        assert ask(server.url).body == LEGAL


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "xn--a", "256.256.256.256", "a" * 70])
def test_an_invalid_host_is_unreachable(host: str) -> None:
    """A name that cannot be looked up, or cannot be a name, is unreachable."""
    with pytest.raises((Unreachable, Timeout)):
        ask(f"http://{host}:1234", 2)


def test_https_to_plain_http_says_so() -> None:
    """TLS spoken to a server without it is unreachable, and the message doubts the https."""
    with (
        Hostile(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), reads=False) as server,
        pytest.raises(Unreachable, match="is it https"),
    ):
        ask(server.url.replace("http:", "https:"))


def test_plain_http_to_https_is_explained() -> None:
    """Plain HTTP to a TLS port is reported as a server that does not speak HTTP or hangs up."""
    with Hostile(answer(LEGAL), tls=True) as server, pytest.raises((Invalid, Unreachable)):
        ask(server.url.replace("https:", "http:"))


@pytest.mark.guard("bytes of a body")
def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not() -> None:
    """The limit is exact."""
    with Hostile(answer(b" " * BODY_LIMIT)) as server:
        assert len(ask(server.url).body) == BODY_LIMIT
    with Hostile(answer(b" " * (BODY_LIMIT + 1))) as server, pytest.raises(Invalid, match="larger than 16 MiB"):
        ask(server.url)


def test_an_answer_with_wide_characters_is_smaller() -> None:
    """A character beyond 16 bits makes each character of its text take four bytes: the limit is lower then."""
    start = len(b'{"models": [], "a": ""}')
    for letter, limit in (("\U0001f600", WIDE_LIMIT), ("\u4e00", BODY_LIMIT), ("a", BODY_LIMIT)):
        wide = letter.encode()
        for more in (0, 1):
            body = b'{"models": [], "a": "%s%s"}' % (wide, b"a" * (limit - start - len(wide) + more))
            assert len(body) == limit + more
            with Hostile(answer(body)) as server:
                if more:
                    with pytest.raises(Invalid, match=f"larger than {limit // 2**20} MiB"):
                        ask(server.url, 20)
                else:
                    assert ask(server.url, 20).body == body


@pytest.mark.guard("parts of a body")
def test_many_values_in_few_bytes_are_refused() -> None:
    """A body that is short to send and long to parse is refused; ten thousand real models are read."""
    with Hostile(answer(b"," * PARTS_LIMIT)) as server:
        assert ask(server.url).http_status == 200
    with Hostile(answer(b"," * (PARTS_LIMIT + 1))) as server, pytest.raises(Invalid, match="more than 400,000 values"):
        ask(server.url)
    with Hostile(answer(b"{}" * (PARTS_LIMIT // 5 + 1))) as server, pytest.raises(Invalid, match="400,000 values"):
        ask(server.url)
    row: dict[str, object] = {
        "key": "publisher/name",
        "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
        "capabilities": {},
    }
    row |= {f"field_{number}": number for number in range(30)}
    with Hostile(answer(json.dumps({"models": [row] * 10_000}).encode())) as server:
        assert ask(server.url).http_status == 200


@pytest.mark.guard("no compressed response")
def test_refused_answers_keep_their_http_status() -> None:
    """A refused response keeps its HTTP status in the error."""
    with Hostile(REFUSED["gzip"][0]) as server:
        with pytest.raises(ServerError) as caught:
            ask(server.url)
        assert caught.value.http_status == 200
