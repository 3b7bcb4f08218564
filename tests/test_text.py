"""Values as text for people, and the columns of a terminal."""

from datetime import UTC, datetime
from typing import Any

import pytest
from click import style, unstyle
from hypothesis import given
from hypothesis import strategies as st

from inventory.text import escape_controls, format_value, table, utc_text, width

MOMENT = datetime(2026, 11, 23, 6, 0, 4, tzinfo=UTC)
CELLS = st.text(max_size=12).map(escape_controls) | st.sampled_from(["模型", "e\u0301", style("red", fg="red")])


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "bytes", "-"), (True, "", "yes"), (False, "", "no"), (0, "bytes", "0.00 GB"),
        (32768, "tokens", "32,768"), (0.335, "ratio", "33.5%"), (4.0, "", "4"), (4.5, "", "4.5"),
        (MOMENT, "", "2026-11-23 06:00:04"),
        (["b", "a"], "", "b, a"), ([], "", "(none)"), ({"site": "Rome", "owner": "Ann"}, "", "site=Rome, owner=Ann"),
        ("a text", "bytes", "a text"), ("", "", ""),
    ],
)  # fmt: skip
def test_values(value: Any, unit: str, text: str) -> None:
    """Every kind of value has one text, whoever shows it."""
    assert format_value(value, unit, "-") == text


def test_times() -> None:
    """A time says that it is in UTC, unless the head of its column does."""
    assert utc_text(MOMENT) == "2026-11-23 06:00:04 UTC"
    assert utc_text(MOMENT, minutes=True) == "2026-11-23 06:00 UTC"
    assert utc_text(MOMENT, zone="") == "2026-11-23 06:00:04"


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8))
def test_columns_are_aligned(cells: list[list[str]]) -> None:
    """A number ends and a text begins in the same column in each line, whatever its letters and styles."""
    lines = table([[first, second, "|"] for first, second, _ in cells], "<><", ["a", "b", "c"])
    assert len(lines) == len(cells) + 1
    assert len({width(line) for line in lines}) == 1
    for line, (first, second, _) in zip(lines[1:], cells, strict=True):
        assert unstyle(line).startswith(unstyle(first))
        assert unstyle(line).endswith(f"{unstyle(second)}  |")


def test_a_short_line_ends_in_a_text_of_its_own() -> None:
    """Why a run failed widens no column, and no line ends in spaces."""
    lines = table([["1", "ok", "5"], ["2", "could not be reached at all"]], "<<>", ["n", "status", "models"])
    assert [unstyle(line) for line in lines] == [
        "n  status  models",
        "1  ok           5",
        "2  could not be reached at all",
    ]


def test_least_widths_and_nothing() -> None:
    """Columns have a least width where it is asked for; without lines there are only the heads."""
    assert table([["a", "b"]], "<<", least=(5,), indent="  ") == ["  a      b"]
    assert table([], "<<") == []
    assert [unstyle(line) for line in table([], "<>", ["a", "b"])] == ["a  b"]
