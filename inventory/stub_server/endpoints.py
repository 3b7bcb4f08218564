"""The endpoints: which request gets which answer."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from inventory.stub_server.listings import as_openai, as_v0
from inventory.stub_server.refusals import (
    Refusal,
    credential_refusal,
    invalid_request,
    not_found,
    unexpected_endpoint,
    wrong_fields,
)
from inventory.stub_server.scenarios import V0, V1, Cut, Step
from inventory.stub_server.state import ServerState

OPENAI = "/v1/models"
GREETING = "/lmstudio-greeting"
LOAD = f"{V1}/load"
UNLOAD = f"{V1}/unload"

ENDPOINTS = {
    V1: ("GET", "the models; HEAD as well"),
    V0: ("GET", "as LM Studio 0.3 lists them; /KEY for one"),
    OPENAI: ("GET", "as OpenAI's API lists them"),
    GREETING: ("GET", "what LM Studio's own tools look for"),
    LOAD: ("POST", "load an instance of a model"),
    UNLOAD: ("POST", "unload an instance"),
}
"""The method and the meaning of each path."""

_LOAD_FIELDS: dict[str, type] = {
    "model": str,
    "context_length": int,
    "eval_batch_size": int,
    "flash_attention": bool,
    "num_experts": int,
    "offload_kv_cache_to_gpu": bool,
    "echo_load_config": bool,
}


class Incoming(NamedTuple):
    """A request as it came.

    Attributes:
        method: such as GET.
        target: the path and the query, as they were sent.
        authorization: the header; empty without one.
        body: the bytes of the body.
    """

    method: str
    target: str
    authorization: str = ""
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path without query and without a slash at its end."""
        path = self.target.partition("?")[0]
        return path.rstrip("/") or "/"


@dataclass(frozen=True)
class Outgoing:
    """A response.

    Attributes:
        status: its HTTP status.
        body: its bytes.
        cut: how it breaks off; None if it does not.
    """

    status: int
    body: bytes
    cut: Cut | None = None


@dataclass(frozen=True)
class Endpoints:
    """The endpoints of one server.

    Attributes:
        state: its models.
        missing: the paths that it does not know.
        secured: whether it requires a token.
        token: gives that token; None is no token, so that each is refused.
    """

    state: ServerState
    missing: frozenset[str]
    secured: Callable[[], bool]
    token: Callable[[], str | None]

    @property
    def served(self) -> dict[str, tuple[str, str]]:
        """The method and the meaning of each path that this server knows."""
        # A server that does not know the new API cannot load through it either.
        return {
            path: endpoint
            for path, endpoint in ENDPOINTS.items()
            if not any(path == name or path.startswith(f"{name}/") for name in self.missing)
        }

    def respond(self, request: Incoming) -> Outgoing:
        """Return the response to a request."""
        if request.method == "OPTIONS":
            return Outgoing(204, b"")
        if "//" in request.target.partition("?")[0]:
            return _encoded(400, {"error": f"Bad request. ({request.method} {request.target})"})
        if self.secured() and request.path != GREETING:
            refusal = credential_refusal(request.authorization, self.token())
            if refusal:
                return _encoded(*refusal)
        method = "GET" if request.method == "HEAD" else request.method
        if request.path in self.served and ENDPOINTS[request.path][0] == method:
            return self._answer(request)
        return _encoded(*self._unknown(request))

    def _answer(self, request: Incoming) -> Outgoing:
        if request.path == GREETING:
            return _encoded(200, {"lmstudio": True})
        if request.path == LOAD:
            return _encoded(*self._load(request.body))
        if request.path == UNLOAD:
            return _encoded(*self._unload(request.body))
        # A heartbeat by HEAD is not counted as a request of the models.
        step = self.state.listing() if request.method == "HEAD" else self.state.next_listing()
        return _list(request.path, step)

    def _unknown(self, request: Incoming) -> Refusal:
        """Return the answer to a request that no endpoint is for."""
        path = request.path
        if path.startswith(f"{V0}/") and V0 in self.served and request.method in ("GET", "HEAD"):
            key = path.removeprefix(f"{V0}/")
            row = next((row for row in as_v0(self.state.listing().models) if row["id"] == key), None)
            return (200, row) if row else not_found(f"Model {key} not found", "model_not_found")
        if path.startswith("/api/v1/") and path != V1 and V1 in self.served:
            return not_found(f"There is no {request.method} {path}")
        return unexpected_endpoint(request.method, request.target)

    def _load(self, body: bytes) -> Refusal:
        started = time.perf_counter()
        content = _content(body, _LOAD_FIELDS, "model")
        if isinstance(content, tuple):
            return content
        loaded = self.state.load(content["model"], content)
        if loaded is None:
            return not_found(f"Model {content['model']} not found in downloaded models", "model_not_found")
        row, instance = loaded
        response = {
            "type": row.get("type"),
            "instance_id": instance["id"],
            "load_time_seconds": round(time.perf_counter() - started, 3),
            "status": "loaded",
        }
        return 200, response | ({"load_config": instance["config"]} if content.get("echo_load_config") else {})

    def _unload(self, body: bytes) -> Refusal:
        content = _content(body, {"instance_id": str}, "instance_id")
        if isinstance(content, tuple):
            return content
        name = content["instance_id"]
        if not self.state.unload(name):
            return not_found(f"Model with instance identifier '{name}' is not loaded.", "model_not_found")
        return 200, {"instance_id": name}


def _content(body: bytes, fields: dict[str, type], required: str) -> dict[str, Any] | Refusal:
    """Parse the body of a request; return the refusal of one that is no JSON object of these fields."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return invalid_request(
            "Invalid body: failed to parse JSON value. Please check the value to ensure it is valid JSON",
            "invalid_json",
        )
    if not isinstance(content, dict):
        return invalid_request("Expected an object", "invalid_type")
    return wrong_fields(content, fields, required) or content


def _list(path: str, step: Step) -> Outgoing:
    """Return the list of the models as a path has it."""
    if path == V0:
        content: Mapping[str, Any] = {"data": as_v0(step.models), "object": "list"}
    elif path == OPENAI:
        content = {"data": as_openai(step.models), "object": "list"}
    elif step.body is not None:
        return Outgoing(200, step.body, step.cut)
    else:
        content = {"models": step.models}
    return Outgoing(200, _json(content), step.cut)


def _encoded(status: int, content: Mapping[str, Any]) -> Outgoing:
    return Outgoing(status, _json(content))


def _json(content: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(content, indent=2, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # Half of a surrogate pair, which JSON can hold as an escape only.
        return json.dumps(content, indent=2).encode()
