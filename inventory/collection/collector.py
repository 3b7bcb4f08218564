"""Collect a snapshot: a server that cannot be read becomes a row with its status, never an exception."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from os import PathLike, fsdecode
from typing import Any

from inventory import schema
from inventory.collection.batch import BatchEntry, FlatResponse, ResponseBatch, flatten_response
from inventory.collection.plausibility import PreviousState, implausible_reason
from inventory.collection.repeats import KnownAnswers
from inventory.config.credentials import contains_token, hide_token
from inventory.config.servers import Server, server_of, unique
from inventory.errors import ConfigurationError, Invalid, ServerError, wrong_type
from inventory.normalize.response import PATHS
from inventory.run_ids import new_run_id, utc_now
from inventory.sources import Connections, Deadline, RawResponse, source_of
from inventory.tables import Row, RunTables

TIMEOUT = 10.0
"""Seconds that a server has for its whole response; LM Studio takes about ten milliseconds."""

CONCURRENCY = 64
"""Servers queried at the same time; those of them that do not respond cost one timeout together."""

_SMALL_BODY = 64 * 1024
"""Maximum size in bytes of a body that is parsed on the event loop, in the few milliseconds that handing it to a thread
would take. A larger one may take seconds and is parsed in a thread, so that no deadline waits for it."""

ServerLike = str | Server | PathLike[str]
"""A server, its address, or the path of a saved response."""

_SINGLE = (str, bytes, Server, PathLike, Mapping)
Progress = Callable[[Row, int, int], None]
"""Called as each server is done, with its observation, the number of servers done, and the number of all."""


def query_servers(
    servers: ServerLike | Iterable[ServerLike],
    *,
    token: str | None = None,
    timeout: float = TIMEOUT,
    clock: Callable[[], datetime] = utc_now,
    run_id: str | None = None,
    expected: Mapping[str, PreviousState] | None = None,
    known: KnownAnswers | None = None,
    recheck: float = 5.0,
    concurrency: int = CONCURRENCY,
    progress: Progress | None = None,
    chance: Callable[[], float] = random.random,
    ignore: Iterable[str] = (),
) -> RunTables:
    """Query LM Studio servers for their models: one GET each, at the same time.

    Arguments and errors as ``inventory.collect``, whose work it does; further, ``known`` holds the last answers of
    servers: one that comes again, byte for byte, is not parsed again.

    Returns:
        The tables of the run, in which each server has a row of ``observations`` that says why it was not read.
    """
    items: list[Any] = [*servers] if isinstance(servers, Iterable) and not isinstance(servers, _SINGLE) else [servers]
    chosen = unique([_as_server(item, token) for item in items])
    for seconds in [timeout, *(server.timeout for server in chosen if server.timeout is not None)]:
        if not isinstance(seconds, int | float):
            raise wrong_type(seconds, "a timeout in seconds")
        if not 0 < seconds < float("inf"):
            raise ConfigurationError(
                f"a timeout of {seconds:g} seconds is not possible", "Give a positive number of seconds"
            )
    if concurrency < 1:
        raise ConfigurationError(f"{concurrency} servers cannot be asked at the same time", "Give 1 or more")
    collector = _Collector(
        run_id or new_run_id(clock()),
        timeout,
        clock,
        expected or {},
        recheck,
        concurrency,
        progress or (lambda _observation, _done, _total: None),
        Connections(chosen, clock, chance),
        ResponseBatch(tuple(ignore), known),
    )
    return _run(collector.collect(chosen))


def _as_server(item: object, token: str | None) -> Server:
    """Return the server for an item of ``ServerLike``."""
    if isinstance(item, Server):
        return item
    if isinstance(item, str):
        return server_of(item, token)
    if isinstance(item, PathLike):
        return Server(f"file:{fsdecode(item)}")
    raise wrong_type(item, "a server", "Give an address, a Server, or the path of a saved response")


@dataclass(frozen=True)
class ServerResult:
    """The result of one server: its row of the observations table, and the entry of its response if it was read."""

    observation: Row
    entry: BatchEntry | None = None


@dataclass(frozen=True)
class _Collector:
    """The state of one run while its servers are queried."""

    run_id: str
    timeout: float
    clock: Callable[[], datetime]
    expected: Mapping[str, PreviousState]
    recheck: float
    concurrency: int
    progress: Progress
    connections: Connections
    batch: ResponseBatch
    large_body: asyncio.Lock = field(default_factory=asyncio.Lock)  # one large body is parsed at a time

    async def collect(self, servers: list[Server]) -> RunTables:
        """Query all servers, some at a time."""
        queue = iter(servers)
        results: list[ServerResult] = []

        async def work(parser: ThreadPoolExecutor) -> None:
            for server in queue:
                results.append(await self._read(server, parser))
                self.progress(results[-1].observation, len(results), len(servers))

        with ThreadPoolExecutor(1) as parser:
            workers = [asyncio.create_task(work(parser)) for _ in range(min(self.concurrency, len(servers)))]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        results.sort(key=lambda result: str(result.observation["server"]))
        entries = {str(result.observation["server"]): result.entry for result in results if result.entry}
        return self.batch.snapshot([result.observation for result in results], entries)

    async def _read(self, server: Server, parser: ThreadPoolExecutor) -> ServerResult:
        """Read a server; query it once more if its response is implausible, and mark it suspect if it stays so."""
        first = await self._read_once(server, parser)
        if not (reason := self._implausible_reason(server, first)):
            return first
        await asyncio.sleep(self.recheck)
        second = await self._read_once(server, parser)
        if second.entry is None:  # a failure now says nothing about the first response
            second = first
        elif not (reason := self._implausible_reason(server, second)):
            return second
        advice = "It is not compared until the next response says the same; accept it at once with --accept-suspect"
        suspect = second.observation | {"status": "suspect", "error": f"{reason}. {advice}"}
        return ServerResult(suspect, second.entry)

    def _implausible_reason(self, server: Server, result: ServerResult) -> str:
        if result.entry is None or result.entry.repeated:  # what was accepted before is accepted again
            return ""
        return implausible_reason(result.entry.keys, self.expected.get(server.name))

    async def _read_once(self, server: Server, parser: ThreadPoolExecutor) -> ServerResult:
        row: Row = dict.fromkeys(schema.OBSERVATIONS.names)
        row |= {"run_id": self.run_id, "server": server.name, "url": server.url}
        row["labels"] = json.dumps(dict(server.labels), sort_keys=True, ensure_ascii=False) if server.labels else None
        deadline = Deadline.after(self.timeout if server.timeout is None else server.timeout)
        began = time.perf_counter()
        entry = None
        try:
            try:
                response = await source_of(server).fetch(server, deadline, self.connections)
            finally:
                row["observed_at"] = self.clock()
                if server.source != "file":
                    row["latency_ms"] = round((time.perf_counter() - began) * 1000, 3)
            row |= {"source": response.source, "http_status": response.http_status}
            row["payload_digest"] = sha256(response.body).hexdigest()
            entry = await self._entry(server, response, row["payload_digest"], parser)
        except ServerError as error:
            row |= {"status": error.status, "error": _without_token(str(error), server)}
            row["http_status"] = error.http_status or row["http_status"]
        if entry:
            row |= {**entry.summary, "status": "ok", "stored_in": self.run_id, "as_of": row["observed_at"]}
            warnings = [_without_token(text, server) for text in entry.warnings]
            row["warnings"] = json.dumps(warnings, ensure_ascii=False) if warnings else None
        return ServerResult(row, entry)

    async def _entry(
        self, server: Server, raw: RawResponse, payload_digest: str, parser: ThreadPoolExecutor
    ) -> BatchEntry:
        """Return the entry of a response in the batch; only this method adds to it, and only on the event loop.

        What runs in the other thread is a function of the response, and returns a value.
        """
        apis, ignore = tuple(PATHS) if raw.source == "file" else (raw.source,), self.batch.ignore
        is_large = len(raw.body) > _SMALL_BODY
        run = partial(asyncio.get_running_loop().run_in_executor, parser) if is_large else _call
        async with self.large_body if is_large else nullcontext():
            await run(_check_token, raw, server.token)
            if raw.http_status in (None, 200):
                entry = self.batch.repeated(server, raw, payload_digest) or self.batch.get(apis, payload_digest)
                if entry is not None:
                    return entry
            response = await run(_flatten, raw, apis, ignore, server.token is not None)
            return self.batch.add(apis, payload_digest, response)


async def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _check_token(raw: RawResponse, token: str | None) -> None:
    """Refuse a response that contains the token of its request."""
    if token is None or raw.http_status not in (None, 200):
        return
    if contains_token(raw.body, token):  # guard: a response that repeats its token
        raise Invalid(
            "the response contains the API token, which would be stored with it (it is not shown here)",
            "LM Studio never does that: is this its address? Give the server another token",
        )


def _flatten(raw: RawResponse, apis: tuple[str, ...], ignore: tuple[str, ...], token_sent: bool) -> FlatResponse:
    try:
        return flatten_response(
            raw.body,
            apis,
            raw.http_status or 200,
            ignore=ignore,
            token_sent=token_sent,
            path=raw.path,
            challenge=raw.challenge,
        )
    except MemoryError as error:
        raise Invalid("the response takes more memory than there is", "Is this LM Studio's address?") from error


def _without_token(text: str, server: Server) -> str:
    """Return a text that may quote the response, without the token that was sent."""
    if server.token:  # guard: the token is masked in messages
        return hide_token(text, server.token)
    return text


def _run(work: Coroutine[Any, Any, RunTables]) -> RunTables:
    """Run it to its end; in Jupyter, where a loop is running already, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[RunTables]]] = []

    async def start() -> RunTables:
        task = asyncio.create_task(work)
        started.append((asyncio.get_running_loop(), task))
        return await task

    with ThreadPoolExecutor(1) as threads:
        try:
            return threads.submit(asyncio.run, start()).result()
        except KeyboardInterrupt:  # a cell that is stopped does not wait for the slowest server
            for loop, task in started:
                with suppress(RuntimeError):  # the loop has just ended by itself
                    loop.call_soon_threadsafe(task.cancel)
            raise
