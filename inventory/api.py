"""Answers that a Python user has already, as DataFrames."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inventory import schema
from inventory.errors import Invalid, wrong_type
from inventory.normalize.flatten import Rows, flatten
from inventory.normalize.response import decode
from inventory.tables import build, frame, named_rows

if TYPE_CHECKING:
    import pandas as pd

Payload = Mapping[str, Any] | Sequence[Mapping[str, Any]] | bytes | str
"""What a Python user has of an answer: the object, the list of models in it, or the JSON."""


def flatten_models(payload: Payload, server: str = "local") -> "pd.DataFrame":
    """One row per model of an answer, as a DataFrame with nullable types.

    Args:
        payload: the answer of ``GET /api/v1/models``: the object that ``json.loads`` gives, the list of models in it,
            or the JSON itself.
        server: the name in the ``server`` column.

    Raises:
        ServerError: the payload is not an answer of this endpoint.
        ConfigurationError: it is neither of these.
    """
    return frame(build(schema.MODELS, named_rows(_rows(payload).models, server)))


def flatten_instances(payload: Payload, server: str = "local") -> "pd.DataFrame":
    """One row per loaded instance of an answer; arguments and errors as ``flatten_models``."""
    return frame(build(schema.INSTANCES, named_rows(_rows(payload).instances, server)))


def _rows(payload: Payload) -> Rows:
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
