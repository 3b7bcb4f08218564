"""What the requests of one run share: connections, whom TLS trusts, and where time and chance come from."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory.config.servers import Server
from inventory.errors import ConfigurationError
from inventory.filesystem.regular_files import UnsuitableFileError, read_regular
from inventory.limits import CA_LIMIT

if TYPE_CHECKING:
    import httpcore


class Connections:
    """Opens connections: one for each request.

    Not kept and not pooled: there is one request for each server, and looking for a connection to use again among
    hundreds takes longer than opening one.

    Args:
        servers: who will be asked.
        clock: gives the time in UTC.
        chance: gives a random number from 0 to 1.

    Raises:
        ConfigurationError: a file with certificate authorities cannot be used.
    """

    def __init__(self, servers: Iterable[Server], clock: Callable[[], datetime], chance: Callable[[], float]) -> None:
        self.clock = clock
        self.chance = chance
        self.folders: set[str] = set()  # those out of which a file was read: they are not on a drive that is away
        self._daemons = _Daemons()
        self._private: dict[str, ssl.SSLContext] = {}
        for server in servers:
            if server.ca_file is not None and server.ca_file not in self._private:
                self._private[server.ca_file] = _trusting(server, server.ca_file)

    def open(
        self, server: Server, origin: "httpcore.Origin", network: "httpcore.AsyncNetworkBackend"
    ) -> "httpcore.AsyncHTTPConnection":
        """A connection to a server, which is made when it is first used; it knows no proxies and no redirects."""
        import httpcore  # here, so that reading saved answers does without it

        # Names are looked up in threads that nobody waits for: the system's lookup may hang beyond every deadline.
        asyncio.get_running_loop().set_default_executor(_Daemons())  # guard: a name lookup is not waited for
        if origin.scheme != b"https":
            context = None
        else:
            context = _trusting_the_public() if server.ca_file is None else self._private[server.ca_file]
        return httpcore.AsyncHTTPConnection(origin, context, network_backend=network)

    async def aside(self, call: Callable[..., Any], *given: Any) -> Any:
        """The result of a call that may wait for long, in a thread that nobody waits for in the end."""
        return await asyncio.get_running_loop().run_in_executor(self._daemons, call, *given)


def _trusting(server: Server, ca_file: str) -> ssl.SSLContext:
    cause: Exception | None = None
    reason = "there is no certificate in it"
    try:
        if read_regular(Path(ca_file), CA_LIMIT):  # OpenSSL itself would wait for whoever writes into a pipe
            return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError, UnsuitableFileError) as error:
        if not isinstance(error, ssl.SSLError):
            reason = getattr(error, "strerror", "") or str(error)
        cause = error
    raise ConfigurationError(
        f"the certificate authorities for {server.name}, {ca_file!r}, cannot be used: {reason}",
        "Give a PEM file with the certificates of the authorities to trust",
    ) from cause


@cache
def _trusting_the_public() -> ssl.SSLContext:
    """One for all servers, as making one is slow."""
    import httpx

    return httpx.create_ssl_context()


class _Daemons(ThreadPoolExecutor):
    """Runs each call in a daemon thread of its own."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
                    future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nothing."""
