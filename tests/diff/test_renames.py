"""Models that go on under another key: told as renamed, neither removed nor added, in files and in a history."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.history_builders import made

from diff.test_compare import MIRROR, changes
from inventory import Changes, History
from inventory.tables import rows

Model = dict[str, Any]


def model(key: str, *loaded: str, **fields: Any) -> Model:
    """A model as LM Studio sends a side-loaded one, with the ids of its loaded instances."""
    return {
        "key": key,
        "type": "llm",
        "publisher": "acme",
        "display_name": "Name",
        "architecture": "qwen3",
        "quantization": {"name": "Q4", "bits_per_weight": 4},
        "size_bytes": 4_000,
        "params_string": "8B",
        "format": "gguf",
        **fields,
        "loaded_instances": [{"id": name, "config": {"context_length": 4096}} for name in loaded],
    }


def quantized(key: str, name: str, size: int, *loaded: str, **fields: Any) -> Model:
    """The same with another quantization."""
    return model(key, *loaded, quantization={"name": name, "bits_per_weight": 4}, size_bytes=size, **fields)


def told(found: Changes) -> list[tuple[Any, ...]]:
    """change, key, instance_id, field, old and new (but of whole rows) of each change."""
    return [
        (row["change"], row["key"], row["instance_id"], row["field"])
        + ((row["old"], row["new"]) if row["field"] is not None else ())
        for row in rows(found.table)
    ]


def renamed(old: str, new: str) -> tuple[Any, ...]:
    """What is told of a renamed model."""
    return ("renamed", new, None, "key", old, new)


def came(key: str) -> tuple[Any, ...]:
    """What is told of an added model."""
    return ("added", key, None, None)


def went(key: str) -> tuple[Any, ...]:
    """What is told of a removed model."""
    return ("removed", key, None, None)


OTHER = model("other", publisher="else")
Q4, Q8 = quantized("name@q4", "Q4", 4_000), quantized("name@q8", "Q8", 8_000)
SOLO = quantized("name", "Q4", 4_000)
VARIANTS: Model = {"variants": ["name@q4", "name@q8"], "selected_variant": "name@q4"}
GROUP = quantized("name", "Q4", 4_000, **VARIANTS)

CASES = {
    "a second publisher came beside it": ([SOLO], [model("acme/name")], [renamed("name", "acme/name")]),
    "a second quantization came beside it": (
        [SOLO],
        [Q4, Q8],
        [came("name@q8"), renamed("name", "name@q4")],
    ),
    "what names the variants follows the key": (
        [quantized("a/name", "Q4", 9, variants=["a/name@q4"], selected_variant="a/name@q4")],
        [quantized("b/name", "Q4", 9, variants=["b/name@q4"], selected_variant="b/name@q4")],
        [renamed("a/name", "b/name")],
    ),
    "another field changed too": (
        [SOLO],
        [model("new", max_context_length=9, display_name="New"), OTHER],
        [
            came("other"),
            renamed("name", "new"),
            ("reconfigured", "new", None, "display_name", "Name", "New"),
            ("reported", None, None, "max_context_length", None, None),
        ],
    ),
    "its instances follow": (
        [model("name", "name", "name:2", "mine")],
        [model("acme/name", "acme/name", "name:2", "mine")],
        [renamed("name", "acme/name")],
    ),
    "an instance came with it": (
        [model("name", "mine")],
        [model("new", "mine", "other")],
        [renamed("name", "new"), ("loaded", "new", "other", None)],
    ),
    "rows became one row with variants": (
        [Q4, Q8, OTHER],
        [GROUP, OTHER],
        [renamed("name@q4", "name"), renamed("name@q8", "name")],
    ),
    "their instances follow": (
        [quantized("name@q4", "Q4", 4_000, "name@q4"), quantized("name@q8", "Q8", 8_000, "mine")],
        [quantized("name", "Q4", 4_000, "name@q4", "mine", **VARIANTS)],
        [renamed("name@q4", "name"), renamed("name@q8", "name")],
    ),
    "a row joined one that has variants": (
        [Q8, quantized("name", "Q4", 4_000, variants=["name@q4"])],
        [GROUP | {"selected_variant": None}],
        [
            renamed("name@q8", "name"),
            ("reconfigured", "name", None, "variants", '["name@q4"]', '["name@q4", "name@q8"]'),
        ],
    ),
    "two like it came": ([SOLO], [model("x"), model("y")], [came("x"), came("y"), went("name")]),
    "two like it went": ([SOLO, model("x")], [model("y")], [came("y"), went("name"), went("x")]),
    "another size": ([SOLO], [model("new", size_bytes=4_001)], [came("new"), went("name")]),
    "no size": ([model("name", size_bytes=None)], [model("new", size_bytes=None)], [came("new"), went("name")]),
    "nothing but a size": (
        [{"key": "name", "size_bytes": 1}],
        [{"key": "new", "size_bytes": 1}],
        [came("new"), went("name")],
    ),
    **{
        f"another {name}": ([SOLO], [model("new", **{name: value})], [came("new"), went("name")])
        for name, value in {
            "publisher": "b",
            "architecture": "b",
            "quantization": {"name": "Q5", "bits_per_weight": 4},
            "params_string": "9B",
        }.items()
    },
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_told(case: str, tmp_path: Path) -> None:
    """A model that is alone in its values on both sides, or a variant that was regrouped, is renamed; else it is not.

    The same is told of two snapshots, of two runs of a history, in its timeline, and the other way round.
    """
    old, new, expected = CASES[case]
    order = sorted(expected, key=repr)
    assert sorted(told(changes(old, new)), key=repr) == order
    history, _ = made(tmp_path, {"s": old}, {"s": new})
    assert sorted(told(history.diff()), key=repr) == order
    timeline = rows(history.timeline_table())
    assert sorted((row["change"], str(row["key"])) for row in timeline) == sorted(
        (row[0], str(row[1])) for row in expected
    )
    words = [row["change"] for row in rows(changes(new, old).table)]
    assert sorted(MIRROR[word] for word in words) == sorted(row[0] for row in expected)


def test_regrouped_variants_are_said_to_be(tmp_path: Path) -> None:
    """A hint stands beside each row that became one of several variants, and beside each that was one."""
    for old, new in (([Q4, Q8], [GROUP]), ([GROUP], [Q4, Q8])):
        folder = tmp_path / str(len(old))
        folder.mkdir()
        history, _ = made(folder, {"s": old}, {"s": new})
        for found in (changes(old, new), history.diff()):
            assert [hint["hint"].partition(":")[0] for hint in rows(found.hints)] == ["variants regrouped"] * 2
            assert found.counts("model") | {"renamed": 2, "added": 0, "removed": 0} == found.counts("model")


def test_a_renamed_model_in_the_lists_of_a_history(tmp_path: Path) -> None:
    """Runs count it, and the life of either key tells it."""
    history, ids = made(tmp_path, {"s": [SOLO, OTHER]}, {"s": [model("new"), OTHER]}, {"s": [model("new"), OTHER]})
    counts = [(row["added"], row["removed"], row["renamed"]) for row in rows(history.runs_table())]
    assert counts == [(None, None, None), (0, 0, 1), (0, 0, 0)]
    for key in ("name", "new"):
        lives, timeline, _ = history.model_history(key)
        assert [(row["change"], row["old"], row["new"]) for row in rows(timeline)] == [("renamed", "name", "new")]
        assert [life["last_changed"] for life in rows(lives)] == [rows(history.timeline_table())[0]["observed_at"]]
    assert ids == History(history.store.folder).store.run_ids()


KEYS = st.sampled_from(["n", "n@q4", "n@q8", "m", "a/n"])
LISTED = st.sampled_from([None, ["n@q4"], ["n@q4", "n@q8"], ["m@q4"]])
MODELS = st.lists(
    st.builds(
        lambda key, size, variants, loaded: model(key, *loaded, size_bytes=size, variants=variants),
        KEYS,
        st.integers(1, 3),
        LISTED,
        st.lists(st.sampled_from(["n", "n:2", "mine", "n@q4"]), max_size=2, unique=True),
    ),
    max_size=4,
)


@settings(max_examples=settings().max_examples, deadline=None)
@given(MODELS, MODELS)
@example([model("n", "n", variants=["n@q4"])], [model("n@q4"), model("n", "n")])
def test_mirror(old: list[Model], new: list[Model]) -> None:
    """Whatever keys and variants there are, the other way round tells the same changes mirrored."""
    there, back = (rows(changes(*pair).table) for pair in ((old, new), (new, old)))
    forth = [(row["grain"], row["field"], MIRROR[row["change"]], row["old"], row["new"]) for row in there]
    mirrored = [(row["grain"], row["field"], row["change"], row["new"], row["old"]) for row in back]
    assert sorted(forth, key=repr) == sorted(mirrored, key=repr)


@settings(max_examples=settings().max_examples, deadline=None)
@given(MODELS, MODELS)
def test_rows_add_up(old: list[Model], new: list[Model]) -> None:
    """Rows before, less what was removed or renamed, more what was added or renamed to, are the rows after."""
    found = rows(changes(old, new).table)
    gone = {(row["key"], row["ordinal"]) for row in found if row["change"] == "removed"}
    came = {(row["key"], row["ordinal"]) for row in found if row["change"] == "added"}
    before, after = ({one["key"] for one in side} for side in (old, new))
    left = {row["old"] for row in found if row["change"] == "renamed"}
    arrived = {row["new"] for row in found if row["change"] == "renamed"}
    assert before - after <= {key for key, _ in gone} | left <= before
    assert after - before <= {key for key, _ in came} | arrived <= after
