"""The scenarios, fed to our own tool: each status of an observation and each word of a change can be produced."""

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from inventory import History, Server, StubServer, schema
from inventory.operations.snapshot import take_snapshot
from inventory.stub_server import SCENARIOS, inventory_before

PAYLOADS = Path(__file__).parent.parent / "payloads"
BUNDLED = "text-embedding-nomic-embed-text-v1.5"

Run = tuple[str, set[str]]
"""The status of an observation, and the words of the changes since the one before."""

EXPECTED: dict[str, list[Run]] = {
    "cold-start": [("ok", set()), ("ok", set()), ("ok", {"added", "loaded"})],
    "jit": [("ok", set()), ("ok", {"loaded"}), ("ok", {"unloaded"})],
    "two-instances": [("ok", set()), ("ok", {"loaded"}), ("ok", {"reconfigured"}), ("ok", set())],
    "upgrade": [("ok", set()), ("ok", {"reported"}), ("ok", set())],
    "regrouped": [("ok", set()), ("ok", {"renamed"})],
    "unauthorized": [("unauthorized", set())],
    "too-old": [("too_old", set())],
    "slow": [("timeout", set())],
    "torn": [("unreachable", set()), ("invalid", set()), ("unreachable", set())],
    "empty": [("ok", set())],
    "suspect": [("ok", set()), ("suspect", set()), ("ok", {"removed", "unloaded"})],
    "v0-only": [("ok", set())],
    "link": [("ok", set())],
}


def runs(server: StubServer, folder: Path, count: int) -> list[Run]:
    """What our tool says in so many runs in a row."""
    history = History(folder)
    asked = Server(server.url, "a", source="auto")
    result = []
    for _ in range(count):
        done = take_snapshot(history, [asked], timeout=1, recheck=0)
        changes = done.changes.table.column("change").to_pylist() if done.changes else []
        result.append((done.snapshot.tables["observations"].column("status")[0].as_py(), set(changes)))
    return result


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_what_its_name_says(name: str, tmp_path: Path) -> None:
    """Our tool sees in it what it would see of such a server."""
    with StubServer(scenario=name) as server:
        assert runs(server, tmp_path, len(EXPECTED[name])) == EXPECTED[name]
        assert len(server.requests) >= (name != "slow")


def test_every_status_can_be_produced(tmp_path: Path) -> None:
    """By a scenario; that of another server by its body."""
    other = PAYLOADS / "errors" / "other-server-fastflowlm-api-v1-models.json"
    with StubServer(bodies=[other]) as server:
        seen = {status for status, _ in runs(server, tmp_path, 1)}
    assert seen == {"not_lm_studio"}
    assert seen | {status for steps in EXPECTED.values() for status, _ in steps} == set(schema.STATUSES)


def test_every_word_of_a_change_can_be_produced(tmp_path: Path) -> None:
    """By a scenario; an upgrade in a loop is a downgrade too."""
    with StubServer(scenario="upgrade", loop=True) as server:
        (_, words) = runs(server, tmp_path, 3)[-1]
    assert words == {"unreported"}
    assert words.union(*(words for steps in EXPECTED.values() for _, words in steps)) == set(schema.CHANGES_WORDS)


def test_loading_is_news(tmp_path: Path) -> None:
    """What is loaded through the API is loaded in the next snapshot; with another context it is reconfigured."""

    def post(action: str, **fields: object) -> None:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
        connection.request("POST", f"/api/v1/models/{action}", json.dumps(fields))
        assert connection.getresponse().read()
        connection.close()

    key = "microsoft/phi-4"
    with StubServer() as server:
        words = [runs(server, tmp_path, 1)[0][1]]
        for context in (2048, 8192):
            post("unload", instance_id=key)
            post("load", model=key, context_length=context)
            words.append(runs(server, tmp_path, 1)[0][1])
        post("unload", instance_id=key)
        words.append(runs(server, tmp_path, 1)[0][1])
    assert words == [set(), {"loaded"}, {"reconfigured"}, {"unloaded"}]


@pytest.mark.long
def test_a_scenario_works_with_other_models(tmp_path: Path) -> None:
    """The models may be the caller's own; without any, it takes the samples."""
    models = [{**inventory_before()[4], "key": key} for key in ("a", "b", "c", "d")]
    for name in SCENARIOS:
        with StubServer(models, scenario=name, latency=0) as server:
            runs(server, tmp_path / name, 2)
            assert all(row["key"].split("@")[0] in {"a", "b", "c", "d", BUNDLED} for row in server.models)
        with StubServer([], scenario=name):
            pass


def test_a_server_that_lacks_a_path_lacks_what_is_below() -> None:
    """The paths that it says it knows are those that it answers."""
    with StubServer(scenario="v0-only") as server:
        assert set(server.paths) == {"/api/v0/models", "/v1/models", "/lmstudio-greeting"}
    with StubServer(scenario="too-old") as server:
        assert set(server.paths) == {"/v1/models", "/lmstudio-greeting"}
