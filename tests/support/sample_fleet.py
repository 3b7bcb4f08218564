"""A month of three made-up machines: the history in ``sample_outputs/history``, the same whenever it is made.

Each run really asks three stand-ins over HTTP and is really recorded; only their addresses and the time that an answer
took are put in afterwards. The laptop begins with a captured answer, the workstation with the rows of another one. In
the month models come, go, are changed, loaded and unloaded, and:

- run 9 and run 19 reached no server,
- run 14 had no token for the lab, which wanted one that day,
- run 23 came while the workstation was starting, and got an answer that is suspect.
"""

import copy
import json
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from inventory import History, Server, Snapshot, collect, schema
from inventory.collection.plausibility import BUNDLED
from inventory.history.answers import expected
from inventory.history.recorder import record
from inventory.stub_server import StubServer
from inventory.tables import rows, table_of

RUNS = 30
LAST = datetime(2026, 11, 23, 6, 0, 4, 123456, tzinfo=UTC)
LAST_RUN_ID = "20261123T060004.123456Z-3f9a"
ADDRESSES = {
    "lab": "http://192.168.1.30:1234",
    "laptop": "http://127.0.0.1:1234",
    "workstation": "http://192.168.1.20:1234",
}
UNREACHED, WITHOUT_TOKEN, STARTING = (9, 19), 14, 23
NOWHERE = "http://127.0.0.1:9"  # the discard port, where nobody answers

_BODIES = Path(__file__).parent.parent / "payloads" / "v1"

Model = dict[str, Any]

# key, display name, architecture, quantization, bits, GB, parameters, context, format
_MODELS = """
bytedance/seed-oss-36b | Seed OSS 36B | seed_oss | Q4_K_M | 4 | 21.76 | 36B | 524288 | gguf
google/gemma-4-26b-a4b | Gemma 4 26B A4B | gemma4 | Q4_K_M | 4 | 17.99 | 26B-A4B | 262144 | gguf
google/gemma-3-12b | Gemma 3 12B | gemma3 | Q4_K_M | 4 | 8.15 | 12B | 131072 | gguf
ibm/granite-4-h-tiny | Granite 4.0 H Tiny | granitehybrid | Q4_K_M | 4 | 4.23 | 7B | 1048576 | gguf
llama-4-scout-17b-16e-instruct | Llama 4 Scout 17B 16E Instruct | llama4 | Q3_K_L | 3 | 57.74 | 109B | 10485760 | gguf
meta-llama-3.3-70b-instruct | Llama 3.3 70B Instruct | llama | Q4_K_M | 4 | 42.52 | 70B | 131072 | gguf
llama-3.2-3b-instruct | Llama 3.2 3B Instruct | llama | Q8_0 | 8 | 3.42 | 3B | 131072 | gguf
microsoft/phi-4 | Phi 4 | phi3 | Q8_0 | 8 | 15.58 | 15B | 16384 | gguf
microsoft/phi-4-mini-reasoning | Phi 4 Mini Reasoning | phi3 | Q4_K_M | 4 | 2.49 | 3.8B | 131072 | gguf
mistralai/codestral-22b-v0.1 | Codestral 22B v0.1 | llama | Q4_K_M | 4 | 13.34 | 22B | 32768 | gguf
mistralai/devstral-small-2507 | Devstral Small 2507 | llama | Q4_K_M | 4 | 14.33 | 24B | 131072 | gguf
mistralai/magistral-small-2509 | Magistral Small 2509 | mistral3 | Q4_K_M | 4 | 15.21 | 24B | 131072 | gguf
openai/gpt-oss-20b | GPT-OSS 20B | gpt-oss | MXFP4 | 4 | 12.11 | 20B | 131072 | gguf
openai/gpt-oss-120b | GPT-OSS 120B | gpt-oss | MXFP4 | 4 | 63.39 | 120B | 131072 | gguf
qwen/qwen3-8b | Qwen3 8B | qwen3 | Q4_K_M | 4 | 5.03 | 8B | 40960 | gguf
qwen/qwen3-30b-a3b-2507 | Qwen3 30B A3B 2507 | qwen3moe | Q4_K_M | 4 | 18.63 | 30B-A3B | 262144 | gguf
qwen/qwen3-235b-a22b | Qwen3 235B A22B | qwen3moe | Q3_K_L | 3 | 111.84 | 235B-A22B | 131072 | gguf
qwen/qwen2.5-vl-7b | Qwen2.5 VL 7B | qwen2vl | Q4_K_M | 4 | 6.04 | 7B | 128000 | gguf
deepseek-r1-distill-qwen-14b | DeepSeek R1 Distill Qwen 14B | qwen2 | Q6_K | 6 | 12.12 | 14B | 131072 | gguf
deepseek-r1-0528-qwen3-8b | DeepSeek R1 0528 Qwen3 8B | qwen3 | Q8_0 | 8 | 8.71 | 8B | 131072 | gguf
zai-org/glm-4.5-air | GLM 4.5 Air | glm4_moe | 3bit | 3 | 46.83 | 106B-A12B | 131072 | mlx
liquid/lfm2-1.2b | LFM2 1.2B | lfm2 | F16 | 16 | 2.34 | 1.2B | 32768 | gguf
smollm2-360m-instruct | SmolLM2 360M Instruct | llama | bf16 | 16 | 0.72 | 360M | 8192 | mlx
"""
_PUBLISHERS = {
    "llama-4-scout-17b-16e-instruct": "lmstudio-community",
    "meta-llama-3.3-70b-instruct": "lmstudio-community",
    "llama-3.2-3b-instruct": "lmstudio-community",
    "deepseek-r1-distill-qwen-14b": "bartowski",
    "deepseek-r1-0528-qwen3-8b": "lmstudio-community",
    "smollm2-360m-instruct": "mlx-community",
}
_EMBEDDINGS = """
text-embedding-bge-m3 | BGE M3 | | F16 | 16 | 1.16 | | 8192 | gguf
text-embedding-qwen3-embedding-4b | Qwen3 Embedding 4B | | Q4_K_M | 4 | 2.49 | | 40960 | gguf
text-embedding-mxbai-embed-large-v1 | Mxbai Embed Large v1 | | F16 | 16 | 0.67 | | 512 | gguf
"""

_AT_FIRST = {
    "workstation": """
        google/gemma-4-26b-a4b  openai/gpt-oss-20b  openai/gpt-oss-120b  qwen/qwen3-30b-a3b-2507
        meta-llama-3.3-70b-instruct  microsoft/phi-4  mistralai/codestral-22b-v0.1  deepseek-r1-distill-qwen-14b
        google/gemma-3-12b  text-embedding-bge-m3
    """,
    "lab": """
        openai/gpt-oss-20b  qwen/qwen3-8b  google/gemma-3-12b  microsoft/phi-4-mini-reasoning  llama-3.2-3b-instruct
        liquid/lfm2-1.2b  text-embedding-bge-m3  text-embedding-mxbai-embed-large-v1
    """,
}

# run, server, what happens there before it, to which model; for load an instance and its context
_EVENTS: Sequence[tuple[Any, ...]] = (
    (1, "workstation", "load", "openai/gpt-oss-20b", "openai/gpt-oss-20b", 65_536),
    (1, "workstation", "load", "qwen/qwen3-30b-a3b-2507", "coder", 131_072),
    (1, "lab", "load", "qwen/qwen3-8b", "qwen/qwen3-8b", 32_768),
    (1, "lab", "load", "text-embedding-bge-m3", "text-embedding-bge-m3", 8_192),
    (3, "workstation", "set", "microsoft/phi-4", {"quantization": {"name": "Q4_K_M", "bits_per_weight": 4}}),
    (3, "workstation", "set", "microsoft/phi-4", {"size_bytes": 9_053_114_816}),
    (5, "workstation", "add", "bytedance/seed-oss-36b"),
    (5, "lab", "load", "google/gemma-3-12b", "google/gemma-3-12b", 16_384),
    (7, "lab", "add", "deepseek-r1-0528-qwen3-8b"),
    (7, "laptop", "unload", "google/gemma-3-1b", "google/gemma-3-1b"),
    (10, "workstation", "add", "mistralai/devstral-small-2507"),
    (10, "workstation", "remove", "mistralai/codestral-22b-v0.1"),
    (12, "laptop", "add", "qwen/qwen3-8b"),
    (12, "laptop", "load", "qwen/qwen3-8b", "qwen/qwen3-8b", 8_192),
    (15, "lab", "add", "qwen/qwen2.5-vl-7b"),
    (15, "lab", "configure", "qwen/qwen3-8b", {"context_length": 40_960, "flash_attention": False}),
    (17, "workstation", "add", "zai-org/glm-4.5-air"),
    (17, "workstation", "add", "text-embedding-qwen3-embedding-4b"),
    (20, "workstation", "add", "ibm/granite-4-h-tiny"),
    (20, "laptop", "remove", "google/gemma-3n-e4b"),
    (22, "lab", "remove", "llama-3.2-3b-instruct"),
    (22, "lab", "add", "mistralai/magistral-small-2509"),
    (25, "workstation", "add", "qwen/qwen3-235b-a22b"),
    (25, "workstation", "load", "openai/gpt-oss-20b", "openai/gpt-oss-20b:2", 8_192),
    (27, "workstation", "add", "llama-4-scout-17b-16e-instruct"),
    (27, "laptop", "add", "smollm2-360m-instruct"),
    (27, "lab", "set", "google/gemma-3-12b", {"max_context_length": 65_536}),
    (30, "workstation", "remove", "meta-llama-3.3-70b-instruct"),
    (30, "workstation", "configure", "qwen/qwen3-30b-a3b-2507", {"context_length": 262_144}),
    (30, "lab", "unload", "google/gemma-3-12b", "google/gemma-3-12b"),
    (30, "lab", "add", "ibm/granite-4-h-tiny"),
)


def run_id_of(moment: datetime) -> str:
    """The id of the run of a moment: as ``new_run_id`` makes them, with digits that are no accident."""
    text = f"{moment:%Y%m%dT%H%M%S.%fZ}"
    return LAST_RUN_ID if LAST_RUN_ID.startswith(text) else f"{text}-{sha256(text.encode()).hexdigest()[:4]}"


def record_month(folder: Path) -> History:
    """Record the month into a folder that holds no history yet."""
    history = History(folder)
    shelf = {model["key"]: model for model in (*_listed(_MODELS, "llm"), *_listed(_EMBEDDINGS, "embedding"))}
    answers = _at_first(shelf)
    with ExitStack() as stack:
        stand_ins = {name: stack.enter_context(StubServer(answers[name])) for name in ADDRESSES}
        for number in range(1, RUNS + 1):
            for _, server, *event in (event for event in _EVENTS if event[0] == number):
                _happen(answers[server], shelf, *event)
            for name, stand_in in stand_ins.items():
                starting = number == STARTING and name == "workstation"
                stand_in.models = [one for one in answers[name] if one["key"] == BUNDLED or not starting]
            stand_ins["lab"].token = "sk-lm-abcdefgh:01234567890123456789" if number == WITHOUT_TOKEN else None
            urls = {name: NOWHERE if number in UNREACHED else one.url for name, one in stand_ins.items()}
            record(history, _asked(history, urls, LAST - timedelta(days=RUNS - number)))
    return history


def _asked(history: History, urls: dict[str, str], moment: datetime) -> Snapshot:
    """What a run sees, under the addresses that the machines would have."""
    known, _ = expected(history, list(urls))
    servers = [Server(url, name) for name, url in urls.items()]
    taken = collect(servers, clock=lambda: moment, run_id=run_id_of(moment), expected=known, recheck=0)
    observed = rows(taken.tables["observations"])
    for row in observed:
        address = ADDRESSES[row["server"]]
        for old, new in ((row["url"], address), (row["url"].partition("//")[2], address.partition("//")[2])):
            row["error"] = row["error"] and row["error"].replace(old, new)
        row |= {"url": address, "latency_ms": 4.0 + len(row["server"])}
    return Snapshot({**taken.tables, "observations": table_of(schema.OBSERVATIONS, observed)}, payloads=taken.payloads)


def _at_first(shelf: dict[str, Model]) -> dict[str, list[Model]]:
    """What each machine has before the first run."""
    laptop, captured = (
        json.loads((_BODIES / f"{name}.json").read_text())["models"]
        for name in ("02-rlmstudio-integration-e2e", "08-codenotch-siggy-0.4.24")
    )
    bundled = next(copy.deepcopy(one) for one in laptop if one["key"] == BUNDLED)
    made = {name: [copy.deepcopy(shelf[key]) for key in keys.split()] for name, keys in _AT_FIRST.items()}
    return {"laptop": laptop, "workstation": captured + made["workstation"], "lab": [bundled, *made["lab"]]}


def _happen(models: list[Model], shelf: dict[str, Model], what: str, key: str, *more: Any) -> None:
    """Let something happen to a model of a machine."""
    if what == "add":
        models.append(copy.deepcopy(shelf[key]))
        return
    model = next(one for one in models if one["key"] == key)
    instances = model["loaded_instances"]
    if what == "remove":
        models.remove(model)
    elif what == "set":
        model |= more[0]
    elif what == "load":
        config: Model = {"context_length": more[1]}
        if model["type"] == "llm":
            config |= {"eval_batch_size": 512, "parallel": 4, "flash_attention": True, "offload_kv_cache_to_gpu": True}
        instances.append({"id": more[0], "config": config})
    elif what == "unload":
        instances[:] = [one for one in instances if one["id"] != more[0]]
    else:
        instances[0]["config"] |= more[0]


def _listed(table: str, kind: str) -> list[Model]:
    """The rows of a table above as LM Studio lists them."""
    models = []
    for line in table.strip().splitlines():
        key, display, architecture, quantization, bits, size, params, context, form = map(str.strip, line.split("|"))
        publisher = _PUBLISHERS.get(key) or (key.partition("/")[0] if "/" in key else "lmstudio-community")
        model = {
            "type": kind,
            "publisher": publisher,
            "key": key,
            "display_name": display,
            "quantization": {"name": quantization, "bits_per_weight": int(bits)},
            "size_bytes": round(float(size) * 1e9),
            "params_string": params or None,
            "loaded_instances": [],
            "max_context_length": int(context),
            "format": form,
        }
        if kind == "llm":
            vision = "-vl-" in key or "gemma" in key
            model |= {"architecture": architecture, "description": None}
            model |= {"capabilities": {"vision": vision, "trained_for_tool_use": architecture != "llama"}}
        models.append(model)
    return models
