"""The columns of a terminal: tables, texts beside a lead, and words that are broken only where they must be."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from click import style, unstyle
from hypothesis import given
from hypothesis import strategies as st

from inventory.columns import text_column
from inventory.terminal.column_table import column_table
from inventory.terminal.layout import beside, cells_of, fit_columns, flow, table
from inventory.text import UNLIMITED, escape_controls, width, wrap

CELLS = st.text(max_size=12).map(escape_controls) | st.sampled_from(["模型", "e\u0301", style("red", fg="red")])
LONG = st.text(max_size=200).map(escape_controls) | st.sampled_from(
    ["模型" * 80, "k" * 300, "a/b-c@" * 40, "word " * 50]
)

PLAIN = st.text(max_size=40).map(escape_controls) | st.sampled_from(["模型" * 20, "a/b-c@" * 9, "word " * 15, "", " "])


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


def table_parts(
    lines: Sequence[Sequence[str]], sides: str, heads: Sequence[str], **limits: Any
) -> tuple[list[str], list[list[str]]]:
    """The lines of the heads of a table, and those of each of its lines."""
    fit = fit_columns(cells_of(lines, sides), sides, heads, **limits)
    return fit.head(), [*map(fit.lines, lines)]


@given(st.lists(st.tuples(LONG, LONG, CELLS), max_size=5), st.integers(30, 120), st.sampled_from(["", "  "]))
def test_a_table_fits_and_loses_nothing(cells: list[tuple[str, str, str]], columns: int, indent: str) -> None:
    """What is too wide is folded inside its column, or each line becomes a block; no letter of it is lost."""
    heads = ["Name", "Key", "Size"]
    rows = [(first.strip(), style(second.strip(), bold=True), number) for first, second, number in cells]
    for names in (heads, []):
        head, parts = table_parts(rows, "<<>", names, indent=indent, columns=columns)
        assert len(parts) == len(rows)
        assert all(width(line) <= columns for lines in (head, *parts) for line in lines)
        in_blocks = "".join(f"{name}:" for name in names) if names and not head else ""
        for lines, row in zip(parts, rows, strict=True):
            letters = unstyle("".join(row)) + in_blocks
            assert sorted("".join("".join(map(unstyle, lines)).split())) == sorted("".join(letters.split()))


@given(
    st.lists(st.tuples(PLAIN, PLAIN, PLAIN, PLAIN), max_size=6),
    st.sampled_from([(), ("Name", "Key of it", "Size", "Max context")]),
    st.sampled_from([20, 40, 60, 100, UNLIMITED]),
    st.sampled_from(["", "  "]),
    st.sampled_from([(), (2,), (3, 1)]),
)
def test_the_same_by_column(
    cells: list[tuple[str, ...]], heads: tuple[str, ...], room: int, indent: str, optional: tuple[int, ...]
) -> None:
    """A table that is laid out by column is that which is laid out line by line: folded, narrowed or in blocks."""
    head, parts = table_parts(cells, "<<>>", heads, indent=indent, columns=room, optional=optional)
    table = pa.table([[line[place] for line in cells] for place in range(4)], names=list("abcd"))
    columns = [text_column(table, [name], str) for name in table.column_names]
    own_head, own_parts = column_table(columns, "<<>>", heads, indent=indent, room=room, optional=optional)
    assert own_head == head
    assert [text for part in own_parts for text in part.to_pylist()] == [
        "".join(f"{line}\n" for line in lines) for lines in parts
    ]


def test_columns_give_way_then_heads_then_texts_and_then_each_line_becomes_a_block() -> None:
    """A number and the word of a head are never broken."""
    line = ["publisher/some-model", "llama", "13.34 GB", "131,072"]
    heads = ["Key", "Architecture", "Size", "Max context"]

    def laid_out(columns: int) -> list[str]:
        head, [part] = table_parts([line], "<<>>", heads, columns=columns, optional=[1])
        return [*map(unstyle, [*head, *part])]

    assert laid_out(57) == [
        "Key                   Architecture      Size  Max context",
        "publisher/some-model  llama         13.34 GB      131,072",
    ]
    assert laid_out(50) == [
        "Key                       Size  Max context",
        "publisher/some-model  13.34 GB      131,072",
    ]
    assert laid_out(34) == [
        "                               Max",
        "Key                  Size  context",
        "publisher/some-  13.34 GB  131,072",
        "model",
    ]
    assert laid_out(24) == [
        "Key: publisher/some-",
        "     model",
        "  Architecture:",
        "      llama",
        "  Size: 13.34 GB",
        "  Max context:",
        "      131,072",
    ]
    assert laid_out(UNLIMITED) == laid_out(57)


def test_texts_give_way_before_numbers() -> None:
    """A long key is folded after a slash or dash where there is one; the number beside it stays whole."""
    texts = table([["publisher/model-with-a-long-name", "13.34 GB"]], "<>", columns=30)
    assert texts == ["publisher/model-      13.34 GB\nwith-a-long-name"]


@given(LONG, st.integers(20, 120), st.sampled_from(["", "    "]))
def test_wrapped_lines_fit_and_lose_nothing(text: str, columns: int, indent: str) -> None:
    """Only white space may go where a line ends."""
    lines = wrap(text, columns, indent)
    assert all(width(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(LONG, LONG, st.integers(20, 120))
def test_a_text_beside_a_lead_fits(lead: str, text: str, columns: int) -> None:
    """Where the lead takes more than half of the line, the text stands beneath it."""
    assert all(width(line) <= columns for line in beside(lead, text, columns))


def test_parts_flow() -> None:
    """A part is never broken; the next line begins beneath the first part."""
    assert flow("  Changes  ", ["models +1", "instances +2"], 80) == ["  Changes  models +1   instances +2"]
    assert flow("  Changes  ", ["models +1", "instances +2"], 25) == ["  Changes  models +1", "           instances +2"]
