"""Queries of a state: the response that each server gave last, as SQL over ``observations``.

One text for every engine, as in ``history/sql/all_runs.py``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from inventory import schema


@dataclass(frozen=True)
class Until:
    """The observations that count: those of the runs up to one, unless they are dated later than the clock.

    Of two responses of a server the later is the one that was given later, whatever run it belongs to: so all queries
    order by ``observed_at``, and by the run only where that is equal.

    Attributes:
        run_id: the last run that counts; empty if none does.
        moment: later observations do not count either: a clock may have jumped within a run.
    """

    run_id: str
    moment: datetime

    @property
    def sql(self) -> str:
        """The condition."""
        moment = f"{self.moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
        return f"run_id <= '{self.run_id}' AND observed_at <= TIMESTAMP '{moment}'"


LATEST_FIRST = "row_number() OVER (PARTITION BY server ORDER BY observed_at DESC, run_id DESC) AS place"


def last_ok(until: Until, *, selected: bool = False) -> str:
    """Query the last complete observation of each server; if ``selected``, only of those in the view ``wanted``."""
    return _last(f"status = 'ok' AND {until.sql}", selected=selected)


def last(until: Until) -> str:
    """Query the last observation of each server, whatever its status."""
    return _last(until.sql)


def last_answers(until: Until, number: int) -> str:
    """Query the last complete or suspect responses of each server in the view ``wanted``, the last one first."""
    return _last(f"status IN ('ok', 'suspect') AND {until.sql}", selected=True, number=number)


def _last(condition: str, *, selected: bool = False, number: int = 1) -> str:
    columns = ", ".join(f"l.{name}" for name in schema.OBSERVATIONS.names)
    return f"""
        SELECT {columns} FROM (SELECT *, {LATEST_FIRST} FROM observations WHERE {condition}) l
        {"JOIN wanted w ON w.server = l.server" if selected else ""} WHERE l.place <= {number}
        ORDER BY l.server, l.place"""


def differing_states(old: Until, new: Until) -> str:
    """Query the servers whose responses differ between two states.

    A server that was read neither by one of the two runs nor between them is the same in both. The earlier response is
    missing also for a server that the earlier run itself did not read: it is in a run before, which need not be open.
    """
    columns = ("digest", "stored_in", "observed_at")
    read = "AND server IN (SELECT server FROM observations WHERE status = 'ok' AND run_id >= '{}' AND run_id <= '{}')"
    after, before = (
        f"""
        SELECT server, {", ".join(columns)} FROM (
            SELECT server, {", ".join(columns)}, {LATEST_FIRST} FROM observations
            WHERE status = 'ok' AND {until.sql} {only}
        ) t WHERE place = 1"""
        for until, only in ((new, read.format(old.run_id, new.run_id)), (old, read.format(old.run_id, old.run_id)))
    )
    return f"""
        SELECT n.server, {", ".join(f"n.{name}, o.{name} AS old_{name}" for name in columns)}
        FROM ({after}) n LEFT JOIN ({before}) o ON o.server = n.server
        WHERE o.digest IS NULL OR o.digest <> n.digest ORDER BY n.server"""


def not_read(old: str, new: str) -> str:
    """Query the servers that a run could not read, and, with null status, those that were queried before and not since.

    Args:
        old: the older run.
        new: the run; if it is the same or older, only servers that it could not read are returned.
    """
    return f"""
        SELECT server, status FROM observations WHERE run_id = '{new}' AND status <> 'ok'
        UNION ALL
        SELECT server, NULL AS status FROM observations WHERE run_id = '{old}' AND '{old}' < '{new}' AND server NOT IN (
            SELECT server FROM observations WHERE run_id > '{old}' AND run_id <= '{new}'
        ) ORDER BY server"""
