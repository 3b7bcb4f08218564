"""The changes of a report -> text for a terminal, returned as ``str``."""

from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any

from click import style, unstyle

from inventory.report import palette
from inventory.report.change_lines import ChangeGroup, ChangeSection
from inventory.report.change_words import ChangeLine, ChangeLines
from inventory.report.failures import not_compared_lines
from inventory.schema.headings import heading
from inventory.terminal.layout import COLOURS, beside, flow, table
from inventory.text import COLUMNS, MINUS, escape_controls, pad, signed_size, size, truncate, width, wrap

_CELL = 20  # columns of a cell that is no name
_VALUE = 200  # columns of a value that changed
_NAME = 34  # least columns of a name
_COUNTED = (("model", ("added", "removed", "reconfigured")), ("instance", ("loaded", "unloaded", "reconfigured")))


def mark(word: str) -> str:
    """Return the mark of a word of ``schema.CHANGES_WORDS``, in ASCII."""
    return palette.mark(word).replace(MINUS, "-")


def colour(word: str) -> str:
    """Return the colour of a word of ``schema.CHANGES_WORDS``, as click calls it."""
    return COLOURS[palette.TONES[word]]


def changes_text(
    changes: ChangeSection,
    title: str,
    columns: int = COLUMNS,
    *,
    machines: tuple[str, str] | None = None,
    ansi: bool = True,
) -> str:
    """Show what changed: a section per word, a line of counts, and the servers that were not compared.

    Args:
        changes: the changes.
        title: what was compared.
        columns: columns of the terminal; no line is wider.
        machines: the two servers, where one is compared with the other: they differ, and nothing has changed.
        ansi: False where styles will be taken out of the text: they are left out of what stands in many lines.
    """
    heads = _machine_heads(*map(escape_controls, machines)) if machines else {}
    blocks = ["\n".join(style(line, bold=True) for line in wrap(escape_controls(title), columns))]
    blocks += [
        _group_text(group, changes.several, columns, heads.get(group.word, group.word.capitalize()), ansi)
        for group in changes.groups
    ]
    if not changes.nothing_compared:
        blocks += [] if changes.lines else ["No differences" if machines else "No changes"]
        blocks.append("\n".join(flow("", totals(changes), columns)))
    if changes.not_compared or changes.nothing_compared:
        blocks.append("\n".join(_not_compared(changes, columns)))
    return "\n\n".join(blocks) + "\n"


def _not_compared(changes: ChangeSection, columns: int) -> Iterator[str]:
    """List the servers that were not compared, those of one reason together where they are many."""
    reasons = not_compared_lines(changes.not_compared)
    all_named = "" if not any(names for _, names in reasons) else " (--json names all servers)"
    head = (changes.nothing_compared.capitalize() or "Not compared") + all_named
    yield from (style(line, fg="yellow") for line in wrap(head, columns))
    for reason, names in reasons:
        yield from wrap(escape_controls(reason), columns, "  ")
        yield from wrap(escape_controls(names), columns, "    ")


def counts(changes: ChangeSection) -> list[str]:
    """Count the changes of each grain that was compared: models +3 -2 ~1, 1 renamed; instances +2 -1 ~2."""
    return [_counts(changes, grain, words) for grain, words in _COUNTED if grain in changes.counts]


def totals(changes: ChangeSection) -> list[str]:
    """Return the counts of each grain, and by how much the size differs."""
    difference = changes.size_difference
    return [*counts(changes), *([f"size {signed_size(difference, '-')}"] if difference else [])]


def _counts(changes: ChangeSection, grain: str, words: Sequence[str]) -> str:
    numbers = changes.counts[grain]
    parts = [style(f"{mark(word)}{numbers[word]:,}", fg=colour(word) if numbers[word] else None) for word in words]
    renamed = ", " + style(f"{numbers['renamed']:,} renamed", fg=colour("renamed")) if numbers["renamed"] else ""
    return f"{grain}s " + " ".join(parts) + renamed


def _machine_heads(old: str, new: str) -> dict[str, str]:
    """Return the headings of the words of changes where the server ``new`` is compared with the server ``old``."""
    return {
        "added": f"Only on {new}",
        "removed": f"Only on {old}",
        "renamed": f"Under another key on {new}",
        "reconfigured": "Different",
        "loaded": f"Loaded only on {new}",
        "unloaded": f"Loaded only on {old}",
        "reported": f"Reported only by {new}",
        "unreported": f"Reported only by {old}",
    }


def _group_text(group: ChangeGroup, several: bool, columns: int, head: str, ansi: bool) -> str:
    lead = f"  {style(mark(group.word), fg=colour(group.word))} "
    if group.word == "reconfigured":
        lines = _reconfigured(group.lines, lead, several, columns, ansi)
    else:
        lines = _presence_lines(group.lines, lead, several, columns)
    heads = [style(line, fg=colour(group.word)) for line in wrap(f"{head} ({group.total:,})", columns)]
    return "\n".join([*heads, *lines])


def _presence_lines(changes: Sequence[ChangeLine], lead: str, several: bool, columns: int) -> Iterator[str]:
    """Lay out a line for each model, instance or field that appeared or vanished, in columns."""
    by_grain: dict[str, list[ChangeLine]] = {}
    for change in changes:
        by_grain.setdefault(change.grain, []).append(change)
    for grain, members in by_grain.items():
        cells = [[_subject(change, several=several), *_summary(change)] for change in members]
        has_figures = len(cells[0]) == 4
        least, sides = ((_NAME, 8, 6, 9), "<><>") if has_figures else ((_NAME, 20), "<<<"[: len(cells[0])])
        begin = f"{lead}{grain:<8}  "
        blank = " " * width(begin)
        texts = table(cells, sides, least=least, columns=columns - width(begin))
        for change, text in zip(members, texts, strict=True):
            lines = text.splitlines()
            if change.hint:
                hint = f"({escape_controls(change.hint)})"
                has_room = len(lines) == 1 and width(f"{begin}{text}   {hint}") <= columns
                lines = [f"{text}   {hint}"] if has_room else [*lines, *wrap(hint, columns - width(begin))]
            yield begin + lines[0]
            yield from (blank + line for line in lines[1:])


def _reconfigured(changes: ChangeLines, lead: str, several: bool, columns: int, ansi: bool) -> Iterator[str]:
    """Show the name of each model or instance, and beneath it the fields with their old and new values."""
    room = min(max(width(escape_controls(change.field_name)) for change in changes.kinds), columns // 3)
    look: Callable[[str], str] = str if ansi else unstyle

    def parts(change: ChangeLine) -> tuple[tuple[Any, ...], str, str, int, str]:
        """Return the model or instance, what stands before its name, the name, its room, and the values beneath it."""
        values = (change.field_name, change.before, change.after, change.sizes_text)
        subject = (change.grain, change.key, change.identity, change.ordinals)
        begin, name = f"{look(lead)}{change.grain:<8}  ", _subject(change, several=False)
        free = columns - width(begin) - width(name) if name and name == name.strip() else -1
        return subject, begin, name, free, look("\n".join(_value_lines(*values, room, columns)))

    endings = {server: f" @ {escape_controls(server)}" if several else "" for server in {*changes.servers}}
    widths = {server: inf if ending.endswith(" ") else width(ending) for server, ending in endings.items()}
    shown = None
    for server, (subject, begin, name, free, values) in zip(changes.servers, changes.each(parts), strict=True):
        if (server, subject) != shown:
            shown = server, subject
            if widths[server] <= free:
                yield f"{begin}{name}{endings[server]}\n{values}"
                continue
            yield from beside(begin, name + endings[server], columns)
        yield values


def _value_lines(name: str, before: str, after: str, sizes: str, room: int, columns: int) -> list[str]:
    """Show a field and its values side by side, or beneath each other where there is no room."""
    first, *others = wrap(escape_controls(name), room) or [""]
    indent = " " * 6 + pad(first, room) + "  "
    most = max(_VALUE, columns)
    old, new = (truncate(escape_controls(value or "(not reported)"), most) for value in (before, after))
    new += f" ({sizes})" if sizes else ""
    lines = []
    if others:
        lines = [" " * 6 + line for line in [first, *others]]
        indent = " " * width(indent)
    if width(f"{indent}{old} -> {new}") <= columns:
        return [*lines, f"{indent}{old} -> {style(new.rstrip(), bold=True)}"]
    lines += beside(indent, old, columns)
    return [*lines, *beside(" " * width(indent), f"-> {new}", columns, lambda line: style(line, bold=True))]


def _subject(change: ChangeLine, *, several: bool) -> str:
    """Name a model by its key, an instance by its id, and the server where there are several."""
    name = escape_controls(change.identity)
    if change.ordinals:
        name += "".join(f" #{number}" for number in change.ordinals)
    return f"{name} @ {escape_controls(change.server)}" if several and change.key is not None else name


def _summary(change: ChangeLine) -> list[str]:
    """Choose the few values by which a person knows a model or an instance that appeared or vanished."""
    if change.word == "renamed":
        return [escape_controls(f"was {change.before}")]
    if change.grain == "server":
        return [escape_controls(f"{change.word} the field {heading(change.field or '')} of its {change.table}s")]
    if change.grain == "instance":
        context = change.values.get("config_context_length")
        return [escape_controls(change.key or ""), "" if context is None else f"context {context:,}"]
    names = ("params_string", "quantization_name")
    texts = [truncate(escape_controls(str(change.values.get(name) or "-")), _CELL) for name in names]
    return [*texts, size(change.values.get("size_bytes"))]
