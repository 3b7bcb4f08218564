"""Rows of both grains, compared cell by cell with a second, deliberately naive flattening."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import schema
from inventory.errors import Invalid
from inventory.normalize.flatten import flatten

BODIES = {path.stem: path for path in sorted((Path(__file__).parent.parent / "payloads" / "v1").glob("*.json"))}

MODEL_CELLS: dict[str, tuple[str, str]] = {
    "type": ("type", "text"),
    "publisher": ("publisher", "text"),
    "display_name": ("display_name", "text"),
    "architecture": ("architecture", "text"),
    "quantization_name": ("quantization.name", "text"),
    "quantization_bits_per_weight": ("quantization.bits_per_weight", "number"),
    "size_bytes": ("size_bytes", "integer"),
    "params_string": ("params_string", "text"),
    "max_context_length": ("max_context_length", "integer"),
    "format": ("format", "text"),
    "capabilities_vision": ("capabilities.vision", "boolean"),
    "capabilities_trained_for_tool_use": ("capabilities.trained_for_tool_use", "boolean"),
    "capabilities_reasoning_default": ("capabilities.reasoning.default", "text"),
    "capabilities_reasoning_allowed_options": ("capabilities.reasoning.allowed_options", "list"),
    "description": ("description", "text"),
    "variants": ("variants", "list"),
    "selected_variant": ("selected_variant", "text"),
}
CONFIG_CELLS = {
    "context_length": "integer",
    "parallel": "integer",
    "eval_batch_size": "integer",
    "physical_batch_size": "integer",
    "flash_attention": "boolean",
    "num_experts": "integer",
    "offload_kv_cache_to_gpu": "boolean",
    "context_checkpoints": "integer",
    "reasoning_budget_message": "text",
    "speculative_draft_mtp": "boolean",
    "speculative_draft_simple": "boolean",
    "speculative_draft_model": "text",
    "speculative_draft_max_tokens": "integer",
    "speculative_draft_min_tokens": "integer",
    "speculative_draft_min_continue_probability": "number",
}
INSTANCE_CELLS: dict[str, tuple[str, str]] = {
    "instance_id": ("id", "text"),
    "remaining_ttl_seconds": ("remaining_ttl_seconds", "integer"),
    **{f"config_{name}": (f"config.{name}", kind) for name, kind in CONFIG_CELLS.items()},
}
for table, cells, start in (
    (schema.MODELS, MODEL_CELLS, schema.MODEL),
    (schema.INSTANCES, INSTANCE_CELLS, schema.INSTANCE),
):  # newer columns, which nobody has written down above yet
    paths = {column.name: column.path.removeprefix(start) for column in table.columns if column.path.startswith(start)}
    known = {"key", *cells} | set(schema.MODELS.names if table is schema.INSTANCES else ())
    kinds = {column.name: column.kind for column in table.columns}
    cells |= {name: (path, kinds[name]) for name, path in paths.items() if name not in known}
OF_THE_MODEL = ["display_name", "type", "publisher", "architecture", "format"]
OF_THE_MODEL += ["quantization_name", "size_bytes", "max_context_length"]


def naive_cell(value: Any, kind: str) -> Any:
    """The cell of a value, or None for one of another type."""
    if kind == "list":
        texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return json.dumps(value, ensure_ascii=False) if texts else None
    if isinstance(value, bool):
        return value if kind == "boolean" else None
    if kind == "text":
        return value if isinstance(value, str) else None
    if not isinstance(value, int | float):
        return None
    if kind == "integer":
        whole = isinstance(value, int) or (value.is_integer() and abs(value) < 2**53)
        return int(value) if whole else None
    return float(value) if kind == "number" and int(float(value)) == int(value) else None


def naive_row(record: dict[str, Any], cells: dict[str, tuple[str, str]], containers: list[str]) -> dict[str, Any]:
    """The cells of one object; ``extra`` is what is left of a copy when all of them are taken out."""
    rest = copy.deepcopy(record)
    row: dict[str, Any] = {}
    for column, (path, kind) in cells.items():
        *outer, last = path.split(".")
        owner: Any = rest
        for step in outer:
            owner = owner.get(step) if isinstance(owner, dict) else None
        row[column] = None
        if isinstance(owner, dict) and last in owner:
            row[column] = naive_cell(owner[last], kind)
            if row[column] is not None or owner[last] is None:
                del owner[last]
    for path in containers:  # inner ones first
        *outer, last = path.split(".")
        owner = rest
        for step in outer:
            owner = owner.get(step) if isinstance(owner, dict) else None
        if isinstance(owner, dict) and owner.get(last, 0) in ({}, None):
            del owner[last]
    row["extra"] = json.dumps(rest, sort_keys=True, ensure_ascii=False) if rest else None
    return row


def containers(cells: dict[str, tuple[str, str]]) -> list[str]:
    """The objects that cells are in, inner ones first."""
    outer = {path.rpartition(".")[0] for path, _ in cells.values()} - {""}
    outer |= {path.rpartition(".")[0] for path in outer} - {""}
    return sorted(outer, reverse=True)


def naive(models: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Both tables as lists of rows, without server and params_count."""
    model_rows, instance_rows = [], []
    seen: dict[str, int] = {}
    for sent in sorted(models, key=lambda model: str(model["key"])):
        record = {name: value for name, value in sent.items() if name not in ("key", "loaded_instances")}
        loaded = sent.get("loaded_instances")
        wrong = [item for item in loaded if not isinstance(item, dict)] if isinstance(loaded, list) else loaded
        if wrong is not None and wrong != []:
            record["loaded_instances"] = wrong
        key = sent["key"]
        row = naive_row(record, MODEL_CELLS, containers(MODEL_CELLS))
        row |= {"key": key, "ordinal": seen.get(key, 0)}
        seen[key] = row["ordinal"] + 1
        instances = [item for item in loaded if isinstance(item, dict)] if isinstance(loaded, list) else []
        row["loaded_instance_count"] = len(instances)
        ids: dict[Any, int] = {}
        inner = []
        for instance in instances:
            cells = naive_row(instance, INSTANCE_CELLS, containers(INSTANCE_CELLS))
            cells |= {name: row[name] for name in ("key", "ordinal", *OF_THE_MODEL)}
            cells["instance_ordinal"] = ids.get(cells["instance_id"], 0)
            ids[cells["instance_id"]] = cells["instance_ordinal"] + 1
            inner.append(cells)
        inner.sort(key=lambda one: (one["instance_id"] is not None, one["instance_id"] or "", one["instance_ordinal"]))
        model_rows.append(row)
        instance_rows += inner
    return model_rows, instance_rows


def as_rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Columns as a list of rows."""
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def typed(rows: list[dict[str, Any]]) -> list[dict[str, tuple[str, Any]]]:
    """Rows whose cells also compare their types: 1, 1.0 and true are different cells."""
    return [{name: (type(cell).__name__, cell) for name, cell in row.items()} for row in rows]


def check(models: list[dict[str, Any]]) -> None:
    """The rows are those of the naive flattening, in columns as the schema lists them."""
    before = copy.deepcopy(models)
    rows = flatten(models)
    assert json.dumps(models) == json.dumps(before)
    assert tuple(rows.models) == schema.MODELS.response_names
    assert tuple(rows.instances) == schema.INSTANCES.response_names
    model_rows = [{name: cell for name, cell in row.items() if name != "params_count"} for row in as_rows(rows.models)]
    expected_models, expected_instances = naive(models)
    assert typed(model_rows) == typed(expected_models)
    assert typed(as_rows(rows.instances)) == typed(expected_instances)


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        7,
        -1,
        4096.0,
        2.0**53,
        2.5,
        2**63 - 1,
        2**53 + 1,
        "",
        "text",
        "8B",
        [],
        ["a", "b"],
        ["a", 1],
        [None],
        {},
    ]
)
NEW = st.dictionaries(
    st.sampled_from(["new", "a.b", "key_2", "config", "\u00e9"]), ODD | st.just({"x": [1, {"y": None}]}), max_size=2
)


def _object(right: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: values | st.none() | ODD for name, values in right.items()}
    return st.builds(lambda new, known: {**new, **known}, NEW, st.fixed_dictionaries({}, optional=fields))


CONFIG = _object(
    {
        "context_length": st.integers(1, 9999),
        "flash_attention": st.booleans(),
        "reasoning_budget_message": st.just(""),
        "speculative_draft_min_continue_probability": st.sampled_from([0.5, 1]),
    }
)
LOADED = _object(
    {"id": st.sampled_from(["a", "a:2", "b"]), "config": CONFIG, "remaining_ttl_seconds": st.integers(0, 60)}
)
RECORD = _object(
    {
        "type": st.sampled_from(["llm", "embedding"]),
        "size_bytes": st.integers(0, 2**40),
        "params_string": st.sampled_from(["8.0B", "752M"]),
        "quantization": _object({"name": st.just("Q4_K_M"), "bits_per_weight": st.sampled_from([4, 4.5])}),
        "capabilities": _object(
            {
                "vision": st.booleans(),
                "reasoning": _object({"default": st.just("on"), "allowed_options": st.just(["off", "on"])}),
            }
        ),
        "variants": st.lists(st.sampled_from(["a@q4", "a@q8"]), max_size=2),
        "loaded_instances": st.lists(LOADED | ODD, max_size=3),
    }
)
KEYS = st.sampled_from(["a", "b", "c", "A", "\u00e9", "a/b"])
MODELS = st.lists(st.builds(lambda record, key: {**record, "key": key}, RECORD, KEYS), max_size=5)


@pytest.mark.parametrize("name", BODIES)
def test_captured_answers(name: str) -> None:
    """Every captured answer gives the naive flattening's rows, cell by cell, without a warning."""
    models = json.loads(BODIES[name].read_bytes())["models"]
    check(models)
    assert flatten(models).warnings == []
    assert not any(flatten(models).models["extra"])


@settings(max_examples=settings().max_examples, deadline=None)
@given(MODELS)
def test_generated_answers(models: list[dict[str, Any]]) -> None:
    """Answers with missing, null, wrong and unknown fields give the naive flattening's rows, and are not changed."""
    check(models)


@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(st.lists(RECORD, max_size=6), st.randoms(use_true_random=False))
def test_order_means_nothing(records: list[dict[str, Any]], shuffler: random.Random) -> None:
    """With unique keys the order of the rows in the answer changes no table; rows come sorted."""
    models = [{**record, "key": f"key-{number}"} for number, record in enumerate(records)]
    shuffled = shuffler.sample(models, len(models))
    one, other = flatten(models), flatten(shuffled)
    assert typed(as_rows(one.models)) == typed(as_rows(other.models))
    assert typed(as_rows(one.instances)) == typed(as_rows(other.instances))
    assert other.models["key"] == sorted(other.models["key"])


@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(MODELS)
def test_counts_agree(models: list[dict[str, Any]]) -> None:
    """loaded_instance_count is the number of instance rows of that model, and every row's keys are its own."""
    rows = flatten(models)
    owners = list(zip(rows.instances["key"], rows.instances["ordinal"], strict=True))
    keys = list(zip(rows.models["key"], rows.models["ordinal"], strict=True))
    assert [owners.count(key) for key in keys] == rows.models["loaded_instance_count"]
    assert len(set(keys)) == len(keys) == len(models)
    ids = list(zip(owners, rows.instances["instance_id"], rows.instances["instance_ordinal"], strict=True))
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("column", "path", "kind"), [(name, *where) for name, where in MODEL_CELLS.items()])
def test_a_wrong_type_empties_one_cell(column: str, path: str, kind: str) -> None:
    """A value of the wrong type empties its own cell only, is kept in extra at its path, and is told once."""
    right = json.loads(BODIES["21-docs-example-2026-04"].read_bytes())["models"][0]
    right |= {"description": "d", "capabilities": {**right["capabilities"], "reasoning": {"default": "on"}}}
    wrong = copy.deepcopy(right)
    value: Any = {"text": 5, "integer": "5", "number": "5", "boolean": 1, "list": ["a", 5]}[kind]
    *outer, last = path.split(".")
    owner, extra = wrong, value
    for step in outer:
        owner = owner[step]
    owner[last] = value
    for step in reversed(path.split(".")):
        extra = {step: extra}
    before, after = flatten([right]), flatten([wrong])
    differing = {name for name in before.models if before.models[name] != after.models[name]}
    follows = {"params_count"} if column == "params_string" else set()
    empty = {column} if before.models[column] != [None] else set()
    assert differing == {"extra"} | empty | follows
    assert json.loads(after.models["extra"][0]) == extra
    (warning,) = after.warnings
    assert warning.startswith(f"models[0].{path} is not ")


@pytest.mark.parametrize(
    ("sent", "cell"),
    [(4, 4.0), (4.5, 4.5), (2**53, 2.0**53), (2**53 + 1, None), (2**62, 2.0**62), (2**63 - 1, None)],
)
def test_no_number_is_rounded(sent: float, cell: float | None) -> None:
    """A whole number fits a column of numbers where nothing of it is lost; else it stands in extra, every digit."""
    rows = flatten([{"key": "a", "quantization": {"bits_per_weight": sent}}])
    assert rows.models["quantization_bits_per_weight"] == [cell]
    kept = json.loads(rows.models["extra"][0] or "{}")
    assert kept == ({} if cell is not None else {"quantization": {"bits_per_weight": sent}})


def test_warnings_are_gathered() -> None:
    """What is odd in the same way in many rows becomes one warning with the first place."""
    models = [{"key": str(number), "size_bytes": "big"} for number in range(1500)]
    (warning,) = flatten(models).warnings
    assert warning.startswith("models[0].size_bytes is not a whole number")
    assert warning.endswith("(and 1,499 more such rows)")


def test_warnings_tell_the_place_in_the_answer() -> None:
    """A warning's place counts rows and instances as they were sent, not as they are sorted or kept."""
    models: list[dict[str, Any]] = [
        {"key": "z", "loaded_instances": [5, {"id": "i", "config": {"parallel": "4"}}]},
        {"key": "a"},
    ]
    warnings = flatten(models).warnings
    assert any(text.startswith("models[0].loaded_instances holds something other") for text in warnings)
    assert any(text.startswith("models[0].loaded_instances[1].config.parallel is not") for text in warnings)


def test_repeated_keys() -> None:
    """Rows with one key are kept, numbered in the order sent, and told."""
    rows = flatten([{"key": "a", "format": "mlx"}, {"key": "b"}, {"key": "a", "format": "gguf"}])
    assert rows.models["key"] == ["a", "a", "b"]
    assert rows.models["ordinal"] == [0, 1, 0]
    assert rows.models["format"] == ["mlx", "gguf", None]
    assert rows.warnings == ["the key 'a' came 2 times; the rows are numbered by `ordinal`"]


def test_no_models() -> None:
    """An answer without models has all columns and no rows."""
    check([])
    assert all(column == [] for column in flatten([]).models.values())


def _loaded(name: str, instances: int) -> list[dict[str, Any]]:
    """One model with a name and some instances."""
    return [{"key": "a", "display_name": name, "loaded_instances": [{"id": "i"}] * instances}]


@pytest.mark.parametrize(
    "models",
    [
        _loaded("n" * 100_000, 11),
        [*_loaded("n" * 300, 100_000), *_loaded("n" * 900, 50_000)],
        [{"key": "k" * 1_050_000}],
        [{"key": f"{number:09}" * 12_000} for number in range(10)],
        [{"key": "a", "loaded_instances": [{"id": "i" * 1_050_000}]}],
        [{"key": "a", "publisher": "p" * 600_000}, {"key": "b", "architecture": "a" * 600_000}],
    ],
    ids=["a name", "two names", "a key", "keys", "an id", "others"],
)
def test_names_may_not_fill_the_memory(models: list[dict[str, Any]]) -> None:
    """Names that are too long for how often they stand in rows are refused: LM Studio's are short."""
    with pytest.raises(Invalid, match="at models: names of models or instances so long"):
        flatten(models)


@pytest.mark.parametrize(
    ("models", "rows"),
    [
        (_loaded("n" * 100_000, 9), 1),
        (_loaded("n" * 250, 100_000), 1),
        ([{"key": "k" * 1_048_000}], 1),
        ([{"key": f"{number:0240}"} for number in range(20_000)], 20_000),
        ([{"key": f"k{number}", "description": "d" * 1_000_000} for number in range(20)], 20),
    ],
    ids=["a name", "many instances", "a key", "many models", "long texts that name nothing"],
)
def test_long_names_and_texts(models: list[dict[str, Any]], rows: int) -> None:
    """What is below that is kept, and so is any other text, however long."""
    found = flatten(models)
    assert len(found.models["key"]) == rows
    assert found.models["description"] == [one.get("description") for one in sorted(models, key=lambda one: one["key"])]


def test_many_repeated_keys_are_counted() -> None:
    """Twenty keys that came more than once are told by name, the others by their number."""
    told = flatten([{"key": f"k{number % 1000}"} for number in range(2000)]).warnings
    assert len(told) == 21
    assert told[0] == "the key 'k0' came 2 times; the rows are numbered by `ordinal`"
    assert told[-1] == "980 more keys came more than once; the rows are numbered by `ordinal`"
