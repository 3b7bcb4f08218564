"""Answers of a fleet that does not exist: LM Studio-shaped, skewed as real ones are, the same for the same seed.

Few models are on many servers and most on few; most servers have few models, some have sixty; few models are loaded.
What is counted is how real answers vary; what is in them follows the captured bodies in ``tests/payloads``.
"""

import copy
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

Model = dict[str, Any]

SEED = 20261123
MOST = 60  # models on a server
_CATALOGUE = 300  # models that exist
_FAMILIES = (
    ("qwen", "Qwen3", "qwen3", 40_960),
    ("google", "Gemma 4", "gemma4", 262_144),
    ("mistralai", "Mistral Small", "llama", 32_768),
    ("openai", "GPT-OSS", "gpt-oss", 131_072),
    ("microsoft", "Phi 4", "phi3", 16_384),
    ("deepseek-ai", "DeepSeek R1 Distill", "llama", 131_072),
    ("ibm", "Granite 4 H", "granitehybrid", 1_048_576),
)
_SIZES = (("0.6B", 0.6), ("4B", 4.0), ("8B", 8.0), ("14B", 14.0), ("35B-A3B", 35.0), ("70B", 70.0))
_QUANTIZATIONS = (("Q4_K_M", 4), ("Q8_0", 8), ("Q6_K", 6), ("MXFP4", 4), ("4bit", 4))
_CONTEXTS = (4096, 8192, 16_384, 32_768)


def catalogue(seed: int = SEED) -> list[Model]:
    """The models that there are, the most popular first."""
    chance = random.Random(seed)
    models = [_embedding()]
    for number in range(_CATALOGUE - 1):
        publisher, family, architecture, context = chance.choice(_FAMILIES)
        params, billions = chance.choice(_SIZES)
        quantization, bits = chance.choice(_QUANTIZATIONS)
        name = f"{family} {params} v{number}"
        key = f"{publisher}/{name.lower().replace(' ', '-')}"
        capabilities: dict[str, Any] = {"vision": chance.random() < 0.2, "trained_for_tool_use": chance.random() < 0.7}
        if chance.random() < 0.4:
            capabilities["reasoning"] = {"allowed_options": ["off", "on"], "default": "on"}
        variants = {"variants": [f"{key}@{quantization.lower()}"], "selected_variant": f"{key}@{quantization.lower()}"}
        models.append(
            {
                "type": "llm",
                "publisher": publisher,
                "key": key,
                "display_name": name,
                "architecture": architecture,
                "quantization": {"name": quantization, "bits_per_weight": bits},
                "size_bytes": int(billions * bits * 125_000_000) + chance.randrange(10**6),
                "params_string": params,
                "loaded_instances": [],
                "max_context_length": context,
                "format": "mlx" if quantization == "4bit" else "gguf",
                "capabilities": capabilities,
                "description": None,
                **(variants if chance.random() < 0.6 else {}),
            }
        )
    return models


def fleet(servers: int, *, models: int | None = None, unique: bool = False, seed: int = SEED) -> list[bytes]:
    """The body that each server of a fleet answers with.

    Args:
        servers: how many.
        models: on each of them; by default from 3 to 60, most of them few.
        unique: no row of one server is a row of another: fine-tunes of one's own instead of popular models.
        seed: another gives another fleet.
    """
    chance = random.Random(seed)
    known = catalogue(seed)
    popular = [1 / (rank + 1) for rank in range(len(known))]
    answers = []
    for number in range(servers):
        count = models or min(MOST, 2 + int(chance.paretovariate(0.8)))
        found = {0: None, **dict.fromkeys(chance.choices(range(len(known)), popular, k=count))}
        found |= dict.fromkeys(chance.sample(range(len(known)), min(count, len(known))))
        rows = [known[place] for place in list(found)[:count]]
        if unique:
            rows = [_own(row, number, chance) for row in rows]
        answers.append(
            _body(
                [_loaded(row, chance) if place < 2 and chance.random() < 0.6 else row for place, row in enumerate(rows)]
            )
        )
    return answers


def one_body(models: int, seed: int = SEED) -> bytes:
    """One answer with so many models, no two of them alike."""
    chance = random.Random(seed)
    known = catalogue(seed)
    rows = [_own(known[number % len(known)], number, chance) for number in range(models)]
    return _body([_loaded(row, chance) if number % 20 == 0 else row for number, row in enumerate(rows)])


def changed(answers: Sequence[bytes], share: float, seed: int) -> dict[int, bytes]:
    """The new bodies, by number, of the servers on which something happened: one model came, went or is another now.

    Args:
        answers: what they answered before.
        share: of the servers; of a share that is not 0, one at least.
        seed: another lets other things happen.
    """
    chance = random.Random(seed)
    count = min(len(answers), max(1, round(share * len(answers)))) if share else 0
    return {
        number: _changed(answers[number], f"{seed}-{number}", chance)
        for number in sorted(chance.sample(range(len(answers)), count))
    }


def _changed(body: bytes, name: str, chance: random.Random) -> bytes:
    models: list[Model] = json.loads(body)["models"]
    what = chance.choice(("reconfigured", "reconfigured", "added", "removed", "loaded"))
    place = chance.randrange(1, len(models))
    row = models[place]
    if what == "added":
        models.append({**row, "key": f"{row['key']}-{name}", "display_name": f"{row['display_name']} {name}"})
    elif what == "removed" and len(models) > 3:
        del models[place]
    elif what == "loaded":
        models[place] = {**row, "loaded_instances": []} if row["loaded_instances"] else _loaded(row, chance)
    else:
        row["size_bytes"] += chance.randrange(1, 10**6)
    return _body(models)


def _body(models: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps({"models": models}).encode()


def _own(row: Model, number: int, chance: random.Random) -> Model:
    tuned = {"key": f"{row['key']}-{number:06d}", "size_bytes": row["size_bytes"] + chance.randrange(10**6)}
    return {**row, **tuned}


def _loaded(row: Model, chance: random.Random) -> Model:
    if row["type"] == "embedding":
        return row
    config = {
        "context_length": chance.choice(_CONTEXTS),
        "eval_batch_size": 512,
        "parallel": 4,
        "flash_attention": True,
        "offload_kv_cache_to_gpu": True,
    }
    return {**copy.deepcopy(row), "loaded_instances": [{"id": row["key"], "config": config}]}


def _embedding() -> Model:
    """The model that comes with LM Studio: every server has it."""
    return {
        "type": "embedding",
        "publisher": "nomic-ai",
        "key": "text-embedding-nomic-embed-text-v1.5",
        "display_name": "Nomic Embed Text v1.5",
        "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
        "size_bytes": 84_106_624,
        "params_string": None,
        "loaded_instances": [],
        "max_context_length": 2048,
        "format": "gguf",
    }
