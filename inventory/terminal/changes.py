"""The changes of a report -> text for a terminal, returned as ``str``."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from click import style

from inventory.report import palette
from inventory.report.change_lines import ChangeGroup, ChangeLine, ChangeSection
from inventory.terminal.layout import table
from inventory.text import COLUMNS, MINUS, escape_controls, pad, signed_size, size, truncate, width, wrap

_CELL = 20  # columns of a cell that is no name
_VALUE = 200  # columns of a value that changed
_NAME = 34  # least columns of a name
_COLOURS = {"good": "green", "bad": "red", "warn": "yellow"}
_COUNTED = (
    ("model", ("added", "removed", "reconfigured")),
    ("instance", ("loaded", "unloaded", "reconfigured")),
)


def mark(word: str) -> str:
    """Return the mark of a word of ``schema.CHANGES_WORDS``, in ASCII."""
    return palette.mark(word).replace(MINUS, "-")


def colour(word: str) -> str:
    """Return the colour of a word of ``schema.CHANGES_WORDS``, as click calls it."""
    return _COLOURS[palette.TONES[word]]


def changes_text(
    changes: ChangeSection,
    title: str,
    columns: int = COLUMNS,
    *,
    machines: tuple[str, str] | None = None,
    compared: bool = True,
) -> str:
    """Show what changed: a section per word, a line of counts, and the servers that were not compared.

    Args:
        changes: the changes.
        title: what was compared.
        columns: columns of the terminal.
        machines: the two servers, where one is compared with the other: they differ, and nothing has changed.
        compared: whether any server was compared.
    """
    heads = _machine_heads(*map(escape_controls, machines)) if machines else {}
    blocks = [style(escape_controls(title), bold=True)]
    blocks += [
        _group_text(group, changes.several, columns, heads.get(group.word, group.word.capitalize()))
        for group in changes.groups
    ]
    if compared:
        blocks += [] if changes.lines else ["No differences" if machines else "No changes"]
        difference = changes.size_difference
        blocks.append(counts_text(changes) + (f"   size {signed_size(difference, '-')}" if difference else ""))
    else:
        blocks.append(not_compared_text(row.reason for row in changes.not_compared).capitalize())
    if changes.not_compared:
        reasons = [f"{escape_controls(row.server)}: {escape_controls(row.text)}" for row in changes.not_compared]
        lines = [line for reason in reasons for line in wrap(reason, columns, "  ")]
        blocks.append("\n".join([style("Not compared", fg="yellow"), *lines]))
    return "\n\n".join(blocks) + "\n"


def not_compared_text(reasons: Iterable[str]) -> str:
    """Say that nothing was compared, and why: not compared: 1 suspect, 2 new.

    Args:
        reasons: those of ``ChangeSet.not_compared``, one for each server.
    """
    words = Counter(reason.rpartition(": ")[2].replace("a baseline", "new") for reason in reasons)
    return "not compared: " + ", ".join(f"{number:,} {word.replace('_', ' ')}" for word, number in words.items())


def counts_text(changes: ChangeSection) -> str:
    """Show the counts in one line: models +3 -2 ~1, 1 renamed   instances +2 -1 ~2."""
    return "   ".join(_counts(changes, grain, words) for grain, words in _COUNTED)


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


def _group_text(group: ChangeGroup, several: bool, columns: int, head: str) -> str:
    lead = f"  {style(mark(group.word), fg=colour(group.word))} "
    if group.word == "reconfigured":
        lines = _reconfigured(group.lines, lead, several, columns)
    else:
        lines = _presence_lines(group.lines, lead, several)
    return "\n".join([style(f"{head} ({group.total:,})", fg=colour(group.word)), *lines])


def _presence_lines(changes: Sequence[ChangeLine], lead: str, several: bool) -> Iterator[str]:
    """Lay out a line for each model, instance or field that appeared or vanished, in columns."""
    by_grain: dict[str, list[ChangeLine]] = {}
    for change in changes:
        by_grain.setdefault(change.grain, []).append(change)
    for grain, members in by_grain.items():
        cells = [[_subject(change, several), *_summary(change)] for change in members]
        has_figures = len(cells[0]) == 4
        least, sides = ((_NAME, 8, 6, 9), "<><>") if has_figures else ((_NAME, 20), "<<<"[: len(cells[0])])
        for change, line in zip(members, table(cells, sides, least=least), strict=True):
            hint = f"   ({escape_controls(change.hint)})" if change.hint else ""
            yield f"{lead}{grain:<8}  {line}{hint}"


def _reconfigured(changes: Sequence[ChangeLine], lead: str, several: bool, columns: int) -> Iterator[str]:
    """Show the name of each model or instance, and beneath it the fields with their old and new values."""
    room = max(width(escape_controls(change.field or "")) for change in changes)
    by_subject = groupby(
        changes, key=lambda change: (change.server, change.grain, change.key, change.identity, change.ordinals)
    )
    for _, members in by_subject:
        for number, change in enumerate(members):
            if number == 0:
                yield f"{lead}{change.grain:<8}  {_subject(change, several)}"
            yield from _value_lines(change, room, columns)


def _value_lines(change: ChangeLine, room: int, columns: int) -> Iterator[str]:
    """Show a field and its values side by side, or beneath each other where there is no room."""
    indent = " " * 6 + pad(escape_controls(change.field or ""), room) + "  "
    old, new = (truncate(escape_controls(value or "(not reported)"), _VALUE) for value in (change.before, change.after))
    if width(f"{indent}{old} -> {new}") <= columns:
        yield f"{indent}{old} -> {style(new, bold=True)}"
        return
    blank = " " * width(indent)
    first, *others = [
        *wrap(old, columns, blank),
        *(style(line, bold=True) for line in wrap(f"-> {new}", columns, blank)),
    ]
    yield indent + first[len(blank) :]
    yield from others


def _subject(change: ChangeLine, several: bool) -> str:
    """Name a model by its key, an instance by its id, and the server where there are several."""
    name = escape_controls(change.identity) + "".join(f" #{number}" for number in change.ordinals)
    return f"{name} @ {escape_controls(change.server)}" if several and change.key is not None else name


def _summary(change: ChangeLine) -> list[str]:
    """Choose the few values by which a person knows a model or an instance that appeared or vanished."""
    if change.word == "renamed":
        return [escape_controls(f"was {change.before}")]
    if change.grain == "server":
        return [escape_controls(f"{change.word} the field {change.field} of its {change.table}s")]
    if change.grain == "instance":
        context = change.values.get("config_context_length")
        return [escape_controls(change.key or ""), "" if context is None else f"context {context:,}"]
    names = ("params_string", "quantization_name")
    texts = [truncate(escape_controls(str(change.values.get(name) or "-")), _CELL) for name in names]
    return [*texts, size(change.values.get("size_bytes"))]
