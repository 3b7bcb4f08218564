"""Runs and the history of a model -> text for a terminal, returned as ``str``."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import pyarrow as pa
from click import style

from inventory.report.change_lines import change_lines
from inventory.report.change_words import ChangeLine
from inventory.report.failures import first_names
from inventory.report.row_tables import largest_first
from inventory.report.trend import WORDS, trend_section
from inventory.tables import Row, values
from inventory.terminal.changes import colour, mark
from inventory.terminal.layout import beside, cells_of, fit_columns, flow, natural_width
from inventory.text import (
    COLUMNS,
    escape_controls,
    integer,
    local_text,
    run_times,
    size,
    truncate,
    width,
    wrap,
    zone_in_head,
)
from inventory.text import count as count_of

_STATUS_COLOURS = {"ok": "green", "partial": "yellow", "suspect": "yellow"}
_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.-=^"
_STATUS = 10  # columns of a status
_CHANGE_HEADS = (("Added", "Removed", "Reconfigured"), ("Added", "Removed", "Reconf."), ("+", "-", "~"))
"""The heads of the columns of changes, the first of which fits being used."""

_SIDES = "<<>>>>>>"
_OPTIONAL = (4, 3)  # the places of the columns that give way: loaded, size
TREND_RUNS = 60
"""Runs in the trend of the size: the last ones."""


def runs_text(
    runs: Sequence[Row],
    unicode: bool = True,
    columns: int = COLUMNS,
    recorded: int = 0,
    sizes: Mapping[str, Row] | None = None,
) -> str:
    """Show the runs of a history, a line each, and the trend of the size of the state.

    Args:
        runs: rows of ``derived.RUNS``, oldest first.
        unicode: whether the terminal can show block characters.
        columns: columns of the terminal.
        recorded: runs in the whole history, where ``runs`` is a part of it.
        sizes: the size of the state after each of the last ``TREND_RUNS``, by the run's id: rows of ``derived.PANEL``.
    """
    if not runs and recorded:
        return f"No run in that period; the history has {recorded:,}.\n"
    if not runs:
        return "The history is empty. Take a snapshot: lms-inventory snapshot\n"
    times = run_times([row["run_id"] for row in runs])
    head, cells = zone_in_head("Run", [times[row["run_id"]] for row in runs])
    before = max(map(width, [head, *cells])) + 2
    alike = {_shown(row): row for row in runs}  # most runs are like others
    lines = {shown: _run_line(row, columns - before - _STATUS) for shown, row in alike.items()}
    needed = [{*cells}, *cells_of([*lines.values()], _SIDES[1:])]
    all_heads = [[head, "Status", "Models", "Size", "Loaded", *words] for words in _CHANGE_HEADS]
    heads = next((heads for heads in all_heads if natural_width(needed, heads) <= columns), all_heads[-1])
    fit = fit_columns(needed, _SIDES, heads, columns=columns, optional=_OPTIONAL)
    text = fit.head()
    for row, time in zip(runs, cells, strict=True):
        text += [*fit.lines([time, *lines[_shown(row)]]), *_unread(row, columns, before)]
    total = [f"{count_of(len(runs), 'run')}, {_statuses(runs)}", *_trend(runs, sizes or {}, unicode, columns)]
    unread = [names for row in runs if (names := _unread_names(row))]
    if len(total) > 1 and unread:
        total.append("(unread servers as last read)")
    if any(first_names(names) != ", ".join(names) for names in unread):
        total.append("(--json names all unread servers)")
    return "\n".join([*text, "", *flow("", total, columns, " " * 4)]) + "\n"


def sparkline(values: Sequence[int | None], unicode: bool = True) -> str:
    """Draw a line of bars between the least and the greatest value; x where there is none."""
    bars = _BARS if unicode else _ASCII_BARS
    known = [value for value in values if value is not None]
    low, span = min(known, default=0), (max(known, default=0) - min(known, default=0)) or 1
    return "".join(
        ("\u00d7" if unicode else "x") if value is None else bars[(value - low) * (len(bars) - 1) // span]
        for value in values
    )


def lives_text(lives: Sequence[Row], changes: Sequence[Row], runs: dict[str, int], columns: int = COLUMNS) -> str:
    """Show the histories of models, each on each server. Arguments as ``life_text``, of all models."""
    texts = []
    for key in sorted({row["key"] for row in lives}):
        own = [row for row in changes if key in (row["key"], row["old"] if row["change"] == "renamed" else None)]
        texts.append(life_text(key, [row for row in lives if row["key"] == key], own, runs, columns))
    return "\n".join(texts)


def life_text(
    key: str, lives: Sequence[Row], changes: Sequence[Row], runs: dict[str, int], columns: int = COLUMNS
) -> str:
    """Show one model's history on each server.

    Args:
        key: the model's key.
        lives: its rows of ``derived.LIFECYCLE``.
        changes: its rows of the timeline.
        runs: complete observations by server.
        columns: columns of the terminal; no line is wider.
    """
    blocks = ["\n".join(style(line, bold=True) for line in wrap(escape_controls(key), columns))]
    for life in lives:
        lines = _life_lines(life, runs.get(life["server"], 0), columns)
        own = [row for row in changes if row["server"] == life["server"]]
        lines += [line for change in change_lines(own) for line in _change_lines(change, columns)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def unused_text(lives: pa.Table, days: int, columns: int = COLUMNS) -> Iterator[str]:
    """Show the models that were not loaded for some days, and the space they take; yield the text a part at a time."""
    if not lives.num_rows:
        yield f"No model has been there for {count_of(days, 'day')} without being loaded\n"
        return
    from inventory.columns import text_column, text_of
    from inventory.terminal.column_table import column_table

    formats: dict[str, Callable[[Any], str]] = {
        "server": escape_controls,
        "key": escape_controls,
        "size_bytes": size,
        "first_seen": lambda moment: f"{moment:%Y-%m-%d}",
        "last_loaded": lambda moment: f"{moment:%Y-%m-%d}" if moment else "never",
    }
    shown = largest_first(lives)
    cells = [text_column(shown, [name], format_one) for name, format_one in formats.items()]
    heads = ["Server", "Key", "Size", "First seen", "Last loaded"]
    head, parts = column_table(cells, "<<><<", heads, room=columns)
    yield "".join(f"{line}\n" for line in head)
    yield from map(text_of, parts)
    total = sum(known for known in values(lives, "size_bytes") if known)
    yield f"\n{count_of(lives.num_rows, 'model')} not loaded in {count_of(days, 'day')}, {size(total)}\n"


def _statuses(runs: Sequence[Row]) -> str:
    counts = Counter(row["status"] for row in runs)
    return ", ".join(
        style(f"{number} {status}", fg=_STATUS_COLOURS.get(status, "red") if status != "ok" else None)
        for status, number in counts.items()
    )


def _trend(runs: Sequence[Row], sizes: Mapping[str, Row], unicode: bool, columns: int) -> list[str]:
    dated = [row for row in runs if row["status"] != "misdated"]
    points = [run.size_bytes for run in trend_section(dated[-TREND_RUNS:], sizes).runs]
    known = [value for value in points if value is not None]
    if not known:
        return []
    change = f"{size(known[0])} -> {size(known[-1])}"
    shown = points[-max(columns - width(f"size   {change}"), 1) :]
    return [f"size {sparkline(shown, unicode)}  {change}"]


def _life_lines(life: Row, total: int, columns: int) -> list[str]:
    share = f"{100 * life['runs_loaded'] / life['runs_present']:.0f} %" if life["runs_present"] else "-"
    loaded = f", last {local_text(life['last_loaded'])}" if life["last_loaded"] else ""
    present = f"{count_of(life['days_present'], 'day')}, {life['runs_present']:,} of {count_of(total, 'run')}"
    facts = [
        ("First seen", local_text(life["first_seen"])),
        ("Last seen", local_text(life["last_seen"])),
        ("Present", present),
        ("Loaded", f"in {share} of them{loaded}" if life["runs_loaded"] else "never"),
        ("Size", size(life["size_bytes"])),
    ]
    absent = [] if life["present"] else [style("no longer there", fg="red")]
    *first, last = wrap(escape_controls(life["server"]), columns, "  ") or ["  "]
    lines = [*first, *flow("", [last, *absent], columns)]
    return lines + [line for name, text in facts for line in beside(f"    {name:<14}", text, columns)]


def _change_lines(change: ChangeLine, columns: int) -> list[str]:
    """Show one change of a model or of an instance of it, with the time at which it was seen."""
    word, moment = change.word, local_text(change.observed_at) if change.observed_at else "-"
    instance = f" {change.identity}" if change.grain == "instance" else ""
    what = f"{change.grain}{instance} {word}"
    if change.field is not None and change.grain != "server":
        before, after = (value or "(not reported)" for value in (change.before, change.after))
        name = word if word == "renamed" else change.field_name
        sizes = f" ({change.sizes_text})" if change.sizes else ""
        subject = f"{change.grain}{instance} " if instance else ""
        what = f"{subject}{name}  {before} -> {after}{sizes}"
    lead = f"    {moment}  {style(mark(word), fg=colour(word))} "
    return beside(lead, escape_controls(what), columns)


def _unread(row: Row, columns: int, before: int) -> list[str]:
    """Return the lines beneath a run of several servers that name the first of those it did not read."""
    names = _unread_names(row)
    if not names:
        return []
    text = f"{len(names):,} of {row['servers']:,} not read: {escape_controls(first_names(names))}"
    return [style(line, dim=True) for line in wrap(text, columns, " " * min(before, columns // 4))]


def _unread_names(row: Row) -> list[str]:
    """Return the servers that a run of several did not read."""
    return json.loads(row["unread"] or "[]") if row["servers"] != 1 else []


_shown = itemgetter("status", "servers_ok", "error", "model_count", "size_bytes", "instance_count", *WORDS)


def _run_line(row: Row, room: int) -> list[str]:
    """Return the cells of what is ``_shown`` of a run: of a failed one, as far as there is room, why it failed."""
    first = [style(row["status"], fg=_STATUS_COLOURS.get(row["status"], "red"))]
    if not row["servers_ok"]:
        reason = escape_controls((row["error"] or "").partition(". ")[0].strip())
        return [*first, style(truncate(reason, max(room, 4)), fg="red")] if reason else first
    numbers = [integer(row["model_count"]), size(row["size_bytes"]), integer(row["instance_count"])]
    if row["added"] is None:
        return [*first, *numbers, style("nothing to compare with", dim=True)]
    return [*first, *numbers, *(style(str(row[word]), fg=colour(word)) if row[word] else "." for word in WORDS)]
