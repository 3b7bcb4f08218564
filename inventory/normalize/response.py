"""Check a response and return its records, or an error that says what is wrong and where.

A response is accepted only if its status is 200, its body is one strict JSON object, ``models`` is a list, and each row
is an object with a non-empty text ``key``; or, of the older API, ``data`` with rows as ``normalize/v0.py`` knows them.
The rules, and the other servers' answers told apart here, come from LM Studio's REST documentation and from captured
bodies (``tests/payloads``).

A refused body is never quoted: LM Studio's 401 repeats the beginning of the token.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from inventory.errors import NotLMStudio, ServerError, TooOld
from inventory.normalize.refusals import (
    PATHS,
    Asked,
    names_old_endpoint,
    not_an_object,
    other_server,
    refused_error,
    refused_status,
)
from inventory.normalize.strict_json import invalid, kind_of, parse
from inventory.normalize.v0 import as_records, warning

__all__ = ["PATHS", "ParsedResponse", "decode", "is_too_old"]

_SHORT = 64 * 1024  # bytes of a body that may say no more than that; it has some seventy


@dataclass(frozen=True)
class ParsedResponse:
    """One accepted response: one record per model, in the order sent, and warnings about the rest."""

    models: list[dict[str, Any]]
    warnings: list[str]


def decode(
    body: bytes,
    http_status: int = 200,
    *,
    token_sent: bool = False,
    apis: Collection[str] = ("lmstudio",),
    path: str = "",
    challenge: str = "",
) -> ParsedResponse:
    """Check one response.

    Args:
        body: the body as received.
        http_status: the HTTP status it came with.
        token_sent: whether the request carried a token, which decides what a 401 means.
        apis: the words of ``PATHS`` that may have been asked. No body is an answer of more than one of them, so that a
            body that was accepted once says by itself which one it came from.
        path: the path in the server's address, which the request had before the endpoint's own.
        challenge: the value of its header ``WWW-Authenticate`` or ``Proxy-Authenticate``.

    Raises:
        ServerError: the answer is refused; the class, and its ``status``, say why.
    """
    asked = Asked(" or ".join(f"GET {path}{PATHS[api]}" for api in PATHS if api in apis), path, token_sent, challenge)
    if http_status != 200:  # guard: status 200 only
        raise refused_status(body, http_status, asked)
    if body.removeprefix(BOM_UTF8).lstrip()[:1] == b"<":
        raise NotLMStudio("a web page answered instead of LM Studio", asked.right_address)
    document = parse(body)
    if not isinstance(document, dict):
        raise not_an_object(document, asked)
    if document.get("error") is not None:  # guard: an error with status 200
        raise refused_error(document["error"], asked)
    if "models" in document and "lmstudio" in apis:
        return ParsedResponse(_checked(document, "models", "key", asked), _beside(document, "models", {}))
    if isinstance(document.get("data"), list) and "models" not in document and "lmstudio_v0" in apis:
        return _older(document, asked)
    raise other_server(document, asked)


def is_too_old(body: bytes, http_status: int, path: str = "") -> bool:
    """Return whether a response says, as older LM Studio does, that it does not know the endpoint."""
    if len(body) > _SHORT or not names_old_endpoint(body):
        return False
    try:
        decode(body, http_status, path=path)
    except ServerError as error:
        return isinstance(error, TooOld)
    return False


def _older(document: dict[str, Any], asked: Asked) -> ParsedResponse:
    """Check a response of the older API, which other servers' responses resemble."""
    rows = document["data"]
    if rows and all(isinstance(row, dict) and "state" not in row for row in rows):
        raise other_server(document, asked)
    records = as_records(_checked(document, "data", "id", asked))
    beside = _beside(document, "data", {"object": "list"})
    return ParsedResponse(records, [warning(rows), *beside])


def _checked(document: dict[str, Any], name: str, key: str, asked: Asked) -> list[dict[str, Any]]:
    """Return the rows of a response after checking that each has a key."""
    models = document[name]
    if not isinstance(models, list):
        raise invalid(name, f"{kind_of(models)} instead of a list")
    if models and all(isinstance(row, dict) and key not in row and "name" in row for row in models):
        raise other_server(document, asked)
    for index, row in enumerate(models):
        if not isinstance(row, dict):
            raise invalid(f"{name}[{index}]", f"{kind_of(row)} instead of an object")
        if key not in row:  # guard: a row has a key
            raise invalid(f"{name}[{index}].{key}", "nothing: a model without a key")
        if not isinstance(row[key], str) or not row[key]:  # guard: a key is a text
            raise invalid(f"{name}[{index}].{key}", f"{kind_of(row[key])} instead of a key")
    return models


def _beside(document: dict[str, Any], rows: str, known: dict[str, Any]) -> list[str]:
    """Return a warning that holds the fields beside the rows, so that they are not lost."""
    rest = {name: value for name, value in document.items() if name != rows and known.get(name) != value}
    if not rest:
        return []
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True)
    return [f"beside `{rows}` the answer holds {text if len(text) <= 1000 else text[:1000] + ' ...'}"]
