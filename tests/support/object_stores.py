"""Stores for shared histories: a small one over HTTP that can be told to misbehave, and moto's."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

ADDRESS = "s3://bucket/inventory"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIACANARY", "AWS_SECRET_ACCESS_KEY": "canary/secret", "AWS_REGION": "us-east-1"}


@dataclass
class SmallStore:
    """What the small store holds and does.

    Attributes:
        port: its port on 127.0.0.1.
        objects: the content by key, the prefix of the address included.
        requests: method and key of each request.
        sent: bytes of the bodies that it sent.
        received: bytes of the bodies that it received.
        ignores_conditions: it overwrites in spite of ``If-None-Match``.
        lost_answers: so many writes are carried out and not answered.
        conflicts: so many writes are answered with 409.
        refuses: every request is answered with this status.
    """

    port: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    sent: int = 0
    received: int = 0
    ignores_conditions: bool = False
    lost_answers: int = 0
    conflicts: int = 0
    refuses: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a client finds it."""
        return {**KEYS, "AWS_ENDPOINT": f"http://127.0.0.1:{self.port}"}

    def key(self, kind: str, number: int = 0) -> str:
        """The key of one of its objects of a kind, in their order."""
        return sorted(key for key in self.objects if f"/{kind}/" in f"/{key}")[number]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: SmallStore

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.state.sent += len(body)

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/bucket").removeprefix("/")

    def _begin(self) -> bytes | None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.state.requests.append((self.command, self._key()))
        self.state.received += len(body)
        if self.state.refuses:
            self._answer(self.state.refuses, b"<Error><Code>AccessDenied</Code></Error>")
            return None
        return body

    def do_PUT(self) -> None:
        """Write an object."""
        body, state, key = self._begin(), self.state, self._key()
        if body is None:
            return None
        with state.lock:
            if state.conflicts:
                state.conflicts -= 1
                return self._answer(409, b"<Error><Code>ConditionalRequestConflict</Code></Error>")
            if self.headers.get("If-None-Match") == "*" and key in state.objects and not state.ignores_conditions:
                return self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            state.objects[key] = body
            if state.lost_answers:
                state.lost_answers -= 1
                self.close_connection = True
                self.connection.close()
                return None
        return self._answer(200, ETag=f'"{md5(body).hexdigest()}"')

    def do_GET(self) -> None:
        """Read an object, or list keys: fifty a page, so that every listing of more has pages."""
        if self._begin() is None:
            return None
        query = {name: value[0] for name, value in parse_qs(urlsplit(self.path).query).items()}
        if "list-type" in query:
            return self._list(query)
        body = self.state.objects.get(self._key())
        if body is None:
            return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        return self._answer(200, body, ETag=f'"{md5(body).hexdigest()}"', Last_Modified="Sun, 29 Nov 2026 12:00:00 GMT")

    def _list(self, query: dict[str, str]) -> None:
        after = query.get("continuation-token") or query.get("start-after", "")
        with self.state.lock:
            known = dict(self.state.objects)
        keys = sorted(key for key in known if key.startswith(query.get("prefix", "")) and key > after)
        page, more = keys[:50], keys[50:]
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(known[key])}</Size><ETag>'x'</ETag>"
            "<LastModified>2026-11-29T12:00:00.000Z</LastModified></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        body = f"<ListBucketResult><IsTruncated>{str(bool(more)).lower()}</IsTruncated>{token}{entries}"
        self._answer(200, f"{body}</ListBucketResult>".encode(), Content_Type="application/xml")

    def do_DELETE(self) -> None:
        """Delete an object."""
        if self._begin() is not None:
            self.state.objects.pop(self._key(), None)
            self._answer(204)

    def do_POST(self) -> None:
        """Delete several objects."""
        body = self._begin()
        if body is not None:
            keys = re.findall(r"<Key>(.*?)</Key>", body.decode())
            for key in keys:
                self.state.objects.pop(key, None)
            deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
            self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())


@contextmanager
def small_store() -> Iterator[SmallStore]:
    """Serve an empty store on 127.0.0.1."""
    state = SmallStore()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
