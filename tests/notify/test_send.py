"""Sending: sinks that hang, redirect, refuse or want a certificate are one sentence, without the address."""

import asyncio
import logging
import os
import socket
import sys
from pathlib import Path

import pytest
from support.sinks import CERTIFICATES, Sink, until

from inventory.notify import Request
from inventory.notify._send import post, run

SECRET = "/services/Canary12/secret"


def sent(url: str, timeout: float = 20, **options: str) -> str:
    """Why a request was not accepted; empty if it was."""
    request = Request(url + SECRET, b'{"a": 1}', {"Content-Type": "application/json"})
    reason = asyncio.run(post(request, timeout, **options))
    assert "Canary12" not in reason
    assert "127.0.0.1" not in reason
    return reason


def test_it_arrives_as_it_is() -> None:
    """One POST, with its body and headers, and nothing else."""
    with Sink(200) as sink:
        assert sent(sink.url) == ""
    (request,) = sink.received
    assert (request.method, request.path, request.body) == ("POST", SECRET, b'{"a": 1}')
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "lms-inventory"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("status", [400, 403, 404, 410, 429, 500, 503])
def test_a_refusal_is_told_with_its_status_and_not_repeated(status: int) -> None:
    """The status is what a person needs; a second try might tell it twice."""
    with Sink(status) as sink:
        assert sent(sink.url) == f"it answered HTTP {status}"
    assert len(sink.received) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """The secret goes to its own address only."""
    with Sink() as other, Sink(status, f"{other.url}/elsewhere") as sink:
        assert sent(sink.url) == f"it redirects elsewhere (HTTP {status}), which is not followed"
    assert (len(sink.received), len(other.received)) == (1, 0)


@pytest.mark.guard("a notice has a deadline")
def test_a_sink_that_hangs_ends_at_the_deadline() -> None:
    """It is connected, and never answers."""
    with Sink(0) as sink:
        assert sent(sink.url, 0.3) == "no answer within 0.3 s"


def test_nobody_there_and_no_http() -> None:
    """A port where nobody listens, and one where no HTTP is spoken."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert sent(f"http://127.0.0.1:{port}") == "it could not be reached: connection refused"
    with Sink(certificate="localhost.pem") as sink:
        reason = sent(sink.url.replace("https", "http"))
        assert reason in ("it does not speak HTTP", "it could not be reached: connection reset by peer")
    assert "host name could not be looked up" in sent("http://no-such-host.invalid")


def test_certificates_are_checked() -> None:
    """An unknown authority is refused, one in ca_file is trusted, and a wanted client certificate is a failure."""
    authority = str(CERTIFICATES / "localhost.pem")
    with Sink(certificate="localhost.pem") as sink:
        assert sent(sink.url) == "its certificate is not trusted"
        assert sink.received == []
        assert sent(sink.url, ca_file=authority) == ""
        assert "cannot be used" in sent(sink.url, ca_file=str(CERTIFICATES))
    for name, fault in (("expired.pem", "has expired"), ("elsewhere.pem", "is for another host address")):
        with Sink(certificate=name) as sink:
            assert sent(sink.url, ca_file=str(CERTIFICATES / name)) == f"its certificate {fault}"
    with Sink(certificate="localhost.pem", wants_certificate=True) as sink:
        assert sent(sink.url, ca_file=authority)
        assert sink.received == []


def test_a_user_and_a_password_in_the_address_are_a_header() -> None:
    """As other programs do it: they are not part of the path, and are decoded."""
    with Sink() as sink:
        assert sent(sink.url.replace("http://", "http://me:p%40ss@")) == ""
    assert sink.received[0].headers["authorization"] == "Basic bWU6cEBzcw=="
    assert sink.received[0].headers["host"] == sink.url.removeprefix("http://")


def test_only_a_configured_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those in the environment are not; the proxy of a notice gets the whole address."""
    with Sink() as proxy, Sink() as sink:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert sent(sink.url) == ""
        assert (len(sink.received), len(proxy.received)) == (1, 0)
        assert sent("http://sink.example", proxy=proxy.url) == ""
    assert proxy.received[0].path == "http://sink.example" + SECRET


def _run(*command: str, timeout: float = 20, **environment: str) -> str:
    return asyncio.run(run(command, b'{"a": 1}', environment, timeout))


def test_a_command_gets_the_notice_on_its_input(tmp_path: Path) -> None:
    """It is run without a shell, with the environment that it is given, and what it prints is not read."""
    script = (
        "import os, sys; print('x' * 10**6)\n"
        "open(sys.argv[1], 'w').write(sys.stdin.read() + os.environ['A'] + sys.argv[2])"
    )
    assert _run(sys.executable, "-c", script, str(tmp_path / "out"), "$HOME;", A="b") == ""
    assert (tmp_path / "out").read_text() == '{"a": 1}b$HOME;'


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    """With its exit code, or why it could not be started; one that does not read its input is no failure."""
    assert _run(sys.executable, "-c", "import sys; sys.exit(3)") == "it ended with exit code 3"
    assert _run(str(tmp_path / "none")) == "it could not be started: No such file or directory"
    assert _run(str(tmp_path)) == "it could not be started: Permission denied"
    assert _run(sys.executable, "-c", "pass") == ""


@pytest.mark.skipif(os.name != "posix", reason="a process group is ended at once on POSIX only")
@pytest.mark.long
def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """At its deadline nothing of it is left."""
    script = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(60)"
    )
    assert _run(sys.executable, "-c", script, timeout=1.5) == "it did not end within 1.5 s"
    pids = (tmp_path / "pids").read_text().split()
    assert until(lambda: all(_is_gone(pid) for pid in pids))


def _is_gone(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.guard("no address of a notice in a debug log")
def test_a_debug_log_does_not_show_the_address(caplog: pytest.LogCaptureFixture) -> None:
    """Libraries log the host at that level, and the headers of an answer, which may repeat the path."""
    loggers = [logging.getLogger(f"httpcore.{name}") for name in ("connection", "http11", "proxy")]
    levels = [logger.level for logger in loggers]
    with caplog.at_level(logging.DEBUG), Sink() as sink, Sink() as proxy:
        try:
            for url, through in ((sink.url, ""), ("http://sink.example", proxy.url)):
                for logger in loggers:
                    logger.setLevel(logging.DEBUG)
                assert sent(url, proxy=through) == ""
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("httpcore")] == []
