"""Find renamed models: which removed row is which added one, and which rows were regrouped.

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
        compared: both are the same row under different keys, so that the other fields can be compared.
    """

    old: DiffRow
    new: DiffRow
    regrouped: bool = False
    compared: bool = True

    def pair(self) -> Pair:
        """Return both rows without the differences that follow from the key."""
        if self.regrouped:
            return _without(self.old, _VARIANTS), _without(self.new, _VARIANTS)
        consequences = [name for name in _VARIANTS if _endings(self.old, name) == _endings(self.new, name)]
        return _without(self.old, consequences), _without(self.new, consequences)


def find_renames(pairs: Sequence[Pair]) -> list[Rename]:
    """Find the models of one server that continue under another key.

    A row is renamed if it is the only removed row of its identity and there is exactly one such added row, or if it is
    listed among the variants of the row that replaced it or that it came from. Without a size, or with nothing else,
    too little is known: then it counts as removed and added.

    Args:
        pairs: the rows before and after with the same key.

    Returns:
        The renames in the order of their old and new keys.
    """
    if all(None not in pair for pair in pairs):
        return []
    regrouped = _regrouped(pairs)
    matched = {id(entry) for edge in regrouped for entry in edge}
    removed = [old for old, new in pairs if old and not new and id(old) not in matched]
    added = [new for old, new in pairs if new and not old and id(new) not in matched]
    old_counts, new_counts = (Counter(map(_identity, entries)) for entries in (removed, added))
    successors = {_identity(entry): entry for entry in added}
    renames = [
        Rename(entry, successors[identity])
        for entry in removed
        if (identity := _identity(entry)) and old_counts[identity] == new_counts[identity] == 1
    ]
    same = _same_rows(pairs, regrouped)
    renames += [Rename(old, new, regrouped=True, compared=(id(old), id(new)) in same) for old, new in regrouped]
    return sorted(renames, key=lambda rename: [_identifier(rename.old.row), _identifier(rename.new.row)])


def groups_of(pairs: Sequence[Pair], renames: Sequence[Rename]) -> tuple[dict[Any, int], dict[Any, int]]:
    """Number the models before and after, by key and ordinal, so that the same model has the same number."""
    numbers: dict[int, int] = {id(entry): number for number, pair in enumerate(pairs) for entry in pair if entry}
    staying = {id(entry) for pair in pairs if None not in pair for entry in pair}
    successors = Counter(id(rename.old) for rename in renames)
    for rename in renames:
        if id(rename.new) in staying or (id(rename.old) not in staying and successors[id(rename.old)] == 1):
            numbers[id(rename.old)] = numbers[id(rename.new)]
        else:
            numbers[id(rename.new)] = numbers[id(rename.old)]
    before, after = ([entry for entry in side if entry] for side in zip(*pairs, strict=True)) if pairs else ([], [])
    olds, news = ({_identifier(entry.row): numbers[id(entry)] for entry in side} for side in (before, after))
    return olds, news


def hints_of(changes: Sequence[Row]) -> list[Row]:
    """Find possible renames: a model that appeared while another with the same values disappeared, or an instance.

    Args:
        changes: rows of ``schema.CHANGES``; those of regrouped variants have a ``hint`` already.
    """
    gone, come = (
        [row for row in changes if row["change"] in words] for words in (("removed", "unloaded"), ("added", "loaded"))
    )
    both = {row["server"] for row in gone} & {row["server"] for row in come}
    disappeared: dict[Any, list[Row]] = defaultdict(list)
    for row in gone:
        if row["server"] in both:
            disappeared[_alike(row)].append(row)
    hints = [row for row in changes if row.get("hint")]
    for row in come:
        if row["server"] in both and (alike := _alike(row)) and (candidates := disappeared[alike]):
            before = candidates.pop(0)
            name = before["instance_id"] if row["grain"] == "instance" else before["key"]
            hints.append({**row, "hint": f"possible rename of {name}"})
    return hints


def _regrouped(pairs: Sequence[Pair]) -> list[tuple[DiffRow, DiffRow]]:
    """Return the rows before and after where one lists the other among the variants that it gained or lost."""
    joined = _listed([(old, new) for old, new in pairs])
    split = _listed([(new, old) for old, new in pairs])
    edges = {(id(row), id(home)): (row, home) for row, home in joined}
    edges |= {(id(home), id(row)): (home, row) for row, home in split}
    olds, news = (Counter(edge[side] for edge in edges) for side in (0, 1))
    return [edges[old, new] for old, new in edges if olds[old] == 1 or news[new] == 1]


def _listed(pairs: Sequence[Pair]) -> list[tuple[DiffRow, DiffRow]]:
    """Return the rows that only the first side has, each with the single row of the second that now lists it."""
    homes: dict[str, list[DiffRow]] = defaultdict(list)
    for first, second in pairs:
        if second:
            for variant in _variants(second) - (_variants(first) if first else set()):
                homes[variant].append(second)
    unmatched = [first for first, second in pairs if first and not second]
    return [(row, home[0]) for row in unmatched if len(home := homes.get(row.row["key"], [])) == 1]


def _same_rows(pairs: Sequence[Pair], regrouped: Sequence[tuple[DiffRow, DiffRow]]) -> set[tuple[int, int]]:
    """Return the pairs of regrouped rows that are the same row: one is the variant that the other selects."""
    unmatched = {id(entry) for pair in pairs if None in pair for entry in pair if entry}
    selected = [
        (id(old), id(new))
        for old, new in regrouped
        if {id(old), id(new)} <= unmatched
        and (old.row["key"] == new.row.get("selected_variant") or new.row["key"] == old.row.get("selected_variant"))
    ]
    olds, news = (Counter(edge[side] for edge in selected) for side in (0, 1))
    return {(old, new) for old, new in selected if olds[old] == news[new] == 1}


def _variants(entry: DiffRow) -> set[str]:
    text = entry.row.get("variants")
    return set(json.loads(text)) if text else set()


def _endings(entry: DiffRow, name: str) -> list[str]:
    """Return the names of variants without the key of their model: ``@q4`` for ``key@q4``."""
    value = entry.fields.get(name, [])
    key = str(entry.row["key"])
    texts = value if isinstance(value, list) else [value]
    return sorted(text.removeprefix(key) if text.startswith(f"{key}@") else f"={text}" for text in texts)


def _without(entry: DiffRow, names: Sequence[str]) -> DiffRow:
    return DiffRow(entry.row, {name: value for name, value in entry.fields.items() if name not in names})


def _identity(entry: DiffRow) -> tuple[Any, ...] | None:
    """Return what a renamed model keeps; None if too little is known."""
    values = tuple(entry.row.get(name) for name in _IDENTITY)
    is_enough = entry.row.get("size_bytes") is not None and sum(value is not None for value in values) > 1
    return values if is_enough else None


def _alike(row: Mapping[str, Any]) -> Any:
    """Return what a model or instance keeps in a change that may be a rename; None if too little is known."""
    if row["grain"] == "instance":
        return row["server"], row["key"], row["ordinal"]
    values = json.loads(row["old"] or row["new"])
    same = tuple(values.get(name) for name in _ALIKE)
    return None if values.get("size_bytes") is None else (row["server"], same)


def _identifier(row: Row) -> tuple[str, int]:
    return row["key"], row["ordinal"]
