"""Rows that are rebuilt from the bodies of a fleet: the same, whether or not a body is cut between its models."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.errors import ServerError
from inventory.history.rebuilt import Rebuilder
from inventory.normalize.fingerprint import digest_of

ROWS = st.fixed_dictionaries(
    {"type": st.sampled_from(["llm", 'a}, {"type": "llm', "b}"])},
    optional={
        "key": st.sampled_from(["x", "y", "z", '}, {"type": 1}', ""]),
        "size_bytes": st.sampled_from([1, 1.0, True, 2**70, None]),
        "loaded_instances": st.lists(st.fixed_dictionaries({"type": st.just(1), "id": st.sampled_from("ab")})),
        "quantization": st.sampled_from([{"type": {"a": 1}}, {"name": "Q4", "remaining_ttl_seconds": 3}, 4]),
    },
)


def told(rebuilder: Rebuilder, body: bytes, *, whole: bool) -> Any:
    """What a body holds, in any order, or the class of the error."""
    try:
        parts = [rebuilder._flat(body)] if whole else rebuilder.rebuilt(body)
    except ServerError as error:
        return type(error)
    rows = {name: sorted(repr(row) for part in parts for row in part.rows[name]) for name in parts[0].rows}
    return (
        sorted(key for part in parts for key in part.keys),
        digest_of([line for part in parts for line in part.lines]),
        rows,
    )


@given(
    st.lists(st.lists(ROWS, max_size=4), max_size=4), st.sampled_from([None, 1]), st.sampled_from([None, ("extra.*",)])
)
def test_bodies_that_are_cut(
    bodies: Sequence[Sequence[Any]], indent: int | None, ignore: tuple[str, ...] | None
) -> None:
    """Texts that look like the place between two models, models alike, equal keys, and bodies that are not valid."""
    rebuilder = Rebuilder(ignore)
    for models in bodies:
        body = json.dumps({"models": models}, indent=indent).encode()
        assert told(rebuilder, body, whole=False) == told(Rebuilder(ignore), body, whole=True)


@pytest.mark.parametrize(
    "body",
    [
        b'{"models": [{"type": "llm", "key": "a"}, {"type": "llm", "key": "b"}], "more": [{}]}',
        b'{"models": [{"type": "llm", "key": "a"}\x0c, {"type": "llm", "key": "b"}]}',
        b'{"models": [{"type": "llm", "key": "a"}, {"type": "llm", "key": "b"},]}',
        b'{"models": [{"type": "llm", "key": "a"}, {"type": "llm", "key": "b"}] }}',
        b'{"models": [{"type": "llm", "key": "a", "key": "b"}]}',
        b'{"models": [{"type": "llm", "key": "a"}, {"key": "b"}, {"type": "llm", "key": "c"}]}',
        b'{"models": []}',
    ],
)
def test_bodies_of_other_forms(body: bytes) -> None:
    """What stands beside the models, what is no JSON, and models that begin otherwise."""
    assert told(Rebuilder(()), body, whole=False) == told(Rebuilder(()), body, whole=True)


def test_models_that_repeat_are_parsed_once() -> None:
    """A fleet costs what its different models cost; one of which no two are alike is not remembered."""
    rebuilder = Rebuilder(())
    for number in range(50):
        models = [{"type": "llm", "key": f"m{(number + place) % 7}"} for place in range(5)]
        rebuilder.rebuilt(json.dumps({"models": models}).encode())
    assert len(rebuilder._known) == 7
    for number in range(700):
        models = [{"type": "llm", "key": f"{number}/{place}"} for place in range(5)]
        rebuilder.rebuilt(json.dumps({"models": models}).encode())
    assert len(rebuilder._known) < 3000
