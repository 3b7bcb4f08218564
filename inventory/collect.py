"""The joint: servers -> Snapshot. A server that was not read becomes a row with its status, never an exception."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from inventory import schema
from inventory.decode import decode
from inventory.digest import digest
from inventory.errors import ConfigurationError, ServerError
from inventory.flatten import Rows, flatten
from inventory.servers import DEFAULT_ADDRESS, Server, choose, unique
from inventory.snapshot import Snapshot, build, concat, named_rows
from inventory.sources import source_of

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
) -> Snapshot:
    """Ask LM Studio servers for their models: one GET each, at the same time.

    Args:
        servers: an address (``[NAME=]URL``), a ``Server``, or several of either.
        token: the API token for the servers that are given as addresses.
        timeout: seconds that each server has for its whole answer.
        clock: gives the time in UTC.
        run_id: the run's id; a new one by default.

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
    readings = _run(_read_all(unique(chosen), run_id, timeout, clock))
    return _snapshot(sorted(readings, key=lambda reading: str(reading.observation["server"])))


async def _read_all(
    servers: list[Server], run_id: str, timeout: float, clock: Callable[[], datetime]
) -> list[_Reading]:
    places = asyncio.Semaphore(_AT_ONCE)

    async def read(server: Server) -> _Reading:
        async with places:
            return await _read(server, run_id, timeout, clock)

    return await asyncio.gather(*map(read, servers))


async def _read(server: Server, run_id: str, timeout: float, clock: Callable[[], datetime]) -> _Reading:
    """Read one server: fetch, decode, flatten."""
    row: dict[str, Any] = dict.fromkeys(schema.OBSERVATIONS.names)
    row |= {"run_id": run_id, "server": server.name, "url": server.url, "status": "ok"}
    began = time.perf_counter()
    try:
        answer = await source_of(server).fetch(server, timeout)
    except ServerError as error:
        _time(row, server, began, clock)
        return _failed(row, server, error)
    _time(row, server, began, clock)
    row["http_status"] = answer.http_status
    row["payload_digest"] = sha256(answer.body).hexdigest()
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
        "stored_in": run_id,
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
    return total if known and abs(total) < 2**63 else None


def _json_list(texts: list[str]) -> str | None:
    return json.dumps(texts, ensure_ascii=False) if texts else None


def _snapshot(readings: list[_Reading]) -> Snapshot:
    """The tables of all servers, in the order of ``readings``."""
    read = [(str(reading.observation["server"]), reading.rows, reading.body) for reading in readings]
    observed = [reading.observation for reading in readings]
    return Snapshot(
        tables={
            "observations": build(
                schema.OBSERVATIONS, {name: [row[name] for row in observed] for name in schema.OBSERVATIONS.names}
            ),
            "models": concat(
                schema.MODELS,
                [build(schema.MODELS, named_rows(rows.models, server)) for server, rows, _ in read if rows],
            ),
            "instances": concat(
                schema.INSTANCES,
                [build(schema.INSTANCES, named_rows(rows.instances, server)) for server, rows, _ in read if rows],
            ),
        },
        payloads={server: body for server, _, body in read if body is not None},
    )


def _run(work: Coroutine[Any, Any, list[_Reading]]) -> list[_Reading]:
    """Run it to its end; in Jupyter, where a loop runs already, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()
