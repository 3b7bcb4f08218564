"""The stand-in answers as LM Studio does."""

import http.client
import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from inventory.normalize.flatten import flatten
from inventory.normalize.response import decode
from inventory.stub_server import StubServer, inventory_after, inventory_before

TOKEN = "sk-lm-abcdefgh:ABCDEFGHIJ0123456789"
ERRORS = Path(__file__).parent / "payloads" / "errors"


@pytest.fixture
def server() -> Iterator[StubServer]:
    """A stand-in that wants no token."""
    with StubServer(inventory_before()) as one:
        yield one


def ask(url: str, method: str, path: str, headers: dict[str, str] | None = None, body: str = "") -> tuple[int, Any]:
    """One request as curl would send it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    connection.request(method, path, body=body or None, headers=headers or {})
    answer = connection.getresponse()
    result = answer.status, json.load(answer)
    connection.close()
    return result


def captured(name: str) -> Any:
    """A captured error body."""
    return json.loads((ERRORS / f"{name}.json").read_text())


def test_it_lists_its_models(server: StubServer) -> None:
    """The endpoint answers with the rows, and with others once they are assigned."""
    assert ask(server.url, "GET", "/api/v1/models") == (200, {"models": inventory_before()})
    server.models = inventory_after()
    assert ask(server.url, "GET", "/api/v1/models?x=1") == (200, {"models": inventory_after()})


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/api/v0/models"), ("POST", "/api/v1/models")])
def test_unknown_endpoints_answer_200(server: StubServer, method: str, path: str) -> None:
    """An unknown endpoint or method is a 200 with the captured error text."""
    expected = captured("200-unexpected-endpoint")["error"].replace("GET /api/v0/events", f"{method} {path}")
    assert ask(server.url, method, path, body="{}" if method == "POST" else "") == (200, {"error": expected})


@pytest.mark.parametrize("path", ["//api/v1/models", "/api//v1/models"])
def test_a_doubled_slash_is_a_bad_request(server: StubServer, path: str) -> None:
    """A doubled slash gets 400."""
    assert ask(server.url, "GET", path)[0] == 400


def test_tokens() -> None:
    """A missing and a malformed token get 401 with the captured bodies, a wrong one 401, the right one the models."""
    with StubServer([], token=TOKEN) as server:
        assert ask(server.url, "GET", "/api/v1/models") == (401, captured("401-missing-token"))
        status, body = ask(server.url, "GET", "/api/v1/models", {"Authorization": "Bearer sk-bogus-EXAMPLE"})
        expected = captured("401-malformed-token")
        assert status == 401
        assert body["error"].pop("message").split("*")[0] == expected["error"].pop("message").split("*")[0]
        assert body == expected
        wrong = {"Authorization": f"Bearer {TOKEN[:-1]}x"}
        assert ask(server.url, "GET", "/api/v1/models", wrong)[0] == 401
        assert ask(server.url, "GET", "/api/v1/models", {"Authorization": f"Bearer {TOKEN}"}) == (200, {"models": []})


@pytest.mark.parametrize("models", [inventory_before(), inventory_after()], ids=["before", "after"])
def test_its_models_are_legal(models: list[dict[str, Any]]) -> None:
    """What it answers is accepted without a warning."""
    answer = decode(json.dumps({"models": models}).encode())
    assert answer.warnings == flatten(answer.models).warnings == []


def test_a_client_that_goes_away_is_not_told(server: StubServer, capfd: pytest.CaptureFixture[str]) -> None:
    """Clients that hang up, reset or talk nonsense leave it serving and stderr clean."""
    port = urlsplit(server.url).port or 0
    for text in (b"", b"GET /api/v1/models HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Le"):
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, not close
            one.sendall(text)
    headers = {"Content-Length": "x"}
    assert ask(server.url, "GET", "/api/v1/models", headers)[0] == 200
    assert capfd.readouterr() == ("", "")
