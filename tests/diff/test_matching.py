"""Which row before is which row after, where keys and ids come more than once or go on under another name."""

from typing import Any

import pytest

from inventory.diff.matching import DiffRow, instance_pairs, model_pairs, to_json


def model(ordinal: int, size: int, key: str = "k") -> DiffRow:
    """A model whose only compared field is its size."""
    return DiffRow({"key": key, "ordinal": ordinal}, {"size_bytes": size})


def instance(name: str, ordinal: int = 0, key: str = "k", **fields: Any) -> DiffRow:
    """An instance of a model, by the model's key and ordinal."""
    return DiffRow({"key": key, "ordinal": ordinal, "instance_id": name}, fields)


def test_models_with_one_key_are_paired_by_their_instances_first() -> None:
    """Of three that are equal, the one with the same instance is the same; of instances the order does not count."""
    olds = {"model": [model(0, 1), model(1, 1), model(2, 1)], "instance": [instance("i", 1, n=1), instance("j", 1)]}
    news = {"model": [model(0, 1), model(1, 1), model(2, 1)], "instance": [instance("j", 2), instance("i", 2, n=1)]}
    pairs = model_pairs(olds, news)
    assert [(old.row["ordinal"], new.row["ordinal"]) for old, new in pairs if old and new] == [(0, 0), (1, 2), (2, 1)]


@pytest.mark.parametrize(
    ("old", "new"), [([instance("i", 1)], [instance("i", 0, n=1)]), ([instance("i", 1)], [instance("h", 0)])]
)
def test_an_instance_of_another_id_or_content_is_another(old: list[DiffRow], new: list[DiffRow]) -> None:
    """Then the models that have none are the same, and those with an instance are left over for each other."""
    olds = {"model": [model(0, 1), model(1, 1)], "instance": old}
    news = {"model": [model(0, 1), model(1, 1)], "instance": new}
    pairs = model_pairs(olds, news)
    assert [(old.row["ordinal"], new.row["ordinal"]) for old, new in pairs if old and new] == [(0, 1), (1, 0)]


def test_models_with_one_key_are_paired_by_content_and_then_in_order() -> None:
    """Equal ones find each other whatever their order; what is left goes by order, and what is more has no partner."""
    olds = {"model": [model(0, 1), model(1, 2), model(2, 3)]}
    news = {"model": [model(0, 3), model(1, 4), model(2, 5), model(3, 6)]}
    pairs = model_pairs(olds, news)
    sizes = [(old and old.fields["size_bytes"], new and new.fields["size_bytes"]) for old, new in pairs]
    assert sizes == [(3, 3), (1, 4), (2, 5), (None, 6)]
    back = model_pairs(news, olds)
    assert [(old and old.fields["size_bytes"], new and new.fields["size_bytes"]) for old, new in back] == [
        (3, 3),
        (4, 1),
        (5, 2),
        (6, None),
    ]


def test_what_an_instance_holds_counts() -> None:
    """Two models that are equal, each with an instance of the same id: its content says which is which."""
    olds = {"model": [model(0, 1), model(1, 1)], "instance": [instance("i", 0, n=1), instance("i", 1, n=2)]}
    news = {"model": [model(0, 1), model(1, 1)], "instance": [instance("i", 0, n=2), instance("i", 1, n=1)]}
    pairs = model_pairs(olds, news)
    assert [(old.row["ordinal"], new.row["ordinal"]) for old, new in pairs if old and new] == [(0, 1), (1, 0)]


def test_one_of_two_that_is_left_is_the_one_that_is_equal() -> None:
    """Not the first: also where only one side has the key more than once."""
    two, last = {"model": [model(0, 1), model(1, 2)]}, {"model": [model(0, 2)]}
    pairs = model_pairs(two, last)
    assert [(old and old.fields["size_bytes"], bool(new)) for old, new in pairs] == [(2, True), (1, False)]
    pairs = model_pairs(last, two)
    assert [(bool(old), new and new.fields["size_bytes"]) for old, new in pairs] == [(True, 2), (False, 1)]


def test_another_key_is_another_model() -> None:
    """However alike they are."""
    pairs = model_pairs({"model": [model(0, 1, "a")]}, {"model": [model(0, 1, "b")]})
    assert [(old and old.row["key"], new and new.row["key"]) for old, new in pairs] == [("a", None), (None, "b")]


def names(pairs: list[tuple[DiffRow | None, DiffRow | None]]) -> set[tuple[Any, Any]]:
    """The ids of each pair."""
    return {(old and old.row["instance_id"], new and new.row["instance_id"]) for old, new in pairs}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("old", "new", True),
        ("old:2", "new:2", True),
        ("old:2", "new:3", False),
        ("old", "new:2", False),
        ("old-2", "new-2", False),  # not how LM Studio makes a name of its own out of a key
        ("mine", "mine", True),
        ("mine", "other", False),
    ],
)
def test_an_instance_goes_on_under_the_new_key_of_its_model(old: str, new: str, same: bool) -> None:
    """What LM Studio adds to a key makes the instance's own name; a name that the user chose stays."""
    numbers = {("old", 0): 7}, {("new", 0): 7}
    pairs = instance_pairs([instance(old, key="old")], [instance(new, key="new")], numbers)
    assert names(pairs) == ({(old, new)} if same else {(old, None), (None, new)})


def test_instances_of_different_models_are_never_the_same() -> None:
    """Models that are not the same, and models that are unknown, share no instance."""
    for numbers in (({("old", 0): 7}, {("new", 0): 8}), ({}, {}), None):
        pairs = instance_pairs([instance("i", key="old")], [instance("i", key="new")], numbers)
        assert names(pairs) == {("i", None), (None, "i")}
    assert names(instance_pairs([instance("i")], [instance("i")], None)) == {("i", "i")}
    assert names(instance_pairs([instance("i", 0)], [instance("i", 1)], None)) == {("i", None), (None, "i")}


def test_pairs_stay_when_others_go_on_under_another_key() -> None:
    """What is paired by its id stays so; of the rest those with equal content come first."""
    numbers = {("old", 0): 7, ("k", 0): 1}, {("new", 0): 7, ("k", 0): 1}
    olds = [instance("k"), instance("old", key="old", n=1), instance("old", key="old", n=2)]
    news = [instance("new", key="new", n=2), instance("new", key="new", n=3), instance("k")]
    pairs = instance_pairs(olds, news, numbers)
    contents = [(old and old.fields.get("n"), new and new.fields.get("n")) for old, new in pairs]
    assert contents == [(None, None), (2, 2), (1, 3)]
    assert names(instance_pairs([*olds, instance("last")], news, numbers)) == {
        ("k", "k"),
        ("old", "new"),
        ("last", None),
    }


def test_the_same_value_is_the_same_text() -> None:
    """Whatever the order of its names; letters of any script stay as they are."""
    assert to_json({"b": 1, "a": "\u00e9"}) == to_json({"a": "\u00e9", "b": 1}) == '{"a": "\u00e9", "b": 1}'
