"""Servers that know only the older API, or come to know today's."""

import json
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.history_builders import day
from support.hostile_servers import Behaviour, Hostile, answer, echo, silence

import inventory
from inventory import History, Snapshot
from inventory.config.servers import Server
from inventory.diff.changes import ChangeSet
from inventory.history.verify import prove
from inventory.operations.snapshot import take_snapshot
from inventory.tables import rows

OLDER = Path(__file__).parent.parent / "payloads" / "v0"
BODY = (OLDER / "02-ovisocr2-2026-10.json").read_bytes()
UNKNOWN = answer(b'{"error": "Unexpected endpoint or method. (GET /api/v1/models)"}')
TOKEN = "sk-lm-Canary12:abcdefghijKLMNOPQRST"


def by_path(behaviours: Mapping[str, Behaviour]) -> Behaviour:
    """Behave by the path of the request."""
    return lambda connection, request: behaviours[request.split()[1].decode()](connection, request)


def old(body: bytes = BODY) -> Behaviour:
    """Behave as an LM Studio that knows only the older API."""
    return by_path({"/api/v1/models": UNKNOWN, "/api/v0/models": answer(body)})


def observed(snapshot: Snapshot) -> dict[str, Any]:
    """Return the only observation."""
    (row,) = rows(snapshot.tables["observations"])
    return row


def paths(server: Hostile) -> list[str]:
    """Return the paths that were requested from a server."""
    return [request.split()[1].decode() for request in server.requests]


@pytest.mark.parametrize(
    ("source", "requested"),
    [("auto", ["/api/v1/models", "/api/v0/models"]), ("lmstudio_v0", ["/api/v0/models"])],
)
def test_an_older_server_is_read(source: str, requested: list[str]) -> None:
    """``auto`` tries today's API first; the observation names the API that responded, and warns."""
    with Hostile(old()) as server:
        snapshot = inventory.collect(Server(server.url, "s", TOKEN, source=source))
        assert paths(server) == requested
        assert all(TOKEN.encode() in request for request in server.requests)
    row = observed(snapshot)
    assert (row["status"], row["source"], row["model_count"], row["instance_count"]) == ("ok", "lmstudio_v0", 3, 1)
    assert "lists loaded models only when just-in-time loading is off" in row["warnings"]
    assert snapshot.payloads["s"] == BODY


def test_todays_server_is_asked_once() -> None:
    """With ``auto`` the older API is not requested from a server that has today's."""
    with Hostile(answer(b'{"models": [{"key": "unexpected endpoint or method"}]}')) as server:
        row = observed(inventory.collect(Server(server.url, "s", source="auto")))
        assert (row["status"], row["source"], paths(server)) == ("ok", "lmstudio", ["/api/v1/models"])


@pytest.mark.parametrize("source", ["", "lmstudio"])
def test_an_older_server_is_too_old_by_default(source: str) -> None:
    """By default the older API is not requested; the error names the setting that would."""
    with Hostile(old()) as server:
        row = observed(inventory.collect(Server(server.url, "s", source=source)))
        assert paths(server) == ["/api/v1/models"]
    assert (row["status"], row["source"]) == ("too_old", "lmstudio")
    assert 'source = "auto"' in row["error"]


@pytest.mark.parametrize("source", ["auto", "lmstudio", "lmstudio_v0"])
@pytest.mark.parametrize("data", ["[]", '[{"id": "gpt-4", "object": "model", "owned_by": "x"}]'])
def test_an_openai_compatible_server_is_not_lm_studio(source: str, data: str) -> None:
    """Its list looks like the older API's; only an empty list from a server of that API is accepted."""
    with Hostile(answer(f'{{"object": "list", "data": {data}}}'.encode())) as server:
        row = observed(inventory.collect(Server(server.url, "s", source=source)))
    assert row["status"] == ("ok" if (source, data) == ("lmstudio_v0", "[]") else "not_lm_studio")


def test_both_requests_have_one_deadline() -> None:
    """A server that is slow to say that it is too old has only the rest of its time for the older API."""

    def slow(connection: socket.socket, request: bytes) -> None:
        time.sleep(0.5)
        UNKNOWN(connection, request)

    with Hostile(by_path({"/api/v1/models": slow, "/api/v0/models": silence})) as server:
        began = time.monotonic()
        row = observed(inventory.collect(Server(server.url, "s", source="auto"), timeout=0.8))
        assert time.monotonic() - began < 1.25
    assert row["status"] == "timeout"
    assert "within 0.8 s" in row["error"]


def test_the_older_apis_failures_are_reported() -> None:
    """The response of the older API counts, and a token that it repeats is not shown."""
    with Hostile(by_path({"/api/v1/models": UNKNOWN, "/api/v0/models": echo})) as server:
        row = observed(inventory.collect(Server(server.url, "s", TOKEN, source="auto")))
    assert (row["status"], row["http_status"], row["source"]) == ("invalid", 500, "lmstudio_v0")
    body = json.dumps({"data": [{"id": TOKEN, "state": "x"}] * 2, "seen": TOKEN})
    with Hostile(old(body.encode())) as server:
        row = observed(inventory.collect(Server(server.url, "s", TOKEN, source="auto")))
    assert (row["status"], row["source"]) == ("invalid", "lmstudio_v0")
    assert TOKEN not in f"{row['error']}{row['warnings']}"


class Updated:
    """A server that is updated between two recorded runs."""

    def __init__(self, folder: Path) -> None:
        self.history = History(folder / "history")
        self.number = 0

    def run(self, behaviour: Behaviour) -> ChangeSet | None:
        """Record the server on the next day, and return the changes."""
        self.number += 1
        with Hostile(behaviour) as server:
            result = take_snapshot(
                self.history,
                [Server(server.url, "s", source="auto")],
                timeout=5,
                recheck=0,
                clock=lambda: day(self.number),
            )
        assert result.failure is None
        assert result.snapshot.complete
        return result.changes


def words(changes: ChangeSet | None) -> dict[str, int]:
    """Count the changes by word."""
    assert changes is not None
    change_words = changes.table.column("change").to_pylist()
    return {word: change_words.count(word) for word in set(change_words)}


def test_an_update_is_not_a_wave_of_changes(tmp_path: Path, payloads: Mapping[str, bytes]) -> None:
    """From the older API to today's fields are reported, once each, and back they are unreported; nothing else."""
    machine, today = Updated(tmp_path), answer(payloads["06-ovisocr2-2026-10"])
    machine.run(old())
    upgrade = machine.run(today)
    assert upgrade is not None
    fields = [(row["grain"], row["change"], row["field"]) for row in rows(upgrade.table)]
    assert words(upgrade) == {"reported": len(fields) - 1, "unreported": 1}
    assert len(fields) == len(set(fields))
    assert ("model", "unreported", "extra.arch") in fields
    assert {("model", "reported", "size_bytes"), ("instance", "reported", "config_parallel")} <= {*fields}
    downgrade = machine.run(old())
    assert words(downgrade) == {"unreported": len(fields) - 1, "reported": 1}
    again = machine.run(old())
    assert again is not None
    assert again.table.num_rows == 0
    assert [row.status for row in machine.history.runs().itertuples()] == ["ok"] * 4
    assert [
        row["source"] for run_id in machine.history.store.run_ids() for row in machine.history.observed(run_id)
    ] == [
        "lmstudio_v0",
        "lmstudio",
        "lmstudio_v0",
        "lmstudio_v0",
    ]


def test_the_history_proves_older_answers(tmp_path: Path) -> None:
    """Their bodies are stored as received, and give the stored rows again."""
    machine = Updated(tmp_path)
    for path in sorted(OLDER.glob("*.json")):
        machine.history = History(tmp_path / path.stem)
        machine.run(old(path.read_bytes()))
        (run_id,) = machine.history.store.run_ids()
        stored = machine.history.store.read("payloads", run_id).table()
        assert stored.column("body").to_pylist() == [path.read_bytes()]
        assert prove(machine.history.store).problems.num_rows == 0
