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
        return f"run_id <= '{self.run_id}' AND observed_at <= {timestamp(self.moment)}"


def timestamp(moment: datetime) -> str:
    """Write a time with a zone in SQL."""
    return f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"


LATEST_FIRST = "row_number() OVER (PARTITION BY server ORDER BY observed_at DESC, run_id DESC) AS place"


def last_ok(until: Until, *, selected: bool = False) -> str:
    """Query the last complete observation of each server; if ``selected``, only of those in the view ``wanted``."""
    return _last(f"status = 'ok' AND {until.sql}", selected=selected)


def last(until: Until, *, selected: bool = False) -> str:
    """Query the last observation of each server, whatever its status; servers as in ``last_ok``."""
    return _last(until.sql, selected=selected)


def last_answers(until: Until, number: int) -> str:
    """Query the last complete or suspect responses of each server in the view ``wanted``, the last one first."""
    return _last(f"status IN ('ok', 'suspect') AND {until.sql}", selected=True, number=number)


def _last(condition: str, *, selected: bool = False, number: int = 1) -> str:
    columns = ", ".join(f"l.{name}" for name in schema.OBSERVATIONS.names)
    return f"""
        SELECT {columns} FROM (SELECT *, {LATEST_FIRST} FROM observations WHERE {condition}) l
        {"JOIN wanted w ON w.server = l.server" if selected else ""} WHERE l.place <= {number}
        ORDER BY l.server, l.place"""


def asked(until: Until) -> str:
    """Query the servers that were asked."""
    return f"SELECT DISTINCT server FROM observations WHERE {until.sql}"


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
    """Query the servers that were asked after one run, up to another, and never read, with the newest status.

    Args:
        old: the older run.
        new: the run; if it is the same or older, only servers that it could not read are returned.
    """
    runs = f"run_id > '{old}' AND run_id <= '{new}'" if old < new else f"run_id = '{new}'"
    return f"""
        SELECT server, status FROM (
            SELECT server, status, {LATEST_FIRST},
                   max(CASE WHEN status = 'ok' THEN 1 ELSE 0 END) OVER (PARTITION BY server) AS was_read
            FROM observations WHERE {runs}
        ) t WHERE place = 1 AND was_read = 0 ORDER BY server"""


RETIREMENTS = schema.Table(
    "retirements",
    "a server that was retired by name",
    (
        schema.Column("server", schema.TEXT, "The server.", key=True),
        schema.Column("run_id", schema.TEXT, "The newest run at that time.", key=True),
    ),
)

MOMENTS = schema.Table(
    "moments",
    "a run whose state is wanted",
    (
        schema.Column("run_id", schema.TEXT, "The run.", key=True),
        schema.Column("name", schema.TEXT, "What the state is called."),
        schema.Column("retired_before", schema.TIME, "Servers that were last asked before are retired.", "UTC"),
    ),
)

_ATTEMPT = ("run_id", "server", "url", "labels", "observed_at", "status", "error", "http_status", "latency_ms")
RESPONSE = ("model_count", "instance_count", "size_bytes", "payload_digest", "digest", "stored_in")
EITHER = ("warnings", "source")


PLACED = schema.Table(
    "placed",
    "where the state after a run has a server from",
    (
        schema.Column("server", schema.TEXT, "The server.", key=True),
        schema.Column("attempt", schema.TEXT, "The run of its newest attempt."),
        schema.Column("answer", schema.TEXT, "The run of its last complete answer; null if there is none."),
    ),
)


def placed(until: Until, *, selected: bool = False) -> str:
    """Query where the state after a run has each server from: ``PLACED``; of the observations it reads narrow columns.

    Reads the views ``observations``, ``moments`` (the one row of the run) and ``retirements``. A server is no part of
    the state if nobody asked it for too long, or if it was retired by name and not asked since.

    Args:
        until: the run, and the latest time that counts.
        selected: only the servers in the view ``wanted``.
    """
    return f"""
        WITH {_newest(until)}
        SELECT a.server, a.run_id AS attempt, a.answer FROM newest a CROSS JOIN moments m
        {"JOIN wanted w ON w.server = a.server" if selected else ""} {_IN_SERVICE}"""


def _newest(until: Until) -> str:
    """Define the views ``counts``, how often each server was read, and ``newest``, which runs asked and read it last.

    These are the run of its newest attempt, ``run_id`` at ``observed_at``, and that of its last complete ``answer``.
    """
    return f"""
        counting AS (
            SELECT server, run_id, status, observed_at FROM observations WHERE {until.sql}
        ), counts AS (
            SELECT server, count(*) AS runs_asked, max(observed_at) AS last_asked,
                   CAST(sum(CASE WHEN status = 'ok' THEN 1 ELSE 0 END) AS BIGINT) AS runs_read,
                   min(CASE WHEN status = 'ok' THEN observed_at END) AS first_read,
                   max(CASE WHEN status = 'ok' THEN observed_at END) AS last_read
            FROM counting GROUP BY server
        ), newest AS (
            SELECT o.server, max(c.last_asked) AS observed_at,
                   max(CASE WHEN o.observed_at = c.last_asked THEN o.run_id END) AS run_id,
                   max(CASE WHEN o.observed_at = c.last_read AND o.status = 'ok' THEN o.run_id END) AS answer
            FROM counting o JOIN counts c ON c.server = o.server AND o.observed_at IN (c.last_asked, c.last_read)
            GROUP BY o.server
        )"""


def state_rows() -> str:
    """Query one row per server in the view ``placed``: the newest attempt, with the answer that its rows come from."""
    columns = {name: f"a.{name}" for name in _ATTEMPT} | {name: f"b.{name}" for name in RESPONSE}
    columns |= {name: f"CASE WHEN b.server IS NULL THEN a.{name} ELSE b.{name} END" for name in EITHER}
    columns["as_of"] = "b.observed_at"
    chosen = ", ".join(f"{columns[name]} AS {name}" for name in schema.OBSERVATIONS.names)
    return f"""
        SELECT {chosen} FROM placed p JOIN observations a ON a.server = p.server AND a.run_id = p.attempt
        LEFT JOIN observations b ON b.server = p.server AND b.run_id = p.answer ORDER BY a.server"""


_IN_SERVICE = """
            LEFT JOIN (
                SELECT t.run_id, x.server, max(x.run_id) AS retired_in
                FROM (SELECT DISTINCT run_id FROM moments) t JOIN retirements x ON x.run_id <= t.run_id
                GROUP BY t.run_id, x.server
            ) g ON g.run_id = m.run_id AND g.server = a.server
            WHERE (m.retired_before IS NULL OR a.observed_at >= m.retired_before)
            AND (g.retired_in IS NULL OR g.retired_in < a.run_id)"""
"""The end of a query of moments ``m`` and attempts ``a``: only those of servers that are not retired."""


def servers(until: Until) -> str:
    """Query one row per server that was asked up to a run: newest attempt, last response, how often it was read."""
    return f"""
        WITH {_newest(until)}
        SELECT a.server, a.url, a.labels, a.status, c.last_read, c.last_asked, c.runs_asked, c.runs_read,
               b.model_count, b.instance_count, b.size_bytes, c.first_read, a.error, a.run_id
        FROM newest n JOIN counts c ON c.server = n.server
        JOIN observations a ON a.server = n.server AND a.run_id = n.run_id
        LEFT JOIN observations b ON b.server = n.server AND b.run_id = n.answer ORDER BY a.server"""


def panel(until: Until, group: str, source: str) -> str:
    """Query sizes and counts of the states after the runs in the view ``moments``, by group, in one statement.

    Each run that asked a server begins a step of it, which lasts until the next run that asked it: in a step the newest
    attempt and the last response are the same for all moments. So no state is built one by one; and as most steps begin
    and end with the same runs, few spans are compared with the moments.

    Args:
        until: the latest observation that counts.
        group: the SQL expression of the group, over the columns of ``source``.
        source: what a state is counted from: rows with server, digest and stored_in, and their counts.
    """
    so_far = "OVER (PARTITION BY server ORDER BY run_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    answer = ", ".join(f"b.{name}" for name in ("digest", "stored_in", "model_count", "instance_count", "size_bytes"))
    return f"""
        WITH numbered AS (
            SELECT *, row_number() OVER (PARTITION BY server ORDER BY observed_at, run_id) AS place
            FROM observations WHERE {until.sql}
        ), steps AS (
            SELECT *, max(place) {so_far} AS attempt, max(CASE WHEN status = 'ok' THEN place END) {so_far} AS answer,
                   coalesce(lead(run_id) OVER (PARTITION BY server ORDER BY run_id), '~') AS ended
            FROM numbered
        ), others AS (
            SELECT * FROM steps WHERE attempt <> place OR answer <> place
        ), covered AS (
            SELECT s.run_id AS begun, s.ended, m.* FROM (SELECT DISTINCT run_id, ended FROM steps) s
            JOIN moments m ON m.run_id >= s.run_id AND m.run_id < s.ended
        ), known AS (
            SELECT m.name AS moment, a.server, a.labels, {answer.replace("b.", "a.")}
            FROM steps a JOIN covered m ON m.begun = a.run_id AND m.ended = a.ended
            {_IN_SERVICE} AND a.attempt = a.place AND a.answer = a.place
            UNION ALL
            SELECT m.name AS moment, a.server, a.labels, {answer}
            FROM others s JOIN covered m ON m.begun = s.run_id AND m.ended = s.ended
            JOIN steps a ON a.server = s.server AND a.place = s.attempt
            JOIN steps b ON b.server = s.server AND b.place = s.answer {_IN_SERVICE}
        )
        SELECT moment, {group} AS name, count({"*" if source == BY_SERVER else "DISTINCT server"}) AS servers,
               CAST(sum(model_count) AS BIGINT) AS model_count, CAST(sum(instance_count) AS BIGINT) AS instance_count,
               TRY_CAST(sum(CAST(size_bytes AS DECIMAL(38))) AS BIGINT) AS size_bytes
        FROM ({source}) k GROUP BY moment, {group} ORDER BY moment, name"""


BY_SERVER = "SELECT * FROM known"
"""The source of a panel whose groups are of servers: what their responses count."""

BY_MODEL = """
        SELECT k.moment, k.server, r.*, 1 AS model_count, r.loaded_instance_count AS instance_count
        FROM known k JOIN models r ON r.digest = k.digest AND r.stored_in = k.stored_in"""
"""The source of a panel whose groups are of models: the rows of the responses."""
