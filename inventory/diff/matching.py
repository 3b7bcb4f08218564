"""Match the rows of two snapshots before they are compared.

A key is not unique, so rows with the same key are matched by content: equal rows first, the rest in their order.
"""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class DiffRow:
    """A row, and those of its compared fields that have a value."""

    row: Row
    fields: Row


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True)  # one, as making it takes longer than most values
Entries = dict[str, list[DiffRow]]  # of one server, by grain
Pair = tuple[DiffRow | None, DiffRow | None]
SortKey = Callable[[DiffRow], str]


def model_pairs(olds: Entries, news: Entries) -> list[Pair]:
    """Pair the models with one key: those that are equal with their instances, those that are equal, then in order."""
    inside: dict[int, list[str]] = defaultdict(list)
    for side in (olds, news):
        owners = {(entry.row["key"], entry.row["ordinal"]): id(entry) for entry in side["model"]}
        for entry in side.get("instance", ()):
            owner = owners.get((entry.row["key"], entry.row["ordinal"]), 0)
            inside[owner].append(to_json([entry.row["instance_id"], entry.fields]))

    def whole(entry: DiffRow) -> str:
        return to_json([entry.fields, sorted(inside.get(id(entry), ()))])

    keys = [[(entry.row["key"],) for entry in side["model"]] for side in (olds, news)]
    return _pairs(olds["model"], news["model"], keys[0], keys[1], (whole, _content))


def instance_pairs(
    olds: list[DiffRow], news: list[DiffRow], models: tuple[Mapping[Any, int], Mapping[Any, int]] | None
) -> list[Pair]:
    """Pair the instances of a model that have the same id: those with equal content first, then in order.

    Where the key of a model changed, so does the id of an instance that is named after the key.

    Args:
        olds: the instances before.
        news: the instances after.
        models: a number for each model before and after, by key and ordinal, that is the same for the same model; None
            if the models are unknown.
    """

    def model_of(row: Row, side: int) -> Any:
        place = (row["key"], row["ordinal"])
        return place if models is None else models[side].get(place, (side, place))

    before, after = (
        [(model_of(entry.row, side), entry.row["instance_id"]) for entry in entries]
        for side, entries in enumerate((olds, news))
    )
    pairs = _pairs(olds, news, before, after, (_content,))
    unmatched_olds = [old for old, new in pairs if old and not new]
    unmatched_news = [new for old, new in pairs if new and not old]
    if not unmatched_olds or not unmatched_news or models is None:
        return pairs
    before, after = (
        [(model_of(entry.row, side), _own_name(entry)) for entry in entries]
        for side, entries in enumerate((unmatched_olds, unmatched_news))
    )
    matched = [pair for pair in pairs if None not in pair]
    return matched + _pairs(unmatched_olds, unmatched_news, before, after, (_content,))


def _own_name(entry: DiffRow) -> tuple[str, str]:
    """Return what an instance's id adds to its model's key; the key and the id if it does not begin with the key."""
    key, name = str(entry.row["key"]), str(entry.row["instance_id"])
    ending = name.removeprefix(key)
    return ("", ending) if ending != name and ending[:1] in ("", ":") else (key, name)


def _pairs(
    olds: list[DiffRow],
    news: list[DiffRow],
    old_keys: Sequence[tuple[Any, ...]],
    new_keys: Sequence[tuple[Any, ...]],
    sort_keys: Sequence[SortKey],
) -> list[Pair]:
    """Pair the rows with the same key: those equal by the first sort key, by the next, then the rest in order."""
    groups: dict[tuple[Any, ...], tuple[list[DiffRow], list[DiffRow]]] = {}
    for side, (entries, keys) in enumerate(((olds, old_keys), (news, new_keys))):
        for entry, key in zip(entries, keys, strict=True):
            groups.setdefault(key, ([], []))[side].append(entry)
    pairs: list[Pair] = []
    for before, after in groups.values():
        if len(before) > 1 or len(after) > 1:
            for sort_key in sort_keys:
                pairs += _take_equal(before, after, sort_key)
        pairs += zip_longest(before, after)
    return pairs


def _take_equal(before: list[DiffRow], after: list[DiffRow], sort_key: SortKey) -> list[Pair]:
    """Take the rows that are equal by a sort key out of both lists, in pairs."""
    candidates: dict[str, deque[DiffRow]] = defaultdict(deque)
    for new in after:
        candidates[sort_key(new)].append(new)
    pairs = [(old, equal.popleft()) for old in before if (equal := candidates[sort_key(old)])]
    paired = {id(entry) for pair in pairs for entry in pair}
    for side in (before, after):
        side[:] = [entry for entry in side if id(entry) not in paired]
    return [*pairs]


def _content(entry: DiffRow) -> str:
    return to_json(entry.fields)


def to_json(value: Any) -> str:
    """Serialize a value as JSON that is the same for equal values."""
    return _ENCODER.encode(value)
