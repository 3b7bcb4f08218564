"""The catalogue of servers on 127.0.0.1 that do what LM Studio never does.

Every behaviour has a name and the status that its observation must have. By hand, in the folder ``tests``::

    python -m support.hostile_servers --list                           the names
    python -m support.hostile_servers "dripping body" --port 9000
    python -m support.hostile_servers > servers.txt                    all of them at once, as a list for --servers-from
"""

import argparse
import contextlib
import gzip
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import NamedTuple

from support.hostile_behaviours import (
    CERTIFICATE,
    CERTIFICATES,
    Behaviour,
    Hostile,
    answer,
    drip,
    echo,
    echo_headers,
    echo_raw,
    encoded,
    lazily,
    raw,
    redirect,
    redirect_with_token,
    reset,
    silence,
    slowly,
)
from support.invalid_responses import ODD, WRONG

__all__ = [
    "BEHAVIOURS",
    "CERTIFICATE",
    "CERTIFICATES",
    "ENCRYPTED",
    "HEAD",
    "HEAVY",
    "LEGAL",
    "NEVER_ENDING",
    "READ",
    "REFUSED",
    "Behaviour",
    "Case",
    "Hostile",
    "answer",
    "drip",
    "echo",
    "raw",
    "redirect",
    "silence",
]

LEGAL = b'{"models": [{"key": "a", "size_bytes": 7}]}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SIZED = HEAD + b"Content-Length: %d\r\n" % len(LEGAL)
WHOLE = SIZED + b"\r\n" + LEGAL
ONE_CHUNK = b"%x\r\n%s\r\n" % (len(LEGAL), LEGAL)


def _many_names(count: int) -> bytes:
    return b'{"models": [{"key": "a"' + b"".join(b',"%x":1' % number for number in range(count)) + b"}]}"


@cache
def _bomb() -> bytes:
    """Some 100 kB that become 100 MB."""
    return gzip.compress(bytes(100_000_000), 9)


def _dense(unit: bytes) -> bytes:
    """As many objects as an answer may have."""
    return b'{"models": [' + unit + (b"," + unit) * (400_000 // 5 - 2) + b"]}"


def _spread_names() -> bytes:
    """As many different names as an answer may have, some in each of its models."""
    models = (
        b"".join(b',"%x":1' % number for number in range(start, start + 9000)) for start in range(0, 396_000, 9000)
    )
    return b'{"models": [' + b",".join(b'{"key": "a"%s}' % names for names in models) + b"]}"


def _text_of(name: str, text: bytes) -> bytes:
    return b'{"models": [{"key": "a", "%s": "%s"}]}' % (name.encode(), text)


def _wide(value: bytes, size: int = 4 * 2**20 - 99, widest: bytes = b"\xf0\x9f\x98\x80") -> bytes:
    """A text of which each character takes as much memory as the widest; then a value."""
    return b'{"models": [{"key": "a", "b": "%s%s"}], "c": %s}' % (widest, b"a" * size, value)


def _repeated(length: int, instances: int, models: int = 1) -> bytes:
    """A few long names, each beside many instances: squared, they would take gigabytes."""
    row = b'{"key": "a", "display_name": "%s", "loaded_instances": [%s]}'
    model = row % (b"n" * length, b",".join([b'{"id": "i"}'] * instances))
    return b'{"models": [' + b",".join([model] * models) + b"]}"


NEVER_ENDING: dict[str, Behaviour] = {
    "silent": silence,
    "dripping body": drip(HEAD + b"Content-Length: 1000000\r\n\r\n"),
    "dripping body of no length": drip(HEAD + b"\r\n", b" "),
    "dripping headers": drip(HEAD, b"X: y\r\n"),
    "dripping header line": drip(HEAD + b"X: "),
    "dripping status line": drip(b"HTTP/1.1 2", b"0"),
    "dripping chunks": drip(CHUNKED, b"1\r\n \r\n"),
    "dripping chunk extension": drip(CHUNKED + b"1;"),
    "dripping chunk size": drip(CHUNKED, b"0"),
    "dripping trailers": drip(CHUNKED + ONE_CHUNK + b"0\r\n", b"X: y\r\n"),
    "one-byte chunks at full speed": drip(CHUNKED, b"1\r\n \r\n" * 1000, pause=0),
    "endless interim answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body that never comes": drip(HEAD + b"Content-Length: 10\r\n\r\n", b"", pause=0.1),
    "body without its last byte": drip(SIZED + b"\r\n" + LEGAL[:-1], b"", pause=0.1),
    "chunks without their end": drip(CHUNKED + ONE_CHUNK, b"", pause=0.1),
    "redirect without its end": drip(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n", b"X: y\r\n"),
    "not ready without its end": drip(b"HTTP/1.1 503 Wait\r\nContent-Length: 10\r\n\r\n", b"", pause=0.1),
}
"""Behaviours that only a total deadline ends."""

REFUSED: dict[str, tuple[Behaviour, str]] = {
    "gzip": (encoded(gzip.compress(LEGAL), "gzip"), "invalid"),
    "gzip in gzip": (encoded(gzip.compress(gzip.compress(LEGAL)), "gzip", "gzip"), "invalid"),
    "gzip bomb": (lazily(lambda: encoded(_bomb(), "GZIP")), "invalid"),
    "gzip bomb in gzip": (lazily(lambda: encoded(gzip.compress(_bomb()), "gzip", "gzip")), "invalid"),
    "half a gzip": (encoded(gzip.compress(LEGAL)[:-9], "gzip"), "invalid"),
    "gzip that is none": (encoded(LEGAL, "gzip"), "invalid"),
    "deflate": (encoded(zlib.compress(LEGAL), "deflate"), "invalid"),
    "unknown encoding": (encoded(LEGAL, "br"), "invalid"),
    "zstd": (encoded(b"\x28\xb5\x2f\xfd\x00\x58\x01", "zstd"), "invalid"),
    "identity and gzip": (encoded(gzip.compress(LEGAL), "identity", "gzip"), "invalid"),
    "an encoding in two headers": (answer(LEGAL, "200 OK", "Content-Encoding:", "Content-Encoding: x"), "invalid"),
    "compressed in transfer": (raw(HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "invalid"),
    "endless body": (drip(HEAD + b"\r\n", b" " * 65536, pause=0), "invalid"),
    "endless headers": (drip(HEAD, b"X: y\r\n" * 1000, pause=0), "invalid"),
    "closed at once": (lambda *_: None, "unreachable"),
    "closed in the middle": (raw(HEAD + b"Content-Length: 100\r\n\r\n{"), "unreachable"),
    "closed in the headers": (raw(HEAD), "unreachable"),
    "closed in a chunk": (raw(CHUNKED + b"5\r\nab"), "unreachable"),
    "closed before the last chunk": (raw(CHUNKED + ONE_CHUNK), "unreachable"),
    "closed in the trailers": (raw(CHUNKED + ONE_CHUNK + b"0\r\nX: y\r\n"), "unreachable"),
    "closed in a chunk size": (raw(CHUNKED + ONE_CHUNK + b"1"), "unreachable"),
    "interim answers at full speed": (
        drip(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 1000, pause=0),
        "invalid",
    ),
    "long interim answers at full speed": (
        drip(b"", b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 9000 + b"\r\n\r\n", pause=0),
        "invalid",
    ),
    "short interim answers at full speed": (drip(b"", b"HTTP/1.1 100 C\r\n\r\n" * 3000, pause=0), "invalid"),
    "closed after an interim answer": (raw(b"HTTP/1.1 100 Continue\r\n\r\n"), "unreachable"),
    "closed in the status line": (raw(b"HTTP/1.1 20"), "unreachable"),
    "cut off without a length": (raw(HEAD + b"\r\n" + LEGAL[:-5]), "invalid"),
    "reset at once": (reset(), "unreachable"),
    "reset in the headers": (reset(HEAD), "unreachable"),
    "reset in the middle": (reset(HEAD + b"Content-Length: 100\r\n\r\n{"), "unreachable"),
    "garbage": (raw(b"\x00\x01\x02 hello\r\n\r\n" * 9), "invalid"),
    "SSH": (raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "invalid"),
    "TLS alert": (raw(b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"), "invalid"),
    "HTTP/0.9": (raw(LEGAL), "unreachable"),
    "HTTP/2 in its status line": (raw(b"HTTP/2 200 OK\r\n\r\n" + LEGAL), "invalid"),
    "HTTP/2 frames": (raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18) + b"\r\n\r\n"), "invalid"),
    "a status of four digits": (raw(WHOLE.replace(b"200", b"0200")), "invalid"),
    "a status below 100": (raw(WHOLE.replace(b"200", b"099")), "invalid"),
    "status 000": (raw(WHOLE.replace(b"200", b"000")), "invalid"),
    "switching protocols": (raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + LEGAL), "invalid"),
    "two lengths": (raw(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"), "invalid"),
    "two lengths in one header": (raw(HEAD + b"Content-Length: 1, 2\r\n\r\n{}"), "invalid"),
    "negative length": (raw(HEAD + b"Content-Length: -1\r\n\r\n{}"), "invalid"),
    "length with a plus": (raw(HEAD + b"Content-Length: +43\r\n\r\n" + LEGAL), "invalid"),
    "length that is no number": (raw(HEAD + b"Content-Length: many\r\n\r\n" + LEGAL), "invalid"),
    "length in hexadecimal": (raw(HEAD + b"Content-Length: 0x2b\r\n\r\n" + LEGAL), "invalid"),
    "length of thirty digits": (raw(HEAD + b"Content-Length: %d\r\n\r\n" % 10**30 + LEGAL), "invalid"),
    "length of 10,000 digits": (raw(HEAD + b"Content-Length: " + b"9" * 10_000 + b"\r\n\r\n" + LEGAL), "invalid"),
    "length too short": (raw(HEAD + b"Content-Length: 20\r\n\r\n" + LEGAL), "invalid"),
    "length zero": (raw(HEAD + b"Content-Length: 0\r\n\r\n" + LEGAL), "invalid"),
    "wrong chunk size": (raw(CHUNKED + b"zz\r\n{}"), "invalid"),
    "negative chunk size": (raw(CHUNKED + b"-1\r\n" + LEGAL), "invalid"),
    "chunk longer than its size": (raw(CHUNKED + b"2\r\n" + LEGAL + b"\r\n0\r\n\r\n"), "invalid"),
    "chunk of 2^64 bytes": (raw(CHUNKED + b"ffffffffffffffff\r\n" + LEGAL), "unreachable"),
    "chunk size of a hundred digits": (raw(CHUNKED + b"0" * 100 + b"2b\r\n" + LEGAL), "invalid"),
    "no chunks although they were told": (raw(CHUNKED + LEGAL + b"\r\n"), "invalid"),
    "header without a colon": (raw(HEAD + b"nonsense\r\n\r\n" + LEGAL), "invalid"),
    "header with a space in its name": (raw(HEAD + b"X : y\r\n\r\n" + LEGAL), "invalid"),
    "NUL in a header": (raw(HEAD + b"X: a\0b\r\n\r\n" + LEGAL), "invalid"),
    "header of 200 kB": (raw(SIZED + b"X: " + b"y" * 200_000 + b"\r\n\r\n" + LEGAL), "invalid"),
    "50,000 headers": (raw(SIZED + b"X: y\r\n" * 50_000 + b"\r\n" + LEGAL), "invalid"),
    "chunk extension of 3 MB": (raw(CHUNKED + b"1;" + b"x" * 3_000_000 + b"\r\n \r\n0\r\n\r\n"), "invalid"),
    "trailers of 3 MB": (raw(CHUNKED + ONE_CHUNK + b"0\r\n" + b"X: y\r\n" * 500_000 + b"\r\n"), "invalid"),
    "too many values": (lazily(lambda: answer(b'{"models": [' + b"{}," * 500_000 + b"{}]}")), "invalid"),
    "key explosion": (lazily(lambda: answer(_many_names(500_000))), "invalid"),
    "nested deeply": (lazily(lambda: answer(b"[" * 300_000)), "invalid"),
    "nothing": (answer(b""), "invalid"),
    "unauthorized": (answer(b'{"error": {"code": "invalid_api_key"}}', "401 Unauthorized"), "unauthorized"),
    "forbidden": (answer(b"", "403 Forbidden"), "unauthorized"),
    "not found": (answer(b"<h1>no</h1>", "404 Not Found"), "not_lm_studio"),
    "broken": (answer(b"", "500 Internal Server Error"), "invalid"),
    "bad gateway": (answer(b"", "502 Bad Gateway"), "unreachable"),
    "not ready": (answer(b"", "503 Service Unavailable"), "unreachable"),
    "asked to come back long ago": (answer(b"", "503 Wait", "Retry-After: -5"), "unreachable"),
    "asked to come back in 10^300 s": (answer(b"", "429 Wait", "Retry-After: 1" + "0" * 300), "unreachable"),
    "asked to come back in nonsense": (answer(b"", "503 Wait", "Retry-After: 1, Fri, 99 Foo -1"), "unreachable"),
    "no status of HTTP": (answer(LEGAL, "999 Strange"), "invalid"),
    "moved": (redirect("http://127.0.0.1:9/", "301 Moved Permanently"), "not_lm_studio"),
    "moved to nowhere": (redirect("http://["), "not_lm_studio"),
    "moved to itself": (redirect("/api/v1/models"), "not_lm_studio"),
    "moved to a file": (redirect("file:///etc/passwd"), "not_lm_studio"),
    "moved with the token": (redirect_with_token, "not_lm_studio"),
    "not modified": (answer(b"", "304 Not Modified"), "not_lm_studio"),
    "not modified, with a body": (raw(WHOLE.replace(b"200 OK", b"304 Not Modified")), "not_lm_studio"),
    "no content, with a body": (raw(WHOLE.replace(b"200 OK", b"204 No Content")), "invalid"),
    "OpenAI": (answer(b'{"object": "list", "data": [{"id": "a"}]}'), "not_lm_studio"),
    "Ollama": (answer(b'{"models": [{"name": "a:8b"}]}'), "not_lm_studio"),
    "web page": (answer(b"<!doctype html><title>Router</title>"), "not_lm_studio"),
    "too old": (answer(b'{"error": "Unexpected endpoint or method. (GET /api/v1/models)"}'), "too_old"),
    "echo": (echo, "invalid"),
    "raw echo": (echo_raw, "invalid"),
    "echo in the headers": (echo_headers, "invalid"),
}
"""Behaviours that end by themselves, and the status of the observation."""

READ: dict[str, Behaviour] = {
    "as it should be": answer(LEGAL),
    "HTTP/1.0": raw(WHOLE.replace(b"/1.1", b"/1.0")),
    "HTTP/1.0 without a length": raw(b"HTTP/1.0 200 OK\r\n\r\n" + LEGAL),
    "no length": raw(HEAD + b"\r\n" + LEGAL),
    "chunks": raw(CHUNKED + ONE_CHUNK + b"0\r\n\r\n"),
    "chunk extensions": raw(CHUNKED + ONE_CHUNK.replace(b"\r", b';a="b";c\r', 1) + b"0;last\r\n\r\n"),
    "trailers": raw(CHUNKED + ONE_CHUNK + b"0\r\nX: y\r\nContent-Length: 1\r\n\r\n"),
    "slow": slowly(WHOLE),
    "slow one-byte chunks": slowly(CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in LEGAL) + b"0\r\n\r\n", 0.001),
    "a length and chunks": raw(SIZED + b"Transfer-Encoding: chunked\r\n\r\n" + ONE_CHUNK + b"0\r\n\r\n"),
    "one length twice": raw(SIZED + b"Content-Length: %d\r\n\r\n" % len(LEGAL) + LEGAL),
    "line feeds alone": raw(WHOLE.replace(b"\r\n", b"\n")),
    "no reason": raw(WHOLE.replace(b" OK", b"")),
    "a folded header": raw(SIZED + b"X: a\r\n b\r\n\r\n" + LEGAL),
    "a thousand headers": raw(SIZED + b"".join(b"X-%d: y\r\n" % n for n in range(1000)) + b"\r\n" + LEGAL),
    "interim answers": raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + WHOLE),
    "identity": encoded(LEGAL, "identity"),
    "another content type": answer(LEGAL, "200 OK", "Content-Type: text/html; charset=utf-16"),
    "more after the answer": raw(WHOLE + WHOLE + b"garbage"),
}
"""Behaviours that are legal, however odd, and read."""


class Case(NamedTuple):
    """A behaviour by name.

    Attributes:
        behaviour: what the server does.
        status: the word of the observation.
        tls: whether it speaks TLS.
        reads: whether it waits for a request first.
        certificate: which one it shows.
        https: whether it is asked over TLS, whatever it speaks.
    """

    behaviour: Behaviour
    status: str
    tls: bool = False
    reads: bool = True
    certificate: Path = CERTIFICATE
    https: bool = False

    def server(self, port: int = 0) -> Hostile:
        """A server that behaves so; its ``url`` is how it is asked."""
        server = Hostile(self.behaviour, tls=self.tls, reads=self.reads, certificate=self.certificate, port=port)
        server.url = server.url.replace("http:", "https:") if self.https else server.url
        return server


ENCRYPTED: dict[str, Case] = {
    "TLS greeting never answered": Case(silence, "timeout", reads=False, https=True),
    "TLS greeting answered by drops": Case(drip(b"\x16\x03\x03\x40\x00", b"\0"), "timeout", reads=False, https=True),
    "silent after the TLS greeting": Case(silence, "unreachable", tls=True, reads=False),
    "self-signed certificate": Case(answer(LEGAL), "unreachable", tls=True),
    "expired certificate": Case(answer(LEGAL), "unreachable", tls=True, certificate=CERTIFICATES / "expired.pem"),
    "another's certificate": Case(answer(LEGAL), "unreachable", tls=True, certificate=CERTIFICATES / "elsewhere.pem"),
    "https to plain HTTP": Case(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "unreachable", reads=False, https=True),
    "https to silence that hangs up": Case(lambda *_: None, "unreachable", reads=False, https=True),
    "answers before it is asked": Case(answer(b"", "408 Request Timeout"), "invalid", reads=False),
}
"""Behaviours before the request is read. Those with a certificate are refused by whoever does not trust it."""


class Heavy(NamedTuple):
    """A behaviour that costs memory: the status, and the MiB above idle that reading it may take."""

    behaviour: Behaviour
    status: str = "invalid"
    above_idle: int = 64


HEAVY: dict[str, Heavy] = {
    "gzip bomb": Heavy(REFUSED["gzip bomb"][0]),
    "gzip bomb in gzip": Heavy(REFUSED["gzip bomb in gzip"][0]),
    "1 GB body": Heavy(drip(HEAD + b"Content-Length: 1000000000\r\n\r\n", b" " * 2**20, pause=0)),
    "1 GB in chunks": Heavy(drip(CHUNKED, b"100000\r\n" + b" " * 2**20 + b"\r\n", pause=0)),
    "1 GB in one chunk": Heavy(drip(CHUNKED + b"3b9aca00\r\n", b" " * 2**20, pause=0)),
    "1 GB of headers": Heavy(drip(HEAD, b"X: " + b"y" * 1000 + b"\r\n", pause=0)),
    "1 GB of one header": Heavy(drip(HEAD + b"X: ", b"y" * 2**20, pause=0)),
    "1 GB status line": Heavy(drip(b"HTTP/1.1 200 ", b"y" * 2**20, pause=0)),
    "1 GB chunk extension": Heavy(drip(CHUNKED + b"1;", b"y" * 2**20, pause=0)),
    "1 GB of trailers": Heavy(drip(CHUNKED + ONE_CHUNK + b"0\r\n", b"X: " + b"y" * 1000 + b"\r\n", pause=0)),
    "1 GB with 500": Heavy(drip(b"HTTP/1.1 500 No\r\n\r\n", b" " * 2**20, pause=0)),
    "1 GB with 302": Heavy(drip(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b" " * 2**20, pause=0)),
    "key explosion": Heavy(REFUSED["key explosion"][0]),
    "nested deeply": Heavy(REFUSED["nested deeply"][0]),
    "400,000 names in one object": Heavy(lazily(lambda: answer(_many_names(399_990)))),
    "32 MiB of {}": Heavy(lazily(lambda: answer(b'{"models": [' + b"{}," * 11_000_000 + b"{}]}"))),
    "32 MiB of [": Heavy(lazily(lambda: answer(b"[" * 33_000_000))),
    "as many rows as may be, without a key": Heavy(lazily(lambda: answer(_dense(b"{}")))),
    "as many rows as may be": Heavy(lazily(lambda: answer(_dense(b'{"key": "a"}'))), "ok", 190),
    "as many names as may be": Heavy(lazily(lambda: answer(_spread_names())), "ok", 190),
    "a key of 10 MB": Heavy(lazily(lambda: answer(_text_of("key", b"a" * 10_000_000)))),
    "a text as long as may be": Heavy(lazily(lambda: answer(_text_of("foo", b"a" * (16 * 2**20 - 99)))), "ok", 190),
    "a text of escapes": Heavy(lazily(lambda: answer(_text_of("description", rb"\u0041" * 2_700_000))), "ok", 190),
    "wide text that ends in NaN": Heavy(lazily(lambda: answer(_wide(b"NaN")))),
    "wide text and half a surrogate pair": Heavy(lazily(lambda: answer(_wide(rb'"\ud800"')))),
    "wide text without an end": Heavy(lazily(lambda: answer(_wide(b"1")[:-1] + b"x"))),
    "wide text of 16 MB": Heavy(lazily(lambda: answer(_wide(b"1", 16 * 2**20 - 99)))),
    "text half as wide of 16 MB": Heavy(
        lazily(lambda: answer(_wide(b"1", 16 * 2**20 - 99, b"\xe4\xb8\x80"))), "ok", 190
    ),
    "wide text as long as may be": Heavy(lazily(lambda: answer(_wide(b"1"))), "ok", 190),
    "a long name beside many instances": Heavy(lazily(lambda: answer(_repeated(1_000_000, 70_000)))),
    "many long names beside some instances": Heavy(lazily(lambda: answer(_repeated(100_000, 2_000, 100)))),
}
"""Behaviours that would take memory."""


BEHAVIOURS: dict[str, Case] = {
    **{name: Case(behaviour, "ok") for name, behaviour in READ.items()},
    **{name: Case(behaviour, "timeout") for name, behaviour in NEVER_ENDING.items()},
    **{name: Case(*refused) for name, refused in REFUSED.items()},
    **ENCRYPTED,
    **{name: Case(heavy.behaviour, heavy.status) for name, heavy in HEAVY.items()},
    **{
        f"body: {name}": Case(answer(wrong.body, f"{wrong.http_status} So"), wrong.status)
        for name, wrong in WRONG.items()
    },
    **{f"odd body: {name}": Case(answer(body), "ok") for name, body in ODD.items()},
}
"""Every behaviour by name."""


def started(names: list[str], port: int = 0) -> Iterator[tuple[str, Hostile]]:
    """Servers for behaviours, each to be entered; with a port they listen there and on the next ones."""
    for number, name in enumerate(names):
        yield name, BEHAVIOURS[name].server(port and port + number)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Servers on 127.0.0.1 that do what LM Studio never does.")
    parser.add_argument("names", metavar="BEHAVIOUR", nargs="*", help="which ones (default: all)")
    parser.add_argument("--port", type=int, default=0, help="the first one's port; the others take the next ones")
    parser.add_argument("--list", action="store_true", help="print the behaviours and their statuses, and end")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in BEHAVIOURS]:
        parser.error(f"there is no behaviour {unknown[0]!r}; see --list")
    if arguments.list:
        sys.stdout.writelines(f"{case.status:14} {name}\n" for name, case in BEHAVIOURS.items())
        return
    with ExitStack() as stack, contextlib.suppress(KeyboardInterrupt):
        for name, server in started(arguments.names or [*BEHAVIOURS], arguments.port):
            stack.enter_context(server)
            label = name.translate(str.maketrans(":/@?#=", "      "))  # as names of --servers-from cannot have them
            sys.stdout.write(f"{' '.join(label.split())}={server.url}  # {BEHAVIOURS[name].status}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
