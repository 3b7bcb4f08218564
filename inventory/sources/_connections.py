"""Share what the requests of one run have in common: TLS contexts, threads, the clock and randomness."""

import ssl
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from inventory.config.servers import Server
from inventory.errors import ConfigurationError
from inventory.filesystem.regular_files import read_regular
from inventory.limits import CA_LIMIT


class Connections:
    """The connections and limits that the requests of one run share.

    A connection itself is not among it: there is one request for each server, and looking for a connection to reuse
    among hundreds takes longer than opening one.

    Args:
        servers: the servers of the run.
        clock: returns the time in UTC.
        chance: returns a random number from 0 to 1.

    Attributes:
        threads: runs calls that may hang.
        responsive_folders: folders in which a file was read, so that they are not on a drive that is away.

    Raises:
        ConfigurationError: a file with certificate authorities cannot be used.
    """

    def __init__(self, servers: Iterable[Server], clock: Callable[[], datetime], chance: Callable[[], float]) -> None:
        self.clock = clock
        self.chance = chance
        self.threads = DaemonThreads()
        self.responsive_folders: set[str] = set()
        self._tls_contexts: dict[str, ssl.SSLContext] = {}
        for server in servers:
            if server.ca_file is not None and server.ca_file not in self._tls_contexts:
                self._tls_contexts[server.ca_file] = _private_tls_context(server, server.ca_file)

    def tls_context(self, server: Server) -> ssl.SSLContext:
        """Return the TLS context for a server; one without TLS gets a context that trusts nobody."""
        if not server.url.startswith("https:"):
            return _unused_tls_context()
        return _public_tls_context() if server.ca_file is None else self._tls_contexts[server.ca_file]


def _private_tls_context(server: Server, ca_file: str) -> ssl.SSLContext:
    cause: Exception | None = None
    reason = "there is no certificate in it"
    try:
        if read_regular(Path(ca_file), CA_LIMIT):  # OpenSSL itself would wait for whoever writes into a pipe
            return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        if not isinstance(error, ssl.SSLError):
            reason = getattr(error, "strerror", "") or str(error)
        cause = error
    raise ConfigurationError(
        f"the certificate authorities for {server.name}, {ca_file!r}, cannot be used: {reason}",
        "Give a PEM file with the certificates of the authorities to trust",
    ) from cause


@cache  # creating one is slow
def _public_tls_context() -> ssl.SSLContext:
    import httpx  # here, so that reading saved responses does not import it

    return httpx.create_ssl_context()


@cache
def _unused_tls_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class DaemonThreads(ThreadPoolExecutor):
    """An executor that runs each call in a daemon thread of its own, for which nobody waits in the end."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
                    future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nothing."""
