"""A file system on another host, as HDFS shows it over HTTP (WebHDFS), with a folder of this machine behind it.

What it answers: https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

_OPEN = "/webhdfs/v1"


class FileHost(ThreadingHTTPServer):
    """Serves a folder.

    Attributes:
        folder: what is behind it.
        refused: files and folders that nobody may see.
        always_now: folders were changed when they are asked for, as in an object store, which has none.
        opened: the files that were read, in order.
        before_open: called once, with the file, before a file is read; it may do anything.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.folder = folder
        self.refused: set[Path] = set()
        self.always_now = False
        self.opened: list[Path] = []
        self.before_open: Callable[[Path], object] | None = None

    @property
    def address(self) -> str:
        """Where the folder is for Hadoop."""
        return f"webhdfs://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(folder: Path) -> Iterator[FileHost]:
    """Serve a folder for a while."""
    with FileHost(folder) as host:
        thread = threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield host
        finally:
            host.shutdown()
            thread.join()


class _Answers(BaseHTTPRequestHandler):
    """One request."""

    server: FileHost

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer what is asked of a file or a folder."""
        url = urlsplit(self.path.encode("latin-1").decode())  # Java sends it as it is
        asked = {name.lower(): values[0] for name, values in parse_qs(url.query).items()}
        path = self.server.folder / unquote(url.path).removeprefix(_OPEN).strip("/")
        if asked["op"] == "OPEN" and "datanode" not in asked:  # the bytes are to be had elsewhere
            if self.server.before_open:
                act, self.server.before_open = self.server.before_open, None
                act(path)
            if self._there(path):
                there = quote(self.path.encode("latin-1"), safe="%/?&=")
                self._say(307, b"", Location=f"http://{self.headers['Host']}{there}&datanode=1")
        elif not self._there(path):
            return
        elif asked["op"] == "OPEN":
            self.server.opened.append(path)
            body = path.read_bytes()[int(asked.get("offset", 0)) :]
            self._say(200, body[: int(asked.get("length", len(body)))])
        elif asked["op"] == "LISTSTATUS":
            inside = [(one, one.name) for one in path.iterdir()] if path.is_dir() else [(path, "")]
            self._tell(200, {"FileStatuses": {"FileStatus": [self._status(*one) for one in sorted(inside)]}})
        elif asked["op"] == "GETFILESTATUS":
            self._tell(200, {"FileStatus": self._status(path, "")})
        else:
            assert asked["op"] == "GETFILEBLOCKLOCATIONS"
            self._tell(200, {"BlockLocations": {"BlockLocation": []}})

    def _there(self, path: Path) -> bool:
        if path in self.server.refused:
            self._fail(403, "org.apache.hadoop.security.AccessControlException", "Permission denied: user=reader")
        elif not path.exists():
            self._fail(404, "java.io.FileNotFoundException", f"File does not exist: {path}")
        else:
            return True
        return False

    def _status(self, path: Path, name: str) -> dict[str, Any]:
        status, folder = path.stat(), path.is_dir()
        moment = time.time() if folder and self.server.always_now else status.st_mtime
        return {
            "accessTime": 0,
            "blockSize": 0 if folder else 2**27,
            "group": "group",
            "length": 0 if folder else status.st_size,
            "modificationTime": int(moment * 1000),
            "owner": "owner",
            "pathSuffix": name,
            "permission": "755",
            "replication": 1,
            "type": "DIRECTORY" if folder else "FILE",
        }

    def _fail(self, code: int, java: str, message: str) -> None:
        told = {"exception": java.rpartition(".")[2], "javaClassName": java, "message": message}
        self._tell(code, {"RemoteException": told})

    def _tell(self, code: int, answer: Any) -> None:
        self._say(code, json.dumps(answer).encode())  # its type is not told: Spark lacks the jar that reads types

    def _say(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
