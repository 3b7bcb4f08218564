"""Collect servers into a Snapshot."""

import asyncio
import json
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support.hostile_servers import LEGAL, REFUSED, Hostile, answer

import inventory
from inventory import Snapshot
from inventory.collection.batch import FlatResponse, flatten_response
from inventory.config.servers import Server
from inventory.errors import ConfigurationError
from inventory.stub_server import StubServer, inventory_before
from inventory.tables import rows, values

collector = import_module("inventory.collection.collector")
NOW = datetime(2026, 11, 23, 6, 0, 4, 123456, tzinfo=UTC)
TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"


def observed(snapshot: Snapshot) -> dict[str, dict[str, object]]:
    """The observations by server."""
    return {row["server"]: row for row in rows(snapshot.tables["observations"])}


def test_a_server_is_read() -> None:
    """An answer becomes an observation with its counts, sizes and digests, and the rows of both grains."""
    with StubServer(inventory_before(), clock=lambda: 0.0) as server:
        snapshot = inventory.collect(f"a={server.url}")
    row = observed(snapshot)["a"]
    assert (row["status"], row["error"], row["http_status"]) == ("ok", None, 200)
    assert (row["model_count"], row["instance_count"]) == (6, 3)
    assert row["size_bytes"] == sum(model["size_bytes"] for model in inventory_before())
    assert row["run_id"] == row["stored_in"] == snapshot.run_id
    assert snapshot.complete
    assert json.loads(snapshot.payloads["a"])["models"] == inventory_before()


def test_failures_are_rows() -> None:
    """A server that cannot be read becomes a row with its status and without counts; the others are read."""
    with StubServer(inventory_before()) as server, Hostile(REFUSED["web page"][0]) as other:
        snapshot = inventory.collect([f"z={server.url}", f"b={other.url}", "a=127.0.0.1:9"])
    observations = observed(snapshot)
    assert [*observations] == ["a", "b", "z"], "sorted by name, whatever the order given"
    assert [row["status"] for row in observations.values()] == ["unreachable", "not_lm_studio", "ok"]
    assert observations["a"]["model_count"] is None
    assert observations["b"]["http_status"] == 200
    assert not snapshot.complete
    assert snapshot.anything_read
    assert set(snapshot.tables["models"].column("server").to_pylist()) == {"z"}


def test_a_refusal_with_the_body_of_an_answer() -> None:
    """A response that was read from one server is still refused from another one with an error status."""
    with Hostile(answer(LEGAL)) as good, Hostile(answer(LEGAL, "500 No")) as bad:
        snapshot = inventory.collect([f"a={good.url}", f"b={bad.url}"])
        again = inventory.collect([f"a={good.url}", f"b={good.url}"])
    assert [row["status"] for row in observed(snapshot).values()] == ["ok", "invalid"]
    assert [row["status"] for row in observed(again).values()] == ["ok", "ok"]


def test_it_works_inside_a_running_loop() -> None:
    """In Jupyter a loop is running already, and collecting works."""

    async def cell() -> Snapshot:
        return inventory.collect(address)

    with Hostile(answer(LEGAL)) as server:
        address = server.url
        assert asyncio.run(cell()).complete


def test_the_same_answer_gives_the_same_snapshot() -> None:
    """With a clock and a run id given, only the latency depends on the moment."""
    with StubServer(inventory_before(), clock=lambda: 0.0) as server:
        first, second = (inventory.collect(server.url, clock=lambda: NOW, run_id="r") for _ in range(2))
    for name in ("models", "instances"):
        assert first.tables[name].equals(second.tables[name])
    assert (
        first.tables["observations"]
        .drop_columns("latency_ms")
        .equals(second.tables["observations"].drop_columns("latency_ms"))
    )
    assert first.observed_at == NOW


def test_run_ids_sort_by_time() -> None:
    """A run is named after its moment, and two runs of one moment differ."""
    from inventory.run_ids import new_run_id

    assert new_run_id(NOW).startswith("20261123T060004.123456Z-")
    assert new_run_id(NOW) < new_run_id(NOW.replace(microsecond=123457))


def test_files_are_sources(tmp_path: Path, payloads: dict[str, bytes]) -> None:
    """A saved answer is read like a server's, without latency and HTTP status."""
    path = tmp_path / "saved.json"
    path.write_bytes(payloads["06-ovisocr2-2026-10"])
    snapshot = inventory.collect([f"file:{path}", f"none=file:{tmp_path / 'missing.json'}", f"dir=file:{tmp_path}"])
    observations = observed(snapshot)
    assert observations["saved"]["status"] == "ok"
    assert observations["saved"]["latency_ms"] is None
    assert observations["saved"]["http_status"] is None
    assert observations["none"]["status"] == "unreachable"
    assert observations["dir"]["status"] == "invalid"


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_must_be_one(timeout: float) -> None:
    """A timeout that is not a positive number is refused before any request."""
    with Hostile(answer(LEGAL)) as server:
        with pytest.raises(ConfigurationError, match="timeout"):
            inventory.collect(server.url, timeout=timeout)
        assert server.requests == []


def test_two_servers_with_one_name_are_refused() -> None:
    """Two servers with one name, also as objects, are refused before any request."""
    with pytest.raises(ConfigurationError, match="two servers"):
        inventory.collect([Server("127.0.0.1:9", "a"), "a=127.0.0.1:10"])


def test_a_server_without_models_has_nothing_on_disk() -> None:
    """No models have a size of zero; models whose sizes are not reported have an unknown one."""
    with StubServer([]) as server:
        assert observed(inventory.collect(f"a={server.url}"))["a"]["size_bytes"] == 0
        server.models = [{"key": "k"}]
        assert observed(inventory.collect(f"a={server.url}"))["a"]["size_bytes"] is None


def test_a_sum_beyond_64_bits_is_left_empty() -> None:
    """Sizes whose sum no column can hold leave the sum empty and the rows as they are."""
    body = json.dumps({"models": [{"key": key, "size_bytes": 2**62} for key in "abc"]}).encode()
    with Hostile(answer(body)) as server:
        snapshot = inventory.collect(f"a={server.url}")
    assert observed(snapshot)["a"]["size_bytes"] is None
    assert snapshot.tables["models"].column("size_bytes").to_pylist() == [2**62] * 3


def test_an_answer_that_the_memory_cannot_hold_is_one_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only that response is refused; the others are read."""

    def fails(body: bytes, *args: Any, **kwargs: Any) -> FlatResponse:
        if b"large" in body:
            raise MemoryError
        return flatten_response(body, *args, **kwargs)

    monkeypatch.setattr(collector, "flatten_response", fails)
    for name in ("large", "small"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"models": [{"key": name}]}))
    snapshot = inventory.collect([f"{name}=file:{tmp_path / name}.json" for name in ("large", "small")])
    assert values(snapshot.tables["observations"], "status") == ["invalid", "ok"]
    assert "more memory than there is" in values(snapshot.tables["observations"], "error")[0]
    assert values(snapshot.tables["models"], "key") == ["small"]
