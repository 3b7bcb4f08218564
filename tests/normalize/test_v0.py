"""The older API's records as those of today's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from inventory import schema
from inventory.errors import ServerError
from inventory.normalize.flatten import Rows, flatten
from inventory.normalize.response import PATHS, decode

OLDER = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parent.parent / "payloads/v0").glob("*.json"))}
ROW = {"id": "a", "object": "model", "type": "llm", "state": "not-loaded", "max_context_length": 8192}


def read(body: bytes) -> Rows:
    """The rows of an answer of the older API."""
    return flatten(decode(body, apis=("lmstudio_v0",)).models)


def row(**fields: Any) -> dict[str, Any]:
    """What becomes of one model: its values."""
    rows = read(json.dumps({"object": "list", "data": [ROW | fields]}).encode())
    return {name: values[0] for name, values in rows.models.items() if values[0] is not None}


@pytest.mark.parametrize("name", OLDER)
def test_captured_answers_are_read(name: str) -> None:
    """Each captured answer gives a row a model with nothing odd, and an instance for each that is loaded."""
    document = json.loads(OLDER[name])
    rows = read(OLDER[name])
    assert rows.warnings == []
    assert rows.models["key"] == sorted(model["id"] for model in document["data"])
    assert rows.instances["key"] == rows.instances["instance_id"]
    assert dict(zip(rows.instances["key"], rows.instances["config_context_length"], strict=True)) == {
        model["id"]: model["loaded_context_length"] for model in document["data"] if model["state"] == "loaded"
    }


def test_fields_have_the_columns_of_today() -> None:
    """Names and words are those of today's API; what it does not tell stays empty."""
    rows = read(OLDER["02-ovisocr2-2026-10"])
    at = rows.models["key"].index("ath-maas_ovisocr2")
    assert {name: values[at] for name, values in rows.models.items() if values[at] is not None} == {
        "key": "ath-maas_ovisocr2",
        "ordinal": 0,
        "type": "llm",
        "publisher": "bartowski",
        "architecture": "qwen35",
        "quantization_name": "Q8_0",
        "max_context_length": 262144,
        "format": "gguf",
        "capabilities_vision": True,
        "capabilities_trained_for_tool_use": True,
        "loaded_instance_count": 1,
    }


def test_the_same_machine_says_the_same_in_both(payloads: Mapping[str, bytes]) -> None:
    """Of one machine, captured through both APIs, every value that the older one tells is today's."""
    older = read(OLDER["02-ovisocr2-2026-10"])
    today = flatten(decode(payloads["06-ovisocr2-2026-10"]).models)
    for grain, table in (("models", schema.MODELS), ("instances", schema.INSTANCES)):
        for name in table.response_names[:-1]:
            for was, now in zip(getattr(older, grain)[name], getattr(today, grain)[name], strict=True):
                assert was in (None, now), name


def test_nothing_is_lost() -> None:
    """Unknown fields, further capabilities, and known fields in odd places are kept in extra."""
    told = row(
        new=1, capabilities=["tool_use", "mystery"], state="loading", loaded_context_length=5, object="thing", key="k"
    )
    assert told["key"] == "a", "a field that is called like one of today's does not take its place"
    assert json.loads(told["extra"]) == {
        "new": 1,
        "capabilities": {"further": ["mystery"]},
        "state": "loading",
        "loaded_context_length": 5,
        "object": "thing",
        "v0": {"key": "k"},
    }
    assert json.loads(row(type="embeddings", arch="nomic-bert")["extra"]) == {"arch": "nomic-bert"}
    assert json.loads(row(capabilities={"odd": 1})["extra"]) == {"capabilities": {"further": {"odd": 1}}}
    assert json.loads(row(quantization=4)["extra"]) == {"quantization": {"name": 4}}


def test_types() -> None:
    """Vision models are llm with vision, embeddings are embedding, and other words pass."""
    assert (row(type="vlm")["type"], row(type="vlm")["capabilities_vision"]) == ("llm", True)
    assert (row()["type"], row()["capabilities_vision"]) == ("llm", False)
    assert "capabilities_vision" not in row(type="embeddings")
    assert row(type="embeddings")["type"] == "embedding"
    assert row(type="tts")["type"] == "tts"


def test_a_missing_capability_is_told_only_where_capabilities_are() -> None:
    """Early versions tell no capabilities: then nothing is known; else a language model without tool_use lacks it."""
    assert "capabilities_trained_for_tool_use" not in row()
    body = {"data": [ROW, ROW | {"id": "b", "capabilities": ["tool_use"]}, ROW | {"id": "c", "type": "embeddings"}]}
    assert read(json.dumps(body).encode()).models["capabilities_trained_for_tool_use"] == [False, True, None]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"object": "list", "data": [{"id": "gpt", "object": "model", "owned_by": "x"}]}', "not_lm_studio"),
        (b'{"models": [{"key": "a"}]}', "not_lm_studio"),
        (b'{"models": [], "data": []}', "not_lm_studio"),
        (b'{"data": {}}', "not_lm_studio"),
        (b'{"data": [{"state": "loaded"}]}', "invalid"),
        (b'{"data": [{"id": "", "state": "loaded"}]}', "invalid"),
        (b'{"data": [{"id": 7, "state": "loaded"}]}', "invalid"),
        (b'{"data": [{"id": "a", "state": "loaded"}, 7]}', "invalid"),
        (b'{"data": [[]]}', "invalid"),
        (b'{"error": "Unexpected endpoint or method. (GET /api/v0/models)"}', "too_old"),
    ],
)
def test_other_answers_are_refused(body: bytes, status: str) -> None:
    """An OpenAI-compatible list, today's answer and rows without an id are no answers of the older API."""
    with pytest.raises(ServerError) as caught:
        decode(body, apis=("lmstudio_v0",))
    assert caught.value.status == status


@pytest.mark.parametrize("name", OLDER)
def test_an_answer_says_by_itself_which_api_it_came_from(name: str, payloads: Mapping[str, bytes]) -> None:
    """Of both APIs only one accepts a body, and both together accept it as that one does."""
    with pytest.raises(ServerError):
        decode(OLDER[name])
    assert decode(OLDER[name], apis=PATHS).models == decode(OLDER[name], apis=("lmstudio_v0",)).models
    for body in payloads.values():
        assert decode(body, apis=PATHS).models == decode(body).models
        with pytest.raises(ServerError):
            decode(body, apis=("lmstudio_v0",))


def test_that_there_may_be_more_models_is_told() -> None:
    """Every answer warns of what the older API leaves out, and more so when only loaded models came."""
    for name, body in OLDER.items():
        (warning,) = decode(body, apis=("lmstudio_v0",)).warnings
        assert "lists loaded models only when just-in-time loading is off" in warning
        assert ("there may be others" in warning) == ("bugtracker" in name)
