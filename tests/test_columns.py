"""Columns as texts, and rows joined of them."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from inventory.columns import bytes_of, joined, matches, parts_of, row_texts, rows_where, sums, text_column, text_of

TEXTS = st.lists(st.tuples(st.text(max_size=5) | st.none(), st.text(max_size=5)), max_size=20)


@given(TEXTS, st.booleans(), st.integers(0, 20), st.integers(0, 20))
def test_rows_joined_by_column(rows: list[tuple[str | None, str]], encoded: bool, first: int, number: int) -> None:
    """They are the rows joined one by one, of any slice, whether the texts are in a dictionary or not."""
    columns = [pa.chunked_array([pa.array([row[place] for row in rows], pa.string())]) for place in range(2)]
    table = pa.table([column.dictionary_encode() if encoded else column for column in columns], ["a", "b"])
    table, rows = table.slice(first, number), rows[first : first + number]
    texts = [f"{a or '?'}, {b};" for a, b in rows]
    cells = [text_column(table, ["a"], lambda text: text or "?"), text_column(table, ["b"], lambda text: f"{text};")]
    assert "".join(text_of(joined(part, ", ")) for part in parts_of(cells)) == "".join(texts)
    both = text_column(table, ["a", "b"], lambda a, b: f"{a or '?'}, {b};")
    assert bytes_of(joined([both]).slice(1)) == "".join(texts[1:]).encode()


@given(TEXTS.filter(bool), st.integers(1, 40))
def test_rows_of_which_many_are_alike(rows: list[tuple[str | None, str]], times: int) -> None:
    """They are the same, whether columns are joined before the rows are or not."""
    rows *= times
    numbered = [(a, b, number % 3) for number, (a, b) in enumerate(rows)]
    table = pa.table([pa.array(column) for column in zip(*numbered, strict=True)], ["a", "b", "c"])
    cells = [([name], str) for name in table.column_names]
    texts = [f"<{a}, {b}, {c}>\n" for a, b, c in numbered]
    assert "".join(map(text_of, row_texts(table, cells, ", ", "<", ">\n"))) == "".join(texts)


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none()), st.lists(st.integers(0, 100)))
def test_sums_of_neighbours(numbers: list[int | None], bounds: list[int]) -> None:
    """No sum wraps around, and that of nothing is not 0."""
    bounds = sorted({0, len(numbers), *(bound for bound in bounds if bound <= len(numbers))})
    parts = [[each for each in numbers[begin:end] if each is not None] for begin, end in pairwise(bounds)]
    column = pa.chunked_array([pa.array(numbers, pa.int64())])
    assert sums(column, bounds) == [sum(part) if part else None for part in parts]


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_rows_that_have_wanted_numbers(numbers: list[int], wanted: list[int]) -> None:
    """Each is found for each that it is wanted for, in order."""
    matching = matches(*(pa.array(each, pa.int64()) for each in (numbers, wanted)))
    places = [(place, row) for place, each in enumerate(wanted) for row, other in enumerate(numbers) if other == each]
    assert [*zip(*(column.to_pylist() for column in matching), strict=True)] == places


def test_each_distinct_value_is_formatted_once() -> None:
    """Zeros of both signs, times and nulls are values of their own."""
    moment = datetime(2026, 11, 29, tzinfo=UTC)
    for column in ([0.0, -0.0, None, 0.0], [moment, None, moment, moment], [True, None, False, True]):
        formatted: list[Any] = []

        def text(value: Any, formatted: list[Any] = formatted) -> str:
            formatted.append(value)
            return str(value)

        table = pa.table([pa.array(column)], ["a"])
        assert joined([text_column(table, ["a"], text)]).to_pylist() == [*map(str, column)]
        assert [*map(str, formatted)] == [*dict.fromkeys(map(str, column))]
    assert rows_where(pa.table([[1, 2, None, 2]], ["a"]), "a", lambda value: value != 2).to_pylist() == [
        True, False, True, False,
    ]  # fmt: skip


def test_a_table_without_rows_has_no_texts() -> None:
    """Nor needs it columns: those in which nothing stands are left out where people look."""
    assert [*row_texts(pa.table({"server": pa.nulls(0, pa.string())}), [])] == []
