"""Runs and lives -> text for a terminal, returned as ``str``."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from click import style

from inventory.terminal.changes import MARKS, format_value
from inventory.text import count as count_of
from inventory.text import escape_controls, integer, pad, size, truncate, widths

Row = dict[str, Any]
Cell = tuple[str, str | None]

_STATUS_COLOURS = {"ok": "green", "partial": "yellow", "suspect": "yellow"}
COLUMNS = 80
_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.-=^"
_BEFORE_ERROR = 30  # columns of a time and a status
_POINTS = 60  # runs in the trend


def runs_text(found: Sequence[Row], unicode: bool = True, columns: int = COLUMNS, recorded: int = 0) -> str:
    """The runs of a history, a line each, and the trend of their size.

    Args:
        found: rows of ``derived.RUNS``, oldest first.
        unicode: whether the terminal can show block characters.
        columns: columns of the terminal.
        recorded: runs in the whole history, where ``found`` is a part of it.
    """
    if not found and recorded:
        return f"None of the {count_of(recorded, 'run')} is of that time\n"
    if not found:
        return "The history is empty. Take a snapshot: lms-inventory snapshot\n"
    heads = ["Collected (UTC)", "Status", "Models", "Size", "Loaded", "Added", "Removed", "Reconfigured"]
    lines = [_run_line(row, columns) for row in found]
    if sum(_rooms(heads, lines)) + 2 * (len(heads) - 1) > columns:
        heads[-1] = "Reconf."
    table = _listing(heads, lines, "<<>>>>>>")
    counts: dict[str, int] = defaultdict(int)
    for row in found:
        counts[row["status"]] += 1
    told = ", ".join(
        style(f"{count} {status}", fg=_STATUS_COLOURS.get(status, "red") if status != "ok" else None)
        for status, count in counts.items()
    )
    dated = [row for row in found if row["status"] != "misdated"][-_POINTS:]
    sizes = [row["size_bytes"] if row["status"] == "ok" else None for row in dated]
    known = [one for one in sizes if one is not None]
    trend = f"    size {sparkline(sizes, unicode)}  {size(known[0])} -> {size(known[-1])}" if known else ""
    return f"{table}\n\n{count_of(len(found), 'run')}, {told}{trend}\n"


def sparkline(values: Sequence[int | None], unicode: bool = True) -> str:
    """A line of bars between the least and the greatest value; x where there is none."""
    bars = _BARS if unicode else _ASCII_BARS
    known = [value for value in values if value is not None]
    low, span = min(known, default=0), (max(known, default=0) - min(known, default=0)) or 1
    return "".join(
        ("\u00d7" if unicode else "x") if value is None else bars[(value - low) * (len(bars) - 1) // span]
        for value in values
    )


def life_text(key: str, lives: Sequence[Row], changes: Sequence[Row], runs: dict[str, int]) -> str:
    """One model's life on each server.

    Args:
        key: the model's key.
        lives: its rows of ``derived.LIFECYCLE``.
        changes: its rows of the timeline.
        runs: complete observations by server.
    """
    blocks = [style(escape_controls(key), bold=True)]
    for life in lives:
        total = runs.get(life["server"], 0)
        share = f"{100 * life['runs_loaded'] / life['runs_present']:.0f} %" if life["runs_present"] else "-"
        loaded = f", last {_moment(life['last_loaded'])}" if life["last_loaded"] else ""
        present = f"{count_of(life['days_present'], 'day')}, {life['runs_present']:,} of {count_of(total, 'run')}"
        lines = [
            f"  {escape_controls(life['server'])}" + ("" if life["present"] else style("   no longer there", fg="red")),
            f"    First seen    {_moment(life['first_seen'])}",
            f"    Last seen     {_moment(life['last_seen'])}",
            f"    Present       {present}",
            f"    Loaded        in {share} of them{loaded}",
            f"    Size          {size(life['size_bytes'])}",
        ]
        lines += [_change_line(row) for row in changes if row["server"] == life["server"]]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _change_line(row: Row) -> str:
    mark, colour = MARKS[row["change"]]
    what = row["change"]
    if row["field"] is not None:
        old, new = (escape_controls(format_value(row[side], row["field"])) for side in ("old", "new"))
        what = f"{'renamed' if row['change'] == 'renamed' else escape_controls(row['field'])}  {old} -> {new}"
    name = f" {escape_controls(row['instance_id'])}" if row["instance_id"] else ""
    return f"    {_moment(row['observed_at'])}  {style(mark, fg=colour)} {row['grain']}{name} {what}"


def unused_text(found: Sequence[Row], days: int) -> str:
    """The models that were not loaded for some days, and the space they hold."""
    if not found:
        return f"No model has been there for {count_of(days, 'day')} without being loaded\n"
    lines = [
        [
            (escape_controls(row["server"]), None),
            (escape_controls(row["key"]), None),
            (size(row["size_bytes"]), None),
            (f"{row['first_seen']:%Y-%m-%d}", None),
            (f"{row['last_loaded']:%Y-%m-%d}" if row["last_loaded"] else "never", None),
        ]
        for row in sorted(found, key=lambda row: -(row["size_bytes"] or 0))
    ]
    table = _listing(["Server", "Key", "Size", "First seen", "Last loaded"], lines, "<<><<")
    total = sum(row["size_bytes"] or 0 for row in found)
    return f"{table}\n\n{count_of(len(found), 'model')} not loaded in {count_of(days, 'day')}, {size(total)}\n"


def _run_line(row: Row, columns: int) -> list[Cell]:
    """The cells of one run; of a failed one, why it failed instead of its numbers."""
    first: list[Cell] = [
        (f"{row['collected_at']:%Y-%m-%d %H:%M:%S}", None),
        (row["status"], _STATUS_COLOURS.get(row["status"], "red")),
    ]
    if not row["servers_ok"]:
        why = escape_controls((row["error"] or "").partition(". ")[0])
        return [*first, (truncate(why, max(columns - _BEFORE_ERROR, 30)), "red")]
    changed: list[Cell] = [
        (str(row[word]), MARKS[word][1]) if row[word] else (".", None) for word in ("added", "removed", "reconfigured")
    ]
    return [
        *first,
        (integer(row["model_count"]), None),
        (size(row["size_bytes"]), None),
        (integer(row["instance_count"]), None),
        *changed,
    ]


def _listing(heads: Sequence[str], lines: Sequence[Sequence[Cell]], sides: str) -> str:
    """Lines of cells under heads; a line that has fewer ends in a text that needs no column."""
    widths = _rooms(heads, lines)
    shown = [
        style(
            "  ".join(pad(head, room, side) for head, room, side in zip(heads, widths, sides, strict=True)).rstrip(),
            dim=True,
        )
    ]
    for line in lines:
        cells = []
        for index, (text, colour) in enumerate(line):
            last = index == len(line) - 1
            padded = (
                text
                if (last and sides[index] == "<") or (len(line) < len(heads) and last)
                else pad(text, widths[index], sides[index])
            )
            cells.append(style(padded, fg=colour) if colour else padded)
        shown.append("  ".join(cells))
    return "\n".join(shown)


def _rooms(heads: Sequence[str], lines: Sequence[Sequence[Cell]]) -> list[int]:
    """The columns that each cell takes; a line that has fewer cells than there are heads takes none."""
    return widths([list(heads), *([text for text, _ in line] for line in lines if len(line) == len(heads))])


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
