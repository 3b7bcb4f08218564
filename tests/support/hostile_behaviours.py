"""A server on 127.0.0.1 with a chosen behaviour, and functions that make behaviours: real sockets, real threads."""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

Behaviour = Callable[[socket.socket, bytes], None]
"""What a server does with a connection, once the request (or whatever came instead) was read."""

CERTIFICATES = Path(__file__).parent.parent / "certificates"
CERTIFICATE = CERTIFICATES / "localhost.pem"


class Hostile:
    """A server that misbehaves, between ``with`` and the end of the block.

    Args:
        behaviour: what it does with each connection.
        tls: whether it speaks TLS, with the certificate.
        reads: whether it waits for a request first.
        certificate: a PEM file with a key and its certificate.
        port: where it listens; by default where there is room.

    Attributes:
        requests: what each connection sent, up to the empty line.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        *,
        tls: bool = False,
        reads: bool = True,
        certificate: Path = CERTIFICATE,
        port: int = 0,
    ) -> None:
        self._behaviour = behaviour
        self._reads = reads
        self._context = _context(certificate) if tls else None
        self._socket = socket.create_server(("127.0.0.1", port), backlog=128)
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
        for endpoint in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                endpoint.shutdown(socket.SHUT_RDWR)
            endpoint.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            request = b""
            while self._reads and b"\r\n\r\n" not in request and (data := connection.recv(65536)):
                request += data
            self.requests.append(request)
            self._behaviour(connection, request)


@cache
def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def answer(body: bytes, status: str = "200 OK", *headers: str) -> Behaviour:
    """Answer properly, with this status and body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def raw(text: bytes) -> Behaviour:
    """Send these bytes and close."""
    return lambda connection, _: connection.sendall(text)


def lazily(make: Callable[[], Behaviour]) -> Behaviour:
    """Behave as what is made when somebody comes, so that large bodies take no memory before."""
    return lambda connection, request: make()(connection, request)


def encoded(body: bytes, *encodings: str) -> Behaviour:
    """Answer with a body that is said to be compressed so."""
    return answer(body, "200 OK", f"Content-Encoding: {', '.join(encodings)}")


def drip(beginning: bytes, piece: bytes = b"x", pause: float = 0.02) -> Behaviour:
    """Send a beginning, then a piece now and then, for ever."""

    def behave(connection: socket.socket, _: bytes) -> None:
        connection.sendall(beginning)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return behave


def slowly(text: bytes, pause: float = 0.003) -> Behaviour:
    """Send these bytes one by one."""

    def behave(connection: socket.socket, _: bytes) -> None:
        for byte in text:
            connection.sendall(bytes([byte]))
            time.sleep(pause)

    return behave


def reset(beginning: bytes = b"") -> Behaviour:
    """Send a beginning, then break the connection instead of closing it."""

    def behave(connection: socket.socket, _: bytes) -> None:
        connection.sendall(beginning)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behave


def silence(connection: socket.socket, _: bytes) -> None:
    """Say nothing and keep the connection open."""
    while connection.recv(65536):
        pass


def echo(connection: socket.socket, request: bytes) -> None:
    """Refuse, and repeat the whole request in the body, as a careless proxy does."""
    body = json.dumps({"error": {"message": request.decode("latin-1")}}).encode()
    answer(body, "500 Internal Server Error", f"X-Echo: {len(request)}")(connection, request)


def echo_raw(connection: socket.socket, request: bytes) -> None:
    """Send back what came, which is no HTTP answer."""
    connection.sendall(request)


def echo_headers(connection: socket.socket, request: bytes) -> None:
    """Put what came into the status line and into headers, and then break a rule."""
    token = request.partition(b"Bearer ")[2].partition(b"\r\n")[0] or b"none"
    connection.sendall(b"HTTP/1.1 200 %s\r\nX-Token: %s\r\n%s\r\n\r\n" % (token, token, token))


def redirect(where: str, status: str = "302 Found") -> Behaviour:
    """Send whoever asks somewhere else."""
    return answer(b"", status, f"Location: {where}")


def redirect_with_token(connection: socket.socket, request: bytes) -> None:
    """Redirect to an address that holds the token which was sent."""
    token = request.partition(b"Bearer ")[2].partition(b"\r\n")[0].decode("latin-1")
    redirect(f"http://{token}@127.0.0.1:9/?token={token}")(connection, request)
