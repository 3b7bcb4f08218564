"""The bodies with which LM Studio refuses a request.

The messages about tokens, unknown endpoints, unknown models and instances were captured (``tests/payloads/errors``,
LM Studio 0.4.21 and later). The one about unknown fields is from other people's notes; those about other wrong bodies
are our own.
"""

import re
from typing import Any

Refusal = tuple[int, dict[str, Any]]
"""An HTTP status and the content of the body."""

_TOKEN_FORM = re.compile(r"sk-lm-[A-Za-z0-9]{8}:[A-Za-z0-9]{20}")
_MISSING_CREDENTIAL = (
    "An LM Studio API token is required to make requests to this server, but none was provided using the "
    "Authorization header using the 'Bearer' scheme (i.e., 'Authorization: Bearer $LM_API_TOKEN'). Learn more "
    "at: https://lmstudio.ai/docs/developer/core/authentication."
)


def unexpected_endpoint(method: str, path: str) -> Refusal:
    """Return the answer to a request for an unknown endpoint, which LM Studio gives with status 200."""
    return 200, {"error": f"Unexpected endpoint or method. ({method} {path})"}


def not_found(message: str, kind: str = "not_found") -> Refusal:
    """Return the refusal of something that is not there."""
    return 404, {"error": {"type": kind, "message": message}}


def invalid_request(message: str, code: str, status: int = 400) -> Refusal:
    """Return the refusal of a request that breaks a rule."""
    return status, {"error": {"type": "invalid_request", "code": code, "message": message}}


def credential_refusal(authorization: str, token: str | None) -> Refusal | None:
    """Return the refusal of a request without the token; None for one that has it.

    Args:
        authorization: the header.
        token: the token that is required; None to refuse every one.
    """
    scheme, _, credential = authorization.partition(" ")
    if scheme != "Bearer" or not credential:
        message = _MISSING_CREDENTIAL
    elif credential == token:
        return None
    elif _TOKEN_FORM.fullmatch(credential):
        message = "The LM Studio API token provided is not valid. Ensure you are using a valid token."
    else:
        message = (
            f"Malformed LM Studio API token provided: {credential[:10]}{'*' * 14}\N{HORIZONTAL ELLIPSIS} "
            "Ensure you are using a valid token."
        )
    return invalid_request(message, "invalid_api_key", 401)


def wrong_fields(content: dict[str, Any], fields: dict[str, type], required: str) -> Refusal | None:
    """Return the refusal of a body whose fields are not those that an endpoint takes; None if they are.

    Args:
        content: the body.
        fields: the type of each field that may be there.
        required: the one that must be there.
    """
    if strange := content.keys() - fields.keys():
        names = ", ".join(f"'{name}'" for name in content if name in strange)
        return invalid_request(f"Unrecognized key(s) in object: {names}", "unrecognized_keys")
    for name, kind in fields.items():
        if name not in content and name == required:
            return invalid_request(f"'{name}' is required", "missing_required_parameter")
        if name in content and not _is(content[name], kind):
            return invalid_request(f"'{name}' has the wrong type or value", "invalid_value")
    return None


def _is(value: object, kind: type) -> bool:
    """Return whether a value is of a type; numbers are positive, and true is none of them."""
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    return isinstance(value, kind)
