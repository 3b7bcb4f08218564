"""Rows that are rebuilt from the bodies of a fleet: the same, whether or not a body is cut between its models."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.errors import ServerError
from inventory.history.rebuilt import REBUILT, Rebuilder
from inventory.history.storage.shared_rows import steady_columns
from inventory.normalize.fingerprint import digest
from inventory.normalize.flatten import flatten
from inventory.normalize.response import PATHS, decode
from inventory.tables import build

ROWS = st.fixed_dictionaries(
    {"type": st.sampled_from(["llm", 'a}, {"type": "llm', "b}"])},
    optional={
        "key": st.sampled_from(["x", "y", "z", '}, {"type": 1}', ""]),
        "size_bytes": st.sampled_from([1, 1.0, True, 2**70, None]),
        "loaded_instances": st.lists(st.fixed_dictionaries({"type": st.just(1), "id": st.sampled_from("ab")})),
        "quantization": st.sampled_from([{"type": {"a": 1}}, {"name": "Q4", "remaining_ttl_seconds": 3}, 4]),
    },
)


def told(rebuilder: Rebuilder, bodies: Sequence[bytes], ignore: tuple[str, ...] | None) -> Any:
    """What each body holds, in any order; None for one that is not valid."""
    rebuilt = rebuilder.rebuilt([memoryview(body) for body in bodies], [ignore] * len(bodies))
    rows: dict[str, list[list[str]]] = {name: [[] for _ in bodies] for name in REBUILT}
    for name, of_bodies in rows.items():
        for placed in rebuilt.rows(name):
            every = [repr(row) for row in placed.rows.to_pylist()]
            assert placed.numbers is not None
            for place, number in zip(placed.places.to_pylist(), placed.numbers.to_pylist(), strict=True):
                of_bodies[place].append(every[number])
    return rebuilt.digests, {name: [sorted(of_body) for of_body in of_bodies] for name, of_bodies in rows.items()}


def flattened(bodies: Sequence[bytes], ignore: tuple[str, ...] | None) -> Any:
    """The same, of each body by itself and as a whole."""
    digests: list[Any] = []
    rows: dict[str, list[list[str]]] = {name: [] for name in REBUILT}
    for body in bodies:
        try:
            flat = flatten(decode(body, apis=PATHS).models)
        except ServerError:
            flat = None
        for own in rows.values():
            own.append([])
        digests.append(flat and digest(flat, ignore))
        for name, columns in {"models": flat.models, "instances": flat.instances}.items() if flat else ():
            stored = columns if ignore is None else steady_columns(columns, ignore)
            table = build(REBUILT[name], {column: stored[column] for column in REBUILT[name].names})
            rows[name][-1] = sorted(map(repr, table.to_pylist()))
    return digests, rows


@given(
    st.lists(st.lists(ROWS, max_size=4), max_size=4), st.sampled_from([None, 1]), st.sampled_from([None, ("extra.*",)])
)
def test_bodies_that_are_cut(
    bodies: Sequence[Sequence[Any]], indent: int | None, ignore: tuple[str, ...] | None
) -> None:
    """Texts that look like the place between two models, models alike, equal keys, and bodies that are not valid."""
    texts = [json.dumps({"models": models}, indent=indent).encode() for models in bodies]
    rebuilder = Rebuilder()
    for _ in range(2):  # what is new, and what is known
        assert told(rebuilder, texts, ignore) == flattened(texts, ignore)


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
    assert told(Rebuilder(), [body, body], ()) == flattened([body, body], ())


def test_models_that_repeat_are_parsed_once() -> None:
    """A fleet costs what its different models cost; one of which no two are alike is not remembered."""
    rebuilder = Rebuilder()

    def rebuild(keys: Iterable[str]) -> None:
        body = json.dumps({"models": [{"type": "llm", "key": key} for key in keys]}).encode()
        rebuilder.rebuilt([memoryview(body)], [()])

    for number in range(50):
        rebuild(f"m{(number + place) % 7}" for place in range(5))
    assert len(rebuilder._models.lines) == 7
    for number in range(700):
        rebuild(f"{number}/{place}" for place in range(5))
    assert len(rebuilder._models.lines) < 3000


def test_names_that_are_too_long_together() -> None:
    """Models are parsed together as far as they may be; one that may not is no answer."""
    long = {"type": "llm", "loaded_instances": [{"id": "i" * 2**18}] * 3}
    bodies = [json.dumps({"models": [{**long, "key": f"{number}"}]}).encode() for number in range(3)]
    bodies.append(json.dumps({"models": [{**long, "key": "k" * 2**20}]}).encode())
    texts = told(Rebuilder(), bodies, ())
    assert texts == flattened(bodies, ())
    assert [digest is None for digest in texts[0]] == [False, False, False, True]
