"""Servers on 127.0.0.1 that do what LM Studio never does: real sockets, real threads."""

import contextlib
import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

Behaviour = Callable[[socket.socket, bytes], None]
"""What a server does with a connection, once the request (or whatever came instead) was read."""

CERTIFICATE = Path(__file__).with_name("localhost.pem")
LEGAL = b'{"models": [{"key": "a", "size_bytes": 7}]}'


class Hostile:
    """A server that misbehaves, between ``with`` and the end of the block.

    Attributes:
        requests: what each connection sent, up to the empty line.
    """

    def __init__(self, behaviour: Behaviour, *, tls: bool = False, reads: bool = True) -> None:
        self._behaviour = behaviour
        self._reads = reads
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.requests: list[bytes] = []
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self._tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(CERTIFICATE)
                connection = context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            request = b""
            while self._reads and b"\r\n\r\n" not in request and (some := connection.recv(65536)):
                request += some
            self.requests.append(request)
            self._behaviour(connection, request)


def answer(body: bytes, status: str = "200 OK", *headers: str) -> Behaviour:
    """Answer properly, with this status and body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]

    def behave(connection: socket.socket, _: bytes) -> None:
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    return behave


def raw(text: bytes) -> Behaviour:
    """Send these bytes and close."""
    return lambda connection, _: connection.sendall(text)


def drip(beginning: bytes, piece: bytes = b"x", pause: float = 0.02) -> Behaviour:
    """Send a beginning, then a piece now and then, for ever."""

    def behave(connection: socket.socket, _: bytes) -> None:
        connection.sendall(beginning)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return behave


def silence(connection: socket.socket, _: bytes) -> None:
    """Say nothing and keep the connection open."""
    while connection.recv(65536):
        pass


def echo(connection: socket.socket, request: bytes) -> None:
    """Refuse, and repeat the whole request in the body, as a careless proxy does."""
    body = json.dumps({"error": {"message": request.decode("latin-1")}}).encode()
    answer(body, "500 Internal Server Error", f"X-Echo: {len(request)}")(connection, request)


def redirect(where: str, status: str = "302 Found") -> Behaviour:
    """Send whoever asks somewhere else."""
    return answer(b"", status, f"Location: {where}")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

NEVER_ENDING: dict[str, Behaviour] = {
    "silent": silence,
    "dripping body": drip(HEAD + b"Content-Length: 1000000\r\n\r\n"),
    "dripping headers": drip(HEAD, b"X: y\r\n"),
    "dripping status line": drip(b"HTTP/1.1 2", b"0"),
    "dripping chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "one-byte chunks at full speed": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 1000, pause=0),
    "endless interim answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body that never comes": drip(HEAD + b"Content-Length: 10\r\n\r\n", b"", pause=0.1),
}
"""Behaviours that only a total deadline ends."""

REFUSED: dict[str, tuple[Behaviour, str]] = {
    "gzip": (answer(gzip.compress(LEGAL), "200 OK", "Content-Encoding: gzip"), "invalid"),
    "gzip in gzip": (answer(gzip.compress(gzip.compress(LEGAL)), "200 OK", "Content-Encoding: gzip, gzip"), "invalid"),
    "gzip bomb": (answer(gzip.compress(bytes(100_000_000), 9), "200 OK", "Content-Encoding: GZIP"), "invalid"),
    "unknown encoding": (answer(LEGAL, "200 OK", "Content-Encoding: br"), "invalid"),
    "endless body": (drip(HEAD + b"\r\n", b" " * 65536, pause=0), "invalid"),
    "endless headers": (drip(HEAD, b"X: y\r\n" * 1000, pause=0), "invalid"),
    "closed at once": (lambda *_: None, "unreachable"),
    "closed in the middle": (raw(HEAD + b"Content-Length: 100\r\n\r\n{"), "unreachable"),
    "closed in the headers": (raw(HEAD), "unreachable"),
    "closed in a chunk": (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), "unreachable"),
    "garbage": (raw(b"\x00\x01\x02 hello\r\n\r\n" * 9), "invalid"),
    "SSH": (raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "invalid"),
    "two lengths": (raw(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"), "invalid"),
    "wrong chunk size": (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}"), "invalid"),
    "negative length": (raw(HEAD + b"Content-Length: -1\r\n\r\n{}"), "invalid"),
    "too many values": (answer(b'{"models": [' + b"{}," * 500_000 + b"{}]}"), "invalid"),
    "key explosion": (
        answer(b'{"models": [{"key": "a"' + b"".join(b',"%x":1' % number for number in range(500_000)) + b"}]}"),
        "invalid",
    ),
    "nested deeply": (answer(b"[" * 300_000), "invalid"),
    "nothing": (answer(b""), "invalid"),
    "unauthorized": (answer(b'{"error": {"code": "invalid_api_key"}}', "401 Unauthorized"), "unauthorized"),
    "forbidden": (answer(b"", "403 Forbidden"), "unauthorized"),
    "not found": (answer(b"<h1>no</h1>", "404 Not Found"), "not_lm_studio"),
    "broken": (answer(b"", "500 Internal Server Error"), "invalid"),
    "bad gateway": (answer(b"", "502 Bad Gateway"), "unreachable"),
    "not ready": (answer(b"", "503 Service Unavailable"), "unreachable"),
    "no status of HTTP": (answer(LEGAL, "999 Strange"), "invalid"),
    "moved": (redirect("http://127.0.0.1:9/", "301 Moved Permanently"), "not_lm_studio"),
    "moved to nowhere": (redirect("http://["), "not_lm_studio"),
    "moved to itself": (redirect("/api/v1/models"), "not_lm_studio"),
    "not modified": (answer(b"", "304 Not Modified"), "not_lm_studio"),
    "OpenAI": (answer(b'{"object": "list", "data": [{"id": "a"}]}'), "not_lm_studio"),
    "Ollama": (answer(b'{"models": [{"name": "a:8b"}]}'), "not_lm_studio"),
    "web page": (answer(b"<!doctype html><title>Router</title>"), "not_lm_studio"),
    "too old": (answer(b'{"error": "Unexpected endpoint or method. (GET /api/v1/models)"}'), "too_old"),
    "echo": (echo, "invalid"),
}
"""Behaviours that end by themselves, and the status of the observation."""
