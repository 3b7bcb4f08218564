"""The tables, column by column."""

import dataclasses
import re
import subprocess
import sys

import pytest
from support.schema_versions import fingerprint, known, problem

from inventory import errors, schema

KINDS = {"text", "integer", "number", "boolean", "time", "list", "object", "value"}
NAMES = {
    "observations": "run_id server url labels observed_at status error http_status latency_ms model_count "
    "instance_count size_bytes payload_digest digest stored_in warnings source",
    "models": "server key ordinal type publisher display_name architecture quantization_name "
    "quantization_bits_per_weight size_bytes params_string params_count max_context_length format capabilities_vision "
    "capabilities_trained_for_tool_use capabilities_reasoning_default capabilities_reasoning_allowed_options "
    "description variants selected_variant loaded_instance_count extra",
    "instances": "server key ordinal instance_id instance_ordinal display_name type publisher architecture format "
    "quantization_name size_bytes max_context_length config_context_length config_parallel config_eval_batch_size "
    "config_physical_batch_size config_flash_attention config_num_experts config_offload_kv_cache_to_gpu "
    "config_context_checkpoints config_reasoning_budget_message config_speculative_draft_mtp "
    "config_speculative_draft_simple config_speculative_draft_model config_speculative_draft_max_tokens "
    "config_speculative_draft_min_tokens config_speculative_draft_min_continue_probability remaining_ttl_seconds extra",
    "changes": "server grain key ordinal instance_id instance_ordinal display_name change field old new",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_and_order(name: str) -> None:
    """Each table has the columns that people's scripts rely on, in their order; new ones may stand between them."""
    relied_on = NAMES[name].split()
    assert [column for column in schema.TABLES[name].names if column in relied_on] == relied_on


def test_there_are_no_other_tables() -> None:
    """The tables are these four; the two grains are the models and the instances."""
    assert set(schema.TABLES) == set(NAMES)
    assert {grain: table.name for grain, table in schema.GRAIN_TABLES.items()} == {
        "model": "models",
        "instance": "instances",
    }


@pytest.mark.parametrize("table", schema.TABLES.values(), ids=list(schema.TABLES))
def test_columns_are_described(table: schema.Table) -> None:
    """Each column has a known kind and a meaning that is a sentence, and a name that no other has."""
    assert len(set(table.names)) == len(table.names)
    for column in table.columns:
        assert column.kind in KINDS
        assert re.fullmatch(r"\S.*\.", column.meaning)
        assert re.fullmatch(r"[a-z][a-z_]*", column.name)


@pytest.mark.parametrize("table", [schema.MODELS, schema.INSTANCES], ids=["models", "instances"])
def test_names_follow_the_path(table: schema.Table) -> None:
    """A column that LM Studio sends is called by its JSON path joined by underscores; an instance's id says whose."""
    for column in table.columns:
        if column.path:
            path = column.path.removeprefix(schema.INSTANCE).removeprefix(schema.MODEL)
            assert column.name == ("instance_id" if path == "id" else path.replace(".", "_"))


@pytest.mark.parametrize("table", [schema.MODELS, schema.INSTANCES], ids=["models", "instances"])
def test_what_is_compared(table: schema.Table) -> None:
    """Counters, clocks, keys and what follows from other columns are not compared; everything else is."""
    told = {
        "models": {"params_count", "loaded_instance_count", "as_of"},
        "instances": {"remaining_ttl_seconds", "as_of", *(name for name in schema.MODELS.names if name != "extra")},
    }[table.name]
    assert set(table.compared) == set(table.names) - set(table.keys) - told


def test_keys() -> None:
    """A row is identified by these columns."""
    assert schema.MODELS.keys == ("server", "key", "ordinal")
    assert schema.INSTANCES.keys == ("server", "key", "ordinal", "instance_id", "instance_ordinal")


def test_statuses_are_the_errors() -> None:
    """Each status but ok and suspect is the word of one error, and each such error has a status of the list."""
    words = [error.status for error in errors.ServerError.__subclasses__()]
    assert sorted(words) == sorted(set(schema.STATUSES) - {"ok", "suspect"})


def test_it_imports_nothing_heavy() -> None:
    """Reading the schema imports neither pandas nor pyarrow."""
    code = "import sys, inventory.schema; print(sorted({'pandas', 'pyarrow', 'numpy', 'httpx'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_other_columns_are_another_version() -> None:
    """Whoever changes the columns raises SCHEMA_VERSION, by which files of other versions are recognized."""
    assert problem(known()) == ""


def test_a_column_without_a_new_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new column under the old number, or a new number without a new column, is told in a sentence."""
    before = {schema.SCHEMA_VERSION: fingerprint()}
    column = schema.Column("not_yet_known", schema.TEXT, path=schema.MODEL + "not_yet_known")
    models = dataclasses.replace(schema.MODELS, columns=(*schema.MODELS.columns, column))
    number = schema.SCHEMA_VERSION
    monkeypatch.setattr(schema, "SCHEMA_VERSION", number + 1)
    assert problem(before).endswith(f"but the columns are still those of version {number}")
    monkeypatch.setitem(schema.TABLES, "models", models)
    assert problem(before) == (
        f"schema version {number + 1} is new: run .venv/bin/python tests/generate.py, which records its columns"
    )
    monkeypatch.setattr(schema, "SCHEMA_VERSION", number)
    assert f"set SCHEMA_VERSION in inventory/schema/__init__.py to {number + 1}" in problem(before)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", number + 2)
    assert problem(before) == f"SCHEMA_VERSION is {number + 2}; the next one is {number + 1}"
