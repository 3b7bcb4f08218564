"""The findings of an audit -> text for a terminal: grouped by severity and rule, with what to do."""

from collections.abc import Sequence

from click import style

from inventory.report.findings import TONES, FindingGroup, FindingsSection, exception_text, value_text
from inventory.tables import Row
from inventory.terminal.layout import COLOURS, table
from inventory.text import COLUMNS, count, escape_controls, format_value, local_text, wrap

_LINES = 20  # of a group


def findings_text(section: FindingsSection, title: str, columns: int = COLUMNS) -> str:
    """Show the findings, the worst first, and a line that counts them.

    Args:
        section: the findings.
        title: what was audited.
        columns: columns of the terminal.
    """
    blocks = [style(escape_controls(title), bold=True)] if title else []
    blocks += ["\n".join(_group_lines(group, columns)) for group in section.groups]
    if section.notes:
        notes = [wrap(f"note: {escape_controls(note)}", columns) for note in section.notes]
        blocks.append("\n".join(line for lines in notes for line in lines))
    blocks.append("\n".join(style(line, fg=COLOURS[section.tone]) for line in wrap(section.text, columns)))
    return "\n\n".join(blocks) + "\n"


def finding_runs_text(runs: Sequence[Row], columns: int = COLUMNS) -> str:
    """Show a line for each run: how many findings are new, gone and still there; rows of ``FINDING_RUNS``."""
    numbers = ("new", "gone", "still")
    lines = [[local_text(row["collected_at"], minutes=True), *(f"{row[name]:,}" for name in numbers)] for row in runs]
    heads = ["Run", "New", "Gone", "Still there"]
    note = f"{count(len(runs), 'run')}, judged by the rules of today; exceptions, unread and unused do not count"
    return "\n".join([*table(lines, "<>>>", heads, columns=columns), "", *wrap(note, columns)]) + "\n"


def _group_lines(group: FindingGroup, columns: int) -> list[str]:
    word = group.severity.upper() if group.status == "fail" else group.status.upper()
    tone = TONES.get(group.severity if group.status == "fail" else group.status, "")
    head = f"{style(word, fg=COLOURS.get(tone), bold=True)}  {escape_controls(group.rule)} ({len(group.rows):,})"
    lines = [head, *wrap(escape_controls(group.because), columns, "  ")]
    if group.status != "unknown":
        field = f"{group.field} " if group.field else ""
        lines += wrap(escape_controls(f"wanted: {field}{group.wanted}"), columns, "  ")
    shown = [_cells(row) for row in group.rows[:_LINES]]
    lines += _table_lines(shown, columns)
    if len(group.rows) > _LINES:
        lines.append(f"  and {len(group.rows) - _LINES:,} more; -o findings.xlsx for all")
    return [*lines, *wrap(f"To do: {group.to_do}", columns, "  ")]


def _cells(row: Row) -> list[str]:
    """Return the server, what it is about, its value, and since when."""
    what = " ".join(part for part in (row["key"], row["instance_id"]) if part)
    value = row["value"] or "" if row["status"] == "unknown" else value_text(row)
    since = f"since {local_text(row['since'])[:10]}" if row["since"] else ""
    about = "; ".join(part for part in (since, exception_text(row)) if part)
    return [escape_controls(format_value(text)) for text in (row["server"], what, value, about)]


def _table_lines(cells: list[list[str]], columns: int) -> list[str]:
    """Return the findings in columns, folded where they do not fit; a key is never cut."""
    filled = [index for index in range(4) if any(line[index] for line in cells)]
    chosen = [[line[index] for index in filled] for line in cells]
    return table(chosen, "<" * len(filled), indent="  ", columns=columns)
