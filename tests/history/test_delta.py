"""Reading only the rows that can differ says the same as comparing whole answers."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.history_builders import Fleet, day, made, model, run

import inventory
from inventory.tables import rows

_INSTANCES = st.lists(
    st.builds(
        lambda name, context, more: {"id": name, "config": {"context_length": context, **more}},
        st.sampled_from("ij"),
        st.integers(1, 2),
        st.sampled_from([{}, {"parallel": 4}, {"new": {"deep": 1}}, {"new": {"deep": True}}]),
    ),
    max_size=3,
)
_MODELS = st.lists(
    st.builds(
        lambda key, size, more, loaded: {**model(key, size_bytes=size), **more, "loaded_instances": loaded},
        st.sampled_from("abc"),
        st.integers(1, 2),
        st.sampled_from(
            [
                {},
                {"description": "a text"},
                {"description": None, "variants": ["x", "y"]},
                {"variants": ["y", "x"]},
                {"x": {"y": 1}},
                {"x": [1, None]},
                {"params_string": "7B", "quantization": {"name": "Q4", "bits_per_weight": 4}},
            ]
        ),
        _INSTANCES,
    ),
    max_size=5,
)


@given(st.lists(_MODELS, min_size=2, max_size=4))
@settings(
    max_examples=max(2, settings().max_examples // 40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_the_part_says_what_the_whole_says(answers: list[list[dict[str, Any]]]) -> None:
    """Keys given twice, ids given twice, lists in another order, new and nested fields: nothing more, nothing less."""
    with tempfile.TemporaryDirectory() as folder:
        fleets: list[Fleet] = [{"s": models} for models in answers]
        history, ids = made(Path(folder), *fleets)
        wholes = [history.load(run_id) for run_id in ids]
        timeline = []
        for before, old in zip(ids, wholes, strict=True):
            for after, new in zip(ids, wholes, strict=True):
                told = rows(inventory.compare(old, new).table)
                assert rows(history.diff(before, after).table) == told
                if ids.index(after) == ids.index(before) + 1:
                    timeline += told
        names = inventory.compare(wholes[0], wholes[0]).table.column_names
        assert [{name: row[name] for name in names} for row in rows(history.timeline_table())] == timeline


def test_a_field_that_another_row_had_is_not_reported(tmp_path: Path) -> None:
    """Whether a field is new to a server is decided by its whole answer, also by the rows that did not change."""
    plain, told = model("a"), model("b", description="there all the time")
    history, _ = made(tmp_path, {"s": [plain, told]}, {"s": [{**plain, "description": "now"}, told]}, {"s": [plain]})
    assert [(row["change"], row["key"], row["field"]) for row in rows(history.timeline_table())] == [
        ("reconfigured", "a", "description"),
        ("removed", "b", None),
        ("unreported", None, "description"),
    ]


def test_several_answers_in_one_day(tmp_path: Path) -> None:
    """A day counts once for a model, however many answers of that day have it."""
    history, _ = made(tmp_path)
    for moment, keys in ((0, "a"), (0.25, "ab"), (0.5, "b"), (1, "ab"), (1.25, "ab"), (2, "a"), (2.5, "")):
        run(history, {"s": [model(key) for key in keys]}, day(moment))
    lives = {row["key"]: row for row in rows(history.lifecycle_table())}
    assert {key: (life["days_present"], life["runs_present"]) for key, life in lives.items()} == {
        "a": (3, 5),
        "b": (2, 4),
    }
