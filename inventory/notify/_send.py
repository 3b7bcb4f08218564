"""Send a request, or run a command, before a deadline; a failure is a sentence that does not show the address.

The transport of httpx is used without its client, so nothing follows redirects, uses the environment's proxies or reads
``.netrc``. Nothing is sent twice: who cannot be reached now is told more at the next run.
"""

import asyncio
import logging
import os
import signal
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from inventory.about import PROGRAM
from inventory.errors import ConfigurationError
from inventory.filesystem.regular_files import read_regular
from inventory.limits import CA_LIMIT
from inventory.notify import Request
from inventory.sources import DaemonThreads
from inventory.sources._failures import cause_chain

# At level DEBUG they log the host, and the headers of an answer, which may repeat the path.
_LOGGERS = [logging.getLogger(f"httpcore.{name}") for name in ("connection", "http11", "proxy")]

_CERTIFICATE_FAULTS = {
    9: "is not valid yet",
    10: "has expired",
    62: "is for another host name",
    64: "is for another host address",
}
"""What OpenSSL's codes mean; its own words name the host, which is a part of the secret."""


async def post(request: Request, timeout: float, proxy: str = "", ca_file: str | None = None) -> str:
    """Post a request.

    Args:
        request: the request.
        timeout: seconds for everything together.
        proxy: the proxy that leads there; empty for none.
        ca_file: a PEM file with the certificate authorities to trust; by default the public ones.

    Returns:
        Why it was not accepted, in words that do not show the address; empty if it was.
    """
    # Names are looked up in threads that nobody waits for: the system's lookup may hang beyond every deadline.
    asyncio.get_running_loop().set_default_executor(DaemonThreads())
    for logger in _LOGGERS:
        if logger.isEnabledFor(logging.DEBUG):  # guard: no address of a notice in a debug log
            logger.setLevel(logging.INFO)
    try:
        async with asyncio.timeout(timeout):  # guard: a notice has a deadline
            return _refusal(await _status(request, proxy, ca_file))
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except ConfigurationError as error:
        return error.what
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError, ExceptionGroup) as error:
        return _reason(error)


async def run(command: Sequence[str], body: bytes, environment: Mapping[str, str], timeout: float) -> str:
    """Run a command with a notice on its standard input; what it prints is not read.

    Returns:
        Why it failed; empty if it ended with 0.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"it could not be started: {getattr(error, 'strerror', None) or error}"
    try:
        async with asyncio.timeout(timeout):
            await process.communicate(body)
    except TimeoutError:
        return f"it did not end within {timeout:g} s"
    finally:
        _kill(process)
        await process.wait()
    return f"it ended with exit code {process.returncode}" if process.returncode else ""


def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill a command that did not end, with what it started."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()


async def _status(request: Request, proxy: str, ca_file: str | None) -> int:
    """Send a request, and return the status of the answer, whose body is not read."""
    url, headers = _without_password(request.url)
    headers |= {**request.headers, "User-Agent": PROGRAM, "Accept-Encoding": "identity"}
    context = _tls_context(ca_file) if url.startswith("https:") or proxy.startswith("https:") else None
    async with httpx.AsyncHTTPTransport(
        verify=context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False, proxy=proxy or None
    ) as transport:
        sent = httpx.Request("POST", url, content=request.body, headers=headers)
        response = await transport.handle_async_request(sent)
        async with aclosing(response):
            return response.status_code


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """Return an address without a user and password, and the header that sends them."""
    parts = urlsplit(url)
    credentials, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    secret = b64encode(":".join(map(unquote, credentials.partition(":")[::2])).encode()).decode()
    return urlunsplit((parts.scheme, host, parts.path, parts.query, "")), {"Authorization": f"Basic {secret}"}


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    if ca_file is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        read_regular(Path(ca_file), CA_LIMIT)  # OpenSSL itself would wait for whoever writes into a pipe
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        what = f"the certificate authorities in {ca_file} cannot be used"
        raise ConfigurationError(what, "Give a PEM file") from error


def _refusal(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"it redirects elsewhere (HTTP {status}), which is not followed"
    return f"it answered HTTP {status}"


def _reason(error: Exception) -> str:
    """Return why a request failed; the texts of other libraries may show the address."""
    for cause in cause_chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate {_CERTIFICATE_FAULTS.get(cause.verify_code, 'is not trusted')}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({cause.reason or 'no TLS there'})"
        if isinstance(cause, socket.gaierror):
            return "its host name could not be looked up"
        if isinstance(cause, OSError) and cause.errno:
            return f"it could not be reached: {os.strerror(cause.errno).lower()}"
    return "the connection broke" if isinstance(error, httpx.NetworkError) else "it does not speak HTTP"
