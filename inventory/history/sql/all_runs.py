"""Queries of a history, as SQL over the views ``observations``, ``models`` and ``instances``.

One text for every engine: it uses only what both DuckDB and Spark understand. Run ids are inserted as text; callers
have checked that they hold only digits, letters, a dot and a dash.
"""

from datetime import datetime

from inventory import schema
from inventory.history.sql.state import LATEST_FIRST, Until, timestamp

_DIGEST = schema.Column("digest", schema.TEXT, "The digest of the answer that the row belongs to.", key=True)
_STORED = schema.Column("stored_in", schema.TEXT, "The run in which the answer was stored.", key=True)
_ROW = schema.Column(
    "row_digest", schema.TEXT, "The first 64 bits of the SHA-256 of the row's compared values.", compared=False
)
GRAIN_FILES = {
    table.name: schema.Table(table.name, table.row, (_DIGEST, _STORED, _ROW, *table.response_columns))
    for table in schema.GRAIN_TABLES.values()
}
"""The models and instances tables as stored: without server and time, so that servers with equal rows share them."""

WANTED = schema.Table(
    "wanted",
    "an answer",
    (
        *(schema.Column(name, schema.TEXT) for name in ("server", "digest", "stored_in")),
        schema.Column("as_of", schema.TIME),
    ),
)

BYTES = "CAST({}.size_bytes AS DECIMAL(38))"  # a sum of whole numbers could be too large for one, and Spark fails then


def transitions(until: Until, since: datetime | None = None, *, selected: bool = False) -> str:
    """Query the responses of each server that differ from its complete response before, oldest first.

    Most responses are those of the run before: of each, only the first and the last observation are put in order, and
    all observations only of a server that gave a response again after another one.

    Args:
        until: which observations count.
        since: only responses from this time on.
        selected: only of the servers in the view ``wanted``.
    """
    before = ", ".join(
        f"lag({name}) OVER (PARTITION BY server ORDER BY observed_at, run_id) AS {old}"
        for name, old in (("run_id", "previous_run_id"), ("digest", "old_digest"), ("stored_in", "old_stored_in"))
    )
    return f"""
        WITH complete AS (
            SELECT server, run_id, observed_at, digest, stored_in FROM observations WHERE status = 'ok' AND {until.sql}
            {"AND server IN (SELECT server FROM wanted)" if selected else ""}
        ), spans AS (
            SELECT server, digest, stored_in, min(observed_at) AS earliest, max(observed_at) AS latest
            FROM complete GROUP BY server, digest, stored_in
        ), again AS (
            SELECT DISTINCT server FROM (
                SELECT server, earliest, max(latest) OVER (
                    PARTITION BY server ORDER BY earliest ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS before FROM spans
            ) t WHERE before >= earliest
        ), edges AS (
            SELECT c.server, c.run_id, c.observed_at, c.digest, c.stored_in FROM complete c
            JOIN spans s ON s.server = c.server AND s.digest = c.digest AND s.stored_in = c.stored_in
            LEFT JOIN again a ON a.server = c.server
            WHERE c.observed_at IN (s.earliest, s.latest) OR a.server IS NOT NULL
        )
        SELECT * FROM (
            SELECT server, run_id, observed_at, digest, stored_in, {before} FROM edges
        ) t WHERE old_digest <> digest {f"AND observed_at >= {timestamp(since)}" if since else ""}
        ORDER BY observed_at, run_id, server"""


def complete(until: Until) -> str:
    """Query the number of complete observations of each server."""
    return f"SELECT server, count(*) AS runs FROM observations WHERE status = 'ok' AND {until.sql} GROUP BY server"


def newest(until: Until) -> str:
    """Query when the first observation of a run was made, of the run of which that is latest."""
    return f"""
        SELECT min(observed_at) AS collected_at FROM observations WHERE run_id <= '{until.run_id}'
        GROUP BY run_id ORDER BY collected_at DESC LIMIT 1"""


def lives(until: Until, *, servers: bool = False, keys: bool = False, idle_since: datetime | None = None) -> str:
    """Query one row per server and model that it ever had; the view ``changes`` tells when each last changed.

    The days of a response are counted once for all of its models, except where a server gave several in one day.
    A name or a size is the last that was reported: engines differ in whether ``min_by`` skips nulls by itself.
    ``place`` counts the answers of a server from its last one.

    Args:
        until: which observations count.
        servers: only those in the view ``wanted``.
        keys: only those whose ``key`` is in the view ``keys``.
        idle_since: only models that are there, and were there and not loaded from then on; UTC.
    """
    since = idle_since and timestamp(idle_since)
    of_key = "JOIN keys k ON k.key = m.key" if keys else ""
    is_doubled = "d.digest = m.digest AND d.stored_in = m.stored_in AND d.key = m.key"
    idle = f"WHERE l.place = 1 AND l.first_seen <= {since} AND coalesce(l.last_loaded, l.first_seen) <= {since}"
    return f"""
    WITH complete AS (
        SELECT server, digest, stored_in, observed_at, CAST(observed_at AS DATE) AS day, {LATEST_FIRST}
        FROM observations WHERE status = 'ok' AND {until.sql}
        {"AND server IN (SELECT server FROM wanted)" if servers else ""}
    ), seen AS (
        SELECT server, digest, stored_in, count(*) AS runs, min(place) AS place,
               min(observed_at) AS first_seen, max(observed_at) AS last_seen
        FROM complete GROUP BY server, digest, stored_in
    ), days AS (
        SELECT server, digest, stored_in, day, count(*) OVER (PARTITION BY server, day) AS answers
        FROM complete GROUP BY server, digest, stored_in, day
    ), alone AS (
        SELECT server, digest, stored_in, count(*) AS days FROM days WHERE answers = 1
        GROUP BY server, digest, stored_in
    ), doubled AS (
        SELECT DISTINCT digest, stored_in, key FROM models WHERE ordinal > 0
    ), held AS (
        SELECT m.digest, m.stored_in, m.key, m.display_name, {BYTES.format("m")} AS size_bytes,
               m.loaded_instance_count AS loaded
        FROM models m {of_key} LEFT JOIN doubled d ON {is_doubled} WHERE d.key IS NULL
        UNION ALL
        SELECT m.digest, m.stored_in, m.key, max(m.display_name), sum({BYTES.format("m")}),
               max(m.loaded_instance_count)
        FROM models m {of_key} JOIN doubled d ON {is_doubled} GROUP BY m.digest, m.stored_in, m.key
    ), answered AS (
        SELECT s.*, coalesce(a.days, 0) AS days
        FROM seen s LEFT JOIN alone a ON a.server = s.server AND a.digest = s.digest AND a.stored_in = s.stored_in
    ), spans AS (
        SELECT s.server, h.key, s.place, s.first_seen, s.last_seen, h.display_name, h.size_bytes, s.days,
               s.runs AS runs_present, CASE WHEN h.loaded > 0 THEN s.runs ELSE 0 END AS runs_loaded,
               CASE WHEN h.loaded > 0 THEN s.last_seen END AS last_loaded
        FROM answered s JOIN held h ON h.digest = s.digest AND h.stored_in = s.stored_in
    ), lives AS (
        SELECT server, key, min(place) AS place, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
               min_by(display_name, CASE WHEN display_name IS NOT NULL THEN place END) AS display_name,
               min_by(size_bytes, CASE WHEN size_bytes IS NOT NULL THEN place END) AS size_bytes, sum(days) AS days,
               sum(runs_present) AS runs_present, sum(runs_loaded) AS runs_loaded, max(last_loaded) AS last_loaded
        FROM spans GROUP BY server, key
    ), shared AS (
        SELECT d.server, h.key, count(DISTINCT d.day) AS days
        FROM days d JOIN held h ON h.digest = d.digest AND h.stored_in = d.stored_in
        WHERE d.answers > 1 GROUP BY d.server, h.key
    ), changed AS (
        SELECT server, key, max(observed_at) AS observed_at FROM (
            SELECT server, key, observed_at FROM changes WHERE key IS NOT NULL
            UNION ALL SELECT server, old, observed_at FROM changes WHERE change = 'renamed'
        ) t GROUP BY server, key
    )
    SELECT l.server, l.key, l.display_name, TRY_CAST(l.size_bytes AS BIGINT) AS size_bytes, l.first_seen, l.last_seen,
           l.place = 1 AS present, CAST(l.days + coalesce(d.days, 0) AS BIGINT) AS days_present,
           CAST(l.runs_present AS BIGINT) AS runs_present, CAST(l.runs_loaded AS BIGINT) AS runs_loaded, l.last_loaded,
           coalesce(c.observed_at, l.first_seen) AS last_changed
    FROM lives l LEFT JOIN shared d ON d.server = l.server AND d.key = l.key
    LEFT JOIN changed c ON c.server = l.server AND c.key = l.key
    {idle if since else ""} ORDER BY l.server, l.key"""


def sightings(until: Until) -> str:
    """Query when each model of each server was first seen, and when it was last loaded."""
    return f"""
    WITH seen AS (
        SELECT server, digest, stored_in, min(observed_at) AS first_seen, max(observed_at) AS last_seen
        FROM observations WHERE status = 'ok' AND {until.sql} GROUP BY server, digest, stored_in
    )
    SELECT s.server, m.key, min(s.first_seen) AS first_seen,
           max(CASE WHEN m.loaded_instance_count > 0 THEN s.last_seen END) AS last_loaded
    FROM seen s JOIN models m ON m.digest = s.digest AND m.stored_in = s.stored_in GROUP BY s.server, m.key"""


POINTED = """
    SELECT DISTINCT stored_in FROM observations
    WHERE stored_in IS NOT NULL AND run_id IN (SELECT run_id FROM kept)"""
"""The runs that hold what the runs in the view ``kept`` point at."""

COMPLETE_RUNS = """
    SELECT run_id FROM observations GROUP BY run_id HAVING min(CASE WHEN status = 'ok' THEN 1 ELSE 0 END) = 1"""
"""The runs that read every server that they asked."""


def read_by(until: Until, moment: datetime) -> str:
    """Query the servers in the view ``wanted`` that were read by some moment."""
    return f"""
        SELECT DISTINCT server FROM observations WHERE status = 'ok' AND {until.sql}
        AND observed_at <= {timestamp(moment)} AND server IN (SELECT server FROM wanted)"""


def holding(until: Until, *, selected: bool) -> str:
    """Query the runs that hold the complete responses; if ``selected``, only of the servers in the view ``wanted``."""
    only = "AND server IN (SELECT server FROM wanted)" if selected else ""
    return f"SELECT DISTINCT stored_in FROM observations WHERE status = 'ok' AND {until.sql} {only}"
