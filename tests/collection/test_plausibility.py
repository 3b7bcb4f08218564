"""A response that lost most of its models, queried from a real server and recorded."""

import json
import socket
import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.history_builders import Model, day, model, opened
from support.hostile_servers import Hostile, answer

from inventory import History
from inventory.collection.plausibility import BUNDLED, PreviousState, implausible_reason
from inventory.config.servers import Server
from inventory.history.retention import carry_out, plan
from inventory.operations.snapshot import SnapshotResult, take_snapshot
from inventory.stub_server import StubServer
from inventory.tables import rows

MANY = [model(f"m{number}") for number in range(10)]
FEW = [model("m0")]


class Watched:
    """A stub server whose runs are recorded, one a day."""

    def __init__(self, folder: Path, server: StubServer) -> None:
        self.history = History(folder / "history")
        self.server = server
        self.number = 0

    def run(self, models: list[dict[str, Any]] | None = None, **options: Any) -> SnapshotResult:
        """Record the server with these models; without models it cannot be reached."""
        self.number += 1
        self.server.models = models or []
        server = Server("http://127.0.0.1:9" if models is None else self.server.url, "s")
        moment = day(self.number)
        return take_snapshot(self.history, [server], timeout=5, clock=lambda: moment, **{"recheck": 0.0} | options)


def recorded(history: History, fleet: dict[str, list[Model]], moment: datetime) -> SnapshotResult:
    """Record a run over some servers."""
    servers = []
    for name, models in fleet.items():
        path = history.store.folder.parent / f"{name}.json"
        path.write_text(json.dumps({"models": models}))
        servers.append(Server(f"file:{path}", name))
    return take_snapshot(history, servers, timeout=5, clock=lambda: moment, recheck=0.0)


def status(result: SnapshotResult) -> str:
    """Return the status of the only server."""
    return str(rows(result.snapshot.tables["observations"])[0]["status"])


@pytest.mark.guard("most models are gone")
@pytest.mark.parametrize(
    ("keys", "before", "doubted", "accepted"),
    [
        (5, 10, None, True),
        (4, 10, None, False),
        (0, 3, None, False),
        (0, 2, None, True),
        (1, 3, None, True),
        (1, 4, None, False),
        (2, 5, None, False),
        (3, 6, None, True),
        (20, 10, None, True),
        (4, 10, 4, True),
        (4, 10, 3, False),
        (0, 10, 0, True),
    ],
)
def test_what_is_doubted(keys: int, before: int, doubted: int | None, accepted: bool) -> None:
    """Fewer than half and at least three fewer, unless the last observation doubted the same keys."""
    names = [str(number) for number in range(keys)]
    known = PreviousState(before, None if doubted is None else frozenset(map(str, range(doubted))))
    assert (implausible_reason(names, known) == "") is accepted
    assert implausible_reason(names, None) == "", "nothing is known of it"


def test_only_the_bundled_model_is_doubted() -> None:
    """The embedding model that comes with LM Studio, alone, is a cold start if there was more; also of two models."""
    assert "starting" in implausible_reason([BUNDLED], PreviousState(2))
    assert implausible_reason([BUNDLED], PreviousState(1)) == ""
    assert implausible_reason(["other"], PreviousState(2)) == ""


def test_the_second_run_in_a_row_is_believed(tmp_path: Path) -> None:
    """A suspect response is stored, and compared once the next run says the same."""
    with StubServer(MANY) as server:
        watched = Watched(tmp_path, server)
        watched.run(MANY)
        first = watched.run(FEW)
        assert status(first) == "suspect"
        assert first.changes is not None
        assert first.changes.table.num_rows == 0
        assert first.changes.not_compared == {"s": "not read now: suspect"}
        assert watched.history.load().tables["models"].num_rows == 1, "kept"
        assert watched.history.state().tables["models"].num_rows == 10, "not believed"
        second = watched.run(FEW)
        assert status(second) == "ok"
        assert second.changes is not None
        assert second.changes.counts("model")["removed"] == 9
    assert [row.status for row in watched.history.runs().itertuples()] == ["ok", "suspect", "ok"]
    assert watched.history.runs()["removed"].fillna(0).tolist() == [0, 0, 9]


def test_another_small_answer_is_doubted_again(tmp_path: Path) -> None:
    """Only the same keys in the next response are accepted; a failure in between does not count."""
    with StubServer(MANY) as server:
        watched = Watched(tmp_path, server)
        runs = [MANY, FEW, [model("m1")], None, [model("m1")], MANY, FEW]
        assert [status(watched.run(models)) for models in runs] == [
            "ok",
            "suspect",
            "suspect",
            "unreachable",
            "ok",
            "ok",
            "suspect",
        ]
    changes = [(row.observed_at, row.change) for row in watched.history.timeline().itertuples()]
    assert Counter(changes) == {(day(5), "removed"): 9, (day(6), "added"): 9}


@pytest.mark.parametrize("failures", [0, 1, pytest.param(3, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("small", "statuses"),
    [
        ([FEW, FEW, FEW], ["suspect", "ok", "ok"]),
        ([FEW, [model("m1")], [model("m2")], [model("m3")]], ["suspect", "suspect", "ok", "ok"]),
        ([FEW, [model("m1")], [model("m1")]], ["suspect", "suspect", "ok"]),
        ([FEW, [model("m1")], MANY, FEW, FEW], ["suspect", "suspect", "ok", "suspect", "ok"]),
    ],
    ids=["the same", "always others", "the same later", "back meanwhile"],
)
def test_doubt_ends(tmp_path: Path, small: list[list[Model]], statuses: list[str], failures: int) -> None:
    """A response is accepted when it comes twice, or the third time, however many failures lie in between."""
    with StubServer(MANY) as server:
        watched = Watched(tmp_path, server)
        watched.run(MANY)
        actual = []
        for models in small:
            for _ in range(failures):
                assert status(watched.run(None)) == "unreachable"
            actual.append(status(watched.run(models)))
    assert actual == statuses


def test_doubt_ends_where_others_are_asked_between(tmp_path: Path) -> None:
    """A suspect response is remembered across runs over other servers and a pruning."""
    history = opened(tmp_path / "history")
    for number, (name, models) in enumerate([("s", MANY), ("t", MANY), ("s", FEW), ("t", MANY), ("t", MANY)]):
        result = recorded(history, {name: models}, day(number))
        assert status(result) == ("suspect" if models is FEW else "ok")
    carry_out(history.store, plan(history.store, {"last": 1}))
    assert status(recorded(history, {"s": FEW}, day(6))) == "ok"


def test_an_empty_answer_is_believed_the_second_time(tmp_path: Path) -> None:
    """An empty response is accepted the second time."""
    with StubServer(MANY) as server:
        watched = Watched(tmp_path, server)
        assert [status(watched.run(models)) for models in (MANY, [], [])] == ["ok", "suspect", "ok"]
    assert len(watched.history.timeline()) == 10


def test_accepting_believes_at_once(tmp_path: Path) -> None:
    """With accept_suspect the first small response is compared."""
    with StubServer(MANY) as server:
        watched = Watched(tmp_path, server)
        watched.run(MANY)
        result = watched.run(FEW, accept_suspect=True)
        assert status(result) == "ok"
        assert result.changes is not None
        assert result.changes.counts("model")["removed"] == 9


def test_the_last_complete_answer_is_compared_with(tmp_path: Path) -> None:
    """After a suspect run, the next is compared with the complete one before it."""
    with StubServer(MANY) as server:
        watched = Watched(tmp_path, server)
        watched.run(MANY)
        watched.run(FEW)
        result = watched.run(MANY[:8])
        assert result.changes is not None
        assert result.changes.counts("model") | {"removed": 2} == result.changes.counts("model")
        assert not any(result.changes.counts("model")[word] for word in ("added", "reconfigured"))


def test_a_suspect_response_stays_when_the_second_query_fails(tmp_path: Path) -> None:
    """A response that lost its models stays suspect, and is stored, when the second query fails."""
    answers = [answer(json.dumps({"models": MANY}).encode()), answer(json.dumps({"models": MANY[:1]}).encode())]

    def behave(connection: socket.socket, request: bytes) -> None:
        if answers:
            answers.pop(0)(connection, request)  # after that it hangs up

    with Hostile(behave) as server:
        history = History(tmp_path / "history")
        servers = [Server(server.url, "s")]
        times = iter(day(number) for number in range(9))
        first, result = (take_snapshot(history, servers, timeout=5, clock=times.__next__, recheck=0.0) for _ in "12")
    assert (status(first), status(result)) == ("ok", "suspect")
    assert result.snapshot.tables["models"].num_rows == 1
    assert history.timeline().empty


def test_a_second_query_is_read(tmp_path: Path) -> None:
    """A server that has started by the second query is read, and not suspect."""
    with StubServer(MANY) as server:
        watched = Watched(tmp_path, server)
        watched.run(MANY)

        def started() -> None:
            time.sleep(0.3)
            server.models = MANY

        thread = threading.Thread(target=started)
        thread.start()
        result = watched.run([model(BUNDLED)], recheck=0.6)
        thread.join()
        assert status(result) == "ok"
        assert result.snapshot.tables["models"].num_rows == 10
