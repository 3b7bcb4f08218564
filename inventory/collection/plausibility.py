"""An answer that lost most of its models: believed when it is repeated, or when doubt would not end.

A cold start of LM Studio can list nothing but the bundled embedding model for a while, with HTTP 200.
"""

from collections.abc import Sequence
from dataclasses import dataclass

BUNDLED = "text-embedding-nomic-embed-text-v1.5"


@dataclass(frozen=True)
class PreviousState:
    """What is known of a server before it is asked.

    Attributes:
        model_count: models of its last complete answer.
        doubted: the keys of its last answer, if that was doubted; None if it was not. A failure is no answer.
        doubts: how many answers in a row were doubted since the last complete one.
    """

    model_count: int
    doubted: frozenset[str] | None = None
    doubts: int = 0


DOUBTS = 2
"""Doubted answers in a row after which the next one is believed: the third time, that is what the server has."""


def implausible_reason(keys: Sequence[str], expected: PreviousState | None) -> str:
    """Why an answer with these model keys is not believed yet; empty if it is."""
    if expected is None or expected.doubted == frozenset(keys) or expected.doubts >= DOUBTS:
        return ""
    count, before = len(keys), expected.model_count
    if set(keys) == {BUNDLED} and before > count:
        return f"only the bundled embedding model is left of {before} models: LM Studio may still be starting"
    if 2 * count < before and before - count >= 3:  # guard: most models are gone
        return f"only {count} of {before} models are left"
    return ""
