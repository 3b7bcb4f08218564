"""Many servers at once: every failure among them, in bounds of time and memory."""

import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.hostile_servers import LEGAL, NEVER_ENDING, REFUSED, Hostile, answer, drip, silence

import inventory
from inventory import Snapshot
from inventory.config.servers import Server
from inventory.errors import ConfigurationError
from inventory.stub_server import StubServer, inventory_before
from inventory.tables import rows

TOKEN = "sk-lm-Canary{:02d}:abcdefghijKLMNOPQRST"
FAST = {
    name: behaviour for name, behaviour in NEVER_ENDING.items() if "full speed" not in name
}  # that one keeps a core busy
MEMORY = {"endless body", "too many values", "key explosion", "nested deeply"}  # megabytes each: a few are enough


def observed(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    """The observations by server."""
    return {row["server"]: row for row in rows(snapshot.tables["observations"])}


@pytest.mark.long
@pytest.mark.parametrize("copies", [1, pytest.param(12, marks=pytest.mark.long)])
def test_every_failure_at_once(copies: int) -> None:
    """Each server of a fleet has the status that it has alone, in the time of the slowest; no token is shown."""
    expected, servers, refused = {}, [], [name for name in REFUSED if name not in MEMORY]
    with ExitStack() as stack:
        for number in range(copies):
            for name, (behaviour, status) in REFUSED.items():
                if name in refused or number == 0:
                    url = stack.enter_context(Hostile(behaviour)).url
                    expected[f"{name} {number}"] = status
                    servers.append(Server(url, f"{name} {number}", TOKEN.format(number)))
            for name, behaviour in list(FAST.items())[:2] if copies > 1 else FAST.items():
                url = stack.enter_context(Hostile(behaviour)).url
                expected[f"{name} {number}"] = "timeout"
                servers.append(Server(url, f"{name} {number}", TOKEN.format(number), timeout=1.0))
            url = stack.enter_context(StubServer(inventory_before())).url
            servers += [Server(url, f"good {number}", TOKEN.format(number)), Server("127.0.0.1:9", f"none {number}")]
            expected |= {f"good {number}": "ok", f"none {number}": "unreachable"}
        began = time.monotonic()
        snapshot = inventory.collect(servers, timeout=20, concurrency=256)
        assert time.monotonic() - began < 20
    observations = observed(snapshot)
    assert {name: row["status"] for name, row in observations.items()} == expected
    assert set(snapshot.tables["models"].column("server").to_pylist()) == {f"good {n}" for n in range(copies)}
    reported = json.dumps(list(observations.values()), default=str)
    assert "Canary" not in reported.replace("[token]", "")


def test_no_more_than_so_many_are_asked_at_once() -> None:
    """With a concurrency of three, at most three servers are queried at any moment, and all are queried."""
    now, most, lock = [0], [0], threading.Lock()

    def behave(connection: Any, request: bytes) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        answer(LEGAL)(connection, request)

    with Hostile(behave) as server:
        snapshot = inventory.collect([f"s{n}={server.url}/{n}" for n in range(20)], concurrency=3)
    assert snapshot.complete
    assert most == [3]


@pytest.mark.parametrize("concurrency", [0, -1])
def test_nobody_at_once_is_refused(concurrency: int) -> None:
    """A concurrency below one is a wrong configuration."""
    with pytest.raises(ConfigurationError, match="at the same time"):
        inventory.collect("127.0.0.1:9", concurrency=concurrency)


@pytest.mark.long
def test_a_server_has_its_own_timeout() -> None:
    """A server's own timeout applies to it alone, and is validated."""
    with Hostile(silence) as slow:
        observations = observed(
            inventory.collect([Server(slow.url, "a", timeout=0.3), Server(slow.url, "b")], timeout=0.9)
        )
    assert "within 0.3 s" in observations["a"]["error"]
    assert "within 0.9 s" in observations["b"]["error"]
    assert 250 < observations["a"]["latency_ms"] < 800 < observations["b"]["latency_ms"] < 1400
    with pytest.raises(ConfigurationError, match="timeout"):
        inventory.collect(Server("127.0.0.1:9", timeout=0))


def test_progress_is_reported_for_each_server() -> None:
    """Each server is reported once, as it is done, with its observation and the counts."""
    reported: list[tuple[str, str, int, int]] = []
    with Hostile(answer(LEGAL)) as server:
        inventory.collect(
            [f"a={server.url}", "b=127.0.0.1:9", f"c={server.url}/x"],
            progress=lambda row, done, total: reported.append((row["server"], row["status"], done, total)),
        )
    assert {(name, status) for name, status, _, _ in reported} == {("a", "ok"), ("b", "unreachable"), ("c", "ok")}
    assert [(done, total) for _, _, done, total in reported] == [(1, 3), (2, 3), (3, 3)]


def test_equal_answers_are_each_servers_own() -> None:
    """Servers with the same response, byte for byte, have rows of their own, and so do those between them."""
    with StubServer(inventory_before(), clock=lambda: 0.0) as same, StubServer(inventory_before()[:1]) as other:
        snapshot = inventory.collect([f"a={same.url}", f"b={other.url}", f"c={same.url}"])
    counts = {name: row["model_count"] for name, row in observed(snapshot).items()}
    assert counts == {"a": 6, "b": 1, "c": 6}
    for table in ("models", "instances"):
        sides = [
            [{**row, "server": "", "as_of": None} for row in rows(snapshot.tables[table]) if row["server"] == name]
            for name in "abc"
        ]
        assert sides[0] == sides[2]
        assert 0 < len(sides[1]) < len(sides[0])
    servers = snapshot.tables["models"].column("server").to_pylist()
    assert servers == sorted(servers)
    assert dict(snapshot.payloads)["a"] == snapshot.payloads["c"] != snapshot.payloads["b"]


@pytest.mark.long
def test_a_large_answer_holds_nobody_up() -> None:
    """While a response of thousands of models is parsed, the deadlines of the others hold."""
    body = json.dumps({"models": [{"key": str(n), "type": "llm", "n": n} for n in range(40_000)]}).encode()
    with Hostile(answer(body)) as large, Hostile(drip(b"HTTP/1.1 200 OK\r\n\r\n")) as slow:
        snapshot = inventory.collect([f"l={large.url}", *(f"s{n}={slow.url}/{n}" for n in range(5))], timeout=3)
    observations = observed(snapshot)
    assert observations["l"]["model_count"] == 40_000
    assert all(2900 < observations[f"s{n}"]["latency_ms"] < 3500 for n in range(5))


@pytest.mark.long
def test_a_cell_that_is_stopped_does_not_wait() -> None:
    """In Jupyter, where a loop is running already, an interrupt ends the collection at once."""
    code = (
        "import asyncio, inventory, os, signal, sys, threading, time\n"
        "async def cell():\n"
        "    threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    inventory.collect(sys.argv[1], timeout=30)\n"
        "began = time.monotonic()\n"
        "try: asyncio.new_event_loop().run_until_complete(cell())\n"
        "except KeyboardInterrupt: print(time.monotonic() - began < 10)\n"
    )
    with Hostile(silence) as server:
        process = subprocess.run(
            [sys.executable, "-c", code, server.url], capture_output=True, text=True, timeout=40, check=False
        )
    assert process.stdout == "True\n", process.stderr


_MEASURE = """
import asyncio, json, re, sys, inventory
from inventory.config.servers import Server

rows = [
    {"key": f"publisher/model-{n}", "type": "llm", "publisher": "publisher", "display_name": f"Model {n}",
     "size_bytes": 10**9 + n, "max_context_length": 4096, "format": "gguf", "description": "d" * 200}
    for n in range(60)
]
def memory(field): return int(re.search(field + ":\\\\s+([0-9]+)", open("/proc/self/status").read())[1]) / 1024
async def serve(reader, writer):
    path = (await reader.readuntil(b"\\r\\n\\r\\n")).split()[1].decode()
    body = json.dumps({"models": [rows[0] | {"size_bytes": int(path.split("/")[1])}, *rows[1:]]}).encode()
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    await writer.drain(); writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    few, many = ([Server(f"{base}/{n}", f"s{n}") for n in range(count)] for count in (100, int(sys.argv[1])))
    await asyncio.to_thread(inventory.collect, few)
    before = memory("VmRSS")
    snapshot = await asyncio.to_thread(inventory.collect, many)
    assert snapshot.complete
    print(sum(table.nbytes for table in snapshot.tables.values()) / 2**20, memory("VmHWM") - before)
asyncio.run(main())
"""


@pytest.mark.long
def test_memory_follows_the_tables() -> None:
    """A thousand distinct answers of sixty models cost little more than the tables that they end in."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the peak of one process")
    process = subprocess.run(
        [sys.executable, "-c", _MEASURE, "1000"], capture_output=True, text=True, timeout=120, check=True
    )
    tables, above = map(float, process.stdout.split())
    assert above < 64 + 4 * tables
