"""A stand-in for LM Studio on 127.0.0.1, over real HTTP, for ``lms-inventory demo`` and for tests.

Bodies follow LM Studio's documentation of ``GET /api/v1/models`` (April 2026); the 401 responses and the one to unknown
endpoints follow captured ones (``tests/payloads/errors``).
"""

import contextlib
import copy
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from inventory.errors import ConfigurationError

PATH = "/api/v1/models"
_REQUEST_BYTES = 2**20  # Bytes of a request's body that are read.
_TOKEN_FORM = re.compile(r"sk-lm-[A-Za-z0-9]{8}:[A-Za-z0-9]{20}")
_MISSING_CREDENTIAL = (
    "An LM Studio API token is required to make requests to this server, but none was provided using the "
    "Authorization header using the 'Bearer' scheme (i.e., 'Authorization: Bearer $LM_API_TOKEN'). Learn more "
    "at: https://lmstudio.ai/docs/developer/core/authentication."
)


class StubServer:
    """A context manager that serves in its own threads.

    Attributes:
        models: the models it lists; assign others to change the inventory.
        token: the API token it requires; None for none.
    """

    def __init__(self, models: list[dict[str, Any]], token: str | None = None, port: int = 0) -> None:
        self.models = models
        self.token = token
        self._port = port
        self._stopped = threading.Event()

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Start serving.

        Raises:
            ConfigurationError: the port is not free.
        """
        handler = type("Handler", (_Handler,), {"stub": self})
        try:
            self._server = _Server(("127.0.0.1", self._port), handler)
        except OSError as error:
            raise ConfigurationError(
                f"port {self._port} could not be used: {error.strerror}",
                "Is LM Studio running here? Choose another port with --port",
            ) from error
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self) -> None:
        """Serve until the program is interrupted."""
        self._stopped.wait()

    def response(self, method: str, path: str, authorization: str) -> tuple[int, Any]:
        """Return the status and the JSON content for a request."""
        if "//" in path.partition("?")[0]:
            return 400, {"error": f"Bad request. ({method} {path})"}
        if self.token and (refusal := self._refusal(authorization)):
            return 401, {"error": {"type": "invalid_request", "code": "invalid_api_key", "message": refusal}}
        if (method, path.partition("?")[0]) == ("GET", PATH):
            return 200, {"models": self.models}
        return 200, {"error": f"Unexpected endpoint or method. ({method} {path})"}

    def _refusal(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not token:
            return _MISSING_CREDENTIAL
        if token == self.token:
            return ""
        if not _TOKEN_FORM.fullmatch(token):
            return (
                f"Malformed LM Studio API token provided: {token[:10]}{'*' * 14}\N{HORIZONTAL ELLIPSIS} "
                "Ensure you are using a valid token."
            )
        return "The LM Studio API token provided is not valid. Ensure you are using a valid token."


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: the client is gone."""


class _Handler(BaseHTTPRequestHandler):
    """Responds to each request from its stub server."""

    stub: StubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one(self) -> None:
        length = self.headers.get("Content-Length", "")
        self.rfile.read(min(int(length), _REQUEST_BYTES) if length.isdecimal() else 0)
        path = self.requestline.split()[1]  # As sent: http.server merges a doubled slash in self.path.
        status, content = self.stub.response(self.command, path, self.headers.get("Authorization", ""))
        body = json.dumps(content, indent=2, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):  # The client may be gone.
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815 - the names that http.server looks up

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Log nothing: a request may hold private data."""


def inventory_before() -> list[dict[str, Any]]:
    """Return the first inventory of the stand-in."""
    return [
        _llm(
            "google/gemma-4-26b-a4b",
            "Gemma 4 26B A4B",
            "gemma4",
            "Q4_K_M",
            4,
            17_990_911_801,
            "26B-A4B",
            262_144,
            vision=True,
            reasoning=["off", "on"],
            loaded={"google/gemma-4-26b-a4b": 4096},
        ),
        _llm(
            "openai/gpt-oss-20b",
            "GPT-OSS 20B",
            "gpt-oss",
            "MXFP4",
            4,
            12_109_566_560,
            "20B",
            131_072,
            reasoning=["low", "medium", "high"],
            loaded={"openai/gpt-oss-20b": 32_768, "coder": 65_536},
        ),
        _llm("qwen/qwen3-8b", "Qwen3 8B", "qwen3", "Q4_K_M", 4, 5_027_783_872, "8B", 40_960, reasoning=["off", "on"]),
        _llm("mistralai/codestral-22b-v0.1", "Codestral 22B v0.1", "llama", "Q4_K_M", 4, 13_341_242_080, "22B", 32_768),
        _llm("microsoft/phi-4", "Phi 4", "phi3", "Q8_0", 8, 15_580_500_000, "15B", 16_384),
        {
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
        },
    ]


def inventory_after() -> list[dict[str, Any]]:
    """Return the later inventory: Granite added, Codestral removed, Phi 4 now Q4_K_M, coder with twice the context."""
    models = [copy.deepcopy(model) for model in inventory_before() if model["key"] != "mistralai/codestral-22b-v0.1"]
    by_key = {model["key"]: model for model in models}
    by_key["microsoft/phi-4"] |= {
        "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
        "size_bytes": 9_053_114_816,
        "variants": ["microsoft/phi-4@q8_0", "microsoft/phi-4@q4_k_m"],
        "selected_variant": "microsoft/phi-4@q4_k_m",
    }
    by_key["openai/gpt-oss-20b"]["loaded_instances"][1]["config"]["context_length"] = 131_072
    return [
        *models,
        _llm(
            "ibm/granite-4-h-tiny", "Granite 4.0 H Tiny", "granitehybrid", "Q4_K_M", 4, 4_230_976_352, "7B", 1_048_576
        ),
    ]


def _llm(
    key: str,
    name: str,
    architecture: str,
    quantization: str,
    bits: int,
    size: int,
    params: str,
    context: int,
    *,
    vision: bool = False,
    reasoning: list[str] | None = None,
    loaded: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Return one model as LM Studio lists it; ``loaded`` maps each instance to its context length."""
    capabilities: dict[str, Any] = {"vision": vision, "trained_for_tool_use": True}
    if reasoning:
        capabilities["reasoning"] = {"allowed_options": reasoning, "default": reasoning[-1]}
    config = {"eval_batch_size": 512, "parallel": 4, "flash_attention": True, "offload_kv_cache_to_gpu": True}
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
            {"id": instance, "config": {"context_length": length, **config}}
            for instance, length in (loaded or {}).items()
        ],
        "max_context_length": context,
        "format": "gguf",
        "capabilities": capabilities,
        "description": None,
        "variants": [f"{key}@{quantization.lower()}"],
        "selected_variant": f"{key}@{quantization.lower()}",
    }
