"""Stores for shared histories: a small one over HTTP that can be told to misbehave, and those that others made."""

import hmac
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import Request, urlopen
from xml.sax.saxutils import escape

import pytest

from inventory.errors import StoreUnreachable
from inventory.sync.objects import RemoteObjects

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
        error: the body of these answers.
        page: keys in a page of a listing; stores have 1,000.
        authorization: how the last request was signed.
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
    error: bytes = b"<Error><Code>AccessDenied</Code></Error>"
    page: int = 50
    authorization: str = ""
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
        self.state.authorization = self.headers.get("Authorization", "")
        if self.state.refuses:
            self._answer(self.state.refuses, self.state.error)
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
        """Read an object, or list keys, a page at a time."""
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
        page, more = keys[: self.state.page], keys[self.state.page :]
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


@dataclass
class RealStore:
    """A store that others made: what one needs to reach it.

    Attributes:
        address: of a history in it.
        environment: the variables with which a client finds it.
    """

    address: str
    environment: dict[str, str]


@contextmanager
def moto() -> Iterator[RealStore]:
    """Serve an empty bucket by moto."""
    server = pytest.importorskip("moto.server", reason="moto is not installed: pip install '.[test]'")
    process = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    process.start()
    url = "http://{}:{}".format(*process.get_host_and_port())
    for method, path in (("POST", "moto-api/reset"), ("PUT", "bucket")):  # its servers share what they hold
        urlopen(Request(f"{url}/{path}", method=method), timeout=10).close()
    try:
        yield RealStore(ADDRESS, {**KEYS, "AWS_ENDPOINT": url})
    finally:
        process.stop()


@contextmanager
def azurite() -> Iterator[RealStore]:
    """Serve an empty container by Azurite."""
    port = _free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck"]
    with _node_store("azurite", "azurite-blob", [*options, "--disableTelemetry", "--silent"], port):
        url = f"http://127.0.0.1:{port}/{_ACCOUNT}"
        _create_container(url, "bucket")
        keys = {"AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": _ACCOUNT_KEY}
        yield RealStore("az://bucket/inventory", {**keys, "AZURE_STORAGE_ENDPOINT": url})


@contextmanager
def s3rver() -> Iterator[RealStore]:
    """Serve an empty bucket by s3rver, which overwrites in spite of ``If-None-Match``."""
    port = _free_port()
    keys = {**KEYS, "AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER"}
    with TemporaryDirectory() as folder:
        options = ["-d", folder, "-a", "127.0.0.1", "-p", str(port), "--configure-bucket", "bucket", "-s"]
        with _node_store("s3rver", "s3rver", options, port):
            yield RealStore(ADDRESS, {**keys, "AWS_ENDPOINT": f"http://127.0.0.1:{port}"})


@contextmanager
def folder() -> Iterator[RealStore]:
    """An empty folder."""
    with TemporaryDirectory() as path:
        yield RealStore(f"file://{path}", {})


_ACCOUNT = "devstoreaccount1"
_ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # published


@contextmanager
def _node_store(name: str, program: str, options: list[str], port: int) -> Iterator[None]:
    """Run a store of npm's until the block ends."""
    clients, node = os.environ.get("LMS_TEST_CLIENTS", ""), shutil.which("node")
    path = Path(clients, name, "node_modules", ".bin", program)
    if not clients or not node or not path.exists():
        pytest.skip(f"no {name} here; get it with: .ci/clients FOLDER, and set LMS_TEST_CLIENTS=FOLDER")
    process = subprocess.Popen([node, path, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, f"{name} ended"
                assert time.monotonic() < deadline, f"{name} does not listen"
                time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _create_container(url: str, name: str) -> None:
    """Create a container, which the client cannot do."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    signed = "".join(f"{key}:{value}\n" for key, value in sorted(headers.items()))
    text = "PUT" + "\n" * 12 + f"{signed}/{_ACCOUNT}/{_ACCOUNT}/{name}\nrestype:container"
    digest = hmac.new(b64decode(_ACCOUNT_KEY), text.encode(), sha256).digest()
    headers["Authorization"] = f"SharedKey {_ACCOUNT}:{b64encode(digest).decode()}"
    urlopen(Request(f"{url}/{name}?restype=container", method="PUT", headers=headers), timeout=30).close()


class Killed(StoreUnreachable):
    """The end of a process."""


class Mortal(RemoteObjects):
    """The objects of a process that is killed after some writes or deletions."""

    def __init__(self, address: str, left: int) -> None:
        super().__init__(address, os.environ)
        self._left = left

    def _use(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed("killed")

    def create(self, key: str, body: bytes) -> bool:
        """Write an object while it lives."""
        self._use()
        return super().create(key, body)

    def delete(self, key: str) -> None:
        """Delete an object while it lives."""
        self._use()
        super().delete(key)
