"""A number of parameters out of a text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.normalize.params import params_count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("8.0B", 8_000_000_000),
        ("4.0B", 4_000_000_000),
        ("35B-A3B", 35_000_000_000),
        ("752M", 752_000_000),
        ("270M", 270_000_000),
        ("8x7B", 56_000_000_000),
        ("8 x 22b", 176_000_000_000),
        ("8\u00d77B", 56_000_000_000),
        ("1.5T", 1_500_000_000_000),
        ("22.7m", 22_700_000),
        ("500K", 500_000),
        ("7 B", 7_000_000_000),
        ("0.6B", 600_000_000),
        ("1.1B", 1_100_000_000),
        ("123456", 123_456),
        (" 7 ", 7),
        ("7\x1f", 7),  # white space to one part of Python, and none to another
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        ("9999999999999T", None),
        (None, None),
        ("", None),
        ("unknown", None),
        ("7", 7),
        ("1.5", None),
        ("7Billion", None),
        ("7B2", None),
        ("B", None),
        (".5B", None),
        ("1,000M", None),
        ("1.2.3B", None),
        ("5\u212a", None),  # the Kelvin sign is no K
        ("9" * 5000, None),
        ("9" * 5000 + "B", None),
        ("9" * 5000 + "x7B", None),
        ("\u0665B", None),
    ],
)
def test_params_count(text: str | None, count: int | None) -> None:
    """The first number of parameters is read out of the text; what is no such number gives null."""
    assert params_count(text) == count


@settings(max_examples=settings().max_examples, deadline=None)
@given(st.text(st.sampled_from("0123456789.,xXBMK\u00d7\u212a -A"), max_size=12) | st.text(max_size=80))
def test_params_count_of_anything(text: str) -> None:
    """Any text gives null or a number that a column can hold."""
    count = params_count(text)
    assert count is None or 0 <= count < 2**63


def test_long_texts_are_quick() -> None:
    """A text of megabytes in place of a number is passed over in time that grows with its size."""
    assert params_count("9" * 50_000_000) is None  # a search that takes time squared would need days
