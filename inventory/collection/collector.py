"""The joint: servers -> Snapshot. A server that was not read becomes a row with its status, never an exception."""

import asyncio
import json
import random
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from os import PathLike, fsdecode
from typing import Any

from inventory import schema
from inventory.collection.batch import BatchEntry, FlatResponse, ResponseBatch, flatten_response
from inventory.collection.plausibility import PreviousState, implausible_reason
from inventory.config.credentials import contains_token, hide_token
from inventory.config.servers import DEFAULT_ADDRESS, Server, server_of, unique
from inventory.errors import ConfigurationError, Invalid, ServerError, wrong_type
from inventory.normalize.response import PATHS
from inventory.sources import Connections, Deadline, RawResponse, source_of
from inventory.tables import Snapshot

TIMEOUT = 10.0
"""Seconds that one server has for its whole answer; LM Studio takes about ten milliseconds."""

CONCURRENCY = 64
"""Servers asked at the same time; the dead ones among them cost one timeout together."""

_SMALL = 64 * 1024
"""Bytes of a body that is understood at once; it takes the few milliseconds that handing it over would. A larger one
may take seconds, and is understood beside the loop, so that no deadline waits for it."""

Row = dict[str, Any]
Given = str | Server | PathLike[str]
"""What stands for a server: its address, itself, or the path of a saved answer."""

_ONE = (str, bytes, Server, PathLike, Mapping)
Progress = Callable[[Row, int, int], None]
"""Told of each server as it is done: its observation, how many are done, and how many there are."""


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def new_run_id(moment: datetime) -> str:
    """A run's id: sorts by time and cannot collide, such as ``20261123T060004.123456Z-3f9a``."""
    return f"{moment:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(2)}"


def collect(
    servers: Given | Iterable[Given] = DEFAULT_ADDRESS,
    *,
    token: str | None = None,
    timeout: float = TIMEOUT,
    clock: Callable[[], datetime] = utc_now,
    run_id: str | None = None,
    expected: Mapping[str, PreviousState] | None = None,
    recheck: float = 5.0,
    concurrency: int = CONCURRENCY,
    progress: Progress | None = None,
    chance: Callable[[], float] = random.random,
    ignore: Iterable[str] = (),
) -> Snapshot:
    """Ask LM Studio servers for their models: one GET each, at the same time.

    Args:
        servers: an address (``[NAME=]URL``), a ``Server``, the path of a saved answer, or several of these.
        token: the API token for the servers that are given as addresses.
        timeout: seconds that each server has for its whole answer, unless it has a timeout of its own.
        clock: gives the time in UTC.
        run_id: the run's id; a new one by default.
        expected: what is known of the servers, by name: an answer that lost most of its models is doubted.
        recheck: seconds before a doubtful answer is asked for once more.
        concurrency: servers asked at the same time.
        progress: called as each server is done, with its observation, how many are done, and how many there are.
        chance: gives a random number from 0 to 1, for the pauses before further attempts.
        ignore: globs of unknown fields, such as ``extra.last_used_at``, that do not count when two answers are the
            same.

    Returns:
        The snapshot. ``snapshot.complete`` says whether every server was read; ``snapshot.observations`` says why not.

    Raises:
        ConfigurationError: an address, a name, a token or a file of certificate authorities that cannot be one, or two
            servers with one name.
    """
    several: list[Any] = [*servers] if isinstance(servers, Iterable) and not isinstance(servers, _ONE) else [servers]
    chosen = unique([_server(item, token) for item in several])
    for seconds in [timeout, *(server.timeout for server in chosen if server.timeout is not None)]:
        if not isinstance(seconds, int | float):
            raise wrong_type(seconds, "a timeout in seconds")
        if not 0 < seconds < float("inf"):
            raise ConfigurationError(
                f"a timeout of {seconds:g} seconds cannot be kept", "Give a positive number of seconds"
            )
    if concurrency < 1:
        raise ConfigurationError(f"{concurrency} servers cannot be asked at the same time", "Give 1 or more")
    reader = _Reader(
        run_id or new_run_id(clock()),
        timeout,
        clock,
        expected or {},
        recheck,
        concurrency,
        progress or _nobody,
        Connections(chosen, clock, chance),
        ResponseBatch(tuple(ignore)),
    )
    return _run(reader.ask(chosen))


def _server(given: object, token: str | None) -> Server:
    """The server for what stands for one."""
    if isinstance(given, Server):
        return given
    if isinstance(given, str):
        return server_of(given, token)
    if isinstance(given, PathLike):
        return Server(f"file:{fsdecode(given)}")
    raise wrong_type(given, "a server", "Give an address, a Server, or the path of a saved answer")


@dataclass(frozen=True)
class ServerResult:
    """What became of one server: its row of the observations, and what its answer says if it was read."""

    observation: Row
    reading: BatchEntry | None = None


@dataclass(frozen=True)
class _Reader:
    """Reads servers in one run."""

    run_id: str
    timeout: float
    clock: Callable[[], datetime]
    expected: Mapping[str, PreviousState]
    recheck: float
    concurrency: int
    progress: Progress
    connections: Connections
    batch: ResponseBatch
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # of the large answers: one is understood at a time

    async def ask(self, servers: list[Server]) -> Snapshot:
        """Ask all servers, some at a time."""
        waiting = iter(servers)
        outcomes: list[ServerResult] = []

        async def work(beside: ThreadPoolExecutor) -> None:
            for server in waiting:
                outcomes.append(await self._read(server, beside))
                self.progress(outcomes[-1].observation, len(outcomes), len(servers))

        with ThreadPoolExecutor(1) as beside:
            workers = [asyncio.create_task(work(beside)) for _ in range(min(self.concurrency, len(servers)))]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        outcomes.sort(key=lambda outcome: str(outcome.observation["server"]))
        places = {str(one.observation["server"]): one.reading.place for one in outcomes if one.reading}
        return self.batch.snapshot([outcome.observation for outcome in outcomes], places)

    async def _read(self, server: Server, beside: ThreadPoolExecutor) -> ServerResult:
        """Read one server; an answer that lost most of its models is asked for once more, and then doubted."""
        first = await self._read_once(server, beside)
        if not (reason := self._doubt(server, first)):
            return first
        await asyncio.sleep(self.recheck)
        again = await self._read_once(server, beside)
        if again.reading is None:  # it failed now; what it said before is still what it said
            again = first
        elif not (reason := self._doubt(server, again)):
            return again
        advice = "It is not compared until the next answer says the same; believe it at once with --accept-suspect"
        doubted = again.observation | {"status": "suspect", "error": f"{reason}. {advice}"}
        return ServerResult(doubted, again.reading)

    def _doubt(self, server: Server, outcome: ServerResult) -> str:
        return implausible_reason(outcome.reading.keys, self.expected.get(server.name)) if outcome.reading else ""

    async def _read_once(self, server: Server, beside: ThreadPoolExecutor) -> ServerResult:
        row: Row = dict.fromkeys(schema.OBSERVATIONS.names)
        row |= {"run_id": self.run_id, "server": server.name, "url": server.url}
        row["labels"] = json.dumps(dict(server.labels), sort_keys=True, ensure_ascii=False) if server.labels else None
        deadline = Deadline.after(self.timeout if server.timeout is None else server.timeout)
        began = time.perf_counter()
        reading = None
        try:
            try:
                answer = await source_of(server).fetch(server, deadline, self.connections)
            finally:
                row["observed_at"] = self.clock()
                if server.source != "file":
                    row["latency_ms"] = round((time.perf_counter() - began) * 1000, 3)
            row |= {"source": answer.source, "http_status": answer.http_status}
            row["payload_digest"] = sha256(answer.body).hexdigest()
            reading = await self._entry(server, answer, row["payload_digest"], beside)
        except ServerError as error:
            row |= {"status": error.status, "error": _without_token(str(error), server)}
            row["http_status"] = error.http_status or row["http_status"]
        if reading:
            row |= {**reading.summary, "status": "ok", "stored_in": self.run_id}
            warnings = [_without_token(text, server) for text in reading.warnings]
            row["warnings"] = json.dumps(warnings, ensure_ascii=False) if warnings else None
        return ServerResult(row, reading)

    async def _entry(
        self, server: Server, answer: RawResponse, payload_digest: str, beside: ThreadPoolExecutor
    ) -> BatchEntry:
        """The entry of an answer in the batch, to which only this method adds, and only on the loop.

        What runs in the other thread is a function of the answer, and gives a value back.
        """
        apis, ignore = tuple(PATHS) if answer.source == "file" else (answer.source,), self.batch.ignore
        large = len(answer.body) > _SMALL
        run = partial(asyncio.get_running_loop().run_in_executor, beside) if large else _at_once
        async with self.turn if large else nullcontext():
            await run(_check_token, answer, server.token)
            known = self.batch.get(apis, payload_digest) if answer.http_status in (None, 200) else None
            if known is not None:
                return known
            response = await run(_flattened, answer, apis, ignore, server.token is not None)
            return self.batch.add(apis, payload_digest, response)


async def _at_once(call: Callable[..., Any], *given: Any) -> Any:
    return call(*given)


def _check_token(answer: RawResponse, token: str | None) -> None:
    """Refuse an answer that holds the token it was asked with."""
    if token is None or answer.http_status not in (None, 200):
        return
    if contains_token(answer.body, token):  # guard: an answer that repeats its token
        raise Invalid(
            "the answer repeats the API token, which would be kept with it (it is not shown here)",
            "LM Studio never does that: is this its address? Give the server another token",
        )


def _flattened(answer: RawResponse, apis: tuple[str, ...], ignore: tuple[str, ...], token_sent: bool) -> FlatResponse:
    try:
        return flatten_response(
            answer.body,
            apis,
            answer.http_status or 200,
            ignore=ignore,
            token_sent=token_sent,
            path=answer.path,
            challenge=answer.challenge,
        )
    except MemoryError as error:
        raise Invalid("the answer takes more memory than there is", "Is this LM Studio's address?") from error


def _without_token(text: str, server: Server) -> str:
    """A text about an answer, which may repeat what was sent."""
    if server.token:  # guard: the token is taken out of what is told
        return hide_token(text, server.token)
    return text


def _nobody(observation: Row, done: int, total: int) -> None:
    """Tell nobody how far it is."""


def _run(work: Coroutine[Any, Any, Snapshot]) -> Snapshot:
    """Run it to its end; in Jupyter, where a loop runs already, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Snapshot]]] = []

    async def begin() -> Snapshot:
        task = asyncio.create_task(work)
        begun.append((asyncio.get_running_loop(), task))
        return await task

    with ThreadPoolExecutor(1) as threads:
        try:
            return threads.submit(asyncio.run, begin()).result()
        except KeyboardInterrupt:  # a cell that is stopped does not wait for the slowest server
            for loop, task in begun:
                with suppress(RuntimeError):  # it has just ended by itself
                    loop.call_soon_threadsafe(task.cancel)
            raise
