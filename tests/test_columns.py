"""Columns as texts, and rows joined of them."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from inventory.columns import bytes_of, joined, parts_of, rows_where, text_column, text_of

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
