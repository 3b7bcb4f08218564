"""Responses of LM Studio's older API, converted to today's, so that one server's responses can be compared.

``GET /api/v0/models`` lists ``{id, object, type, publisher, arch, compatibility_type, quantization, state,
max_context_length, loaded_context_length?, capabilities?}``: facts from LM Studio's documentation and from captured
bodies (``tests/payloads/v0``). A field is filled only where today's API fills it, and with its words: otherwise an
updated server would seem to have changed all its models. Fields that today's API lacks go to ``extra``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_LISTS_LOADED_ONLY = (
    "read through the older GET /api/v0/models, which lists loaded models only when just-in-time loading is off"
)
_NAMES = {"id": "key", "compatibility_type": "format"}
_TAKEN = frozenset({"type", "arch", "quantization", "object", "capabilities", "state", "loaded_context_length"})
_OURS = frozenset({"key", "format", "architecture", "loaded_instances", "v0"})  # names that mean something else there
_TYPES = {"vlm": "llm", "embeddings": "embedding"}
_TOOL_USE = "tool_use"


def warning(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the warning that belongs to a response with these rows."""
    if all(row.get("state") == "loaded" for row in rows):
        return f"{_LISTS_LOADED_ONLY}: only loaded models came, so there may be others"
    return _LISTS_LOADED_ONLY


def as_records(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Convert the rows of a response to today's API; the argument is not changed."""
    tells_tool_use = any(isinstance(names := row.get("capabilities"), list) and _TOOL_USE in names for row in rows)
    return [_record(row, tells_tool_use=tells_tool_use) for row in rows]


def _record(row: Mapping[str, Any], *, tells_tool_use: bool) -> dict[str, Any]:
    """Convert one model.

    Args:
        row: as the older API lists it.
        tells_tool_use: whether the answer names that capability at all: then a language model without it lacks it.
    """
    kind = row.get("type")
    record = {_NAMES.get(name, name): value for name, value in row.items() if name not in _TAKEN | _OURS}
    if strange := {name: row[name] for name in row.keys() & _OURS}:
        record["v0"] = strange
    if "type" in row:
        record["type"] = _TYPES.get(kind, kind) if isinstance(kind, str) else kind
    if "arch" in row:  # today's API tells no architecture of embeddings
        record["arch" if kind == "embeddings" else "architecture"] = row["arch"]
    if row.get("quantization") is not None:
        record["quantization"] = {"name": row["quantization"]}
    if row.get("object", "model") != "model":
        record["object"] = row["object"]
    capabilities = _capabilities(row, is_language=kind in ("llm", "vlm"), tells_tool_use=tells_tool_use)
    if capabilities:
        record["capabilities"] = capabilities
    return record | _loaded(row)


def _capabilities(row: Mapping[str, Any], *, is_language: bool, tells_tool_use: bool) -> dict[str, Any]:
    named = row.get("capabilities")
    words = named if isinstance(named, list) else []
    capabilities: dict[str, Any] = {"vision": row["type"] == "vlm"} if is_language else {}
    if _TOOL_USE in words or (is_language and tells_tool_use):
        capabilities["trained_for_tool_use"] = _TOOL_USE in words
    further = [word for word in words if word != _TOOL_USE] if isinstance(named, list) else named
    return capabilities | ({"further": further} if further else {})


def _loaded(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the instance of a loaded model, whose id is the model's own; keep the context of an unloaded one."""
    state, context = row.get("state"), row.get("loaded_context_length")
    config = {} if context is None else {"context_length": context}
    if state == "loaded":
        return {"loaded_instances": [{"id": row["id"], "config": config}]}
    unloaded = {} if context is None else {"loaded_context_length": context}
    return {"loaded_instances": [], **unloaded, **({} if state == "not-loaded" else {"state": state})}
