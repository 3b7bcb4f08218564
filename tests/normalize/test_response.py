"""Which answers are accepted, and what the others are called."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.invalid_responses import CAPTURED

from inventory.errors import Invalid, ServerError
from inventory.normalize.response import decode, is_too_old


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.guard("status 200 only")
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
        decode(CAPTURED["other-server-fastflowlm-api-v1-models"])
    with pytest.raises(ServerError, match="Ollama"):
        decode(_json({"models": [{"name": "a"}]}))


@pytest.mark.guard("a key is a text")
@pytest.mark.guard("a row has a key")
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


@settings(max_examples=settings().max_examples, deadline=None)
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


def test_a_large_body_is_no_old_servers() -> None:
    """The sentence of an older LM Studio is short; a large body that begins like it is not parsed for it."""
    body = json.dumps({"error": "Unexpected endpoint or method. (GET /api/v1/models)", "more": "x" * 70_000}).encode()
    assert not is_too_old(body, 200)
    assert is_too_old(body.replace(b"x" * 10_000, b""), 200)
