"""How much of a state or run was read, in three steps: everything, something older, or something too old.

The same sentence stands in the terminal, the workbook, the page, the Markdown report and the notebook.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import pyarrow as pa

from inventory import schema
from inventory.columns import rows_where
from inventory.tables import Row, RunTables, column_of, is_known, rows
from inventory.text import count

STALE_AFTER = timedelta(days=7)
"""How old the last complete answer of a server may be before it is stale, unless the user says otherwise."""

_COLUMNS = ["server", "status", "error", "observed_at", "as_of"]

_NAMED = 3
"""Servers that the sentence names; more are counted."""


@dataclass(frozen=True)
class Coverage:
    """How much was read.

    Attributes:
        level: ``good`` (everything), ``warn`` (some server as of earlier) or ``bad`` (stale, never read, or in a single
            run: nothing was read).
        read: how many servers were read, such as ``11 of 12 servers read now``.
        details: which were not, and what there is instead, such as ``rome-bob as of 27 Nov``.
        unread: the servers whose newest attempt failed or is suspect, by name.
        stale: the servers that are stale or were never read, by name.
        servers: how many servers there are.
    """

    level: str
    read: str
    details: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    servers: int = 0

    @property
    def text(self) -> str:
        """All of it in one sentence, such as ``11 of 12 servers read now; rome-bob as of 27 Nov``."""
        return "; ".join([self.read, *self.details])


def coverage_of(
    snapshot: RunTables, now: datetime | None = None, zone: tzinfo | None = None, stale_after: timedelta = STALE_AFTER
) -> Coverage:
    """Describe how much was read of what a state or a run holds.

    Args:
        snapshot: the state, or the run.
        now: the present time, where it is the state of now; a state of the past is judged at its own time.
        zone: the reader's time zone; UTC by default.
        stale_after: how old an answer may be.
    """
    observations = snapshot.tables["observations"]
    if snapshot.state_at is None:
        return run_coverage(observations)
    return state_coverage(observations, now or snapshot.observed_at or snapshot.state_at, zone, stale_after)


def state_coverage(
    observations: pa.Table, now: datetime, zone: tzinfo | None = None, stale_after: timedelta = STALE_AFTER
) -> Coverage:
    """Describe how much of a state was read at the newest attempt of each server.

    Args:
        observations: those of the state, one row per server.
        now: the time at which an answer is too old; for a state of the past its own time.
        zone: the reader's time zone; UTC by default.
        stale_after: how old an answer may be.
    """
    number = observations.num_rows
    if not number:
        return Coverage("bad", "No server is known")
    servers = _doubtful(observations, now - stale_after)
    never = [row for row in servers if not is_known(row)]
    stale = [row for row in servers if row["as_of"] and is_known(row) and now - row["as_of"] > stale_after]
    bad = {str(row["server"]) for row in (*stale, *never)}
    late = [row for row in servers if row["status"] != "ok" and row["server"] not in bad]
    unread = [row for row in servers if row["status"] != "ok"]
    read = number - len(unread)
    if not unread and not stale:
        return Coverage("good", f"{read:,} of {count(number, 'server')} read", servers=number)
    parts = _named(late, lambda row: f"{row['server']} as of {_day(row['as_of'], now, zone)}", "as of earlier")
    parts += _named(stale, lambda row: f"{row['server']} stale, as of {_day(row['as_of'], now, zone)}", "stale")
    parts += _named(never, lambda row: f"{row['server']} never read", "never read")
    return Coverage(
        "bad" if stale or never else "warn",
        f"{read:,} of {count(number, 'server')} read now",
        tuple(parts),
        tuple(str(row["server"]) for row in unread),
        tuple(str(row["server"]) for row in servers if row["server"] in bad),
        number,
    )


def _doubtful(observations: pa.Table, oldest: datetime) -> list[Row]:
    """Return the rows of the servers whose newest attempt failed, or whose answer is older than some time."""
    from pyarrow import compute  # takes a while to import

    [limit] = column_of(schema.TIME, [oldest])
    failed = rows_where(observations, "status", lambda status: status != "ok")
    is_doubtful = compute.or_kleene(failed, compute.less(observations["as_of"], limit))
    return rows(observations.filter(is_doubtful).select(_COLUMNS))


def run_coverage(observations: pa.Table) -> Coverage:
    """Describe how much one run read of what it asked; of a single server its error."""
    servers = rows(observations.select(_COLUMNS))
    unread = [row for row in servers if row["status"] != "ok"]
    read = f"{len(servers) - len(unread):,} of {count(len(servers), 'server')} read"
    if not unread:
        return Coverage("good", read, servers=len(servers))
    if len(servers) == 1:
        details = [str(unread[0]["error"] or _status(unread[0]))]
    else:
        details = _named(unread, lambda row: f"{row['server']} {_status(row)}", "not read")
    if len(unread) > _NAMED:
        statuses = Counter(map(_status, unread)).most_common()
        details = [f"{details[0]} ({', '.join(f'{number:,} {status}' for status, number in statuses)})"]
    nothing = all(row["status"] not in ("ok", "suspect") for row in servers)
    names = tuple(str(row["server"]) for row in unread)
    return Coverage("bad" if nothing else "warn", read, tuple(details), names, servers=len(servers))


def _status(observation: Row) -> str:
    return str(observation["status"]).replace("_", " ")


def _named(servers: Sequence[Row], describe: Callable[[Row], str], word: str) -> list[str]:
    if len(servers) <= _NAMED:
        return [describe(row) for row in servers]
    names = ", ".join(str(row["server"]) for row in servers[: _NAMED - 1])
    return [f"{names} and {len(servers) - _NAMED + 1:,} more {word}"]


def _day(moment: datetime, now: datetime, zone: tzinfo | None) -> str:
    local, today = (moment.astimezone(zone), now.astimezone(zone)) if zone else (moment, now)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"
