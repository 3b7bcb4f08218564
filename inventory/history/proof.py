"""Results of a check of a history: its problems, and how much was verified."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa


class Problem(NamedTuple):
    """A damaged or missing file, or a broken reference."""

    file: str
    problem: str
    holds: str


@dataclass(frozen=True)
class Proof:
    """The result of a check.

    Attributes:
        problems: a row for each problem: ``PROBLEMS``.
        runs: the number of runs.
        digests: the SHA-256 of the observations file of each run that could be read and is not misdated, by
            run, oldest first.
        files: the number of data files that could be read.
        size_bytes: their size.
        answers: the number of responses that they refer to.
        equal_answers: those stored as another body, which differs only in order and in fields that tick.
    """

    problems: pa.Table
    runs: int
    digests: Mapping[str, str]
    files: int
    size_bytes: int
    answers: int
    equal_answers: int
