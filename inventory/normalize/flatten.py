"""Flatten records into rows of both grains, column by column as ``schema/`` says.

The values of one field of all models are extracted and their types checked together, so that only unusual values cost
time. Nothing is lost: a field without a column, and a value of the wrong type, goes to ``extra`` at its path.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from json.encoder import encode_basestring
from typing import Any

from inventory import limits, schema
from inventory.normalize.params import params_count
from inventory.normalize.strict_json import LargeInteger, invalid, named, uncollected

Columns = dict[str, list[Any]]

_NOTHING: dict[str, Any] = {}
_LOADED = "loaded_instances"
_BATCH = 256
_WORDS = {
    schema.TEXT: "text",
    schema.INTEGER: "a whole number",
    schema.NUMBER: "a number",
    schema.BOOLEAN: "true or false",
    schema.LIST: "a list of texts",
}
_FITS: dict[str, frozenset[type]] = {
    schema.TEXT: frozenset({str}),
    schema.INTEGER: frozenset({int}),
    schema.NUMBER: frozenset({float}),
    schema.BOOLEAN: frozenset({bool}),
    schema.LIST: frozenset(),  # a list's elements are always looked at
}
_NAMED = 20  # keys that came more than once and are told by name


@dataclass(frozen=True)
class Rows:
    """The rows of one response, column by column, without ``server`` and ``as_of``.

    Attributes:
        models: a list per column of ``schema.MODELS``, sorted by key and ordinal.
        instances: a list per column of ``schema.INSTANCES``, sorted by key, ordinal, instance_id and instance_ordinal.
        warnings: what was odd, one sentence each.
    """

    models: Columns
    instances: Columns
    warnings: list[str]


@uncollected()
def flatten(models: Sequence[dict[str, Any]]) -> Rows:
    """Flatten checked records into the rows of both grains.

    Args:
        models: the records as ``decode`` returns them; they are not changed.

    Raises:
        Invalid: what names the models and instances is too long to be repeated as often as it is.
    """
    odd = _WarningCollector()
    sweep = _ColumnExtractor(odd, lambda row: f"models[{row}]")
    sweep.take(models, {**_plan(schema.MODELS, schema.MODEL), _LOADED: None})
    loaded = sweep.lists(models, _LOADED)
    keys = sweep.columns["key"]
    order = sorted(range(len(keys)), key=keys.__getitem__)  # stable: equal keys stay in the order sent
    columns = {name: list(map(column.__getitem__, order)) for name, column in sweep.finished().items()}
    columns["ordinal"] = _ordinals(columns["key"])
    columns["params_count"] = [params_count(text) for text in columns["params_string"]]
    columns["loaded_instance_count"] = [len(loaded[row]) for row in order]
    repeated = [(key, count) for key, count in Counter(keys).items() if count > 1]
    for key, count in repeated[:_NAMED]:
        odd.say(f"the key {key!r} came {count} times; the rows are numbered by `ordinal`")
    if len(repeated) > _NAMED:
        odd.say(f"{len(repeated) - _NAMED:,} more keys came more than once; the rows are numbered by `ordinal`")
    instances = _instances(columns, order, [loaded[row] for row in order], odd)
    return Rows({name: columns[name] for name in schema.MODELS.response_names}, instances, odd.sentences())


def _instances(
    models: Columns, order: list[int], loaded: list[list[tuple[int, Any]]], odd: "_WarningCollector"
) -> Columns:
    """Return the instance rows of all models.

    Args:
        models: the models' columns.
        order: for each row of ``models`` its number in the answer.
        loaded: for each row of ``models`` its instances, each with its number in the answer.
        odd: takes the warnings.
    """
    owners = [owner for owner, instances in enumerate(loaded) for _ in instances]
    indexes = [index for instances in loaded for index, _ in instances]
    sweep = _ColumnExtractor(odd, lambda row: f"models[{order[owners[row]]}].{_LOADED}[{indexes[row]}]")
    records = [instance for instances in loaded for _, instance in instances]
    sweep.take(records, _plan(schema.INSTANCES, schema.INSTANCE))
    columns = sweep.finished()
    repeated = [column for column in schema.INSTANCES.columns if column.name not in columns and column.name in models]
    names = [models[column.name] for column in repeated if column.kind == schema.TEXT]
    _check_names(names, [len(instances) for instances in loaded], columns["instance_id"])
    for column in repeated:
        columns[column.name] = [models[column.name][owner] for owner in owners]
    columns["instance_ordinal"] = _ordinals(list(zip(owners, columns["instance_id"], strict=True)))
    ranks = sorted(
        range(len(owners)),
        key=lambda row: (
            owners[row],
            columns["instance_id"][row] is not None,
            columns["instance_id"][row] or "",
            columns["instance_ordinal"][row],
        ),
    )
    return {name: [columns[name][row] for row in ranks] for name in schema.INSTANCES.response_names}


def _check_names(columns: list[list[str | None]], loaded: list[int], instances: list[str | None]) -> None:
    """Refuse models and instances whose names are so long that repeating them would fill the memory.

    Args:
        columns: the models' texts that are repeated beside their instances.
        loaded: how many instances each model has.
        instances: their ids.

    Raises:
        Invalid: they are.
    """
    total = sum(sum(map(len, filter(None, names))) for names in (*columns, instances))
    for owner, count in enumerate(loaded):
        if count:
            total += count * sum(len(column[owner] or "") for column in columns)
    if total > limits.NAMES_LIMIT + limits.NAMES_PER_ROW * (len(loaded) + len(instances)):
        raise invalid("models", "names of models or instances so long that their rows would fill the memory")


@cache
def _plan(table: schema.Table, prefix: str) -> dict[str, Any]:
    """Return the columns under one prefix as a tree of JSON names, with a Column at each leaf."""
    tree: dict[str, Any] = {}
    for column in table.columns:
        path = column.path.removeprefix(prefix)
        if column.path.startswith(prefix) and "[]" not in path:
            *outer, last = path.split(".")
            branch = tree
            for step in outer:
                branch = branch.setdefault(step, {})
            branch[last] = column
    return tree


def _ordinals(keys: Sequence[Any]) -> list[int]:
    if len(set(keys)) == len(keys):
        return [0] * len(keys)
    counts: Counter[Any] = Counter()
    ordinals = []
    for key in keys:
        ordinals.append(counts[key])
        counts[key] += 1
    return ordinals


class _WarningCollector:
    """Collects warnings; the same remark about many rows becomes one sentence."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[str, int]] = {}

    def note(self, place: str, field: str, why: str) -> None:
        first, count = self._first.get(field + why, (f"{place}{field} {why}", 0))
        self._first[field + why] = (first, count + 1)

    def say(self, sentence: str) -> None:
        self._first[sentence] = (sentence, 1)

    def sentences(self) -> list[str]:
        return [
            first if count == 1 else f"{first} (and {count - 1:,} more such rows)"
            for first, count in self._first.values()
        ]


class _ColumnExtractor:
    """Extracts the columns of a plan from records, and puts everything else into ``extra``."""

    def __init__(self, odd: _WarningCollector, place: Callable[[int], str]) -> None:
        self.columns: Columns = defaultdict(list)
        self._odd = odd
        self._place = place
        self._count = 0
        self._extra: dict[int, dict[str, Any]] = {}

    def take(self, records: Sequence[dict[str, Any]], plan: Mapping[str, Any]) -> None:
        """Take the fields of a plan out of all records.

        A few hundred at a time: sweeping over all of them for each column would fetch each one from memory again.
        """
        for start in range(0, max(len(records), 1), _BATCH):  # without records too: a column without rows is one
            self._take(records[start : start + _BATCH], plan, start, ())
        self._count = len(records)

    def lists(self, records: Sequence[dict[str, Any]], name: str) -> list[list[tuple[int, Any]]]:
        """Extract a list of objects from each record, each with its index; anything else goes to ``extra``."""
        values = self._only([fields.get(name) for fields in records], list, "a list", 0, (name,), [])
        lists = [[*enumerate(items)] if items else [] for items in values]
        for row, items in enumerate(lists):
            if wrong := [item for _, item in items if not isinstance(item, dict)]:
                self._keep(row, (name,), wrong)
                self._odd.note(self._place(row), f".{name}", "holds something other than objects; kept in extra")
                lists[row] = [(index, item) for index, item in items if isinstance(item, dict)]
        return lists

    def finished(self) -> Columns:
        """Return the columns, and ``extra``: a JSON object as text, or None."""
        texts: list[str | None] = [None] * self._count
        for row, fields in self._extra.items():
            texts[row] = json.dumps(fields, ensure_ascii=False, sort_keys=True)
        return {**self.columns, "extra": texts}

    def _take(
        self, records: Sequence[dict[str, Any]], plan: Mapping[str, Any], start: int, path: tuple[str, ...]
    ) -> None:
        """Take the fields of a plan out of one batch, inner objects by recursion; ``start`` is its first row.

        A field whose plan is None is known and extracted elsewhere.
        """
        for name, node in plan.items():
            if node is None:
                continue
            values = [*map(dict.get, records, repeat(name))]
            if isinstance(node, schema.Column):
                self.columns[node.name] += self._checked(values, node, start, (*path, name))
            else:
                objects = self._only(values, dict, "an object", start, (*path, name), _NOTHING)
                self._take(objects, node, start, (*path, name))
        known = plan.keys()
        for row, fields in enumerate(records, start):
            if not fields.keys() <= known:
                for name in fields.keys() - known:
                    self._keep(row, (*path, name), fields[name])

    def _checked(self, values: list[Any], column: schema.Column, start: int, path: tuple[str, ...]) -> list[Any]:
        """Return the values of one column; those of a wrong type become null, stay in ``extra``, and add a warning."""
        if set(map(type, values)) - {type(None)} <= _FITS[column.kind]:
            return values
        return [
            None if value is None else self._fitted(row, value, column, path) for row, value in enumerate(values, start)
        ]

    def _fitted(self, row: int, value: Any, column: schema.Column, path: tuple[str, ...]) -> Any:
        kind = column.kind
        if type(value) in _FITS[kind]:
            return value
        if kind == schema.INTEGER and isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            return int(value)  # JSON has one kind of number: 4096.0 is a whole one
        if kind == schema.NUMBER and type(value) is int and int(float(value)) == value:
            return float(value)
        if kind == schema.LIST and isinstance(value, list) and all(isinstance(item, str) for item in value):
            return f"[{', '.join(map(encode_basestring, value))}]"  # as json.dumps, without an encoder for each
        self._keep(row, path, value)
        field = "".join(map(named, path))
        why = "is a whole number beyond 64 bits" if isinstance(value, LargeInteger) else f"is not {_WORDS[kind]}"
        self._odd.note(self._place(row), field, f"{why}; the cell is empty, the value kept in extra")
        return None

    def _only(
        self, values: list[Any], kind: type, word: str, start: int, path: tuple[str, ...], nothing: Any
    ) -> list[Any]:
        """Return the values of one container type; others are replaced, stay in ``extra``, and add a warning."""
        for index, value in enumerate(values):
            if type(value) is not kind:
                values[index] = nothing
                if value is not None:
                    row = start + index
                    self._keep(row, path, value)
                    self._odd.note(self._place(row), "".join(map(named, path)), f"is not {word}; kept in extra")
        return values

    def _keep(self, row: int, path: tuple[str, ...], value: Any) -> None:
        fields = self._extra.setdefault(row, {})
        for step in path[:-1]:
            fields = fields.setdefault(step, {})
        fields[path[-1]] = value
