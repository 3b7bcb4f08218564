"""Each cause of an unreachable server has a message and advice of its own."""

import asyncio
import errno
import socket
import ssl
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hostile_servers import CERTIFICATE, CERTIFICATES, LEGAL, Hostile, answer, raw

import inventory
from inventory.config.servers import Server, server_of
from inventory.errors import ConfigurationError, ServerError, Unreachable
from inventory.sources import Connections, Deadline, source_of
from inventory.sources._failures import failure_of
from inventory.tables import rows


def error_of(server: Server, timeout: float = 5.0) -> str:
    """Return the error of one server that is not read."""
    [row] = rows(inventory.collect(server, timeout=timeout).tables["observations"])
    return str(row["error"])


@pytest.mark.parametrize(
    ("certificate", "trusted", "reason", "advice"),
    [
        (CERTIFICATE, None, "its certificate is not trusted (self", "set ca_file in inventory.toml"),
        (CERTIFICATE, CERTIFICATES / "elsewhere.pem", "its certificate is not trusted (self", "ca_file is "),
        (CERTIFICATES / "expired.pem", "itself", "expired", "Have it renewed"),
        (CERTIFICATES / "elsewhere.pem", "itself", "mismatch", "the name that the certificate is for"),
    ],
    ids=["nobody trusts it", "another is trusted", "expired", "of another name"],
)
def test_certificates(certificate: Any, trusted: Any, reason: str, advice: str) -> None:
    """An untrusted certificate is explained with fitting advice: never to drop TLS, nor to start a server."""
    with Hostile(answer(LEGAL), tls=True, certificate=certificate) as server:
        ca_file = None if trusted is None else str(certificate if trusted == "itself" else trusted)
        error = error_of(Server(server.url, "s", ca_file=ca_file))
    assert reason in error
    assert advice in error
    assert "http://" not in error.partition(". ")[2]
    assert "lms server start" not in error


def test_every_verdict_on_a_certificate_has_an_advice() -> None:
    """A verdict that is not known here is shown in OpenSSL's words, without advice to start LM Studio."""
    for code in range(2, 95):
        cause = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
        cause.verify_code, cause.verify_message = code, f"verdict {code}"
        error = failure_of(Server("https://host:1"), _after(cause))
        assert f"(verdict {code})" in error.what
        assert error.advice
        assert "lms server start" not in error.advice
        assert "http://" not in error.advice


def _after(cause: BaseException) -> httpx.ConnectError:
    error = httpx.ConnectError(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
def test_names_that_cannot_be_looked_up(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The advice is to check the spelling and the DNS, not whether LM Studio runs."""
    monkeypatch.setattr(socket, "getaddrinfo", partial(_fail, socket.gaierror(code, "no")))
    error = error_of(Server("gpu-box.example"))
    assert "Check" in error
    assert "the spelling of the name" in error
    assert "DNS" in error
    assert "lms server start" not in error


def _fail(error: OSError, *_: Any, **__: Any) -> None:
    raise error


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ECONNREFUSED, "lms server start"),
        (errno.EHOSTUNREACH, "Is that machine switched on"),
        (errno.ENETUNREACH, "Is that machine switched on"),
        (errno.ETIMEDOUT, "Is that machine switched on"),
        (errno.EACCES, "firewall"),
        (errno.EPERM, "firewall"),
        (errno.EINVAL, "network interface"),
    ],
)
def test_what_the_system_says(number: int, advice: str) -> None:
    """Only a refused connection gets the advice to start LM Studio."""
    error = failure_of(Server("host:1"), _after(OSError(number, "x")))
    assert advice in error.advice
    assert ("lms server start" in error.advice) == (number == errno.ECONNREFUSED)


def test_a_missing_port_is_named() -> None:
    """An address without a port gets advice on it; one with a port does not, also with the scheme's own."""
    refused = _after(ConnectionRefusedError(errno.ECONNREFUSED, "x"))
    assert "No port was given" in failure_of(Server("http://host"), refused).advice
    assert "No port was given" not in failure_of(Server("http://host:80"), refused).advice


def test_tls_where_there_is_none() -> None:
    """A server that speaks plain HTTP need not be started."""
    with Hostile(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), reads=False) as server:
        error = error_of(Server(server.url.replace("http:", "https:")))
    assert "LM Studio itself has no TLS" in error
    assert "lms server start" not in error


async def _fetch(server: Server, seconds: float) -> None:
    """Fetch from one server, and drop the response."""
    connections = Connections([server], lambda: datetime.now(UTC), lambda: 0.0)
    await source_of(server).fetch(server, Deadline.after(seconds), connections)


HOSTS = st.one_of(
    st.text(max_size=80),
    st.text("abc.-_[]:%0189xn\u00e9\u3002\u00df", max_size=80),
    st.builds("[fe80::{}%{}]".format, st.text("0af:", max_size=6), st.text("ab1._-\u00e9", max_size=90)),
    st.builds("[{}]".format, st.text("0123456789abcdef:.%", max_size=40)),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["xn--", "a" * 63, "a" * 64, "0x7f.1.", "1.", "\u00e9" * 60, "a." * 126, "\u0130"]),
        st.text("ab.-\u00e90", max_size=60),
        st.sampled_from(["", ".", "..", "\u00df", "-"]),
    ),
)


@pytest.fixture
def _numbers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own lookup, which looks at every name and asks nobody for one; and no way out of this machine."""
    real = socket.getaddrinfo

    def lookup(
        host: Any, port: Any, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0, **more: Any
    ) -> Any:
        return real(host, port, family, more.get("type", kind), proto, flags | socket.AI_NUMERICHOST)

    def connect(self: socket.socket, address: Any) -> None:
        if address[0] not in ("127.0.0.1", "::1"):
            raise OSError(errno.ENETUNREACH, "this test stays here")
        connected(self, address)

    connected = socket.socket.connect
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.mark.usefixtures("_numbers_only")
@settings(deadline=None)
@given(
    HOSTS,
    st.sampled_from(["http://", "https://", ""]),
    st.sampled_from(["", ":9", ":65535"]),
    st.sampled_from(["", "/x", "/\u00e9/\u00fc", "/%zz", "/\U0001f600", "/" + "a" * 70_000]),
)
def test_no_address_makes_a_library_raise(host: str, scheme: str, port: str, path: str) -> None:
    """Any text as an address is refused, or ends in an error of our own."""
    try:
        server = server_of(scheme + host + port + path)
    except ConfigurationError:
        return
    if server.source == "file":
        return

    with pytest.raises(ServerError):
        asyncio.run(_fetch(server, 0.2))


@pytest.mark.parametrize("host", ["a" * 70, "\u00e9" * 70, "[fe80::1%nosuchinterface]", "a..b", ".a", "xn--\u00e9"])
def test_names_that_libraries_trip_over(host: str) -> None:
    """Such names are unreachable like any other unknown name."""
    with pytest.raises((ConfigurationError, Unreachable)):
        asyncio.run(_fetch(Server(f"http://{host}:9"), 5))
