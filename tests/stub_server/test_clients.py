"""Clients of LM Studio that others made take the stand-in for LM Studio.

``.ci/clients FOLDER`` installs them, pinned, each in an environment of its own; ``LMS_TEST_CLIENTS`` names the folder.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from inventory import StubServer
from inventory.stub_server import inventory_before

TOKEN = "sk-lm-abcdefgh:ABCDEFGHIJ0123456789"
KEYS = [row["key"] for row in inventory_before()]
GPT = "openai/gpt-oss-20b"
SECONDS = 60

pytestmark = pytest.mark.parametrize("server", [None, TOKEN], ids=["open", "token"], indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[StubServer]:
    """A stand-in, without and with a token."""
    with StubServer(token=request.param) as started:
        yield started


def program(name: str, path: str) -> Path:
    """Return a program of a client's environment; skip the test where the client is not there."""
    folder = os.environ.get("LMS_TEST_CLIENTS")
    if folder is None:
        pytest.skip("no clients here; get them with: .ci/clients FOLDER, and set LMS_TEST_CLIENTS=FOLDER")
    if not (Path(folder) / name / path).exists():
        pytest.skip(f"{name} could not be had: .ci/clients says why")
    return Path(folder) / name / path


def run(*command: str | Path, server: StubServer, **variables: str) -> str:
    """Run a client with nothing in its environment but what it needs; return what it prints."""
    env = {"PATH": os.environ["PATH"], "LM_API_TOKEN": server.token or "", **variables}
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


LM_TUIO = f"""
import asyncio, json, sys
from lm_tuio import api

async def main(port, key):
    assert await api.check_server_status("127.0.0.1", port, key)
    models, error = await api.fetch_available_models("127.0.0.1", port, key)
    loaded, failure = await api.load_model_instance("127.0.0.1", port, {{"model": "{GPT}"}}, key)
    unloaded = await api.unload_model_instances("127.0.0.1", port, [loaded["instance_id"]], key)
    unknown = await api.load_model_instance("127.0.0.1", port, {{"model": "none"}}, key)
    print(json.dumps([[model.key for model in models], error, loaded["instance_id"], failure, unloaded, unknown[1]]))

asyncio.run(main(int(sys.argv[1]), sys.argv[2] or None))
"""


def test_lm_tuio(server: StubServer) -> None:
    """Its heartbeat, its listing, its loading and unloading work."""
    python = program("lm-tuio", "bin/python")
    out = run(python, "-c", LM_TUIO, str(urlsplit(server.url).port), server.token or "", server=server)
    keys, error, instance, failure, unloaded, unknown = json.loads(out)
    assert (keys, error, instance, failure, unloaded) == (KEYS, None, f"{GPT}:3", None, [True, None])
    assert unknown.startswith("HTTP 404: ")
    assert [request.method for request in server.requests] == ["HEAD", "GET", "POST", "POST", "POST"]


def test_openai_in_python(server: StubServer) -> None:
    """It lists the models."""
    code = (
        "import sys, openai; client = openai.OpenAI(base_url=sys.argv[1] + '/v1', api_key=sys.argv[2])\n"
        "print(*[model.id for model in client.models.list()], sep='\\n')"
    )
    out = run(program("openai", "bin/python"), "-c", code, server.url, server.token or "none", server=server)
    assert out.splitlines() == KEYS


def test_openai_in_node(server: StubServer) -> None:
    """It lists the models."""
    modules = program("openai-node", "node_modules")
    code = (
        "const OpenAI = require('openai').default; const [url, apiKey] = process.argv.slice(1);"
        "(async () => { for await (const model of new OpenAI({baseURL: url + '/v1', apiKey}).models.list())"
        " console.log(model.id) })()"
    )
    node = shutil.which("node") or "node"
    out = run(node, "-e", code, server.url, server.token or "none", server=server, NODE_PATH=str(modules))
    assert out.splitlines() == KEYS


def test_llm_with_llm_lmstudio(server: StubServer, tmp_path: Path) -> None:
    """It lists the language models, and which are loaded; it knows no tokens, and so lists nothing with one."""
    env = {"LMSTUDIO_API_BASE": server.url, "LLM_USER_PATH": str(tmp_path), "HOME": str(tmp_path)}
    out = run(program("llm", "bin/llm"), "models", server=server, **env)
    listed = [line for line in out.splitlines() if line.startswith("LMStudio") or "lmstudio/" in line]
    expected = [] if server.token else KEYS[:5]
    assert len(listed) == len(expected)
    assert [key for key in KEYS if any(f"lmstudio/{key}" in line for line in listed)] == expected
    assert sum("\u25cf" in line for line in listed) == len(expected[:2]), "a circle says that it is loaded"


def test_houtini_lm(server: StubServer, tmp_path: Path) -> None:
    """This MCP server recognises LM Studio, and lists what is loaded and what is not."""
    script = program("houtini", "node_modules/@houtini/lm/dist/index.js")
    env = {"HOUTINI_LM_ENDPOINT_URL": server.url, "HOUTINI_LM_API_KEY": server.token or "", "HOME": str(tmp_path)}
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": client},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "list_models", "arguments": {}}},
    ]
    with subprocess.Popen(
        [shutil.which("node") or "node", script], env={"PATH": os.environ["PATH"], **env}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for message in messages:
                process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
                process.stdin.flush()
            answers = (json.loads(line) for line in process.stdout)
            text = next(answer for answer in answers if answer.get("id") == 2)["result"]["content"][0]["text"]
        finally:
            process.kill()
    assert all(key in text for key in KEYS)
    assert {request.status for request in server.requests} == {200}


DOCUMENTED = {
    "list": "curl http://127.0.0.1:1234/api/v1/models",
    "list with a token": """\
curl http://localhost:1234/api/v1/models \\
  -H "Authorization: Bearer $LM_API_TOKEN"
""",
    "load": """\
curl http://localhost:1234/api/v1/models/load \\
  -H "Authorization: Bearer $LM_API_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "openai/gpt-oss-20b",
    "context_length": 16384,
    "flash_attention": true,
    "echo_load_config": true
  }'
""",
    "unload": """\
curl http://localhost:1234/api/v1/models/unload \\
  -H "Authorization: Bearer $LM_API_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "instance_id": "openai/gpt-oss-20b"
  }'
""",
}
"""The commands in LM Studio's REST documentation, word for word (https://lmstudio.ai/docs/developer/rest)."""


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here: install it with the machine's packages")
def test_curl_as_the_documentation_writes_it(server: StubServer, tmp_path: Path) -> None:
    """Each command of LM Studio's pages works; curl is told to connect to another port than theirs."""
    port = urlsplit(server.url).port
    (tmp_path / ".curlrc").write_text(
        "silent\nfail-with-body\n"
        + "".join(f'connect-to = "{host}:1234:127.0.0.1:{port}"\n' for host in ("127.0.0.1", "localhost"))
    )

    def curl(name: str) -> Any:
        return json.loads(run("sh", "-c", DOCUMENTED[name], server=server, CURL_HOME=str(tmp_path)))

    if server.token is None:
        assert [row["key"] for row in curl("list")["models"]] == KEYS
    assert [row["key"] for row in curl("list with a token")["models"]] == KEYS
    loaded = curl("load")
    assert (loaded["type"], loaded["status"], loaded["instance_id"]) == ("llm", "loaded", f"{GPT}:3")
    assert loaded["load_config"]["context_length"] == 16_384
    assert curl("unload") == {"instance_id": GPT}
    (row,) = (row for row in curl("list with a token")["models"] if row["key"] == GPT)
    assert [instance["id"] for instance in row["loaded_instances"]] == [f"{GPT}:2", f"{GPT}:3"]
