"""Responses that a Python user has already, as text, bytes or parsed JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from inventory.errors import Invalid, wrong_type
from inventory.normalize.flatten import Rows, flatten
from inventory.normalize.response import decode
from inventory.normalize.strict_json import uncollected

Payload = Mapping[str, Any] | Sequence[Mapping[str, Any]] | bytes | str
"""What a Python user has of a response: the object, the list of models in it, or the JSON."""


@uncollected()
def parse_payload(payload: Payload) -> Rows:
    """Check and flatten a response.

    Raises:
        ServerError: the payload is not a response of this endpoint.
        ConfigurationError: it is none of what a response can be given as.
    """
    if isinstance(payload, list | tuple):
        payload = {"models": payload}
    if isinstance(payload, Mapping):
        try:
            payload = json.dumps(dict(payload))  # one strict way in, whoever parsed it
        except (TypeError, ValueError, RecursionError) as error:
            raise Invalid(
                f"the answer holds what JSON cannot: {str(error).partition(';')[0]}", "Give it as json.loads returns it"
            ) from error
    if isinstance(payload, str):
        payload = payload.encode(errors="surrogatepass")  # half a surrogate pair is refused there, with its place
    if not isinstance(payload, bytes | bytearray | memoryview):
        raise wrong_type(
            payload,
            "an answer of GET /api/v1/models",
            "Give the object that json.loads returns, the list of models in it, or the JSON as text or bytes",
        )
    return flatten(decode(bytes(payload)).models)
