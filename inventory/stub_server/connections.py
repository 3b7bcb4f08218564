"""HTTP for the stand-in: connections, requests as they come, responses as they go."""

import contextlib
import json
import socket
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from inventory.stub_server.endpoints import Incoming, Outgoing
from inventory.stub_server.scenarios import Cut

if TYPE_CHECKING:
    from inventory.stub_server.server import StubServer

_REQUEST_BYTES = 2**20  # Bytes of a request's body that are read.
_LINE_BYTES = 1024  # Bytes of a line between the chunks of a body.
_SHOWN = 200  # Characters of a method or path in the log.
_CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"),
    # A star allows every header but this one.
    ("Access-Control-Allow-Headers", "Authorization, *"),
)


class Request(NamedTuple):
    """A request that was answered.

    Attributes:
        method: such as GET.
        path: the path without query; a token in it is masked.
        status: the HTTP status of the response.
        size: the bytes of its body.
    """

    method: str
    path: str
    status: int
    size: int


class HttpServer(ThreadingHTTPServer):
    """A server on 127.0.0.1 with a thread for each connection.

    Args:
        port: its port; 0 for one that is free.
        handler: responds to requests.
        context: the certificate for TLS; None to serve without it.

    Raises:
        OSError: the port is not free.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type["Handler"], context: ssl.SSLContext | None) -> None:
        self._context = context
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; TLS greets when its thread reads, so that a silent client stops no other."""
        connection, address = super().get_request()
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:
        """Close a connection."""
        self._open.discard(request)
        super().close_request(request)

    def server_close(self) -> None:
        """Stop listening, and end the connections that are open, so that their threads end too."""
        super().server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: the client is gone."""


class Handler(BaseHTTPRequestHandler):
    """Hands each request to its stub server, and sends the response."""

    stub: "StubServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30  # Seconds that a client may be silent.

    def __getattr__(self, name: str) -> Any:
        """Return the method for a request of any kind: http.server looks for ``do_GET``, ``do_POST`` ..."""
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _handle(self) -> None:
        body = self._body()
        if body is None:
            self.send_error(400, "The body could not be read")
            return
        request = Incoming(self.command, self._target(), self.headers.get("Authorization", ""), body)
        response = self.stub.respond(request)
        if response is None:
            self.close_connection = True
        else:
            # Noted first: whoever has the response finds the request, and they are in order.
            method, path = self._shown(request.method), self._shown(request.path)
            self.stub.remember(Request(method, path, response.status, len(response.body)))
            self._send(response)

    def _target(self) -> str:
        """Return the target as sent, in which http.server merges a doubled slash, without a proxy's scheme and host."""
        target = self.requestline.split()[1]
        if target.lower().startswith(("http://", "https://")):
            _, slash, target = target.partition("://")[2].partition("/")
            return slash + target if slash else "/"
        return target

    def _body(self) -> bytes | None:
        """Read the body of the request; None if it is longer than a request can be, or broken."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = self.headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() and len(length) < 20 else 0
        return self.rfile.read(size) if size <= _REQUEST_BYTES else None

    def _chunks(self) -> bytes | None:
        body = b""
        try:
            while size := int(self.rfile.readline(_LINE_BYTES).split(b";")[0], 16):
                if size < 0 or len(body) + size > _REQUEST_BYTES:
                    return None
                body += self.rfile.read(size)
                self.rfile.readline(_LINE_BYTES)
        except ValueError:
            return None
        return body

    def _send(self, response: Outgoing) -> None:
        is_head = self.command == "HEAD"
        body = response.body
        if response.cut is not None and not is_head:
            body = body[: len(body) // 2]
        self.send_response_only(response.status)
        self.send_header("Date", self.date_time_string())
        for name, value in _CORS if self.stub.cors else ():
            self.send_header(name, value)
        if response.status == 204:
            self.send_header("Allow", "GET, HEAD, POST, OPTIONS")
        else:
            self.send_header("Content-Type", "application/json; charset=utf-8")
            declared = body if response.cut is Cut.PASSED_ON else response.body
            self.send_header("Content-Length", str(len(declared)))
        self.send_header("Connection", "close")
        with contextlib.suppress(OSError):  # The client may be gone.
            self.end_headers()
            self.wfile.write(b"" if is_head else body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request in JSON; http.server would send a page that names Python."""
        del explain
        self.command = getattr(self, "command", None) or "GET"
        self._send(Outgoing(code, json.dumps({"error": f"Bad request. ({message or code})"}).encode()))

    def _shown(self, text: str) -> str:
        """Return a method or path for the log, without the token and without what could move a terminal's cursor."""
        token = self.stub.token
        text = unquote(text)
        if token:
            text = text.replace(token, "***")  # guard: no token in the log of requests
        return quote(text, safe="/:@*~+,;=!$'()[]")[:_SHOWN]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Log nothing: ``StubServer.remember`` does."""
