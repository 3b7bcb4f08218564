"""The rows of a table, a group for each server, with the columns in the order in which people read them."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

import pyarrow as pa

from inventory import schema
from inventory.columns import integers, numbered, row_texts, rows_where, sums, text_array, text_of
from inventory.formats.html.fragments import TABLE_END, Cell, Markup, cell_html, table_begin, text, value_cell
from inventory.report.row_tables import RowTable, is_number
from inventory.schema.headings import heading
from inventory.tables import is_known, values
from inventory.tables import rows as table_rows
from inventory.text import count, integer, size, utc_text

CellOf = tuple[Sequence[str], Callable[..., Cell]]
"""The columns of which a cell is made, and what makes it of their values."""

_FIRST = (
    *("status", "size_bytes", "server", "instance_id", "config_context_length", "params_string", "quantization_name"),
    *("loaded_instance_count", "max_context_length", "as_of", "model_count", "instance_count", "type", "format"),
    *("publisher", "architecture"),
)
_LAST = ("capabilities_reasoning_allowed_options", "variants", "selected_variant", "description", "extra")
_OPEN = 100
"""Rows of a table whose groups are shown open; where there are more, the reader opens the servers that matter."""


def table_of(content: RowTable) -> Markup:
    """Render a table whose rows are models, instances or servers: name and key in one cell, then what people look for.

    On a telephone there is room for the name and the size: the size comes first.
    """
    columns = _ordered(content.columns)
    return whole_of([*map(_head, columns)], row_lines(content.content, [*map(_cell_of, columns)]))


def group_rows(content: RowTable, observations: pa.Table, limit: int) -> tuple[Iterator[Markup], int]:
    """Render the rows of a table, those of each server in a group that a reader may open and close.

    Args:
        content: the table.
        observations: the servers: one without rows is named too, and why it has none.
        limit: how many rows are shown: those of the first servers, as far as all of a server are among so many.

    Returns:
        The groups, and how many rows are in them.
    """
    from pyarrow import compute  # takes a while to import

    numbers, distinct = numbered(content.content.select(["server"]))
    names = values(distinct, "server")
    order = {server: rank for rank, server in enumerate(dict.fromkeys([*values(observations, "server"), *names]))}
    counted = dict(zip(names, compute.value_counts(numbers).field("counts").to_pylist(), strict=True))
    ends = [*accumulate(counted.get(server, 0) for server in order)]
    ends = ends[: max(bisect_right(ends, limit), 1)]
    ranks = integers(order[name] for name in names).take(numbers)
    rows = content.content.take(compute.array_sort_indices(ranks).slice(0, ends[-1]))  # a stable sort
    failed = observations.filter(rows_where(observations, "status", lambda status: status != "ok"))
    never_read = {row["server"] for row in table_rows(failed) if not is_known(row)}
    return _groups(content, rows, zip(order, [0, *ends], ends, strict=False), never_read), rows.num_rows


def _groups(
    content: RowTable, rows: pa.Table, servers: Iterable[tuple[str, int, int]], never_read: Collection[str]
) -> Iterator[Markup]:
    columns = _ordered(column for column in content.columns if column.name not in ("server", "as_of"))
    servers, table = [*servers], table_begin([*map(_head, columns)])
    lines = _cut(row_lines(rows, [*map(_cell_of, columns)]), (end - begin for _, begin, end in servers if begin < end))
    notes = _notes(content, rows, [*(begin for _, begin, end in servers if begin < end), rows.num_rows])
    is_open = " open" * (rows.num_rows <= _OPEN)
    for number, (server, begin, end) in enumerate(servers, 1):
        name, title = text(server), f"{content.name}-{number}"
        if begin < end:
            yield Markup(
                f'<details{is_open}><summary id="{title}"><b>{name}</b> <span>{text(next(notes))}</span>'
                f'</summary>\n<div class="box" role="region" tabindex="0" aria-labelledby="{title}">'
                f"{table}{next(lines)}{TABLE_END}</div></details>"
            )
        else:
            note = "never read" if server in never_read else f"no {content.title}"
            yield Markup(f'<p class="without"><b>{name}</b> <span>{text(note)}</span></p>')


def _notes(content: RowTable, rows: pa.Table, bounds: Sequence[int]) -> Iterator[str]:
    """Say what the rows of each server add up to, and how old they are if they are older than those of others."""
    word, is_model = content.title.removesuffix("s"), content.name == schema.MODELS.name
    ages = values(rows.select(["as_of"]).take(integers(bounds[:-1])), "as_of")
    unknown: list[int | None] = [None] * len(ages)
    sizes, loaded = (
        sums(rows[name], bounds) if is_model else unknown for name in ("size_bytes", "loaded_instance_count")
    )
    for as_of, total, number, (begin, end) in zip(ages, sizes, loaded, pairwise(bounds), strict=True):
        parts = [count(end - begin, word), *([] if total is None else [size(total)])]
        parts += [f"{integer(number)} loaded"] if number else []
        yield ", ".join([*parts, *([f"as of {utc_text(as_of, minutes=True)}"] if as_of else [])])


def whole_of(heads: Sequence[Cell], lines: Iterable[pa.Array]) -> Markup:
    """Render a table of rows in HTML."""
    return Markup("".join([table_begin(heads), *map(text_of, lines), TABLE_END]))


def _cut(lines: Iterator[pa.Array], numbers: Iterable[int]) -> Iterator[str]:
    """Cut lines, which come in parts, into texts of so many lines each."""
    rest = text_array([])
    for number in numbers:
        pieces = []
        while number > len(rest):
            pieces.append(text_of(rest))
            number, rest = number - len(rest), next(lines)
        yield "".join([*pieces, text_of(rest[:number])])
        rest = rest[number:]


def row_lines(rows: pa.Table, cells: Sequence[CellOf]) -> Iterator[pa.Array]:
    """Make each row in HTML, in parts; a cell is made once of the same values."""
    texts = [(names, lambda *own, cell_of=cell_of: cell_html(cell_of(*own))) for names, cell_of in cells]
    return row_texts(rows, texts, begin="<tr>", end="</tr>\n")


def _cell_of(column: schema.Column) -> CellOf:
    return (["key", "display_name"], _name) if column.name == "key" else ([column.name], value_cell(column))


def _ordered(columns: Iterable[schema.Column]) -> list[schema.Column]:
    """Order columns as people read them: what a row is about first; a model's name is in the cell of its key."""
    shown = [column for column in columns if column.name != "display_name"]
    subject = "key" if any(column.name == "key" for column in shown) else "server"

    def place(column: schema.Column) -> int:
        if column.name == subject:
            return -1
        if column.name in _FIRST:
            return _FIRST.index(column.name)
        return len(_FIRST) + (_LAST.index(column.name) + 1 if column.name in _LAST else 0)

    return sorted(shown, key=place)


def _head(column: schema.Column) -> Cell:
    name = heading("display_name" if column.name == "key" else column.name)
    utc = " (UTC)" if column.kind == schema.TIME else ""
    # A number with a letter that scales it, such as 7B, is sorted as one.
    return Cell(f"{name}{utc}", "n" if is_number(column) else "p" if column.name == "params_string" else "t")


def _name(key: str, name: str | None) -> Cell:
    return Cell(key, tag="code", above=name if name and name != key else "")
