"""Patterns: ``*`` and ``?`` are wild, nothing else is, and case does not count."""

import re

from hypothesis import given
from hypothesis import strategies as st

from inventory.rules.globs import matches, sql_pattern

LETTERS = st.text("aAb[.*?\n", max_size=8)


@given(LETTERS, LETTERS)
def test_a_pattern_is_the_expression_that_it_means(text: str, glob: str) -> None:
    """In Python and in SQL alike."""
    expression = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in glob)
    assert matches(text, [glob]) == bool(re.fullmatch(expression, text, re.IGNORECASE | re.DOTALL))
    assert matches(text, [glob]) == bool(re.fullmatch(sql_pattern([glob])[1:-1].replace("''", "'"), text))


def test_what_is_not_reported_matches_nothing() -> None:
    """Not even everything."""
    assert not matches(None, ["*"])
    assert matches("", ["*"])
    assert not matches("a", [])


def test_a_hostile_key_takes_no_time() -> None:
    """A long key that nearly matches many stars is a matter of its length, which an expression would multiply."""
    assert not matches("a" * 20_000, ["*a" * 20 + "*b"])
