"""What a stand-in does from one request of its models to the next."""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from inventory.limits import MAX_DEPTH
from inventory.stub_server.models import Row, bundled_only, load_config

V1 = "/api/v1/models"
V0 = "/api/v0/models"
_TTL = 3600  # Seconds after which LM Studio unloads what it loaded just in time.
_SLOW = 30.0  # Seconds, longer than most clients wait.
_NEWER = ("variants", "selected_variant")  # Fields of a model that LM Studio 0.4.0 did not list for every one.
_CONFIG = ("context_length", "eval_batch_size", "flash_attention", "num_experts", "offload_kv_cache_to_gpu")


class Cut(Enum):
    """A way in which a response breaks off."""

    CLOSED = "the connection closes in the middle of the body"
    PASSED_ON = "half of the body comes as if it were whole, as a proxy passes it on"


@dataclass(frozen=True)
class Step:
    """What one request of the models gets.

    Attributes:
        models: the models.
        body: the bytes that are sent instead; None to send the models.
        cut: how the response breaks off; None if it does not.
    """

    models: Sequence[Row]
    body: bytes | None = None
    cut: Cut | None = None


@dataclass(frozen=True)
class Scenario:
    """A way to behave.

    Attributes:
        meaning: what the server does, for people.
        steps: makes of the server's models what one request of them after the other gets. The last step stays.
        loop: whether the first step follows the last one.
        missing: the paths that this server does not know.
        refuses: whether every token is refused.
        latency: seconds before each response.
    """

    meaning: str
    steps: Callable[[list[Row]], list[Step]] = field(default=lambda models: [Step(models)])
    loop: bool = False
    missing: frozenset[str] = frozenset()
    refuses: bool = False
    latency: float = 0.0


def body_step(body: bytes) -> Step:
    """Return the step that sends a body as it is.

    The models of a body that is an inventory can be loaded and are in the other lists; of another one, or of one that
    is nested deeper than a response can be, there are none.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return Step([], body)
    rows = content.get("models") if isinstance(content, dict) else None
    if not isinstance(rows, list) or _is_too_deep(rows):
        return Step([], body)
    return Step([row for row in rows if isinstance(row, dict)], body)


def _is_too_deep(value: Any) -> bool:
    """Return whether a JSON value has more levels than a response can have: too many to copy it."""
    level = [value]
    for _ in range(MAX_DEPTH):
        containers = [inner for inner in level if isinstance(inner, dict | list)]
        level = [inner for outer in containers for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return bool(level)


def _cold_start(models: list[Row]) -> list[Step]:
    bundled = Step(bundled_only(models))
    return [bundled, bundled, Step(models)]


def _jit(models: list[Row]) -> list[Step]:
    idle = _unloaded(models)
    busy = _with_instances(idle, {})
    busy[0]["loaded_instances"][0]["remaining_ttl_seconds"] = _TTL
    return [Step(idle), Step(busy), Step(idle)]


def _two_instances(models: list[Row]) -> list[Step]:
    idle = _unloaded(models)
    longer = {"context_length": 8192}
    return [
        Step(_with_instances(idle, {})),
        Step(_with_instances(idle, {}, {})),
        Step(_with_instances(idle, {}, longer)),
    ]


def _upgrade(models: list[Row]) -> list[Step]:
    """Leave out what newer versions of LM Studio added to the rows, then list everything."""
    older = copy.deepcopy(models)
    for row in older:
        for name in _NEWER:
            row.pop(name, None)
        (row.get("capabilities") or {}).pop("reasoning", None)
        for instance in row.get("loaded_instances") or ():
            instance.pop("remaining_ttl_seconds", None)
            config = instance.get("config", {})
            instance["config"] = {name: config[name] for name in _CONFIG if name in config}
    return [Step(older), Step(models)]


def _regrouped(models: list[Row]) -> list[Step]:
    """List two quantizations of the first model as two models, then as the variants of one."""
    first, *others = _unloaded(models)
    key = first["key"]
    apart = {name: value for name, value in first.items() if name not in _NEWER}
    smaller = apart | {"key": f"{key}@q4_k_m", "quantization": {"name": "Q4_K_M", "bits_per_weight": 4}}
    larger = apart | {"key": f"{key}@q8_0", "quantization": {"name": "Q8_0", "bits_per_weight": 8}}
    larger["size_bytes"] = 2 * (first.get("size_bytes") or 0)
    names = [smaller["key"], larger["key"]]
    together = smaller | {"key": key, "variants": names, "selected_variant": names[0]}
    return [Step([smaller, larger, *others]), Step([together, *others])]


def _link(models: list[Row]) -> list[Step]:
    """List the first model once more, as another machine of LM Link has it."""
    return [Step([*models, *_unloaded(models[:1])])]


def _unloaded(models: list[Row]) -> list[Row]:
    return [row | {"loaded_instances": []} for row in copy.deepcopy(models)]


def _with_instances(models: list[Row], *configs: dict[str, Any]) -> list[Row]:
    """Load instances of the first model with these configurations."""
    first, *others = models
    loaded = [
        {"id": instance_id(first["key"], number), "config": load_config(first, config)}
        for number, config in enumerate(configs, 1)
    ]
    return [first | {"loaded_instances": loaded}, *others]


def instance_id(key: str, number: int) -> str:
    """Return the id of an instance of a model: its key, then ``key:2``, ``key:3``."""
    return key if number == 1 else f"{key}:{number}"


SCENARIOS = {
    "cold-start": Scenario("lists only the bundled embedding model twice, then every model", _cold_start),
    "jit": Scenario("loads a model just in time, with a time to live, then unloads it", _jit),
    "two-instances": Scenario(
        "has one instance of a model, then also KEY:2, then that with more context", _two_instances
    ),
    "upgrade": Scenario("lists the fields of LM Studio 0.4.0, then those of today", _upgrade),
    "regrouped": Scenario("lists two quantizations as two models, then as variants of one", _regrouped),
    "unauthorized": Scenario("refuses every token", refuses=True),
    "too-old": Scenario("knows neither API of LM Studio, only OpenAI's", missing=frozenset({V1, V0})),
    "slow": Scenario(f"waits {_SLOW:g} seconds before each response, or --latency", latency=_SLOW),
    "torn": Scenario(
        "closes the connection within the body, then sends half a body as a whole one",
        lambda models: [Step(models, cut=cut) for cut in Cut],
        loop=True,
    ),
    "empty": Scenario("lists no models, as when their folder is out of reach", lambda _: [Step([])]),
    "suspect": Scenario("lists every model, then only the first", lambda models: [Step(models), Step(models[:1])]),
    "v0-only": Scenario("knows the API of LM Studio 0.3 alone, /api/v0", missing=frozenset({V1})),
    "link": Scenario("lists a model twice under one key, as LM Link does", _link),
}
"""The scenarios by name."""
