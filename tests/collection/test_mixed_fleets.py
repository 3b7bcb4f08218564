"""Large and small responses at once: every row belongs to its own server."""

import ast
import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import inventory
from inventory import History, Snapshot, schema
from inventory.collection import batch as batch_module
from inventory.collection import collector
from inventory.collection.batch import FlatResponse, ResponseBatch, flatten_response
from inventory.config.servers import Server
from inventory.normalize.fingerprint import digest
from inventory.operations.snapshot import take_snapshot
from inventory.tables import rows

LARGE = 64 * 1024
"""Size in bytes beyond which a response is parsed in another thread."""


def body_of(owner: str, models: int, padding: int = 0) -> bytes:
    """Make a response in which every row names its owner; ``padding`` makes it longer without more rows."""
    loaded = [{"id": f"{owner}/m0:{number}", "config": {"context_length": number + 1}} for number in range(2)]
    answer = [
        {
            "key": f"{owner}/m{number}",
            "display_name": owner,
            "publisher": owner,
            "size_bytes": number + 1,
            "loaded_instances": loaded if number == 0 else [],
            "described": f"{owner} {'x' * padding}",
        }
        for number in range(models)
    ]
    return json.dumps({"models": answer}).encode()


class Many:
    """Many servers behind one port, each under a path of its own: over HTTP they are servers like any other.

    Attributes:
        bodies: the response of each server.
        gate: what the small ones wait for before they respond, if anything.
    """

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.gate: threading.Event | None = None
        many = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                name = self.path.split("/")[1]
                body = many.bodies[name]
                if many.gate is not None and name.startswith("small"):
                    many.gate.wait(30)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Listening(ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

        self._http = Listening(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def servers(self) -> list[Server]:
        """Return all of them, in random order."""
        port = self._http.server_address[1]
        servers = [Server(f"http://127.0.0.1:{port}/{name}", name) for name in self.bodies]
        random.Random(len(servers)).shuffle(servers)
        return servers

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def many() -> Iterator[Many]:
    """Servers for one test."""
    servers = Many()
    yield servers
    servers.close()


def mixed(seed: int) -> dict[str, bytes]:
    """Make a random fleet: large responses of few and of many rows, small ones, and some that servers share."""
    chance = random.Random(seed)
    bodies: dict[str, bytes] = {}
    for number in range(chance.randrange(2, 12)):
        bodies[f"large{number}"] = body_of(f"large{number}", chance.choice([40, 300, 600]), chance.choice([0, 3000]))
    if seed % 3 == 0:
        bodies["wide"] = body_of("wide", 2500)  # becomes an Arrow table of its own
    for number in range(chance.randrange(10, 85)):
        bodies[f"small{number}"] = body_of(f"small{number}", chance.randrange(6))
    for group, count in ("twin", 2), ("twins", chance.randrange(2, 6)):
        shared = body_of(group, chance.choice([3, 500]))
        bodies |= {f"{group}{number}": shared for number in range(count)}
    return bodies


def check(snapshot: Snapshot, bodies: dict[str, bytes]) -> None:
    """Check that every row of both grains, every count and every body belongs to its server."""
    expected = {name: json.loads(body)["models"] for name, body in bodies.items()}
    models = {name: sorted(model["key"] for model in answer) for name, answer in expected.items()}
    instances = {
        name: sorted(instance["id"] for model in answer for instance in model["loaded_instances"])
        for name, answer in expected.items()
    }
    got_models: dict[str, list[str]] = {name: [] for name in bodies}
    got_instances: dict[str, list[str]] = {name: [] for name in bodies}
    for row in rows(snapshot.tables["models"]):
        assert row["display_name"] == row["key"].split("/")[0]
        assert json.loads(row["extra"])["described"].split()[0] == row["display_name"]
        got_models[row["server"]].append(row["key"])
    for row in rows(snapshot.tables["instances"]):
        assert row["instance_id"].startswith(row["key"])
        got_instances[row["server"]].append(row["instance_id"])
    assert {name: sorted(keys) for name, keys in got_models.items()} == models
    assert {name: sorted(ids) for name, ids in got_instances.items()} == instances
    for row in rows(snapshot.tables["observations"]):
        answer = expected[row["server"]]
        assert (row["status"], row["model_count"]) == ("ok", len(answer))
        assert row["instance_count"] == len(instances[row["server"]])
        assert row["size_bytes"] == sum(model["size_bytes"] for model in answer)
        assert row["payload_digest"] == sha256(bodies[row["server"]]).hexdigest()
    if snapshot.payloads:  # a history keeps them, and does not load them
        assert {name: snapshot.payloads[name] for name in bodies} == bodies


@pytest.mark.parametrize("seed", [*range(24), *(pytest.param(n, marks=pytest.mark.full) for n in range(24, 200))])
def test_every_row_is_its_own_servers(seed: int, many: Many) -> None:
    """Large and small responses arrive together over HTTP; some are the same for more than one server."""
    many.bodies = mixed(seed)
    assert {len(body) > LARGE for body in many.bodies.values()} == {True, False}
    check(inventory.collect(many.servers(), timeout=60), many.bodies)


@pytest.mark.long
@pytest.mark.parametrize("seed", [101, pytest.param(102, marks=pytest.mark.long)])
def test_what_is_recorded_is_each_servers_own(seed: int, many: Many, tmp_path: Path) -> None:
    """The same holds for what is recorded in a history, and for the changes when every response changes."""
    history = History(tmp_path / "history")
    many.bodies = mixed(seed)
    take_snapshot(history, many.servers(), timeout=60)
    check(history.load("latest"), many.bodies)
    many.bodies = {name: json.dumps({"models": [{"key": f"{name}/new"}]}).encode() for name in many.bodies}
    result = take_snapshot(history, many.servers(), timeout=60, accept_suspect=True)
    assert result.changes is not None
    added = [row for row in rows(result.changes.table) if (row["grain"], row["change"]) == ("model", "added")]
    assert [row["key"] for row in added] == [f"{row['server']}/new" for row in added]
    assert {row["server"] for row in added} == {*many.bodies}


def test_a_slow_large_answer_keeps_its_rows(monkeypatch: pytest.MonkeyPatch, many: Many) -> None:
    """All small responses are parsed while a large one is: the moment of a race, made certain."""
    many.bodies = {"large": body_of("large", 600)} | {f"small{n}": body_of(f"small{n}", 3) for n in range(9)}
    small_ones_done, loop = threading.Event(), threading.current_thread()
    many.gate = gate = threading.Event()

    def waiting(flat: Any, *ignore: Any) -> str:
        if threading.current_thread() is not loop:
            gate.set()
            assert small_ones_done.wait(30)
        return digest(flat, *ignore)

    def progress(row: dict[str, Any], done: int, total: int) -> None:
        assert row["server"] != "large" or done == total
        if done == total - 1:
            small_ones_done.set()

    monkeypatch.setattr(batch_module, "digest", waiting)
    check(inventory.collect(many.servers(), timeout=60, progress=progress), many.bodies)
    assert small_ones_done.is_set()


def test_an_answer_is_flattened_by_itself() -> None:
    """In many threads at once each response is flattened as it is alone, without a batch."""
    bodies = [*mixed(3).values()]
    with ThreadPoolExecutor(8) as threads:
        together = [*threads.map(lambda body: flatten_response(body, ("lmstudio",)), bodies)]
    assert together == [flatten_response(body, ("lmstudio",)) for body in bodies]


def test_an_answer_is_added_once() -> None:
    """A response that is added again, as from two servers at once, has the same entry."""
    body = body_of("a", 3)
    response = flatten_response(body, ("lmstudio",))
    assert isinstance(response, FlatResponse)
    batch = ResponseBatch()
    first = batch.add(("lmstudio",), "x", response)
    assert batch.add(("lmstudio",), "x", flatten_response(body, ("lmstudio",))) is first
    assert batch.get(("lmstudio",), "x") is first
    assert batch.get(("lmstudio_v0",), "x") is None
    observed = [dict.fromkeys(schema.OBSERVATIONS.names) | {"server": server} for server in "ab"]
    tables = batch.snapshot(observed, {"a": first, "b": first}).tables
    assert tables["models"].column("server").to_pylist() == ["a"] * 3 + ["b"] * 3


def test_nothing_shared_goes_to_another_thread() -> None:
    """The other thread runs functions of the module on values only, never methods of the collector."""
    tree = ast.parse(Path(collector.__file__).read_text(encoding="utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "run"
    ]
    assert len(calls) == 2
    for call in calls:
        assert isinstance(call.args[0], ast.Name)
        assert call.args[0].id in functions
        assert not [node for node in ast.walk(call) if isinstance(node, ast.Name) and node.id in ("self", "parser")]
