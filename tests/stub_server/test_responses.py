"""The stand-in answers as LM Studio does."""

import contextlib
import http.client
import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from inventory import ConfigurationError, FileError, Server, StubServer, collect
from inventory.normalize.flatten import flatten
from inventory.normalize.response import decode
from inventory.stub_server import DOCUMENTED, Request, inventory_after, inventory_before

TOKEN = "sk-lm-abcdefgh:ABCDEFGHIJ0123456789"
PAYLOADS = Path(__file__).parent.parent / "payloads"
GPT = "openai/gpt-oss-20b"


class Answer(NamedTuple):
    """A response: its status, headers, and content."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The content of a JSON body."""
        return json.loads(self.body)


@pytest.fixture
def server() -> Iterator[StubServer]:
    """A stand-in that requires no token, at a clock that stands still."""
    with StubServer(clock=lambda: 0.0) as started:
        yield started


def ask(
    server: StubServer, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **more: Any
) -> Answer:
    """Send one request as curl would send it."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    content = json.dumps(body) if isinstance(body, dict) else body
    connection.request(method, path, body=content, headers=headers or {}, **more)
    response = connection.getresponse()
    answer = Answer(response.status, dict(response.getheaders()), response.read())
    connection.close()
    return answer


def get(server: StubServer, path: str = "/api/v1/models", token: str = "") -> Any:
    """Return the content of a response that has status 200."""
    answer = ask(server, "GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    assert answer.status == 200
    return answer.json


def captured(name: str) -> Any:
    """A captured error body."""
    return json.loads((PAYLOADS / "errors" / f"{name}.json").read_text())


def test_it_lists_its_models(server: StubServer) -> None:
    """The endpoint answers with the rows, and with others once they are assigned; the caller's rows stay."""
    assert get(server) == {"models": inventory_before()}
    rows = inventory_after()
    server.models = rows
    assert get(server, "/api/v1/models?x=1") == get(server, "/api/v1/models/") == {"models": inventory_after()}
    ask(server, "POST", "/api/v1/models/load", {"model": GPT})
    assert rows == inventory_after() != server.models


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("PUT", "/v1/chat/completions"), ("POST", "/api/v1/models")]
)
def test_unknown_endpoints_answer_200(server: StubServer, method: str, path: str) -> None:
    """An unknown endpoint or method is a 200 with the captured error text."""
    expected = captured("200-unexpected-endpoint")["error"].replace("GET /api/v0/events", f"{method} {path}")
    answer = ask(server, method, path, {} if method == "POST" else None)
    assert (answer.status, answer.json) == (200, {"error": expected})


@pytest.mark.parametrize("path", ["/api/v1/models/qwen/qwen3-8b", "/api/v1/chat", "/api/v1/models/download"])
def test_unknown_paths_of_the_new_api_answer_404(server: StubServer, path: str) -> None:
    """Below /api/v1/ an unknown path is a 404 with an error object."""
    for method in ("GET", "POST"):
        answer = ask(server, method, path)
        assert (answer.status, set(answer.json["error"])) == (404, {"type", "message"})


@pytest.mark.parametrize("path", ["//api/v1/models", "/api//v1/models"])
def test_a_doubled_slash_is_a_bad_request(server: StubServer, path: str) -> None:
    """A doubled slash gets 400."""
    assert ask(server, "GET", path).status == 400


def test_the_other_lists_have_the_same_rows(server: StubServer) -> None:
    """LM Studio's older API, that of OpenAI, and the greeting, in the form of captured bodies."""
    older = get(server, "/api/v0/models")
    known = [json.loads(path.read_text()) for path in sorted((PAYLOADS / "v0").iterdir())]
    names = {name for body in known for row in body["data"] for name in row}
    by_key = {row["id"]: row for row in older["data"]}
    assert older["object"] == "list"
    assert {name for row in older["data"] for name in row} <= names
    assert by_key["google/gemma-4-26b-a4b"]["type"] == "vlm"
    assert by_key["text-embedding-nomic-embed-text-v1.5"]["type"] == "embeddings"
    assert (by_key[GPT]["state"], by_key[GPT]["loaded_context_length"]) == ("loaded", 32_768)
    assert "quantization" not in by_key["mistralai/codestral-22b-v0.1"]
    assert get(server, f"/api/v0/models/{GPT}") == by_key[GPT]
    assert ask(server, "GET", "/api/v0/models/none").status == 404
    openai = get(server, "/v1/models")
    assert [row["id"] for row in openai["data"]] == [row["key"] for row in inventory_before()]
    assert {row["owned_by"] for row in openai["data"]} == {"organization_owner"}
    assert get(server, "/lmstudio-greeting") == {"lmstudio": True}


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_heartbeats_and_questions_of_browsers(server: StubServer, method: str) -> None:
    """HEAD has the headers of GET without its body; OPTIONS has no body; none says that this is Python."""
    answer = ask(server, method, "/api/v1/models")
    assert (answer.status, answer.body) == (200 if method == "HEAD" else 204, b"")
    assert "Server" not in answer.headers
    if method == "HEAD":
        assert int(answer.headers["Content-Length"]) == len(ask(server, "GET", "/api/v1/models").body)


def test_tokens() -> None:
    """A missing and a malformed token get 401 with the captured bodies, a wrong one 401, the right one the models."""
    with StubServer([], token=TOKEN) as server:
        missing = ask(server, "GET", "/api/v1/models")
        assert (missing.status, missing.json) == (401, captured("401-missing-token"))
        malformed = ask(server, "GET", "/api/v1/models", headers={"Authorization": "Bearer sk-bogus-EXAMPLE"})
        content, expected = malformed.json, captured("401-malformed-token")
        assert malformed.status == 401
        assert content["error"].pop("message").split("*")[0] == expected["error"].pop("message").split("*")[0]
        assert content == expected
        wrong = {"Authorization": f"Bearer {TOKEN[:-1]}x"}
        for method, path in (("GET", "/v1/models"), ("HEAD", "/api/v1/models"), ("POST", "/api/v1/models/load")):
            assert ask(server, method, path, headers=wrong).status == 401
        assert get(server, token=TOKEN) == {"models": []}
        assert get(server, "/lmstudio-greeting") == {"lmstudio": True}
        assert ask(server, "OPTIONS", "/api/v1/models").status == 204


@pytest.mark.parametrize("models", [inventory_before(), inventory_after()], ids=["before", "after"])
def test_its_models_are_legal(models: list[dict[str, Any]]) -> None:
    """What it answers is accepted without a warning, and no field of it is unknown."""
    answer = decode(json.dumps({"models": models}).encode())
    rows = flatten(answer.models)
    assert answer.warnings == rows.warnings == []
    assert {*rows.models["extra"], *rows.instances["extra"]} == {None}


def test_the_documented_body_is_that_of_the_documentation() -> None:
    """It is sent byte by byte."""
    assert json.loads(DOCUMENTED) == json.loads((PAYLOADS / "v1" / "21-docs-example-2026-04.json").read_text())
    with StubServer(bodies=[DOCUMENTED]) as server:
        assert ask(server, "GET", "/api/v1/models").body == DOCUMENTED


def test_loading_and_unloading_change_the_lists(server: StubServer) -> None:
    """An instance is called as its model, the next ones KEY:2, KEY:3; a name that is free again is used again."""
    key = "microsoft/phi-4"
    ids = [ask(server, "POST", "/api/v1/models/load", {"model": key}).json["instance_id"] for _ in range(3)]
    assert ids == [key, f"{key}:2", f"{key}:3"]
    unloaded = ask(server, "POST", "/api/v1/models/unload", {"instance_id": f"{key}:2"})
    assert (unloaded.status, unloaded.json) == (200, {"instance_id": f"{key}:2"})
    request = {"model": key, "context_length": 8192, "flash_attention": False, "echo_load_config": True}
    loaded = ask(server, "POST", "/api/v1/models/load", request).json
    assert list(loaded) == ["type", "instance_id", "load_time_seconds", "status", "load_config"]
    assert (loaded["type"], loaded["instance_id"], loaded["status"]) == ("llm", f"{key}:2", "loaded")
    assert (loaded["load_config"]["context_length"], loaded["load_config"]["flash_attention"]) == (8192, False)
    row = next(row for row in get(server)["models"] if row["key"] == key)
    assert [instance["id"] for instance in row["loaded_instances"]] == [key, f"{key}:3", f"{key}:2"]
    assert row["loaded_instances"][-1]["config"] == loaded["load_config"]
    assert get(server, f"/api/v0/models/{key}")["state"] == "loaded"


@pytest.mark.parametrize(
    ("key", "config"),
    [
        ("text-embedding-nomic-embed-text-v1.5", {"context_length": 2048}),
        ("qwen/qwen3-8b", {"context_length": 40_960, "parallel": 4, "reasoning_budget_message": ""}),
    ],
)
def test_an_engine_decides_about_the_configuration(key: str, config: dict[str, Any], server: StubServer) -> None:
    """An embedding and an MLX model were captured with their longest context, whatever was asked for."""
    request = {"model": key, "context_length": 1024, "echo_load_config": True}
    assert ask(server, "POST", "/api/v1/models/load", request).json["load_config"] == config


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("load", {"model": "\u2026"}, 404, captured("404-model-not-found-on-load")["error"]),
        (
            "load",
            {"model": GPT, "ttl": 60, "x": 1},
            400,
            {
                "type": "invalid_request",
                "code": "unrecognized_keys",
                "message": "Unrecognized key(s) in object: 'ttl', 'x'",
            },
        ),
        (
            "unload",
            {"instance_id": "x"},
            404,
            {"type": "model_not_found", "message": "Model with instance identifier 'x' is not loaded."},
        ),
    ],
)
def test_captured_refusals(path: str, body: Any, status: int, error: Any, server: StubServer) -> None:
    """An unknown model, field or instance is refused with the captured body, and changes nothing."""
    answer = ask(server, "POST", f"/api/v1/models/{path}", body)
    assert (answer.status, answer.json) == (status, {"error": error})
    assert get(server) == {"models": inventory_before()}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b"{}", b'{"model": 1}',
     b'{"model": "a", "context_length": true}',
     b'{"model": "a", "context_length": -1}', b'{"instance_id": null}'],
    ids=lambda body: body[:30].decode(errors="replace"),
)  # fmt: skip
@pytest.mark.parametrize("path", ["load", "unload"])
def test_wrong_bodies_are_refused(path: str, body: bytes, server: StubServer) -> None:
    """What is no such request gets 400 with a code."""
    answer = ask(server, "POST", f"/api/v1/models/{path}", body)
    assert answer.status == 400
    assert answer.json["error"]["type"] == "invalid_request"
    assert answer.json["error"]["code"]


def test_a_body_in_chunks_is_read(server: StubServer) -> None:
    """A request may come without its length; one that is too long, or broken, gets 400."""
    pieces = iter([b'{"model": ', f'"{GPT}"}}'.encode()])
    answer = ask(server, "POST", "/api/v1/models/load", pieces, encode_chunked=True)
    assert answer.json["instance_id"] == f"{GPT}:3"
    for text in (b"zz\r\n", b"ffffff\r\n"):
        with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0)) as connection:
            head = b"POST /api/v1/models/load HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.sendall(head + text)
            assert b" 400 " in connection.recv(1000)


def test_a_time_to_live_counts_down() -> None:
    """The seconds become fewer, and with the last one the instance is unloaded."""
    now = 100.0
    with StubServer(clock=lambda: now) as server:
        for now, left in ((100.0, [3600]), (160.5, [3540]), (3699.0, [1]), (3700.0, [])):
            instances = get(server)["models"][0]["loaded_instances"]
            assert [instance.get("remaining_ttl_seconds") for instance in instances] == left, now
        assert len(server.models[1]["loaded_instances"]) == 2


def test_many_clients_at_once(server: StubServer) -> None:
    """Instances that are loaded at the same time have different names, and none is lost."""
    ids: list[str] = []

    def load() -> None:
        for _ in range(10):
            ids.append(ask(server, "POST", "/api/v1/models/load", {"model": "microsoft/phi-4"}).json["instance_id"])
            get(server)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 80
    assert len(next(row for row in server.models if row["key"] == "microsoft/phi-4")["loaded_instances"]) == 80


def test_bodies_come_one_after_the_other(tmp_path: Path) -> None:
    """Files and bytes are sent as they are, whatever they are; the last one stays, or the first one follows it."""
    (tmp_path / "a.json").write_bytes(b'{"models":[{"key":"a","new":1}]}')
    bodies: list[bytes | str | Path] = [tmp_path / "a.json", b"\xffnonsense", str(tmp_path / "a.json")]
    for loop, last in ((False, [0, 0]), (True, [0, 1])):
        with StubServer(bodies=bodies, loop=loop) as server:
            seen = [ask(server, "GET", "/api/v1/models").body for _ in range(2)]
            assert ask(server, "HEAD", "/api/v1/models").status == 200
            seen += [ask(server, "GET", "/api/v1/models").body for _ in range(3)]
            texts = [(tmp_path / "a.json").read_bytes(), b"\xffnonsense"]
            assert seen == [texts[index] for index in (0, 1, 0, *last)]
    with StubServer(bodies=bodies[:1]) as server:
        assert get(server, "/v1/models")["data"][0]["id"] == "a"
        ask(server, "POST", "/api/v1/models/load", {"model": "a"})
        (row,) = get(server)["models"]
        assert (row["new"], row["loaded_instances"][0]["id"]) == (1, "a")


@pytest.mark.parametrize(
    "rows", [b"[]", b'{"models": {}}', b'{"models": [1, {}, {"key": 1, "quantization": "q", "capabilities": []}]}',
             b'{"models": [{"key": "a", "loaded_instances": ["x", {"config": 1}]}, {"key": "\\ud800"}]}',
             b'{"models": [{"key": "a", "new": ' + b"[" * 900 + b"]" * 900 + b"}]}"],
    ids=lambda rows: rows[:60].decode(),
)  # fmt: skip
def test_any_body_can_be_listed(rows: bytes) -> None:
    """A body that is no inventory of LM Studio's makes the other lists shorter, and breaks none."""
    with StubServer(bodies=[rows]) as server:
        for path in ("/api/v0/models", "/v1/models"):
            assert isinstance(get(server, path)["data"], list)
        ask(server, "POST", "/api/v1/models/load", {"model": "a"})
        assert ask(server, "GET", "/api/v1/models").status == 200


@pytest.mark.guard("no token in the log of requests")
def test_requests_are_remembered_without_secrets() -> None:
    """Each is given to the log once, without its query, without the token, and without what moves a cursor."""
    logged: list[Request] = []
    with StubServer([], token=TOKEN, log=logged.append) as server:
        get(server, "/api/v1/models?key=secret", token=TOKEN)
        ask(server, "GET", f"/{TOKEN}/%1b[31m", headers={"Authorization": f"Bearer {TOKEN}"})
        with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=5) as connection:
            connection.sendall(f"\x1b[31m{TOKEN} / HTTP/1.1\r\n\r\n".encode())
            assert b" 401 " in connection.recv(1000)
        assert server.requests == logged
    assert [(request.method, request.path, request.status) for request in logged] == [
        ("GET", "/api/v1/models", 200),
        ("GET", "/***/%1B[31m", 200),
        ("%1B[31m***", "/", 401),
    ]


def test_pages_of_other_origins(server: StubServer) -> None:
    """Only with CORS may a page of another origin read a response; then its preflight is allowed too."""
    assert not [name for name in ask(server, "GET", "/api/v1/models").headers if name.startswith("Access-Control")]
    with StubServer(cors=True, token=TOKEN) as open_server:
        for method in ("OPTIONS", "GET"):
            headers = ask(open_server, method, "/api/v1/models").headers
            assert headers["Access-Control-Allow-Origin"] == "*"
            assert "Authorization" in headers["Access-Control-Allow-Headers"]


def test_tls() -> None:
    """It serves https with a certificate for its address, which is gone afterwards; plain HTTP gets nothing."""
    with StubServer([], tls=True) as server:
        assert server.certificate is not None
        context = ssl.create_default_context(cafile=str(server.certificate))
        for host in ("127.0.0.1", "localhost"):
            connection = http.client.HTTPSConnection(host, urlsplit(server.url).port, context=context, timeout=5)
            connection.request("GET", "/api/v1/models")
            assert json.load(connection.getresponse()) == {"models": []}
            connection.close()
        with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=5) as plain:
            plain.sendall(b"GET /api/v1/models HTTP/1.1\r\n\r\n")
            assert b"models" not in plain.recv(1000)
        folder = server.certificate.parent
    assert not folder.exists()


def test_tls_without_openssl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without openssl it says what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="no program openssl"), StubServer([], tls=True):
        pass


def test_wrong_options() -> None:
    """Options that exclude each other, unknown scenarios, files that are not there, ports that are none."""
    with pytest.raises(ConfigurationError, match="Did you mean 'too-old'"):
        StubServer(scenario="too_old")
    with pytest.raises(ConfigurationError, match="take the place of models"):
        StubServer(bodies=[b""], scenario="slow")
    with pytest.raises(FileError, match="could not be read: No such file"):
        StubServer(bodies=["none.json"])
    with pytest.raises(FileError, match="/dev/zero is larger than 256 MiB"):
        StubServer(bodies=["/dev/zero"])
    with pytest.raises(ConfigurationError, match="port 70000"), StubServer([], port=70_000):
        pass


def test_a_client_that_goes_away_is_not_told(server: StubServer, capfd: pytest.CaptureFixture[str]) -> None:
    """Clients that hang up, reset or talk nonsense leave it serving and stderr clean; no page of Python comes."""
    port = urlsplit(server.url).port or 0
    for text in (b"", b"GET /api/v1/models HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Le"):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, not close
            connection.sendall(text)
    for text in (b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(text)
            response = b"".join(iter(lambda: connection.recv(1000), b""))
        assert b"Bad request" in response
        assert b"Python" not in response
        assert b"<" not in response
    assert ask(server, "GET", "/api/v1/models", headers={"Content-Length": "x"}).status == 200
    assert ask(server, "GET", "http://elsewhere/api/v1/models").json["models"]
    assert capfd.readouterr() == ("", "")


def test_it_stops_at_once() -> None:
    """The end waits for nobody: not for the latency of a response, and not for a silent client."""
    with StubServer(scenario="slow") as server:
        address = ("127.0.0.1", urlsplit(server.url).port or 0)
        waiting, silent = socket.create_connection(address), socket.create_connection(address)
        waiting.sendall(b"GET /api/v1/models HTTP/1.1\r\n\r\n")
    for connection in (waiting, silent):
        with connection, contextlib.suppress(ConnectionResetError):  # closed while it had something to read
            connection.settimeout(10)
            assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_our_own_tool_reads_it_with_tls_and_a_token() -> None:
    """A snapshot has its models."""
    with StubServer(token=TOKEN, tls=True) as server:
        snapshot = collect(Server(server.url, "a", token=TOKEN, ca_file=str(server.certificate)))
    assert snapshot.complete
    assert len(snapshot.models) == 6
