"""The rule itself that says which answer is doubted, at its bounds; with servers it is tried in test_plausibility."""

import pytest

from inventory.collection.plausibility import BUNDLED, DOUBTS, PreviousState, implausible_reason


@pytest.mark.parametrize(
    ("before", "now", "doubted"),
    [
        (3, 0, True),
        (2, 0, False),  # fewer than three are gone
        (3, 1, False),
        (4, 1, True),
        (5, 2, True),
        (6, 3, False),  # half of them are there
        (7, 3, True),
        (7, 4, False),
        (0, 0, False),
        (0, 9, False),
    ],
)
def test_most_models_and_at_least_three_are_gone(before: int, now: int, doubted: bool) -> None:
    """Both must hold; the reason says how many are left of how many."""
    reason = implausible_reason([f"m{number}" for number in range(now)], PreviousState(before))
    assert reason == (f"only {now} of {before} models are left" if doubted else "")


def test_the_bundled_model_alone() -> None:
    """It is doubted wherever there were more, also of two; another one alone is not, nor the only one there was."""
    assert "only the bundled embedding model is left of 2 models" in implausible_reason([BUNDLED], PreviousState(2))
    assert implausible_reason(["other"], PreviousState(2)) == ""
    assert implausible_reason([BUNDLED], PreviousState(1)) == ""
    assert "only the bundled" in implausible_reason([BUNDLED, BUNDLED], PreviousState(3)), "given twice"
    assert implausible_reason([BUNDLED, "other"], PreviousState(3)) == ""


def test_when_doubt_ends() -> None:
    """Nothing is doubted of a server that is new, says the same again, or was doubted often enough."""
    assert implausible_reason([], None) == ""
    assert implausible_reason([], PreviousState(9))
    assert implausible_reason(["a"], PreviousState(9, frozenset("a"), 1)) == ""
    assert implausible_reason(["a"], PreviousState(9, frozenset("b"), 1))
    assert implausible_reason(["a"], PreviousState(9, frozenset("b"), DOUBTS - 1))
    assert implausible_reason(["a"], PreviousState(9, frozenset("b"), DOUBTS)) == ""
    assert implausible_reason([], PreviousState(9, frozenset(), 1)) == "", "an empty answer is one too"
    assert implausible_reason([], PreviousState(9, None, 1))
