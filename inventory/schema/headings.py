"""What people call a column: one name for the terminal, the workbook's heads, the page and the lines of changes."""

from functools import lru_cache

_HEADINGS = {
    "as_of": "As of",
    "collected_at": "Collected",
    "config_context_length": "Context",
    "config_eval_batch_size": "Evaluation batch",
    "config_num_experts": "Experts",
    "config_offload_kv_cache_to_gpu": "KV cache on the GPU",
    "capabilities_trained_for_tool_use": "Tool use",
    "display_name": "Model",
    "http_status": "HTTP status",
    "instance_count": "Loaded",
    "instance_id": "Instance",
    "json_path": "JSON path",
    "latency_ms": "Latency (ms)",
    "loaded_instance_count": "Loaded",
    "longest_silence": "Longest silence (days)",
    "max_context_length": "Max context",
    "model_count": "Models",
    "params_string": "Params",
    "payload_digest": "SHA-256 of the answer",
    "quantization_bits_per_weight": "Bits per weight",
    "quantization_name": "Quantization",
    "remaining_ttl_seconds": "Unloads in",
    "run_id": "Run",
    "servers_ok": "Servers read",
    "size_bytes": "Size",
    "stored_in": "Stored in run",
    "url": "Address",
}
"""Columns whose name for people is not just their name without underscores. No table has one of them twice."""

_GROUPS = ("capabilities_", "config_")


@lru_cache(maxsize=1000)
def heading(name: str) -> str:
    """Name a column or a field for people: Context for config_context_length; unknown fields keep their path."""
    if name.startswith("extra"):
        return name
    if name not in _HEADINGS:
        for group in _GROUPS:
            name = name.removeprefix(group)
    return _HEADINGS.get(name, name.replace("_", " ").capitalize())
