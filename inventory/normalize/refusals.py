"""Responses that are not an inventory: for each kind the error that says what it is and what to do about it.

What other servers answer comes from their documentation and from captured bodies (``tests/payloads``). A refused body
is never quoted: LM Studio's 401 repeats the beginning of the token.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inventory.errors import Invalid, NotLMStudio, ServerError, TooOld, Unauthorized, Unreachable
from inventory.normalize.strict_json import kind_of

PATHS = {"lmstudio": "/api/v1/models", "lmstudio_v0": "/api/v0/models"}
"""The APIs that are understood, and the path of each."""

_OLD_ENDPOINT = "unexpected endpoint or method"
_QUOTED = 1000  # bytes of a body in which that is looked for
_SHORT = 64 * 1024  # bytes of an error that LM Studio may send; its own have some three hundred
_OWNERS = {
    "llamacpp": "llama.cpp's llama-server",
    "vllm": "vLLM",
    "library": "Ollama",
    "sglang": "SGLang",
    "koboldcpp": "KoboldCpp",
    "tabbyapi": "TabbyAPI",
    "lemonade": "Lemonade",
    "localai": "LocalAI",
}
"""Servers by what they write as ``owned_by``, in small letters."""

_LISTING = "lms ls --json"
_OWN_OWNER = "organization_owner"  # what LM Studio itself writes there, in its OpenAI-compatible list


@dataclass(frozen=True)
class Asked:
    """The request that a response answers.

    Attributes:
        what: the request, such as ``GET /api/v1/models``.
        path: the path in the server's address, before the endpoint.
        token_sent: whether the request carried a token.
        challenge: what the answer's header says about the password or token that the server asks for.
    """

    what: str
    path: str = ""
    token_sent: bool = False
    challenge: str = ""

    @property
    def right_address(self) -> str:
        """The advice for an address where something other than LM Studio answers."""
        if self.path:
            return f"The address has a path, {self.path}: give http://HOST:PORT alone, unless a reverse proxy needs it"
        return "Check the address and the port; LM Studio's server listens on port 1234 unless told otherwise"


def names_old_endpoint(body: bytes) -> bool:
    """Return whether a body says that LM Studio does not know the endpoint."""
    return _OLD_ENDPOINT in body[:_QUOTED].decode("utf-8", errors="replace").lower()


def refused_status(body: bytes, http_status: int, asked: Asked) -> ServerError:
    """Return the error for a status other than 200; the body is searched for known texts and never quoted."""
    if http_status in (401, 403, 407):
        return _unauthorized(body, http_status, asked)
    if names_old_endpoint(body):
        return _unknown_endpoint(body[:_QUOTED].decode("utf-8", errors="replace"), asked)
    if 300 <= http_status < 400:
        return NotLMStudio(
            f"the server redirects elsewhere (HTTP {http_status}), which LM Studio never does",
            "Redirects are not followed; give the final address",
        )
    if http_status in (404, 405, 410):
        return NotLMStudio(
            f"nothing answers {asked.what} there (HTTP {http_status})",
            asked.right_address
            if asked.path
            else "Is this LM Studio's address? It needs LM Studio 0.4.0 or newer, port 1234 by default",
        )
    if http_status in (429, 502, 503, 504):
        return Unreachable(
            f"the server or a gateway before it is not ready (HTTP {http_status})",
            "Is the LM Studio server running? Start it with: lms server start",
        )
    return Invalid(
        f"the server answered with HTTP {http_status} instead of its models",
        "Look at LM Studio's server log, and at a proxy's if there is one",
    )


def refused_error(error: Any, asked: Asked) -> ServerError:
    """Return the error for HTTP 200 with an ``error`` in the body."""
    if isinstance(error, str) and _OLD_ENDPOINT in error.lower():
        return _unknown_endpoint(error, asked)
    if isinstance(error, dict) and error.get("code") == "invalid_api_key":
        return _wants_token(asked)
    return Invalid("the server answered with an error instead of its models", "Look at LM Studio's server log")


def not_an_object(document: Any, asked: Asked) -> ServerError:
    """Return the error for JSON that is not an object."""
    if isinstance(document, list) and any(isinstance(row, dict) and "modelKey" in row for row in document):
        command = "lms ps --json" if any("identifier" in row for row in document if isinstance(row, dict)) else _LISTING
        return NotLMStudio(
            f"it is the output of {command}, not an answer of LM Studio's server",
            f"Save GET {PATHS['lmstudio']} instead: curl -o answer.json http://HOST:1234{PATHS['lmstudio']}",
        )
    return Invalid(
        f"the answer is JSON, but {kind_of(document)} instead of an object with `models`",
        f"Check the address; only LM Studio answers {asked.what}",
    )


def other_server(document: Mapping[str, Any], asked: Asked) -> ServerError:
    """Return the error for a server that is not LM Studio, named where the response tells which one it is."""
    rows = [row for name in ("data", "models") if isinstance(document.get(name), list) for row in document[name]]
    words = (row.get("owned_by") for row in rows if isinstance(row, dict))
    owners = {word.lower().replace("-", "_") for word in words if isinstance(word, str)}
    advice = asked.right_address if asked.path else "Give the address of LM Studio's server, port 1234 by default"
    if _OWN_OWNER in owners:
        return NotLMStudio(
            "it is LM Studio's OpenAI-compatible list, GET /v1/models, which lacks sizes, quantizations and instances",
            f"Read GET {PATHS['lmstudio']} instead",
        )
    if names := sorted({_OWNERS[owner] for owner in owners if owner in _OWNERS}):
        return NotLMStudio(f"{' or '.join(names)} answered, not LM Studio", advice)
    if isinstance(document.get("models"), list):
        is_ollama = any(isinstance(row, dict) and row.get("digest") and "modified_at" in row for row in rows)
        who = "Ollama answered, not LM Studio" if is_ollama else "another server answered, as Ollama does"
        return NotLMStudio(f"{who}: its models have a `name` but no `key`", advice)
    if isinstance(document.get("data"), list):
        return NotLMStudio("an OpenAI-compatible server answered, not LM Studio: `data` instead of `models`", advice)
    return NotLMStudio("something other than LM Studio answered: JSON without `models`", asked.right_address)


def _unknown_endpoint(text: str, asked: Asked) -> ServerError:
    """Return the error for an endpoint that LM Studio does not know, with the path that it received.

    Only one that was asked for the endpoint itself is too old.
    """
    request = text.partition("(")[2].partition(")")[0]
    named = request.partition(" ")[2].partition("?")[0].strip().lower()
    if asked.path and named not in PATHS.values():
        return NotLMStudio(f"LM Studio does not know {asked.what}", asked.right_address)
    if not asked.path and named not in PATHS.values() and named.endswith(tuple(PATHS.values())):
        return NotLMStudio(
            f"LM Studio was not asked {asked.what}: a reverse proxy in front of it puts a path before that",
            "Correct the proxy, so that it hands the path on as it is",
        )
    return TooOld(
        f"this LM Studio is too old: it has no {asked.what}",
        "Update it to 0.4.0 or newer on that machine; until then, one that is not much older can be read with source = "
        '"auto" in inventory.toml',
    )


def _unauthorized(body: bytes, http_status: int, asked: Asked) -> ServerError:
    """Return the error for a 401, 403 or 407: from LM Studio, or from a proxy in front of it."""
    if http_status != 407 and _is_lm_studios(body, asked.challenge):
        return _wants_token(asked, f" (HTTP {http_status})", http_status)
    what = f"a proxy in front of the server wants a password of its own (HTTP {http_status})"
    if http_status == 403:
        what = f"a proxy in front of the server does not let this machine in (HTTP {http_status})"
    advice = (
        "LM_API_TOKEN is not meant here: give LM Studio's own address, or let whoever runs the proxy admit this machine"
    )
    return (Invalid if http_status == 407 else Unauthorized)(what, advice, http_status)


def _is_lm_studios(body: bytes, challenge: str) -> bool:
    """Return whether a refusal can be LM Studio's: JSON with an ``error``, or no body, and no password asked for."""
    if challenge:
        return challenge.lower().startswith("bearer")
    if not body.strip():
        return True
    try:
        document = json.loads(body[:_SHORT])
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and bool(document.get("error"))


def _wants_token(asked: Asked, status_text: str = "", http_status: int | None = None) -> Unauthorized:
    if asked.token_sent:
        return Unauthorized(
            f"the server did not accept the API token{status_text}",
            "Set LM_API_TOKEN to a valid token of this server (LM Studio: Developer, Server Settings)",
            http_status,
        )
    return Unauthorized(
        f"the server wants an API token{status_text}",
        "Set the environment variable LM_API_TOKEN (LM Studio: Developer, Server Settings, API tokens)",
        http_status,
    )
