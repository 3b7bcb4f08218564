"""The changes in words: a line for each, what they add up to, and the servers that were not compared."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from inventory import schema
from inventory.diff.changes import ChangeSet, size_difference
from inventory.report.change_words import ChangeLine, ChangeLines, line_of
from inventory.report.consequences import linked, without_consequences
from inventory.tables import Row, rows
from inventory.text import local_text

_HINT_KEYS = ("grain", *schema.INSTANCES.keys)
_HINTED = ("added", "loaded", "renamed")


@dataclass(frozen=True)
class ChangeGroup:
    """The changes of one word, and how many models, instances and fields it happened to."""

    word: str
    total: int
    lines: ChangeLines


@dataclass(frozen=True)
class NotCompared:
    """A server that was not compared, why not, and when it was last read completely."""

    server: str
    reason: str
    last_read: datetime | None

    @property
    def text(self) -> str:
        """The reason and the time as one text."""
        last_read = f", last read {local_text(self.last_read, minutes=True)}" if self.last_read else ""
        return f"{self.reason}{last_read}"


@dataclass(frozen=True)
class ChangeSection:
    """The changes of a run, put into words.

    Attributes:
        lines: the changes in the order of their table.
        counts: how many models and instances each word happened to, by word of each grain that was compared.
        size_difference: bytes that the models take more than before.
        not_compared: the servers that were not compared.
        since: what the run is compared with, in words; empty if with nothing.
        note: what to say in place of the lines; empty if there are some.
        nothing_compared: why nothing was compared, in words; empty if something was.
    """

    lines: ChangeLines = field(default_factory=ChangeLines)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    size_difference: int = 0
    not_compared: tuple[NotCompared, ...] = ()
    since: str = ""
    note: str = ""
    nothing_compared: str = ""

    @property
    def title(self) -> str:
        """The heading, to be followed by ``since``."""
        return "What changed since" if self.since else "What changed"

    @property
    def several(self) -> bool:
        """True if it is about more than one server, so that each line names its own."""
        return len({*self.lines.servers, *(row.server for row in self.not_compared)}) > 1

    @cached_property
    def groups(self) -> tuple[ChangeGroup, ...]:
        """The lines of each word that happened, in the order of ``schema.CHANGES_WORDS``."""
        parts: dict[str, list[int]] = {word: [] for word in schema.CHANGES_WORDS}
        for place, word in enumerate(self.lines.each(lambda line: line.word)):
            parts[word].append(place)
        totals = {word: sum(counts[word] for counts in self.counts.values()) for word in parts}
        return tuple(ChangeGroup(word, totals[word], self.lines.take(at)) for word, at in parts.items() if at)


def describe_changes(
    changes: ChangeSet, servers: Iterable[str] | None = None, *, all_fields: bool = False
) -> ChangeSection:
    """Put changes into words.

    Args:
        changes: the changes.
        servers: those that the newer side is about: if none of them was compared, this is said instead of counts.
        all_fields: give a line to fields that follow from another change too.
    """
    nothing = ""
    no_changes = "No changes in the servers that were compared" if changes.skipped.num_rows else "No changes"
    if servers is not None and changes.compared_nothing(servers):
        nothing = not_compared_text(changes.not_compared.values())
    return ChangeSection(
        _lines_of(changes, all_fields=all_fields),
        {grain: changes.counts(grain) for grain in changes.grains},
        size_difference(changes),
        tuple(NotCompared(**row) for row in rows(changes.skipped)),
        note="" if changes.table.num_rows else nothing[:1].upper() + nothing[1:] or no_changes,
        nothing_compared=nothing,
    )


def change_lines(changes: Sequence[Row]) -> Iterator[ChangeLine]:
    """Put each change into words, except those that follow from another change of the same model.

    Args:
        changes: rows of the timeline.
    """
    return (line_of(row, "", sized) for row, sized in without_consequences(changes))


def not_compared_text(reasons: Iterable[str]) -> str:
    """Say why nothing was compared: not compared: 1 suspect, 2 new.

    Args:
        reasons: those of ``ChangeSet.not_compared``, one for each server.
    """
    words = Counter(reason.rpartition(": ")[2].replace("a baseline", "new") for reason in reasons)
    if not words:
        return "nothing to compare with"
    return "not compared: " + ", ".join(f"{number:,} {word.replace('_', ' ')}" for word, number in words.items())


def _lines_of(changes: ChangeSet, *, all_fields: bool) -> ChangeLines:
    """Put each kind of change into words; those with a remark or a size are kinds of their own."""
    rows_of_kinds, servers = changes.kinds.rows, changes.kinds.servers
    numbers, lines = [*changes.kinds.numbers], [line_of(row, "") for row in rows_of_kinds]
    hints = {tuple(hint[key] for key in _HINT_KEYS): hint["hint"] for hint in rows(changes.hints)}
    hinted = {number for number, row in enumerate(rows_of_kinds) if hints and row["change"] in _HINTED}
    others = set() if all_fields else linked(rows_of_kinds)
    own = [
        {**rows_of_kinds[number], "server": servers[place], "place": place}
        for place, number in enumerate(numbers)
        if number in hinted or number in others
    ]
    own_numbers: dict[tuple[Any, ...], int] = {}
    shown = [(row, None) for row in own] if all_fields else [*without_consequences(own)]
    for row, sized in shown:
        place = row["place"]
        hint = hints.get(tuple(row[key] for key in _HINT_KEYS), "") if row["change"] in _HINTED else ""
        what = (numbers[place], hint, sized and (sized["old"], sized["new"]))
        if what not in own_numbers:
            own_numbers[what] = len(lines)
            lines.append(line_of(rows_of_kinds[numbers[place]], hint, sized))
        numbers[place] = own_numbers[what]
    result = ChangeLines(lines, numbers, servers)
    left_out = {row["place"] for row in own}.difference(row["place"] for row, _ in shown)
    return result.take([place for place in range(len(servers)) if place not in left_out]) if left_out else result
