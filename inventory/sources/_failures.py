"""Explain why a server was not reached: each cause has a message and advice of its own."""

import errno
import os
import re
import socket
import ssl

import httpx

from inventory.config.addresses import PORT, host_and_port
from inventory.config.servers import Server
from inventory.errors import Invalid, ServerError, Unreachable

_IS_IT_RUNNING = "Is the LM Studio server running? Start it on that machine with: lms server start"
_IS_IT_CONNECTED = "Is that machine switched on, and is this one in its network (cable, Wi-Fi, VPN)?"
_CHECK_FIREWALL = "Look at the firewall of this machine, and at what its user may do"
_ADD_INTERFACE = "An address that begins with fe80 needs its network interface: http://[fe80::1%eth0]:1234"
_UNREACHABLE = (
    errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.ETIMEDOUT, errno.EADDRNOTAVAIL,
)  # fmt: skip
_BY_ERRNO = {
    **dict.fromkeys(_UNREACHABLE, _IS_IT_CONNECTED),
    **dict.fromkeys((errno.EACCES, errno.EPERM), _CHECK_FIREWALL),
    errno.EINVAL: _ADD_INTERFACE,
}
_UNTRUSTED = frozenset({2, 18, 19, 20, 21, 24, 27})  # OpenSSL's codes where no authority that is trusted signed it
_EXPIRED = frozenset({9, 10})  # not valid yet, or not any more
_OTHER_NAME = frozenset({62, 64})  # a certificate for another host name or address


def failure_of(server: Server, error: Exception) -> ServerError:
    """Return our error for a transport error of httpx."""
    if isinstance(error, httpx.ConnectError):
        reason, advice = _connection_failure(server, error)
        return Unreachable(f"could not reach {server.url}: {reason}", advice)
    if isinstance(error, httpx.NetworkError):
        return Unreachable(
            f"the connection to {server.url} broke: {_connection_failure(server, error)[0]}", _IS_IT_RUNNING
        )
    if re.search(r"disconnected|closed connection", str(error)):
        return Unreachable(f"{server.url} closed the connection in the middle of its response", _IS_IT_RUNNING)
    return Invalid(f"the server at {server.url} does not speak HTTP", "Check the address and the port")


def cause_chain(error: BaseException) -> list[BaseException]:
    """Return the error and its causes; those of the operating system come last."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    return chain


def _connection_failure(server: Server, error: Exception) -> tuple[str, str]:
    """Return why a connection failed, and what to do about it."""
    reason, advice = "no connection", _start_advice(server)
    for cause in cause_chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate_failure(server, cause)
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({cause.reason or 'no TLS there'}); is it https?", (
                "LM Studio itself has no TLS: give the port of the proxy that has it, and look at that proxy's log"
            )
        if isinstance(cause, socket.gaierror):
            return _lookup_failure(cause)
        if isinstance(cause, OSError) and cause.errno:
            reason, advice = os.strerror(cause.errno).lower(), _BY_ERRNO.get(cause.errno, _start_advice(server))
    return reason, advice


def _certificate_failure(server: Server, error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    reason = f"its certificate is not trusted ({error.verify_message})"
    if error.verify_code in _EXPIRED:
        return reason, "Have it renewed by whoever runs that server or the proxy before it; look at both clocks, too"
    if error.verify_code in _OTHER_NAME:
        return reason, "Give the address with the name that the certificate is for, or have one made for this name"
    if error.verify_code not in _UNTRUSTED:
        return reason, "Have a new one made by whoever runs that server or the proxy before it"
    if server.ca_file is not None:
        return (
            reason,
            f"ca_file is {server.ca_file}: put the certificate of the authority that signed it into that file",
        )
    return (
        reason,
        "Save the certificate of the authority that signed it as a PEM file, and set ca_file in inventory.toml",
    )


def _lookup_failure(error: socket.gaierror) -> tuple[str, str]:
    if error.errno == socket.EAI_AGAIN:
        return "its host name could not be looked up just now", (
            "Check this machine's network and DNS, and the spelling of the name"
        )
    return "there is no host of that name", "Check the spelling of the name, and that this machine's DNS knows it"


def _start_advice(server: Server) -> str:
    if host_and_port(server.url)[1] is None:
        return f"No port was given, and LM Studio listens on {PORT}: try HOST:{PORT}"
    return f"{_IS_IT_RUNNING}; or give its address: --server http://HOST:PORT"
