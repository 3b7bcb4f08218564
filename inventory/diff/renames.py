"""Models that go on under another key: which removed row is which added one, and which rows were regrouped.

LM Studio names a model anew when a second quantization or publisher of the same name comes beside it, and after an
update rows ``name@q4`` and ``name@q8`` can become one row ``name`` that lists both in ``variants``, or the other way.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inventory.diff.matching import DiffRow, Pair, Row

REGROUPED = "variants regrouped: the size is that of the selected variant alone"

_ALIKE = ("publisher", "architecture", "quantization_name", "size_bytes")
_IDENTITY = (*_ALIKE, "params_string")
_VARIANTS = ("variants", "selected_variant")


@dataclass(frozen=True)
class Rename:
    """A model before and after its key changed.

    Attributes:
        old: its row before.
        new: its row after.
        regrouped: one of both lists the other among its variants.
        compared: it is the same row under another key, so that its other fields can be compared.
    """

    old: DiffRow
    new: DiffRow
    regrouped: bool = False
    compared: bool = True

    def pair(self) -> Pair:
        """Both rows without the differences that follow from the key."""
        if self.regrouped:
            return _without(self.old, _VARIANTS), _without(self.new, _VARIANTS)
        following = [name for name in _VARIANTS if _endings(self.old, name) == _endings(self.new, name)]
        return _without(self.old, following), _without(self.new, following)


def find_renames(pairs: Sequence[Pair]) -> list[Rename]:
    """The models of one server that go on under another key.

    A row is renamed if it is the only removed one of its identity and there is only one such added row, or if it is
    listed among the variants of the row that took its place, or came out of. Without a size, or with nothing else, too
    little is known: then it is removed and added.

    Args:
        pairs: the rows before and after with the same key.

    Returns:
        The renames in the order of their old and new keys.
    """
    regrouped = _regrouped(pairs)
    taken = {id(entry) for edge in regrouped for entry in edge}
    removed = [old for old, new in pairs if old and not new and id(old) not in taken]
    added = [new for old, new in pairs if new and not old and id(new) not in taken]
    old_counts, new_counts = (Counter(map(_identity, entries)) for entries in (removed, added))
    successors = {_identity(entry): entry for entry in added}
    renames = [
        Rename(entry, successors[identity])
        for entry in removed
        if (identity := _identity(entry)) and old_counts[identity] == new_counts[identity] == 1
    ]
    same = _same_rows(pairs, regrouped)
    renames += [Rename(old, new, regrouped=True, compared=(id(old), id(new)) in same) for old, new in regrouped]
    return sorted(renames, key=lambda one: [_place(one.old.row), _place(one.new.row)])


def groups_of(pairs: Sequence[Pair], renames: Sequence[Rename]) -> tuple[dict[Any, int], dict[Any, int]]:
    """A number for each model before and after, by key and ordinal: the same for what is the same model."""
    numbers: dict[int, int] = {id(entry): number for number, pair in enumerate(pairs) for entry in pair if entry}
    staying = {id(entry) for pair in pairs if None not in pair for entry in pair}
    successors = Counter(id(rename.old) for rename in renames)
    for rename in renames:
        if id(rename.new) in staying or (id(rename.old) not in staying and successors[id(rename.old)] == 1):
            numbers[id(rename.old)] = numbers[id(rename.new)]
        else:
            numbers[id(rename.new)] = numbers[id(rename.old)]
    before, after = ([entry for entry in side if entry] for side in zip(*pairs, strict=True)) if pairs else ([], [])
    olds, news = ({_place(entry.row): numbers[id(entry)] for entry in side} for side in (before, after))
    return olds, news


def hints_of(changes: Sequence[Row]) -> list[Row]:
    """What may be behind changes: a model that came as another went with the same values, or an instance likewise.

    Args:
        changes: rows of ``schema.CHANGES``; those of regrouped variants have a ``hint`` already.
    """
    went: dict[Any, list[Row]] = defaultdict(list)
    for row in changes:
        if row["change"] in ("removed", "unloaded"):
            went[_alike(row)].append(row)
    hints = [row for row in changes if row.get("hint")]
    for row in changes:
        if row["change"] in ("added", "loaded") and (alike := _alike(row)) and (gone := went[alike]):
            before = gone.pop(0)
            name = before["instance_id"] if row["grain"] == "instance" else before["key"]
            hints.append({**row, "hint": f"possible rename of {name}"})
    return hints


def _regrouped(pairs: Sequence[Pair]) -> list[tuple[DiffRow, DiffRow]]:
    """The rows before and after of which one lists the other among the variants that it gained or lost."""
    joined = _listed([(old, new) for old, new in pairs])
    split = _listed([(new, old) for old, new in pairs])
    edges = {(id(row), id(home)): (row, home) for row, home in joined}
    edges |= {(id(home), id(row)): (home, row) for row, home in split}
    olds, news = (Counter(edge[side] for edge in edges) for side in (0, 1))
    return [edges[old, new] for old, new in edges if olds[old] == 1 or news[new] == 1]


def _listed(pairs: Sequence[Pair]) -> list[tuple[DiffRow, DiffRow]]:
    """The rows that only the first side of the pairs has, each with the one row of the second that now lists it."""
    homes: dict[str, list[DiffRow]] = defaultdict(list)
    for one, other in pairs:
        if other:
            for variant in _variants(other) - (_variants(one) if one else set()):
                homes[variant].append(other)
    alone = [one for one, other in pairs if one and not other]
    return [(one, home[0]) for one in alone if len(home := homes.get(one.row["key"], [])) == 1]


def _same_rows(pairs: Sequence[Pair], regrouped: Sequence[tuple[DiffRow, DiffRow]]) -> set[tuple[int, int]]:
    """The pairs of regrouped rows that are the same row: one is the variant that the other, new or gone, selects."""
    alone = {id(entry) for pair in pairs if None in pair for entry in pair if entry}
    selected = [
        (id(old), id(new))
        for old, new in regrouped
        if {id(old), id(new)} <= alone
        and (old.row["key"] == new.row.get("selected_variant") or new.row["key"] == old.row.get("selected_variant"))
    ]
    olds, news = (Counter(edge[side] for edge in selected) for side in (0, 1))
    return {(old, new) for old, new in selected if olds[old] == news[new] == 1}


def _variants(entry: DiffRow) -> set[str]:
    text = entry.row.get("variants")
    return set(json.loads(text)) if text else set()


def _endings(entry: DiffRow, name: str) -> list[str]:
    """The names of variants without the key of their model: ``@q4`` for ``key@q4``."""
    value = entry.fields.get(name, [])
    key = str(entry.row["key"])
    texts = value if isinstance(value, list) else [value]
    return sorted(text.removeprefix(key) if text.startswith(f"{key}@") else f"={text}" for text in texts)


def _without(entry: DiffRow, names: Sequence[str]) -> DiffRow:
    return DiffRow(entry.row, {name: value for name, value in entry.fields.items() if name not in names})


def _identity(entry: DiffRow) -> tuple[Any, ...] | None:
    """What a renamed model keeps; None if too little is known."""
    values = tuple(entry.row.get(name) for name in _IDENTITY)
    is_enough = entry.row.get("size_bytes") is not None and sum(value is not None for value in values) > 1
    return values if is_enough else None


def _alike(row: Mapping[str, Any]) -> Any:
    """What a model or an instance of a change that may be a rename keeps; None if too little is known."""
    if row["grain"] == "instance":
        return row["server"], row["key"], row["ordinal"]
    values = json.loads(row["old"] or row["new"])
    same = tuple(values.get(name) for name in _ALIKE)
    return None if values.get("size_bytes") is None else (row["server"], same)


def _place(row: Row) -> tuple[str, int]:
    return row["key"], row["ordinal"]
