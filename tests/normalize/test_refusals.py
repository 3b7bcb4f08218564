"""Whoever answers in LM Studio's place, or whatever was saved in an answer's place, is called by its name."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.hostile_servers import LEGAL, Hostile, answer

import inventory
from inventory.config.servers import Server
from inventory.errors import ServerError
from inventory.normalize.response import decode
from inventory.stub_server import StubServer, inventory_before
from inventory.tables import rows

PAYLOADS = Path(__file__).parent.parent / "payloads"
TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"
OLD = "Unexpected endpoint or method. (GET {})"


def refused(body: Any, http_status: int = 200, **asked: Any) -> ServerError:
    """The error for a body."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ServerError) as caught:
        decode(sent, http_status, **asked)
    return caught.value


def observation(url: str, token: str | None = None) -> dict[str, Any]:
    """The observation of one server."""
    [row] = rows(inventory.collect(Server(url, "s", token), timeout=5).tables["observations"])
    return row


def _openai(owner: str) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": "a", "object": "model", "owned_by": owner}]}


LLAMA = {"models": [{"name": "a", "model": "a", "modified_at": "", "size": "", "digest": ""}], **_openai("llamacpp")}
OLLAMA = {"models": [{"name": "a:1b", "model": "a:1b", "modified_at": "2026-01-01T00:00:00Z", "digest": "0a1b"}]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (LLAMA, "llama.cpp's llama-server answered"),
        (_openai("llamacpp"), "llama.cpp's llama-server answered"),
        (_openai("vllm"), "vLLM answered"),
        (_openai("library"), "Ollama answered"),
        (_openai("sglang"), "SGLang answered"),
        (_openai("koboldcpp"), "KoboldCpp answered"),
        (_openai("tabbyAPI"), "TabbyAPI answered"),
        (OLLAMA, "Ollama answered"),
        (_openai("acme"), "an OpenAI-compatible server answered"),
        (_openai("organization_owner"), "LM Studio's OpenAI-compatible list"),
        ([{"type": "llm", "modelKey": "a", "path": "a", "sizeBytes": 1}], "the output of lms ls --json"),
        ([{"modelKey": "a", "identifier": "a", "status": "idle"}], "the output of lms ps --json"),
        ({"status": "ok"}, "something other than LM Studio"),
    ],
)
@pytest.mark.parametrize("apis", [("lmstudio",), ("lmstudio_v0",), ("lmstudio", "lmstudio_v0")])
def test_who_answered(body: Any, said: str, apis: tuple[str, ...]) -> None:
    """Each server that says who it is is named, and no other is named in its place."""
    error = refused(body, apis=apis)
    assert said in error.what
    assert (error.status, bool(error.advice)) == ("not_lm_studio", True)
    assert ("Ollama" in str(error)) == ("Ollama" in said)


LMSTUDIO_401 = (PAYLOADS / "errors" / "401-missing-token.json").read_bytes()
PAGE = b"<html><h1>401 Authorization Required</h1></html>"


@pytest.mark.parametrize(
    ("body", "http_status", "challenge", "is_proxy"),
    [
        (LMSTUDIO_401, 401, "", False),
        (LMSTUDIO_401, 401, "Bearer", False),
        (b"", 401, "", False),
        (b"", 401, 'Bearer realm="x"', False),
        (b'{"error": "Unauthorized"}', 401, "", False),
        (PAGE, 401, 'Basic realm="x"', True),
        (b"", 401, 'basic realm="x"', True),
        (b"", 401, "Negotiate, Basic", True),
        (b"", 401, 'Digest realm="x", nonce="y"', True),
        (PAGE, 401, "", True),
        (b"401 Unauthorized", 401, "", True),
        (b'{"message": "Unauthorized"}', 401, "", True),
        (PAGE, 403, "", True),
        (PAGE, 407, "", True),
        (b"", 407, "Basic", True),
    ],
)
def test_a_proxy_that_wants_a_password(body: bytes, http_status: int, challenge: str, is_proxy: bool) -> None:
    """It is not LM Studio's token that is wanted then, and nobody is told to set one."""
    for token_sent in (False, True):
        error = refused(body, http_status, challenge=challenge, token_sent=token_sent)
        assert ("a proxy in front of the server" in error.what) == is_proxy
        assert ("Set " in error.advice) != is_proxy
        assert f"(HTTP {http_status})" in error.what


@pytest.mark.parametrize("header", ["WWW-Authenticate", "www-authenticate", "Proxy-Authenticate"])
def test_a_proxys_header_is_seen(header: str) -> None:
    """Over HTTP, with or without a token."""
    with Hostile(answer(PAGE, "401 Unauthorized", f'{header}: Basic realm="x"')) as server:
        for token in (None, TOKEN):
            row = observation(server.url, token)
            assert row["status"] == "unauthorized"
            assert "a proxy in front of the server wants a password of its own" in row["error"]


@pytest.mark.parametrize("path", ["/index.html", "/gpu/box", "/v2"])
def test_a_path_that_lm_studio_does_not_know_is_named(path: str) -> None:
    """It is the path that is wrong, not the version: the stand-in has the endpoint."""
    with StubServer(inventory_before()) as server:
        for source in ("", "auto"):
            [row] = rows(inventory.collect(Server(server.url + path, "s", source=source)).tables["observations"])
            assert row["status"] == "not_lm_studio"
            assert f"The address has a path, {path}: give http://HOST:PORT alone" in row["error"]
        assert observation(f"{server.url}/V1/Chat/Completions")["status"] == "ok"


@pytest.mark.parametrize(
    ("body", "http_status"),
    [
        (b"<html></html>", 200),
        (b"", 404),
        (b'{"detail": "Not Found"}', 404),
        (json.dumps(_openai("acme")).encode(), 200),
        (b'{"a": 1}', 200),
    ],
)
def test_a_path_is_named_whoever_answers_there(body: bytes, http_status: int) -> None:
    """Only where the address has one."""
    assert "has a path, /x:" in refused(body, http_status, path="/x").advice
    assert "has a path" not in refused(body, http_status).advice


@pytest.mark.parametrize(
    ("named", "path", "status"),
    [
        ("/api/v1/models", "", "too_old"),
        ("/api/v1/models?x=1", "", "too_old"),
        ("/api/v1/models", "/gpu", "too_old"),  # a proxy took its own path off, as it should
        ("/gpu/api/v1/models", "/gpu", "not_lm_studio"),
        ("/gpu/api/v1/models", "", "not_lm_studio"),  # a proxy put one before
    ],
)
@pytest.mark.parametrize("http_status", [200, 404])
def test_too_old_is_one_that_was_asked_for_the_endpoint(named: str, path: str, status: str, http_status: int) -> None:
    """LM Studio's error names the path that came to it."""
    error = refused({"error": OLD.format(named)}, http_status, path=path)
    assert error.status == status
    assert ("Update it" in error.advice) == (status == "too_old")


@pytest.mark.parametrize("name", sorted(path.stem for path in (PAYLOADS / "v0").glob("*.json")))
def test_a_saved_answer_of_the_older_api_is_read(name: str, tmp_path: Path) -> None:
    """As over HTTP; and the history proves it again from the body."""
    from inventory import History
    from inventory.history.verify import prove
    from inventory.operations.snapshot import take_snapshot

    body = (PAYLOADS / "v0" / f"{name}.json").read_bytes()
    (tmp_path / "a.json").write_bytes(body)
    saved = inventory.collect(Server(f"file:{tmp_path}/a.json", "s"))
    with Hostile(answer(body)) as server:
        asked = inventory.collect(Server(server.url, "s", source="lmstudio_v0"))
    assert saved.complete
    for table in ("models", "instances"):
        same, other = (run.tables[table].drop_columns("as_of") for run in (saved, asked))
        assert same.equals(other)
    [old], [new] = rows(asked.tables["observations"]), rows(saved.tables["observations"])
    assert (new["source"], new["warnings"], new["digest"]) == ("file", old["warnings"], old["digest"])
    history = History(tmp_path / "h")
    take_snapshot(history, [Server(f"file:{tmp_path}/a.json", "s")], timeout=10)
    assert prove(history.store).problems.num_rows == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
def test_an_answer_that_powershell_saved_is_read(encoding: str, tmp_path: Path) -> None:
    """In UTF-16, with the mark at its beginning or without; kept as LM Studio sent it."""
    text = json.dumps({"models": [{"key": "a", "display_name": "\u00e9\U0001f600"}]}, ensure_ascii=False)
    (tmp_path / "a.json").write_bytes(text.replace("}", "\r\n}").encode(encoding))
    taken = inventory.collect(Server(f"file:{tmp_path}/a.json", "s"))
    assert [row["display_name"] for row in rows(taken.tables["models"])] == ["\u00e9\U0001f600"]


def test_a_broken_answer_in_utf_16_is_told_as_that(tmp_path: Path) -> None:
    """Not as something that lies between here and the server."""
    (tmp_path / "a.json").write_bytes(LEGAL.decode().encode("utf-16") + b"\xd8")
    row = observation(f"file:{tmp_path}/a.json")
    assert row["status"] == "invalid"
    assert "UTF-16, as PowerShell writes it" in row["error"]
    assert "as UTF-8" in row["error"]
