"""Where notices arrive: real HTTP servers on 127.0.0.1 that take, refuse, redirect, hang or want a certificate."""

import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

CERTIFICATES = Path(__file__).parent.parent / "certificates"


class Received(NamedTuple):
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Sink:
    """A context manager that serves in its own threads.

    Args:
        status: what it answers; 0 hangs.
        location: where it redirects.
        certificate: serve over TLS with this certificate.
        wants_certificate: ask the client for one too.

    Attributes:
        received: the requests that arrived, oldest first.
        status: may be changed between two requests.
    """

    def __init__(
        self, status: int = 204, location: str = "", certificate: str = "", *, wants_certificate: bool = False
    ) -> None:
        self.status = status
        self.received: list[Received] = []
        self._location = location
        self._ends = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATES / certificate)
            if wants_certificate:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(CERTIFICATES / certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
            self._scheme = "https"

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def bodies(self) -> list[str]:
        """The texts that arrived."""
        return [request.body.decode() for request in self.received]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                sink.received.append(Received(self.command, self.path, headers, body))
                if not sink.status:
                    sink._ends.wait(60)
                    return
                self.send_response(sink.status)
                if sink._location:
                    self.send_header("Location", sink._location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            log_message: Callable[..., None] = lambda *_: None

        return Handler


def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait until something is true; False if it never is."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True
