"""Which answers are accepted, and what the others are called."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.decode import decode
from inventory.errors import Invalid, ServerError

PAYLOADS = Path(__file__).parent / "payloads"
ERRORS = {path.stem: path.read_bytes() for path in sorted((PAYLOADS / "errors").glob("*.json"))}
TOKEN = "sk-lm-abcdefgh:ABCDEFGHIJ0123456789"
SECRET = "Zebra7Crossing"
OLD = b'{"error": "Unexpected endpoint or method. (GET /api/v1/models)"}'
PAGE = f"<!DOCTYPE html><html><title>{SECRET}</title></html>".encode()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _error(**fields: str) -> bytes:
    return _json({"error": {"message": f"{TOKEN} {SECRET}", **fields}})


WRONG: list[tuple[bytes, int, str]] = [
    # wrong tokens
    (ERRORS["401-missing-token"], 401, "unauthorized"),
    (ERRORS["401-malformed-token"], 401, "unauthorized"),
    (ERRORS["401-missing-token"], 200, "unauthorized"),
    (ERRORS["401-malformed-token"], 200, "unauthorized"),
    (_error(code="invalid_api_key"), 403, "unauthorized"),
    (b"", 401, "unauthorized"),
    (PAGE, 401, "unauthorized"),
    (PAGE, 403, "unauthorized"),
    (b"\xff\xfe" + SECRET.encode(), 401, "unauthorized"),
    (b'{"models": []}', 401, "unauthorized"),
    # LM Studio without this endpoint
    (ERRORS["200-unexpected-endpoint"], 200, "too_old"),
    (OLD, 200, "too_old"),
    (OLD.lower(), 200, "too_old"),
    (OLD, 404, "too_old"),
    (OLD, 400, "too_old"),
    (OLD, 500, "too_old"),
    (b"Unexpected endpoint or method. " + SECRET.encode(), 404, "too_old"),
    # something else
    (ERRORS["other-server-fastflowlm-api-v1-models"], 200, "not_lm_studio"),
    (_json({"object": "list", "data": [{"id": SECRET}]}), 200, "not_lm_studio"),
    (_json({"data": []}), 200, "not_lm_studio"),
    (_json({"data": {SECRET: 1}}), 200, "not_lm_studio"),
    (_json({}), 200, "not_lm_studio"),
    (_json({"status": SECRET}), 200, "not_lm_studio"),
    (_json({"error": None}), 200, "not_lm_studio"),
    (_json({"Models": []}), 200, "not_lm_studio"),
    (_json({"models": [{"name": SECRET, "size": 1}]}), 200, "not_lm_studio"),
    (_json({"models": [{"name": SECRET}, {"name": "b"}]}), 200, "not_lm_studio"),
    (PAGE, 200, "not_lm_studio"),
    (b"\r\n  " + PAGE, 200, "not_lm_studio"),
    (b"\xef\xbb\xbf" + PAGE, 200, "not_lm_studio"),
    (b"<?xml version='1.0'?><a/>", 200, "not_lm_studio"),
    (PAGE, 404, "not_lm_studio"),
    (_error(), 404, "not_lm_studio"),
    (ERRORS["404-model-not-found-on-load"], 404, "not_lm_studio"),
    (b"", 404, "not_lm_studio"),
    (PAGE, 405, "not_lm_studio"),
    (PAGE, 410, "not_lm_studio"),
    (b"", 301, "not_lm_studio"),
    (PAGE, 302, "not_lm_studio"),
    (b"", 304, "not_lm_studio"),
    (b'{"models": []}', 307, "not_lm_studio"),
    (PAGE, 308, "not_lm_studio"),
    # nobody ready
    (PAGE, 429, "unreachable"),
    (PAGE, 502, "unreachable"),
    (b"", 503, "unreachable"),
    (_error(), 503, "unreachable"),
    (PAGE, 504, "unreachable"),
    # anything else that is wrong
    (PAGE, 400, "invalid"),
    (_error(), 500, "invalid"),
    (b'{"models": []}', 500, "invalid"),
    (b'{"models": []}', 201, "invalid"),
    (b"", 204, "invalid"),
    (b'{"models": []}', 206, "invalid"),
    (b"", 418, "invalid"),
    (b"", 200, "invalid"),
    (b" \n", 200, "invalid"),
    (SECRET.encode(), 200, "invalid"),
    (f'{{"models": [{{"key": "{SECRET}'.encode(), 200, "invalid"),
    (f'{{"models": []}} {SECRET}'.encode(), 200, "invalid"),
    (b"\xff" + SECRET.encode(), 200, "invalid"),
    (b"null", 200, "invalid"),
    (b"true", 200, "invalid"),
    (b"12", 200, "invalid"),
    (b"1.5", 200, "invalid"),
    (_json(SECRET), 200, "invalid"),
    (b"[]", 200, "invalid"),
    (_json([{"key": SECRET}]), 200, "invalid"),
    (_error(code="other"), 200, "invalid"),
    (ERRORS["404-model-not-found-on-load"], 200, "invalid"),
    (_json({"error": SECRET}), 200, "invalid"),
    (_json({"error": [SECRET]}), 200, "invalid"),
    (_json({"error": SECRET, "models": []}), 200, "invalid"),
    (_json({"error": "", "models": []}), 200, "invalid"),
    (_json({"error": False, "models": []}), 200, "invalid"),
    (_json({"models": None}), 200, "invalid"),
    (_json({"models": {}}), 200, "invalid"),
    (_json({"models": SECRET}), 200, "invalid"),
    (_json({"models": 3}), 200, "invalid"),
    (_json({"models": False}), 200, "invalid"),
    (_json({"models": None, "data": []}), 200, "invalid"),
    (_json({"models": [None]}), 200, "invalid"),
    (_json({"models": [SECRET]}), 200, "invalid"),
    (_json({"models": [[{"key": "a"}]]}), 200, "invalid"),
    (_json({"models": [{}]}), 200, "invalid"),
    (_json({"models": [{"id": SECRET}]}), 200, "invalid"),
    (_json({"models": [{"name": SECRET}, {"key": "a"}]}), 200, "invalid"),
    (_json({"models": [{"key": "a"}, {"key": ""}]}), 200, "invalid"),
    (_json({"models": [{"key": None}]}), 200, "invalid"),
    (_json({"models": [{"key": 7}]}), 200, "invalid"),
    (_json({"models": [{"key": True}]}), 200, "invalid"),
    (_json({"models": [{"key": [SECRET]}]}), 200, "invalid"),
    (_json({"models": [{"key": {"a": SECRET}}]}), 200, "invalid"),
    (_json({"models": [{"Key": "a"}]}), 200, "invalid"),
]


@pytest.mark.parametrize("token_sent", [False, True])
@pytest.mark.parametrize(("body", "http_status", "word"), WRONG)
def test_wrong_answers(body: bytes, http_status: int, word: str, token_sent: bool) -> None:
    """Each wrong answer has one status word, and its message quotes neither the body nor a token."""
    with pytest.raises(ServerError) as caught:
        decode(body, http_status, token_sent=token_sent)
    message = str(caught.value)
    assert caught.value.status == word
    assert caught.value.advice
    assert not any(text in message for text in (SECRET, TOKEN, "sk-", "bogus", "abcdefgh", "gemma", "FastFlowLM"))
    if http_status != 200:
        assert str(http_status) in message or word == "too_old"


def test_the_table_is_complete() -> None:
    """Every captured error body is classified, and every word that an answer can have is reached."""
    bodies = {body for body, _, _ in WRONG}
    assert ERRORS
    assert set(ERRORS.values()) <= bodies
    assert {word for _, _, word in WRONG} == {"unauthorized", "too_old", "not_lm_studio", "unreachable", "invalid"}


def test_unauthorized_says_which_way() -> None:
    """A refused token reads differently from a missing one."""
    messages = []
    for token_sent in (False, True):
        with pytest.raises(ServerError) as caught:
            decode(b"", 401, token_sent=token_sent)
        messages.append(caught.value.what)
    assert "wants an API token" in messages[0]
    assert "did not accept" in messages[1]


def test_openai_compatible_servers_are_named() -> None:
    """The message for another server says what it is."""
    with pytest.raises(ServerError, match="OpenAI-compatible"):
        decode(ERRORS["other-server-fastflowlm-api-v1-models"])
    with pytest.raises(ServerError, match="Ollama"):
        decode(_json({"models": [{"name": "a"}]}))


@pytest.mark.parametrize(
    ("models", "place"),
    [
        ({}, "models"),
        ([{"key": "a"}, 5], "models[1]"),
        ([{"key": "a"}, {"key": "b"}, {"id": "c"}], "models[2].key"),
        ([{"key": ""}], "models[0].key"),
        ([{"key": "a"}, {"key": 1.5}], "models[1].key"),
    ],
)
def test_the_place_is_told(models: Any, place: str) -> None:
    """A structure that is wrong is told with its place."""
    with pytest.raises(Invalid) as caught:
        decode(_json({"models": models}))
    assert caught.value.what.startswith(f"the answer is invalid at {place}: ")


def test_captured_answers_are_accepted(payloads: dict[str, bytes]) -> None:
    """Every captured answer is accepted, its rows in the order sent."""
    assert payloads
    for body in payloads.values():
        assert decode(body).models == json.loads(body)["models"]


def test_no_models_is_legal() -> None:
    """A server without any model answers an empty list, which is accepted without a warning."""
    answer = decode(b'{"models": []}')
    assert (answer.models, answer.warnings) == ([], [])


def test_error_null_is_no_error() -> None:
    """A null ``error`` beside the models means nothing."""
    assert decode(b'{"models": [{"key": "a"}], "error": null}').models == [{"key": "a"}]


def test_what_stands_beside_the_models_is_told() -> None:
    """Fields beside ``models`` are not lost: a warning holds them, cut when they are long."""
    (warning,) = decode(_json({"version": "1.2", "models": [], "a": {"b": None}})).warnings
    assert '{"a": {"b": null}, "version": "1.2"}' in warning
    (warning,) = decode(_json({"models": [], "a": "x" * 5000})).warnings
    assert len(warning) < 1100
    assert warning.endswith(" ...")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "key", "invalid_api_key"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["models", "key", "name", "data", "error", "code"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from([200, 200, 200, 204, 301, 401, 404, 500, 503]), st.booleans())
def test_accepted_only_if_all_rules_hold(document: Any, http_status: int, token_sent: bool) -> None:
    """An answer is accepted if and only if it is a 200 with a list of objects that each have a key, and no error."""
    legal = (
        http_status == 200
        and isinstance(document, dict)
        and document.get("error") is None
        and isinstance(document.get("models"), list)
        and all(
            isinstance(row, dict) and isinstance(row.get("key"), str) and row["key"] != "" for row in document["models"]
        )
    )
    try:
        decode(_json(document), http_status, token_sent=token_sent)
    except ServerError:
        assert not legal
    else:
        assert legal
