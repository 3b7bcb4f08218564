"""Judge whether a response that lost most of its models is plausible.

LM Studio can list nothing but its bundled embedding model for a while after a cold start, with HTTP 200. Such a
response is accepted when it is repeated, or when the doubt would never end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

BUNDLED = "text-embedding-nomic-embed-text-v1.5"


@dataclass(frozen=True)
class PreviousState:
    """The knowledge of earlier runs about a server.

    Attributes:
        model_count: models of its last complete response.
        doubted: the keys of its last response, if that was implausible; None if not. A failure is not a response.
        doubts: how many responses in a row were implausible since the last complete one.
    """

    model_count: int
    doubted: frozenset[str] | None = None
    doubts: int = 0


DOUBTS = 2
"""Implausible responses in a row after which the next one is accepted: the third time, the server does have that."""


def implausible_reason(keys: Sequence[str], expected: PreviousState | None) -> str:
    """Return why a response with these model keys is not accepted yet; empty if it is."""
    if expected is None or expected.doubted == frozenset(keys) or expected.doubts >= DOUBTS:
        return ""
    count, before = len(keys), expected.model_count
    if set(keys) == {BUNDLED} and before > count:
        return f"only the bundled embedding model is left of {before} models: LM Studio may still be starting"
    if 2 * count < before and before - count >= 3:  # guard: most models are gone
        return f"only {count} of {before} models are left"
    return ""
