"""T5: whatever a server does, its answer is complete within the timeout, or given up half a second later."""

import gc
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack

import pytest
from support.hostile_servers import BEHAVIOURS, LEGAL, READ, Case, Hostile, answer, silence

import inventory
from inventory.config.servers import Server
from inventory.tables import rows

LATE = {name: case for name, case in BEHAVIOURS.items() if case.status == "timeout"}
STRICT = 0.5
HANG = 40.0
"""Seconds after which an answer counts as never given up; the release's run holds the figure itself."""


def _collect(cases: Mapping[str, Case], timeout: float) -> tuple[dict[str, str], dict[str, float]]:
    """Collect from servers with these behaviours at once: the status of each, and its duration in seconds."""
    durations: dict[str, float] = {}
    with ExitStack() as stack:
        servers = [Server(stack.enter_context(case.server()).url, name) for name, case in cases.items()]
        began = time.monotonic()
        snapshot = inventory.collect(
            servers,
            timeout=timeout,
            concurrency=len(servers),
            progress=lambda row, *_: durations.update({str(row["server"]): time.monotonic() - began}),
        )
    gc.collect()
    return {row["server"]: row["status"] for row in rows(snapshot.tables["observations"])}, durations


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """What is imported with the first request takes nobody's time."""
    with BEHAVIOURS["as it should be"].server() as http, BEHAVIOURS["self-signed certificate"].server() as https:
        inventory.collect([f"a={http.url}", f"b={https.url}"])


@pytest.mark.guard("total deadline")
@pytest.mark.long
def test_everything_that_never_ends_is_given_up() -> None:
    """Silence, drops in the body, the headers, the chunks, the trailers or the TLS greeting: all end at the timeout."""
    statuses, durations = _collect(LATE, 0.8)
    assert statuses == dict.fromkeys(LATE, "timeout")
    assert all(0.75 < seconds < HANG for seconds in durations.values()), durations


@pytest.mark.full
@pytest.mark.parametrize("name", LATE)
def test_each_is_given_up_within_half_a_second(name: str) -> None:
    """Alone, each is given up at the timeout and not half a second later."""
    statuses, durations = _collect({name: LATE[name]}, 0.8)
    assert statuses == {name: "timeout"}
    assert 0.75 < durations[name] < 0.8 + STRICT


@pytest.mark.parametrize("limit", [HANG, pytest.param(2.0, marks=pytest.mark.full)])
@pytest.mark.long
def test_dead_servers_cost_one_timeout_together(limit: float) -> None:
    """Fifty servers that never answer cost one timeout together."""
    cases = {f"s{number}": Case(silence, "timeout") for number in range(50)}
    began = time.monotonic()
    statuses, _ = _collect(cases, 1)
    assert time.monotonic() - began < 1 + limit
    assert set(statuses.values()) == {"timeout"}


@pytest.mark.parametrize(("timeout", "limit"), [(10, HANG), pytest.param(2, 4.0, marks=pytest.mark.full)])
def test_what_comes_at_full_speed_stops_nobody_else(timeout: float, limit: float) -> None:
    """Thirty servers that send interim answers without end are refused, and the others are read in time."""
    flood = {name: case for name, case in BEHAVIOURS.items() if "interim answers at full speed" in name}
    cases = {f"{name} {number}": case for name, case in flood.items() for number in range(10)}
    statuses, durations = _collect(cases | {"good": Case(answer(LEGAL), "ok")}, timeout)
    assert statuses == {**dict.fromkeys(cases, "invalid"), "good": "ok"}
    assert max(durations.values()) < limit


def test_a_queue_that_nobody_serves_is_left() -> None:
    """A connection that waits in the queue of a busy machine ends at the timeout too."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        began = time.monotonic()
        snapshot = inventory.collect(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.6)
        assert time.monotonic() - began < HANG
    assert snapshot.tables["observations"].column("status").to_pylist() == ["timeout"]


_LOOKUP = """
import socket, threading, time
socket.getaddrinfo = lambda *_, **__: threading.Event().wait(60)
import inventory, httpx
began = time.monotonic()
snapshot = inventory.collect("http://somewhere.example", timeout=0.5)
print(snapshot.tables["observations"].column("status")[0].as_py(), time.monotonic() - began)
"""


@pytest.mark.guard("a name lookup is not waited for")
@pytest.mark.long
def test_a_name_lookup_that_hangs_is_left() -> None:
    """The system's lookup of a name may hang for minutes: neither the answer nor the process's end waits for it."""
    began = time.monotonic()
    process = subprocess.run([sys.executable, "-c", _LOOKUP], capture_output=True, text=True, timeout=50, check=True)
    status, duration = process.stdout.split()
    assert (status, process.stderr) == ("timeout", "")
    assert float(duration) < HANG
    assert time.monotonic() - began < HANG


@pytest.mark.long
def test_an_answer_that_is_slow_but_in_time_is_read() -> None:
    """Byte by byte is no fault as long as all of it comes before the deadline."""
    slow = {name: Case(behaviour, "ok") for name, behaviour in READ.items() if "slow" in name}
    assert slow
    assert set(_collect(slow, 30)[0].values()) == {"ok"}


def test_pauses_and_further_attempts_are_within_the_deadline() -> None:
    """A server that is never ready, or asks to come back later, costs no more than the timeout."""
    for header in ("Retry-After: 1", "Retry-After: 3600", "X: y"):
        with Hostile(answer(b"", "503 Wait", header)) as server:
            began = time.monotonic()
            inventory.collect(server.url, timeout=0.5)
            assert time.monotonic() - began < HANG
