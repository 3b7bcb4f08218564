"""Why a server was not reached, and what to do about that cause: each has a sentence and an advice of its own."""

import errno
import os
import re
import socket
import ssl

import httpcore

from inventory.config.addresses import PORT, host_and_port
from inventory.config.servers import Server
from inventory.errors import Invalid, ServerError, Unreachable

_START = "Is the LM Studio server running? Start it on that machine with: lms server start"
_NETWORK = "Is that machine switched on, and is this one in its network (cable, Wi-Fi, VPN)?"
_FIREWALL = "Look at the firewall of this machine, and at what its user may do"
_LINK_LOCAL = "An address that begins with fe80 needs its network interface: http://[fe80::1%eth0]:1234"
_BY_ERRNO = {
    errno.EHOSTUNREACH: _NETWORK,
    errno.ENETUNREACH: _NETWORK,
    errno.EHOSTDOWN: _NETWORK,
    errno.ENETDOWN: _NETWORK,
    errno.ETIMEDOUT: _NETWORK,
    errno.EADDRNOTAVAIL: _NETWORK,
    errno.EACCES: _FIREWALL,
    errno.EPERM: _FIREWALL,
    errno.EINVAL: _LINK_LOCAL,
}
_UNTRUSTED = frozenset({2, 18, 19, 20, 21, 24, 27})  # OpenSSL's codes where no authority that is trusted signed it
_WRONG_TIME = frozenset({9, 10})  # not valid yet, or not any more
_WRONG_NAME = frozenset({62, 64})  # a certificate for another host name or address


def failure_of(server: Server, error: Exception) -> ServerError:
    """The error for what went wrong on the way to a server, in words for a person."""
    if isinstance(error, httpcore.ConnectError):
        reason, advice = _not_connected(server, error)
        return Unreachable(f"could not reach {server.url}: {reason}", advice)
    if isinstance(error, httpcore.NetworkError):
        return Unreachable(f"the connection to {server.url} broke: {_not_connected(server, error)[0]}", _START)
    if re.search(r"disconnected|closed connection", str(error)):
        return Unreachable(f"{server.url} closed the connection in the middle of its answer", _START)
    return Invalid(f"what answers at {server.url} does not speak HTTP", "Check the address and the port")


def cause_chain(error: BaseException) -> list[BaseException]:
    """The error and what led to it; the operating system's own are the last of the chain."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    return chain


def _not_connected(server: Server, error: Exception) -> tuple[str, str]:
    """Why a connection failed, and what to do about it."""
    reason, advice = "no connection", _start(server)
    for cause in cause_chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _wrong_certificate(server, cause)
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({cause.reason or 'no TLS there'}); is it https?", (
                "LM Studio itself has no TLS: give the port of the proxy that has it, and look at that proxy's log"
            )
        if isinstance(cause, socket.gaierror):
            return _unknown_name(server, cause)
        if isinstance(cause, OSError) and cause.errno:
            reason, advice = os.strerror(cause.errno).lower(), _BY_ERRNO.get(cause.errno, _start(server))
    return reason, advice


def _wrong_certificate(server: Server, error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    what = f"its certificate is not trusted ({error.verify_message})"
    if error.verify_code in _WRONG_TIME:
        return what, "Have it renewed by whoever runs that server or the proxy before it; look at both clocks, too"
    if error.verify_code in _WRONG_NAME:
        return what, "Give the address with the name that the certificate is for, or have one made for this name"
    if error.verify_code not in _UNTRUSTED:
        return what, "Have a new one made by whoever runs that server or the proxy before it"
    if server.ca_file is not None:
        return what, f"ca_file is {server.ca_file}: put the certificate of the authority that signed it into that file"
    return what, "Save the certificate of the authority that signed it as a PEM file, and set ca_file in inventory.toml"


def _unknown_name(server: Server, error: socket.gaierror) -> tuple[str, str]:
    host = host_and_port(server.url)[0]
    if error.errno == socket.EAI_AGAIN:
        return "its host name could not be looked up just now", (
            f"Check this machine's network and DNS, and the spelling of {host}"
        )
    return "there is no host of that name", f"Check the spelling of {host}, and that this machine's DNS knows it"


def _start(server: Server) -> str:
    if host_and_port(server.url)[1] is None:
        return f"No port was given, and LM Studio listens on {PORT}: try HOST:{PORT}"
    return f"{_START}; or give its address: --server http://HOST:PORT"
