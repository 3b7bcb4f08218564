"""Changes found column by column: the same as those found row by row, wherever names alone match the rows."""

from collections import Counter
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import schema
from inventory.diff import by_column
from inventory.diff.by_column import match_by_name
from inventory.tables import rows

from .test_compare import Fleet, changes, model, snapshot, told

Model = dict[str, Any]

_instances = st.lists(
    st.builds(
        lambda name, context: {"id": name, "config": {"context_length": context}},
        st.sampled_from(["a", "a:2", "i"]),
        st.sampled_from([1, 2, None]),
    ),
    max_size=2,
)
_fields = st.fixed_dictionaries(
    {},
    optional={
        "size_bytes": st.sampled_from([None, 1, 2**60]),
        "publisher": st.sampled_from(["p", "", "é"]),
        "quantization": st.sampled_from([{"name": "Q4", "bits_per_weight": bits} for bits in (4, 4.25)]),
        "capabilities": st.sampled_from([{"vision": True}, {"vision": False}, {}]),
        "variants": st.sampled_from([["a", "b"], ["b", "a"], ["a@q4"], []]),
        "other": st.sampled_from([1, True, {"deep": [1]}, None]),
    },
)
_models = st.lists(
    st.builds(
        lambda key, instances, fields: model(key, *instances, **fields),
        st.sampled_from(["a", "b", "a@q4", "é", ""]),
        _instances,
        _fields,
    ),
    max_size=3,
)
_fleets = st.dictionaries(st.sampled_from(["s", "t", "é", "z"]), _models | st.just("timeout"))


def check(old: Fleet, new: Fleet, ignore: list[str]) -> None:
    """Compare both ways."""
    expected = changes(old, new, *ignore)
    with patch.object(by_column, "FEW", -1):
        found = changes(old, new, *ignore)
    assert rows(found.table) == rows(expected.table)
    assert rows(found.hints) == rows(expected.hints)
    with patch("inventory.diff.changes._FEW", -1):
        assert found.kinds == expected.kinds
    touched = {
        (row["server"], row["grain"], row["change"], *(row[name] for name in schema.INSTANCES.keys[1:]), _own_name(row))
        for row in rows(expected.table)
    }
    for grain in schema.GRAINS:
        times = Counter(word for _, its_grain, word, *_ in touched if its_grain == grain)
        assert expected.counts(grain) == {word: times[word] for word in schema.CHANGES_WORDS}


def _own_name(row: dict[str, Any]) -> str | None:
    """What tells apart news about a server, and models that are renamed to the same key."""
    name = row["field"] if row["key"] is None else row["old"] if row["change"] == "renamed" else None
    return name and str(name)


@settings(max_examples=6, deadline=None)
@given(_fleets, _fleets, st.sampled_from([[], ["size_bytes"], ["extra.other"], ["*"]]))
def test_the_same_as_row_by_row(old: Fleet, new: Fleet, ignore: list[str]) -> None:
    """Whatever changed on whatever servers."""
    check(old, new, ignore)


@pytest.mark.long
@settings(max_examples=250, deadline=None)
@given(_fleets, _fleets, st.sampled_from([[], ["size_bytes"], ["extra.other"], ["*"]]))
def test_the_same_as_row_by_row_at_length(old: Fleet, new: Fleet, ignore: list[str]) -> None:
    """The same, of many more fleets."""
    check(old, new, ignore)


def test_only_names_are_needed() -> None:
    """A server is compared row by row where a name is repeated, a model may be renamed or other fields are reported."""
    plain = model("a", {"id": "a", "config": {}}, size_bytes=1)
    before: Fleet = {
        "changed": [plain],
        "repeated": [plain, plain],
        "renamed": [plain],
        "reported": [plain],
        "regrouped": [model("a", variants=["b"]), model("c")],
    }
    after: Fleet = {
        "changed": [model("a", {"id": "a", "config": {}}, size_bytes=2, publisher=None), model("b", size_bytes=1)],
        "repeated": [plain, model("a", size_bytes=2)],
        "renamed": [model("b", size_bytes=1)],
        "reported": [model("a", {"id": "a", "config": {}}, size_bytes=1, publisher="p")],
        "regrouped": [model("a", variants=["b", "c"])],
    }
    sides = [
        {grain: snapshot(fleet).tables[table.name] for grain, table in schema.GRAIN_TABLES.items()}
        for fleet in (before, after)
    ]
    with patch.object(by_column, "FEW", -1):
        matching = match_by_name(sides, sorted(before), None)
        found = changes(before, after)
    assert set(matching.servers) == {"changed"}
    assert told(found)[:2] == [
        ("model", "added", "b", None, None),
        ("model", "reconfigured", "a", None, "size_bytes", "1", "2"),
    ]
    assert match_by_name(sides, sorted(before), None).servers == ()
