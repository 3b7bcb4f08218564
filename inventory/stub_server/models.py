"""Sample models, as LM Studio 0.4.25 lists them.

Each row has the fields of a captured one of its kind (``tests/payloads/v1``): models of LM Studio's hub have variants,
a side-loaded file has none and, once seen, no quantization; an embedding has neither capabilities nor a description;
the configuration of an instance depends on the engine that runs it.
"""

import copy
import re
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]

BUNDLED = "text-embedding-nomic-embed-text-v1.5"
"""The embedding model that comes with LM Studio."""

_DEFAULT_CONTEXT = 4096
_DEFAULT_EXPERTS = 8


def inventory_before() -> list[Row]:
    """Return the first inventory of the stand-in: six models, three instances."""
    return [
        _hub_llm(
            "google/gemma-4-26b-a4b", "Gemma 4 26B A4B", "gemma4", "Q4_K_M", 4, 17_990_911_801, "26B-A4B", 262_144,
            vision=True, reasoning=["off", "on"], instances=[("google/gemma-4-26b-a4b", 4096, 8, 3600)],
        ),
        _hub_llm(
            "openai/gpt-oss-20b", "GPT-OSS 20B", "gpt-oss", "MXFP4", 4, 12_109_566_560, "20B", 131_072,
            reasoning=["low", "medium", "high"],
            instances=[("openai/gpt-oss-20b", 32_768, 4, None), ("openai/gpt-oss-20b:2", 65_536, 4, None)],
        ),
        _hub_llm(
            "qwen/qwen3-8b", "Qwen3 8B", "qwen3", "4bit", 4, 5_027_783_872, "8B", 40_960,
            file_format="mlx", reasoning=["off", "on"],
        ),
        _sideloaded(
            _hub_llm(
                "mistralai/codestral-22b-v0.1", "Codestral 22B v0.1", "llama", "Q4_K_M", 4, 13_341_242_080, "22B",
                32_768,
            )
        ),
        _hub_llm("microsoft/phi-4", "Phi 4", "phi3", "Q8_0", 8, 15_580_500_000, "15B", 16_384),
        _bundled(),
    ]  # fmt: skip


def inventory_after() -> list[Row]:
    """Return the later inventory.

    Granite was added, Codestral removed, Phi 4 is now Q4_K_M, and the second instance of GPT-OSS has twice the context.
    """
    models = [row for row in inventory_before() if row["key"] != "mistralai/codestral-22b-v0.1"]
    by_key = {row["key"]: row for row in models}
    by_key["microsoft/phi-4"] |= {
        "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
        "size_bytes": 9_053_114_816,
        "variants": ["microsoft/phi-4@q8_0", "microsoft/phi-4@q4_k_m"],
        "selected_variant": "microsoft/phi-4@q4_k_m",
    }
    by_key["openai/gpt-oss-20b"]["loaded_instances"][1]["config"]["context_length"] = 131_072
    return [
        *models,
        _hub_llm(
            "ibm/granite-4-h-tiny", "Granite 4.0 H Tiny", "granitehybrid", "Q4_K_M", 4, 4_230_976_352, "7B", 1_048_576
        ),
    ]


def load_config(row: Mapping[str, Any], requested: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a new instance of a model.

    It holds what the engine of the model has, and no other field. The embedding and the MLX models that were captured
    were loaded with their longest context, whatever was requested.

    Args:
        row: the model.
        requested: the fields of the request to load it.
    """
    longest = row.get("max_context_length")
    longest = longest if isinstance(longest, int) and longest > 0 else _DEFAULT_CONTEXT
    if row.get("type") == "embedding":
        return {"context_length": longest}
    if row.get("format") == "mlx":
        return {"context_length": longest, "parallel": 4, "reasoning_budget_message": ""}
    config = _gguf_config(min(requested.get("context_length", _DEFAULT_CONTEXT), longest), _experts(row))
    return config | {name: value for name, value in requested.items() if name in config and name != "context_length"}


def _experts(row: Mapping[str, Any]) -> int | None:
    """Return how many experts a mixture-of-experts model uses; None for another model."""
    for instance in row.get("loaded_instances") or ():
        config = instance.get("config") if isinstance(instance, dict) else None
        if isinstance(config, dict) and isinstance(config.get("num_experts"), int):
            return int(config["num_experts"])
    return _DEFAULT_EXPERTS if re.search(r"-A\d", str(row.get("params_string"))) else None


def _gguf_config(context: int, experts: int | None = None) -> dict[str, Any]:
    """Return the configuration of an instance that llama.cpp runs."""
    return {
        "context_length": context,
        "eval_batch_size": 2048,
        "physical_batch_size": 512,
        "parallel": 4,
        "flash_attention": True,
        "context_checkpoints": 32,
        "reasoning_budget_message": "",
        "speculative_draft_mtp": False,
        "speculative_draft_simple": False,
        "speculative_draft_model": "",
        "speculative_draft_max_tokens": 3,
        "speculative_draft_min_tokens": 0,
        "speculative_draft_min_continue_probability": 0,
        **({} if experts is None else {"num_experts": experts}),
        "offload_kv_cache_to_gpu": True,
    }


def _hub_llm(
    key: str,
    name: str,
    architecture: str,
    quantization: str,
    bits: int,
    size: int,
    params: str,
    context: int,
    *,
    file_format: str = "gguf",
    vision: bool = False,
    reasoning: list[str] | None = None,
    instances: list[tuple[str, int, int | None, int | None]] | None = None,
) -> Row:
    """Return one model of LM Studio's hub; its size is in bytes, its longest context in tokens.

    Each of its instances is given by its id, its context, its experts, and, if it was loaded just in time, the seconds
    until it is unloaded.
    """
    capabilities: dict[str, Any] = {"vision": vision, "trained_for_tool_use": True}
    if reasoning:
        capabilities["reasoning"] = {"allowed_options": reasoning, "default": reasoning[-1]}
    return {
        "type": "llm",
        "publisher": key.partition("/")[0],
        "key": key,
        "display_name": name,
        "architecture": architecture,
        "quantization": {"name": quantization, "bits_per_weight": bits},
        "size_bytes": size,
        "params_string": params,
        "loaded_instances": [
            {
                "id": instance,
                "config": _gguf_config(length, experts),
                **({} if seconds is None else {"remaining_ttl_seconds": seconds}),
            }
            for instance, length, experts, seconds in instances or ()
        ],
        "max_context_length": context,
        "format": file_format,
        "capabilities": capabilities,
        "description": None,
        "variants": [f"{key}@{quantization.lower()}"],
        "selected_variant": f"{key}@{quantization.lower()}",
    }


def _sideloaded(row: Row) -> Row:
    """Return a model as it is listed when its file was put beside LM Studio's own, with an unknown quantization."""
    return {name: value for name, value in row.items() if name not in ("variants", "selected_variant")} | {
        "quantization": None
    }


def _bundled() -> Row:
    return {
        "type": "embedding",
        "publisher": "nomic-ai",
        "key": BUNDLED,
        "display_name": "Nomic Embed Text v1.5",
        "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
        "size_bytes": 84_106_624,
        "params_string": None,
        "loaded_instances": [],
        "max_context_length": 2048,
        "format": "gguf",
    }


def bundled_only(models: list[Row]) -> list[Row]:
    """Return the bundled embedding model alone, as it is among the models or as LM Studio brings it."""
    return copy.deepcopy([row for row in models if row.get("key") == BUNDLED]) or [_bundled()]
