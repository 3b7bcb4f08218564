"""The server that people start: its options, its threads, its address."""

import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from inventory.errors import ConfigurationError, FileError, did_you_mean
from inventory.stub_server.certificate import create_certificate
from inventory.stub_server.connections import Handler, HttpServer, Request
from inventory.stub_server.endpoints import Endpoints, Incoming, Outgoing
from inventory.stub_server.models import inventory_before
from inventory.stub_server.scenarios import SCENARIOS, Scenario, Step, body_step
from inventory.stub_server.state import ServerState

_REMEMBERED = 10_000  # Requests in ``StubServer.requests``; older ones are forgotten.
_BODY_BYTES = 256 * 2**20  # Bytes of a file that is sent, more than any client should take.
_POLL = 0.05  # Seconds until the server notices that it is stopped.


class StubServer:
    """A stand-in for LM Studio on 127.0.0.1: a context manager that serves in its own threads.

    Args:
        models: the models that it lists, as rows of ``GET /api/v1/models``; they are copied. Sample models by default.
        token: the API token that it requires; None for none.
        port: its port; 0 for one that is free.
        scenario: what it does from one request of the models to the next: a word of the manual's page ``stand-in``.
        bodies: in place of models, what one request of ``GET /api/v1/models`` gets after the other: files or bytes,
            sent as they are. The last one stays.
        loop: begin the scenario or the bodies anew after the last one.
        latency: seconds before each response; None for those of the scenario.
        cors: allow pages of every origin to send requests.
        tls: serve https, with a certificate that is made for it.
        log: is called with each request before its response is sent, in a thread of the server.
        clock: gives the present time in seconds, by which the time to live of instances counts down.

    Attributes:
        token: the API token that it requires; may be assigned.
        certificate: the certificate as a PEM file, while it runs with TLS; None without.

    Raises:
        ConfigurationError: an unknown scenario, or options that exclude each other.
        FileError: a file that cannot be read.
    """

    def __init__(
        self,
        models: Sequence[dict[str, Any]] | None = None,
        *,
        token: str | None = None,
        port: int = 0,
        scenario: str | None = None,
        bodies: Sequence[bytes | str | Path] = (),
        loop: bool = False,
        latency: float | None = None,
        cors: bool = False,
        tls: bool = False,
        log: Callable[[Request], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if bodies and (scenario is not None or models is not None):
            raise ConfigurationError("bodies take the place of models and scenarios", "Give one of them")
        chosen = _scenario(scenario)
        rows = inventory_before() if models is None else list(models)
        steps = [body_step(_read(body)) for body in bodies] or chosen.steps(rows or inventory_before())
        self.token = token
        self.certificate: Path | None = None
        self.cors = cors
        self.latency = chosen.latency if latency is None else latency
        self._state = ServerState(clock)
        # Without a scenario, no models are what was asked for.
        self._state.play(steps if bodies or scenario else [Step(rows)], loop=loop or chosen.loop)
        self._endpoints = Endpoints(
            self._state,
            chosen.missing,
            secured=lambda: chosen.refuses or bool(self.token),
            token=lambda: None if chosen.refuses else self.token,
        )
        self._log = log
        self._requests: deque[Request] = deque(maxlen=_REMEMBERED)
        self._port = port
        self._tls = tls
        self._stopped = threading.Event()
        self._exit = ExitStack()

    @property
    def url(self) -> str:
        """The address of the server, once it was started."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def models(self) -> list[dict[str, Any]]:
        """The models that it lists now; assign others to change the inventory."""
        return self._state.models

    @models.setter
    def models(self, models: Sequence[dict[str, Any]]) -> None:
        self.play(models)

    def play(self, *inventories: Sequence[dict[str, Any]], loop: bool = False) -> None:
        """List one inventory after the other, each for one request of the models; the last one stays.

        Args:
            inventories: the models of each; they are copied.
            loop: begin anew after the last one.
        """
        self._state.play([Step(models) for models in inventories] or [Step([])], loop=loop)

    @property
    def requests(self) -> list[Request]:
        """The requests so far, as method, path, status and bytes of the response."""
        return list(self._requests)

    @property
    def paths(self) -> dict[str, tuple[str, str]]:
        """The method and the meaning of each path that it knows."""
        return self._endpoints.served

    def __enter__(self) -> Self:
        """Start serving.

        Raises:
            ConfigurationError: the port is not free, or no certificate could be made.
        """
        with ExitStack() as stack:
            folder = stack.enter_context(TemporaryDirectory(prefix="lms-inventory-")) if self._tls else None
            self._server = self._listen(self._tls_context(Path(folder)) if folder else None)
            self._exit = stack.pop_all()
        self._stopped.clear()
        threading.Thread(target=self._server.serve_forever, args=(_POLL,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._exit.close()
        self.certificate = None

    def wait(self) -> None:
        """Serve until the program is interrupted."""
        self._stopped.wait()

    def respond(self, request: Incoming) -> Outgoing | None:
        """Return the response to a request, after the latency; None if the server was stopped in the meantime."""
        if self.latency and self._stopped.wait(self.latency):
            return None
        return self._endpoints.respond(request)

    def remember(self, request: Request) -> None:
        """Note a request whose response is about to be sent, and log it."""
        self._requests.append(request)
        if self._log is not None:
            self._log(request)

    def _tls_context(self, folder: Path) -> ssl.SSLContext:
        self.certificate, key = create_certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        return context

    def _listen(self, context: ssl.SSLContext | None) -> HttpServer:
        try:
            return HttpServer(self._port, type("StubHandler", (Handler,), {"stub": self}), context)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no port"
            raise ConfigurationError(
                f"port {self._port} could not be used: {reason}",
                "Is LM Studio running here? Choose another port with --port",
            ) from error


def _scenario(name: str | None) -> Scenario:
    """Return the scenario of this name, or what a server without one does."""
    if name is None:
        return Scenario("")
    if name not in SCENARIOS:
        advice = did_you_mean(str(name), SCENARIOS) or f"It is one of {', '.join(SCENARIOS)}"
        raise ConfigurationError(f"there is no scenario '{name}'", advice)
    return SCENARIOS[name]


def _read(body: bytes | str | Path) -> bytes:
    """Return a body, which may be in a file."""
    if isinstance(body, bytes):
        return body
    try:
        with Path(body).open("rb") as file:
            content = file.read(_BODY_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise FileError(f"{body} could not be read: {reason}", "Give the file of a response") from error
    if len(content) > _BODY_BYTES:
        raise FileError(f"{body} is larger than {_BODY_BYTES // 2**20} MiB", "Give the file of a response")
    return content
