"""When two answers say the same."""

import copy
import json
import random
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import schema
from inventory.normalize.fingerprint import digest
from inventory.normalize.flatten import flatten

Model = dict[str, Any]


def _answer() -> list[Model]:
    def instance(name: str, ttl: int) -> Model:
        return {"id": name, "remaining_ttl_seconds": ttl, "config": {"context_length": 4096, "flash_attention": True}}

    return [
        {
            "key": "a",
            "type": "llm",
            "display_name": "A",
            "size_bytes": 5,
            "quantization": {"name": "Q4", "bits_per_weight": 4},
            "capabilities": {"vision": False, "reasoning": {"default": "on", "allowed_options": ["off", "on"]}},
            "variants": ["a@q4", "a@q8"],
            "loaded_instances": [instance("a", 60), instance("a:2", 9)],
            "new": {"x": 1},
        },
        {"key": "a", "type": "llm", "format": "mlx", "loaded_instances": [instance("mine", 5)]},
        {"key": "b", "type": "embedding", "variants": ["b@1", "b@2", "b@3"]},
    ]


def _of(models: list[Model]) -> str:
    return digest(flatten(models))


def _set(*path: str | int) -> Callable[[list[Model], Any], None]:
    def change(models: list[Model], value: Any) -> None:
        owner: Any = models
        for step in path[:-1]:
            owner = owner[step]
        owner[path[-1]] = value

    return change


def test_shape() -> None:
    """A digest is a SHA-256 in hex, of no models too, and the same every time."""
    for models in ([], _answer()):
        assert len(bytes.fromhex(_of(models))) == 32
        assert _of(models) == _of(copy.deepcopy(models))
    assert _of([]) != _of(_answer())


@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_and_clocks_do_not_count(shuffler: random.Random) -> None:
    """Rows, instances, lists and names in another order, and another remaining time, give the same digest."""
    models = _answer()
    shuffler.shuffle(models)
    for model in models:
        for name in ("loaded_instances", "variants"):
            shuffler.shuffle(model.get(name, []))
        if "capabilities" in model:
            shuffler.shuffle(model["capabilities"]["reasoning"]["allowed_options"])
        for instance in model.get("loaded_instances", []):
            instance["remaining_ttl_seconds"] = shuffler.choice([None, 0, 3600])
    models = [dict(shuffler.sample(list(model.items()), len(model))) for model in models]
    assert _of(models) == _of(_answer())


def test_lists_are_sets() -> None:
    """A text that stands twice in a list counts once."""
    models = _answer()
    models[0]["variants"].append("a@q4")
    assert _of(models) == _of(_answer())


@pytest.mark.parametrize("missing", [None, "missing"])
def test_null_is_missing(missing: str | None) -> None:
    """A known field that is null and one that is missing are the same."""
    models = _answer()
    if missing is None:
        models[2] |= {"description": None, "quantization": None, "capabilities": {"reasoning": None}}
    else:
        models[0]["description"] = None
        del models[0]["description"]
    assert _of(models) == _of(_answer())


def test_instances_with_one_id_in_another_order() -> None:
    """Two instances that share an id give the same digest in either order."""
    two = [{"id": "i", "config": {"parallel": number}} for number in (1, 2)]
    assert _of([{"key": "a", "loaded_instances": two}]) == _of([{"key": "a", "loaded_instances": two[::-1]}])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((0, "key"), "c"),
        ((0, "type"), "vlm"),
        ((0, "publisher"), ""),
        ((0, "display_name"), "B"),
        ((0, "architecture"), "llama"),
        ((0, "quantization", "name"), "Q8"),
        ((0, "quantization", "bits_per_weight"), 4.5),
        ((0, "size_bytes"), 6),
        ((0, "size_bytes"), None),
        ((0, "size_bytes"), "5"),
        ((0, "params_string"), "8B"),
        ((0, "max_context_length"), 1),
        ((0, "format"), "mlx"),
        ((0, "capabilities", "vision"), True),
        ((0, "capabilities", "trained_for_tool_use"), False),
        ((0, "capabilities", "reasoning", "default"), "off"),
        ((0, "capabilities", "reasoning", "allowed_options"), ["on"]),
        ((0, "capabilities", "reasoning", "allowed_options"), []),
        ((0, "description"), "d"),
        ((0, "variants"), ["a@q4"]),
        ((0, "variants"), None),
        ((0, "selected_variant"), "a@q4"),
        ((0, "new"), {"x": 2}),
        ((0, "new"), {"x": True}),
        ((0, "new"), None),
        ((0, "newer"), 1),
        ((0, "loaded_instances"), []),
        ((0, "loaded_instances", 0, "id"), "c"),
        ((0, "loaded_instances", 0, "config", "context_length"), 8192),
        ((0, "loaded_instances", 0, "config", "flash_attention"), False),
        ((0, "loaded_instances", 0, "config", "num_experts"), 0),
        ((0, "loaded_instances", 0, "config", "new"), 0),
        ((0, "loaded_instances", 0, "new"), 0),
        ((1, "loaded_instances", 0, "id"), "a"),
    ],
)
def test_any_other_difference_counts(path: tuple[str | int, ...], value: Any) -> None:
    """Another value in any other field gives another digest."""
    models = _answer()
    _set(*path)(models, value)
    assert _of(models) != _of(_answer())


def test_rows_count() -> None:
    """A row more or less, even one like another, gives another digest."""
    models = _answer()
    assert len({_of(models), _of(models[:-1]), _of([*models, models[-1]]), _of([*models, {"key": "z"}])}) == 4


def test_an_instance_belongs_to_its_model() -> None:
    """An instance that moves to another model with the same key gives another digest."""
    models = _answer()
    models[1]["loaded_instances"].append(models[0]["loaded_instances"].pop())
    assert _of(models) != _of(_answer())


def test_captured_answers_differ(payloads: dict[str, bytes]) -> None:
    """No two captured answers have one digest, except by saying the same."""
    answers = {name: json.loads(body)["models"] for name, body in payloads.items()}
    digests = {name: _of(models) for name, models in answers.items()}
    assert len(set(digests.values())) == len(digests)


@pytest.mark.parametrize("count", [99, 100, 101, 250])
def test_a_digest_is_of_all_lines_together(count: int) -> None:
    """However many models there are, it is the SHA-256 of their sorted lines; each of them counts."""
    models = [{"key": f"{number:03}", "size_bytes": number} for number in range(count)]
    lines = [json.dumps([f"{number:03}", *_compared(number)]) for number in range(count)]
    assert _of(models) == sha256("\n".join(lines).encode()).hexdigest()
    for number in (0, count // 2, count - 1):
        assert _of([*models[:number], {"key": "x"}, *models[number + 1 :]]) != _of(models)


def _compared(size: int) -> list[Any]:
    """The compared values of a model that has a size and nothing else."""
    return [size if name == "size_bytes" else None for name in schema.MODELS.compared]
