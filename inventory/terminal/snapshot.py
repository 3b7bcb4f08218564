"""A report -> text for a terminal, returned as ``str``: the short form, and what ``check`` shows of each server.

Styles are click's; who prints decides whether they stay. What comes from a server is escaped first, and a key is never
cut.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from click import style, unstyle

from inventory.report.facts import Report
from inventory.report.failures import FailureGroup, failure_groups, read_text
from inventory.report.figures import Totals
from inventory.report.row_tables import RowTable
from inventory.tables import Row
from inventory.terminal.changes import counts
from inventory.terminal.layout import COLOURS, beside, flow, table
from inventory.text import (
    COLUMNS,
    count,
    escape_controls,
    format_value,
    local_text,
    signed_size,
    size,
    truncate,
    width,
    wrap,
)

if TYPE_CHECKING:
    from inventory.formats import WrittenFile

_LARGEST = 5  # models shown
_KINDS = 3  # types counted by name
_CELL = 20  # columns of a cell that is no name
_LEAST_NAME = 14  # columns that a name always has
_WARNINGS = 10
_NOTHING_READ = "No server was read, so this run knows of no models"
_HEADS = {
    "params_string": "Params",
    "quantization_name": "Quant",
    "max_context_length": "Max context",
    "size_bytes": "Size",
    "loaded_instance_count": "Loaded",
}


def snapshot_text(
    report: Report,
    seconds: float,
    files: "Sequence[WrittenFile]" = (),
    columns: int = COLUMNS,
    since: datetime | None = None,
    *,
    first: bool = False,
) -> str:
    """Show what one run read, or the state after it.

    Args:
        report: the run or state.
        seconds: how long it took.
        files: what became of the files it was written to.
        columns: columns of the terminal.
        since: when the run was with which it is compared; None if there is none.
        first: it is the first run of its history.
    """
    blocks = [_heading(report, seconds, columns), _totals(report, since, columns, first=first)]
    blocks += [_largest(report.largest, several=len(report.servers) > 1, columns=columns)] if report.largest else []
    blocks += [files_text(files, columns)] if files else []
    blocks += _warnings(report.warnings, columns)
    return "\n\n".join(blocks) + "\n"


def check_text(
    servers: Sequence[Row],
    columns: int = COLUMNS,
    notes: Mapping[str, str] | None = None,
    *,
    each: bool = False,
    failed: bool = False,
) -> str:
    """Show for each server what was read, or what is wrong and what to do about it, and how many are ok.

    Args:
        servers: rows of the observations.
        columns: columns of the terminal.
        notes: what is set for each server, by its name.
        each: show each server that was not read; by default many that failed alike are one block.
        failed: show only those that were not read, each of them.
    """
    groups = failure_groups(servers, each=each or failed)
    alone = {group.servers[0] for group in groups if len(group.servers) == 1}
    single = [row for row in servers if row["status"] == "ok" and not failed]
    single += [row for row in servers if row["server"] in alone]
    blocks = [_server_text(row, columns, (notes or {}).get(row["server"], "")) for row in single]
    blocks += [_group_text(group, columns) for group in groups if len(group.servers) > 1]
    blocks.append("\n".join(wrap(read_text(servers), columns)))
    return "\n\n".join(blocks) + "\n"


def _server_text(server: Row, columns: int, note: str) -> str:
    name, url = style(escape_controls(server["server"]), bold=True), style(escape_controls(server["url"]), dim=True)
    head = f"{name}   {url}"
    lines = [head]
    if width(head) > columns:
        lines = [style(line, bold=True) for line in wrap(unstyle(name), columns)]
        lines += [style(line, dim=True) for line in wrap(unstyle(url), columns, "  ")]
    lines += _outcome(server, columns)
    return "\n".join([*lines, *(style(line, dim=True) for line in wrap(note, columns, "  "))])


def _group_text(group: FailureGroup, columns: int) -> str:
    """Show servers that failed alike: how many and why, the first of them by name, what to do."""
    heads = [style(line, fg="red") for line in wrap(escape_controls(group.title), columns)]
    texts = [escape_controls(text) for text in (group.names, group.advice) if text]
    return "\n".join([*heads, *(line for text in texts for line in wrap(text, columns, "  "))])


def _outcome(server: Row, columns: int) -> list[str]:
    if server["status"] != "ok":
        return _labelled(server["status"], "red", escape_controls(server["error"] or ""), columns)
    latency = "" if server["latency_ms"] is None else f", answered in {server['latency_ms']:,.0f} ms"
    counts = f"{count(server['model_count'], 'model')}, {count(server['instance_count'], 'loaded instance')}"
    lines = _labelled("ok", "green", f"{counts}, {size(server['size_bytes'])}{latency}", columns)
    for sentence in json.loads(server["warnings"] or "[]"):
        lines += _labelled("warning", "yellow", escape_controls(sentence), columns)
    return lines


def _heading(report: Report, seconds: float, columns: int) -> str:
    moment = report.snapshot.observed_at
    where = report.servers[0]["url"] if len(report.servers) == 1 else f"{len(report.servers):,} servers"
    title = style(f"Snapshot {local_text(moment)}" if moment else "Snapshot", bold=True)
    beside_it = [escape_controls(where), f"{seconds:.1f} s"]
    if width("   ".join([title, *beside_it])) <= columns:
        return "   ".join([title, style("   ".join(beside_it), dim=True)])
    return "\n".join([title, *(style(line, dim=True) for line in wrap("   ".join(beside_it), columns, "  "))])


def _totals(report: Report, since: datetime | None, columns: int, *, first: bool) -> str:
    lines = _servers_read(report, columns)
    if report.totals is None:
        return "\n".join([*lines, *wrap(_NOTHING_READ, columns, "  ")])
    totals, changes = report.totals, report.what_changed
    difference = changes.size_difference
    since_then = f"{signed_size(difference, '-')} since the previous snapshot" if difference else ""
    word = "instance" if totals.instances == 1 else "instances"
    of_models = f"{word} of {count(totals.loaded_models, 'model')}" if totals.instances else ""
    lines += _line("Models", f"{totals.models:,}", _kinds(totals), columns)
    lines += _line("On disk", size(totals.size_bytes), since_then, columns)
    lines += _line("Loaded", f"{totals.instances:,}", of_models, columns)
    lead = f"  {'Changes':<14}"
    if first:
        lines += beside(lead, "nothing to compare with: this is the first run", columns)
    elif report.changes and since:
        moment = f"since {local_text(since, minutes=True)}"
        if changes.nothing_compared:
            lines += beside(lead, f"{changes.nothing_compared}   {moment}", columns)
        else:
            lines += flow(lead, [*counts(changes), style(moment, dim=True)], columns)
    return "\n".join(lines)


def _servers_read(report: Report, columns: int) -> list[str]:
    """Say how much was read; nothing for one server that was."""
    coverage = report.coverage
    if len(report.servers) == 1 and coverage.level == "good":
        return []
    colour = COLOURS[coverage.level]
    return beside(f"  {'Coverage':<14}", escape_controls(coverage.text), columns, lambda line: style(line, fg=colour))


def _kinds(totals: Totals) -> str:
    """Count the most common types by name, and the others together."""
    kinds = sorted(((kind or "unknown", number) for kind, number in totals.kinds.items()), key=lambda x: (-x[1], x[0]))
    parts = [f"{number:,} {truncate(escape_controls(kind), _CELL)}" for kind, number in kinds[:_KINDS]]
    others = sum(number for _, number in kinds[_KINDS:])
    return ", ".join([*parts, *([f"{others:,} of other types"] if others else [])])


def _line(label: str, value: str, note: str, columns: int) -> list[str]:
    return beside(f"  {label:<8} {value:>13}   ", note, columns)


def _largest(models: RowTable, *, several: bool, columns: int) -> str:
    shown = models.first(_LARGEST)
    units = {column.name: column.unit for column in shown.columns}
    cells = [[_cell(model, name, units[name]) for name in _HEADS] for model in shown.rows]
    others = sum(max(map(width, column)) + 2 for column in zip(_HEADS.values(), *cells, strict=True))
    room = max(columns - 2 - others, _LEAST_NAME)
    lines = [[_name(model, several, room), *line] for model, line in zip(shown.rows, cells, strict=True)]
    return "\n".join(table(lines, "<><>>>", [models.title, *_HEADS.values()], indent="  ", columns=columns))


def _cell(model: Row, name: str, unit: str) -> str:
    is_blank = model[name] == "" or (name == "loaded_instance_count" and not model[name])
    value = None if is_blank else model[name]
    return truncate(escape_controls(format_value(value, unit, "-")), _CELL)


def _name(model: Row, several: bool, room: int) -> str:
    """Name a model for people; a display name is cut where there is no room, a key never."""
    server = f" @ {escape_controls(model['server'])}" if several else ""
    if not model["display_name"]:
        return escape_controls(model["key"]) + server
    return truncate(escape_controls(model["display_name"]), max(room - width(server), _LEAST_NAME)) + server


def files_text(files: "Sequence[WrittenFile]", columns: int) -> str:
    """Show what became of the files that a snapshot was written to, a line each."""
    lines = []
    for file in files:
        written = f"{file.size / 1000:,.0f} KB" if file.holds in ("report", "metrics") else count(file.rows, "row")
        outcome = style(file.skipped, fg="red") if file.skipped else style(written, dim=True)
        lines.append([file.holds.capitalize(), escape_controls(str(file.path)), outcome])
    return "\n".join(table(lines, "<<<", indent="  ", least=(9,), columns=columns))


def _warnings(warnings: Sequence[tuple[str, str]], columns: int) -> list[str]:
    """Return the block of warnings, if there are any."""
    if not warnings:
        return []
    lines = [f"  {style(count(len(warnings), 'warning'), fg='yellow')}"]
    for server, sentence in warnings[:_WARNINGS]:
        lines += wrap(f"{escape_controls(server)}: {escape_controls(sentence)}", columns, "    ")
    rest = len(warnings) - _WARNINGS
    return ["\n".join([*lines, *([f"    and {rest:,} more"] if rest > 0 else [])])]


def _labelled(word: str, colour: str, text: str, columns: int) -> list[str]:
    """Put a coloured word beside a text, which is folded."""
    return beside(f"  {style(word, fg=colour)}   ", text, columns)
