"""What a check of a history finds: its problems, and how much was proven."""

from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa


class Problem(NamedTuple):
    """One damaged or missing file, or one broken link."""

    file: str
    problem: str
    holds: str


@dataclass(frozen=True)
class Proof:
    """What was proven of a history.

    Attributes:
        problems: one row per problem, as ``PROBLEMS`` says.
        runs: how many runs there are, and how many ``answers`` they point at.
        equal_answers: those of them kept as another body, which differs only in order and in fields that tick.
    """

    problems: pa.Table
    runs: int
    answers: int
    equal_answers: int
