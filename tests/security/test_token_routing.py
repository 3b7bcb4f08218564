"""T9: a token goes to its own server and nowhere else."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.cli_runner import clean, run
from support.hostile_servers import (
    BEHAVIOURS,
    CERTIFICATES,
    ENCRYPTED,
    LEGAL,
    NEVER_ENDING,
    Behaviour,
    Hostile,
    answer,
    redirect,
)

import inventory
from inventory.config.servers import Server
from inventory.errors import ConfigurationError

TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"
PROXIES = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"]


def _status(server: Server, timeout: float = 20) -> str:
    """The status of the observation that a server ends in."""
    return str(inventory.collect(server, timeout=timeout).tables["observations"].column("status")[0].as_py())


@pytest.fixture
def elsewhere() -> Iterator[Hostile]:
    """A server that nobody should ask."""
    with Hostile(answer(LEGAL)) as server:
        yield server
        assert server.requests == []


def test_the_token_stands_in_one_header() -> None:
    """It is sent once, as the only Authorization: not in the path, nor in another header."""
    with Hostile(answer(LEGAL)) as server:
        assert _status(Server(f"{server.url}/prefix", "s", TOKEN)) == "ok"
    (request,) = server.requests
    assert request.count(TOKEN.encode()) == 1
    assert re.findall(rb"(?im)^authorization: (.*?)\r$", request) == [b"Bearer " + TOKEN.encode()]
    assert not re.search(rb"(?im)^(proxy-authorization|cookie):", request)


@pytest.mark.parametrize("status", ["300 Many", "301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str, elsewhere: Hostile) -> None:
    """Neither the request nor the token goes where a server sends it, whatever form that has."""
    port = elsewhere.port
    for where in (
        elsewhere.url,
        f"//127.0.0.1:{port}/api/v1/models",
        f"http://127.0.0.1:{port}/?token={TOKEN}",
        f"http://user@127.0.0.1:{port}",
        f"https://127.0.0.1:{port}",
    ):
        with Hostile(redirect(where, status)) as server:
            assert _status(Server(server.url, "s", TOKEN, source="auto")) == "not_lm_studio"
            assert len(server.requests) == 1


@pytest.mark.parametrize("header", ["Location", "Content-Location", "Refresh", "Link", "Alt-Svc", "Proxy-Authenticate"])
@pytest.mark.parametrize("status", ["200 OK", "201 Created", "401 Unauthorized", "407 Proxy", "503 Wait"])
def test_no_other_header_leads_elsewhere(header: str, status: str, elsewhere: Hostile) -> None:
    """A header with another address is not obeyed, with any status."""
    value = {"Refresh": f"0; url={elsewhere.url}", "Alt-Svc": f'http/1.1="127.0.0.1:{elsewhere.port}"'}
    with Hostile(answer(LEGAL, status, f"{header}: {value.get(header, elsewhere.url)}")) as server:
        _status(Server(server.url, "s", TOKEN))
        assert server.requests


def test_a_proxy_in_the_environment_gets_nothing(elsewhere: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies of the environment are not used, for plain HTTP nor for TLS."""
    for name in PROXIES:
        monkeypatch.setenv(name, elsewhere.url)
    with Hostile(answer(LEGAL)) as server, Hostile(answer(LEGAL), tls=True) as encrypted:
        certificate = str(CERTIFICATES / "localhost.pem")
        assert _status(Server(server.url, "s", TOKEN)) == "ok"
        assert _status(Server(encrypted.url, "s", TOKEN, ca_file=certificate)) == "ok"
        assert len(server.requests) == len(encrypted.requests) == 1


@pytest.mark.parametrize("name", PROXIES)
def test_the_command_uses_no_proxy(name: str, elsewhere: Hostile, tmp_path: Path) -> None:
    """The command does not either, whichever variable names one."""
    with Hostile(answer(LEGAL)) as server:
        done = run(
            "check", "--server", server.url, cwd=tmp_path, env=clean(LM_API_TOKEN=TOKEN, **{name: elsewhere.url})
        )
        assert done.code == 0
        assert len(server.requests) == 1


def test_a_netrc_gives_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords kept for other programs are not sent."""
    path = Path(os.environ["HOME"], ".netrc")
    path.write_text("machine 127.0.0.1 login somebody password hunter2\ndefault login other password hunter3\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    with Hostile(answer(LEGAL)) as server:
        assert _status(Server(server.url, "s")) == "ok"
        assert run("check", "--server", server.url, cwd=tmp_path, env=clean(NETRC=str(path))).code == 0
    assert len(server.requests) == 2
    assert not [request for request in server.requests if b"authorization" in request.lower()]


@pytest.mark.parametrize(
    "address",
    [
        "http://user:{}@127.0.0.1:{}",
        "http://{}@127.0.0.1:{}",
        "{}@127.0.0.1:{}",
        "a=http://:{}@127.0.0.1:{}",
        "http://127.0.0.1:{1}/?token={0}",
        "http://127.0.0.1:{1}#{0}",
        "http://127.0.0.1:{1}/{0}",
        "http://127.0.0.1:{1}%00@{0}",
        "http://127.0.0.1:{1}\\@{0}",
        "{0}=http://127.0.0.1:{1}",
        "{0}",
    ],
)
def test_an_address_with_a_secret_is_refused(address: str, elsewhere: Hostile, tmp_path: Path) -> None:
    """Nothing is asked, and neither the line nor its traceback shows what the address held."""
    told = run("check", "--debug", "--server", address.format(TOKEN, elsewhere.port), cwd=tmp_path)
    assert told.code == 2
    assert "Canary12" not in told.out + told.err
    (tmp_path / "list").write_text(address.format(TOKEN, elsewhere.port))
    told = run("check", "--debug", "--servers-from", "list", cwd=tmp_path)
    assert told.code == 2
    assert "Canary12" not in told.out + told.err


def test_a_password_in_an_address_is_refused(elsewhere: Hostile) -> None:
    """Whatever it looks like: a user or a password in an address is refused, and is not in the error."""
    for secret in ("hunter2", "hunter2:", ":hunter2", "a:hunter2"):
        with pytest.raises(ConfigurationError, match="may not hold a user") as caught:
            inventory.collect(f"http://{secret}@127.0.0.1:{elsewhere.port}")
        assert "hunter2" not in repr(caught.value)


def test_each_token_goes_to_its_own_server() -> None:
    """With a token for each of many servers, some of which fail, each hears its own, and one without hears none."""
    behaviours: list[Behaviour] = [
        answer(LEGAL),
        answer(b"", "503 Wait"),
        answer(b"", "401 No"),
        lambda *_: None,
        answer(b'{"error": "Unexpected endpoint or method. (GET /api/v1/models)"}'),
    ]
    with ExitStack() as stack:
        servers = [stack.enter_context(Hostile(behaviours[number % len(behaviours)])) for number in range(30)]
        tokens = [f"sk-lm-Canary{number:02}:abcdefghijKLMNOPQRST" if number % 7 else None for number in range(30)]
        inventory.collect(
            [Server(one.url, str(n), tokens[n], source="auto") for n, one in enumerate(servers)], concurrency=8
        )
        for server, token in zip(servers, tokens, strict=True):
            assert server.requests
            for request in server.requests:
                assert re.findall(rb"sk-lm-Canary\S+", request) == ([token.encode()] if token else [])


def test_an_untrusted_server_hears_nothing() -> None:
    """A token is not sent before TLS has vouched for the server: not with a wrong certificate, nor without TLS."""
    with ExitStack() as stack:
        asked = [
            (name, stack.enter_context(case.server()))
            for name, case in ENCRYPTED.items()
            if case.status != "timeout" and (case.tls or case.https)
        ]
        assert len(asked) > 4
        for name, server in asked:
            assert _status(Server(server.url, "s", TOKEN), timeout=20) == "unreachable", name
            assert not any(TOKEN.encode() in request for request in server.requests), name


@pytest.mark.parametrize(("file", "said"), [("expired", "expired"), ("elsewhere", "mismatch")])
def test_a_trusted_authority_does_not_excuse_the_certificate(file: str, said: str) -> None:
    """Also with its authority trusted, a certificate must be valid now and for this host."""
    path = CERTIFICATES / f"{file}.pem"
    with Hostile(answer(LEGAL), tls=True, certificate=path) as server:
        taken = inventory.collect(Server(server.url, "s", TOKEN, ca_file=str(path)))
        assert not any(TOKEN.encode() in request for request in server.requests)
    error = taken.tables["observations"].column("error")[0].as_py()
    assert "its certificate is not trusted" in error
    assert said in error


def test_a_token_is_sent_in_the_clear_only_to_its_address() -> None:
    """An address with https is never asked without TLS, whatever the server says at first."""
    with BEHAVIOURS["https to plain HTTP"].server() as server:
        assert _status(Server(server.url, "s", TOKEN)) == "unreachable"
        assert all(not request for request in server.requests)


def test_a_saved_answer_gets_no_token(tmp_path: Path) -> None:
    """A file is read without the token, which is asked from nobody."""
    (tmp_path / "a.json").write_bytes(LEGAL)
    done = run("snapshot", "--server", "file:a.json", "--json", cwd=tmp_path, env=clean(LM_API_TOKEN=TOKEN))
    assert (done.code, json.loads(done.out)["data"]["observations"][0]["source"]) == (0, "file")


def test_what_never_ends_hears_it_once() -> None:
    """A server that keeps the connection open is not asked a second time."""
    with Hostile(NEVER_ENDING["dripping headers"]) as server:
        assert _status(Server(server.url, "s", TOKEN), timeout=0.5) == "timeout"
        assert len(server.requests) == 1
