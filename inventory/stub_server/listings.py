"""The models as the older API of LM Studio and that of OpenAI list them."""

from collections.abc import Sequence
from typing import Any

from inventory.stub_server.models import Row


def as_v0(models: Sequence[Row]) -> list[dict[str, Any]]:
    """Return models as ``GET /api/v0/models`` lists them (``tests/payloads/v0``)."""
    return [_v0_row(row) for row in models if "key" in row]


def as_openai(models: Sequence[Row]) -> list[dict[str, Any]]:
    """Return models as ``GET /v1/models`` lists them, each key once."""
    keys = dict.fromkeys(str(row["key"]) for row in models if "key" in row)
    return [{"id": key, "object": "model", "owned_by": "organization_owner"} for key in keys]


def _v0_row(row: Row) -> dict[str, Any]:
    capabilities = _object(row.get("capabilities"))
    instances = row.get("loaded_instances")
    loaded = instances if isinstance(instances, list) else []
    kind = "vlm" if capabilities.get("vision") else row.get("type")
    fields = {
        "id": row["key"],
        "object": "model",
        "type": "embeddings" if kind == "embedding" else kind,
        "publisher": row.get("publisher"),
        "arch": row.get("architecture"),
        "compatibility_type": row.get("format"),
        "quantization": _object(row.get("quantization")).get("name"),
        "state": "loaded" if loaded else "not-loaded",
        "max_context_length": row.get("max_context_length"),
        "loaded_context_length": _object(_object(loaded[0]).get("config")).get("context_length") if loaded else None,
        "capabilities": ["tool_use"] if capabilities.get("trained_for_tool_use") else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _object(value: object) -> dict[str, Any]:
    """Return a JSON object as it is, and an empty one for everything else: a body may hold anything."""
    return value if isinstance(value, dict) else {}
