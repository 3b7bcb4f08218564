"""Patterns: ``*`` and ``?`` are wild, nothing else is, and case does not count."""

import re
from unicodedata import normalize

import duckdb
import pyarrow as pa
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


def test_letters_of_all_scripts_are_the_same_in_any_case_in_python_and_in_sql() -> None:
    """A waiver, which Python matches, meets what a rule has found, which DuckDB matches."""
    letters = [chr(number) for number in range(1, 0x1F000) if not 0xD800 <= number < 0xE000]
    cases = {(each, other) for each in letters for other in (each.lower(), each.upper(), each.casefold())}
    pairs = sorted(
        (text, glob) for each, other in cases if each != other for text, glob in ((each, other), (other, each))
    )
    normal = [normalize("NFC", text) for text, _ in pairs]
    expressions = [sql_pattern([glob])[1:-1].replace("''", "'") for _, glob in pairs]
    asked = duckdb.from_arrow(pa.table({"text": normal, "expression": expressions}))
    found = asked.project("regexp_full_match(text, expression)").fetchall()
    differing = [pair for pair, (same,) in zip(pairs, found, strict=True) if matches(pair[0], [pair[1]]) != same]
    assert (len(pairs) > 5000, differing) == (True, [])


def test_what_is_not_reported_matches_nothing() -> None:
    """Not even everything."""
    assert not matches(None, ["*"])
    assert matches("", ["*"])
    assert not matches("a", [])


def test_a_hostile_key_takes_no_time() -> None:
    """A long key that nearly matches many stars is a matter of its length, which an expression would multiply."""
    assert not matches("a" * 20_000, ["*a" * 20 + "*b"])
