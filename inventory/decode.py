"""Answers to checked records, or an error that says what is wrong and where.

An answer is accepted only if its status is 200, its body is one strict JSON object, ``models`` is a list, and each row
is an object with a non-empty text ``key``; or, of the older API, ``data`` with rows as ``legacy.py`` knows them. The
rules, and the other servers' answers told apart here, come from LM Studio's REST documentation and from captured bodies
(``tests/payloads``).

A refused body is never quoted: LM Studio's 401 repeats the beginning of the token.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from inventory.errors import Invalid, NotLMStudio, ServerError, TooOld, Unauthorized, Unreachable
from inventory.legacy import as_records, warning
from inventory.parse import invalid, kind_of, parse

PATHS = {"lmstudio": "/api/v1/models", "lmstudio_v0": "/api/v0/models"}
"""The APIs that are understood, and the path of each."""

_OLD_ENDPOINT = "unexpected endpoint or method"
_QUOTED = 1000  # bytes of a body in which that is looked for
_SHORT = 64 * 1024  # bytes of a body that may say no more than that; it has some seventy


@dataclass(frozen=True)
class Answer:
    """One accepted answer: a record a model, in the order sent, and what was odd around them."""

    models: list[dict[str, Any]]
    warnings: list[str]


def decode(
    body: bytes, http_status: int = 200, *, token_sent: bool = False, apis: Collection[str] = ("lmstudio",)
) -> Answer:
    """Check one answer.

    Args:
        body: the body as received.
        http_status: the HTTP status it came with.
        token_sent: whether the request carried a token, which decides what a 401 means.
        apis: the words of ``PATHS`` that may have been asked. No body is an answer of more than one of them, so that a
            body that was accepted once says by itself which one it came from.

    Raises:
        ServerError: the answer is refused; the class, and its ``status``, say why.
    """
    asked = " or ".join(f"GET {path}" for api, path in PATHS.items() if api in apis)
    if http_status != 200:
        raise _refused_status(body, http_status, asked, token_sent=token_sent)
    if body.removeprefix(BOM_UTF8).lstrip()[:1] == b"<":
        raise NotLMStudio(
            "a web page answered instead of LM Studio",
            "Check the address and the port; LM Studio's server listens on port 1234 unless told otherwise",
        )
    document = parse(body)
    if not isinstance(document, dict):
        raise Invalid(
            f"the answer is JSON, but {kind_of(document)} instead of an object with `models`",
            f"Check the address; only LM Studio answers {asked}",
        )
    if document.get("error") is not None:
        raise _refused_error(document["error"], asked, token_sent=token_sent)
    if "models" in document and "lmstudio" in apis:
        return Answer(_checked(document["models"], "models", "key"), _beside(document, "models", {}))
    if isinstance(document.get("data"), list) and "models" not in document and "lmstudio_v0" in apis:
        return _older(document)
    raise _other_server(document)


def is_too_old(body: bytes, http_status: int) -> bool:
    """Whether an answer says that the endpoint is unknown, as an older LM Studio does."""
    if len(body) > _SHORT or not _names_old_endpoint(body):
        return False
    try:
        decode(body, http_status)
    except TooOld:
        return True
    except ServerError:
        pass
    return False


def _names_old_endpoint(body: bytes) -> bool:
    return _OLD_ENDPOINT in body[:_QUOTED].decode("utf-8", errors="replace").lower()


def _older(document: dict[str, Any]) -> Answer:
    """Check an answer of the older API, which other servers' answers look much like."""
    rows = document["data"]
    if rows and all(isinstance(row, dict) and "state" not in row for row in rows):
        raise _other_server(document)
    records = as_records(_checked(rows, "data", "id"))
    beside = _beside(document, "data", {"object": "list"})
    return Answer(records, [warning(rows), *beside])


def _checked(models: Any, name: str, key: str) -> list[dict[str, Any]]:
    """The rows of an answer, once each is known to have a key."""
    if not isinstance(models, list):
        raise invalid(name, f"{kind_of(models)} instead of a list")
    if models and all(isinstance(row, dict) and key not in row and "name" in row for row in models):
        raise NotLMStudio(
            f"another server answered: its models have a `name` but no `{key}`",
            "Ollama answers like this; give the address of LM Studio's server, port 1234 by default",
        )
    for index, row in enumerate(models):
        if not isinstance(row, dict):
            raise invalid(f"{name}[{index}]", f"{kind_of(row)} instead of an object")
        if key not in row:
            raise invalid(f"{name}[{index}].{key}", "nothing: a model without a key")
        if not isinstance(row[key], str) or not row[key]:
            raise invalid(f"{name}[{index}].{key}", f"{kind_of(row[key])} instead of a key")
    return models


def _beside(document: dict[str, Any], rows: str, known: dict[str, Any]) -> list[str]:
    """Say what stands beside the rows, so that it is not lost."""
    rest = {name: value for name, value in document.items() if name != rows and known.get(name) != value}
    if not rest:
        return []
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True)
    return [f"beside `{rows}` the answer holds {text if len(text) <= 1000 else text[:1000] + ' ...'}"]


def _refused_status(body: bytes, http_status: int, asked: str, *, token_sent: bool) -> ServerError:
    """The error for an answer that is not 200; its body is read for one known sentence and never quoted."""
    if http_status in (401, 403):
        return _unauthorized(token_sent=token_sent, http_status=http_status)
    if _names_old_endpoint(body):
        return _too_old(asked)
    if 300 <= http_status < 400:
        return NotLMStudio(
            f"the server redirects elsewhere (HTTP {http_status}), which LM Studio never does",
            "Redirects are not followed; give the final address",
        )
    if http_status in (404, 405, 410):
        return NotLMStudio(
            f"nothing answers {asked} there (HTTP {http_status})",
            "Is this LM Studio's address? It needs LM Studio 0.4.0 or newer, port 1234 by default",
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


def _refused_error(error: Any, asked: str, *, token_sent: bool) -> ServerError:
    """The error for HTTP 200 with an ``error`` in the body."""
    if isinstance(error, str) and _OLD_ENDPOINT in error.lower():
        return _too_old(asked)
    if isinstance(error, dict) and error.get("code") == "invalid_api_key":
        return _unauthorized(token_sent=token_sent)
    return Invalid("the server answered with an error instead of its models", "Look at LM Studio's server log")


def _too_old(asked: str) -> TooOld:
    return TooOld(
        f"this LM Studio is too old: it has no {asked}",
        "Update it to 0.4.0 or newer on that machine; until then, one that is not much older can be read with source = "
        '"auto" in inventory.toml',
    )


def _unauthorized(*, token_sent: bool, http_status: int | None = None) -> Unauthorized:
    told = f" (HTTP {http_status})" if http_status else ""
    if token_sent:
        return Unauthorized(
            f"the server did not accept the API token{told}",
            "Set LM_API_TOKEN to a valid token of this server (LM Studio: Developer, Server Settings)",
        )
    return Unauthorized(
        f"the server wants an API token{told}",
        "Set the environment variable LM_API_TOKEN (LM Studio: Developer, Server Settings, API tokens)",
    )


def _other_server(document: dict[str, Any]) -> ServerError:
    if isinstance(document.get("data"), list):
        return NotLMStudio(
            "an OpenAI-compatible server answered, not LM Studio: `data` instead of `models`",
            "Give the address of LM Studio's server, port 1234 by default",
        )
    return NotLMStudio(
        "something other than LM Studio answered: JSON without `models`",
        "Check the address and the port; LM Studio's server listens on port 1234 unless told otherwise",
    )
