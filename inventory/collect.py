"""The joint: servers -> Snapshot. A server that was not read becomes a row with its status, never an exception."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from inventory import schema
from inventory.decode import decode
from inventory.digest import digest
from inventory.errors import ConfigurationError, ServerError
from inventory.flatten import Rows, flatten
from inventory.servers import DEFAULT_ADDRESS, Server, choose, unique
from inventory.snapshot import Snapshot, build, named_rows, table_of
from inventory.sources import Answer, source_of
from inventory.suspicion import Expected, doubt

TIMEOUT = 10.0
"""Seconds that one server has for its whole answer; LM Studio takes about ten milliseconds."""

_AT_ONCE = 64  # servers asked at the same time; the dead ones among them cost one timeout together


@dataclass(frozen=True)
class _Reading:
    """What became of one server: its row of the observations, and its rows if it was read."""

    observation: dict[str, Any]
    rows: Rows | None = None
    body: bytes | None = None


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def new_run_id(moment: datetime) -> str:
    """A run's id: sorts by time and cannot collide, such as ``20261123T060004.123456Z-3f9a``."""
    return f"{moment:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(2)}"


def collect(
    servers: str | Server | Iterable[str | Server] = DEFAULT_ADDRESS,
    *,
    token: str | None = None,
    timeout: float = TIMEOUT,
    clock: Callable[[], datetime] = utc_now,
    run_id: str | None = None,
    expected: Mapping[str, Expected] | None = None,
    recheck: float = 5.0,
) -> Snapshot:
    """Ask LM Studio servers for their models: one GET each, at the same time.

    Args:
        servers: an address (``[NAME=]URL``), a ``Server``, or several of either.
        token: the API token for the servers that are given as addresses.
        timeout: seconds that each server has for its whole answer.
        clock: gives the time in UTC.
        run_id: the run's id; a new one by default.
        expected: what is known of the servers, by name: an answer that lost most of its models is doubted.
        recheck: seconds before a doubtful answer is asked for once more.

    Returns:
        The snapshot. ``snapshot.complete`` says whether every server was read; ``snapshot.observations`` says why not.

    Raises:
        ConfigurationError: an address, a name or a token that cannot be one, or two servers with one name.
    """
    several = [servers] if isinstance(servers, str | Server) else list(servers)
    chosen = [one for item in several for one in ([item] if isinstance(item, Server) else choose([item], token))]
    if not timeout > 0 or timeout == float("inf"):
        raise ConfigurationError(
            f"a timeout of {timeout:g} seconds cannot be kept", "Give a positive number of seconds"
        )
    run_id = run_id or new_run_id(clock())
    reader = _Reader(run_id, timeout, clock, expected or {}, recheck)
    readings = _run(reader.read_all(unique(chosen)))
    return _snapshot(sorted(readings, key=lambda reading: str(reading.observation["server"])))


@dataclass(frozen=True)
class _Reader:
    """Reads servers in one run."""

    run_id: str
    timeout: float
    clock: Callable[[], datetime]
    expected: Mapping[str, Expected]
    recheck: float

    async def read_all(self, servers: list[Server]) -> list[_Reading]:
        """Read all servers, some at a time."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def read(server: Server) -> _Reading:
            async with places:
                return await self.read(server)

        return await asyncio.gather(*map(read, servers))

    async def read(self, server: Server) -> _Reading:
        """Read one server; an answer that lost most of its models is asked for once more, and then doubted."""
        reading = await self._read_once(server)
        if not (reason := self._doubt(server, reading)):
            return reading
        await asyncio.sleep(self.recheck)
        again = await self._read_once(server)
        if again.rows is None:  # it failed now; what it said before is still what it said
            again = reading
        elif not (reason := self._doubt(server, again)):
            return again
        advice = "It is not compared until the next run says the same; believe it at once with --accept-suspect"
        return replace(again, observation=again.observation | {"status": "suspect", "error": f"{reason}. {advice}"})

    def _doubt(self, server: Server, reading: _Reading) -> str:
        return doubt(reading.rows.models["key"], self.expected.get(server.name)) if reading.rows else ""

    async def _read_once(self, server: Server) -> _Reading:
        """Read one server: fetch, then decode and flatten beside the loop, so that no other deadline waits for it."""
        row: dict[str, Any] = dict.fromkeys(schema.OBSERVATIONS.names)
        row |= {"run_id": self.run_id, "server": server.name, "url": server.url, "status": "ok"}
        began = time.perf_counter()
        try:
            answer = await source_of(server).fetch(server, self.timeout)
        except ServerError as error:
            _time(row, server, began, self.clock)
            return _failed(row, server, error)
        _time(row, server, began, self.clock)
        return await asyncio.to_thread(_understood, row, server, answer)


def _understood(row: dict[str, Any], server: Server, answer: Answer) -> _Reading:
    """What an answer says: decoded and flattened."""
    row = row | {"http_status": answer.http_status, "payload_digest": sha256(answer.body).hexdigest()}
    try:
        checked = decode(answer.body, answer.http_status or 200, token_sent=server.token is not None)
        rows = flatten(checked.models)
    except ServerError as error:
        return _failed(row, server, error)
    warnings = [_without_token(text, server) for text in (*checked.warnings, *rows.warnings)]
    row |= {
        "model_count": len(rows.models["key"]),
        "instance_count": len(rows.instances["key"]),
        "size_bytes": _total(rows.models["size_bytes"]),
        "digest": digest(rows),
        "stored_in": row["run_id"],
        "warnings": _json_list(warnings),
    }
    return _Reading(row, rows, answer.body)


def _time(row: dict[str, Any], server: Server, began: float, clock: Callable[[], datetime]) -> None:
    row["observed_at"] = clock()
    if server.source != "file":
        row["latency_ms"] = round((time.perf_counter() - began) * 1000, 3)


def _failed(row: dict[str, Any], server: Server, error: ServerError) -> _Reading:
    told = {"status": error.status, "error": _without_token(str(error), server)}
    return _Reading(row | told | ({"http_status": error.http_status} if error.http_status else {}))


def _without_token(text: str, server: Server) -> str:
    """A text about an answer, which may repeat what was sent."""
    if server.token:
        for form in (server.token, json.dumps(server.token)[1:-1], repr(server.token)[1:-1]):
            text = text.replace(form, "[token]")
    return text


def _total(sizes: list[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    total = sum(known)
    return total if (known or not sizes) and abs(total) < 2**63 else None


def _json_list(texts: list[str]) -> str | None:
    return json.dumps(texts, ensure_ascii=False) if texts else None


def _snapshot(readings: list[_Reading]) -> Snapshot:
    """The tables of all servers, in the order of ``readings``."""
    read = [
        (str(one.observation["server"]), one.rows, one.body) for one in readings if one.rows and one.body is not None
    ]
    models, instances = (
        {name: [value for answer in answers for value in answer[name]] for name in table.names}
        for table in schema.GRAIN_TABLES.values()
        for answers in [[named_rows(getattr(rows, table.name), server) for server, rows, _ in read]]
    )
    return Snapshot(
        tables={
            "observations": table_of(schema.OBSERVATIONS, [reading.observation for reading in readings]),
            "models": build(schema.MODELS, models),
            "instances": build(schema.INSTANCES, instances),
        },
        payloads={server: body for server, _, body in read},
    )


def _run(work: Coroutine[Any, Any, list[_Reading]]) -> list[_Reading]:
    """Run it to its end; in Jupyter, where a loop runs already, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()
