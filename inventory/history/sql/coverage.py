"""Query how much of a period was read of each server. One text for every engine, as in ``history/sql/all_runs.py``."""

from inventory import schema
from inventory.history.sql.state import Until

DAYS = schema.Table(
    "days",
    "a run of the period, and the reader's date at its time",
    (
        schema.Column("run_id", schema.TEXT, "The run.", key=True),
        schema.Column("day", schema.TEXT, "The local date."),
    ),
)


def coverage(until: Until) -> str:
    """Query one row per server that a run in ``days`` asked: counts, its first and last answers, the longest gap.

    The gap is the pair of complete answers, one after the other, that lie farthest apart; null if there are not two.
    """
    return f"""
        WITH asked AS (
            SELECT o.server, o.status, o.observed_at, d.day FROM observations o JOIN days d ON d.run_id = o.run_id
            WHERE {until.sql.replace("run_id", "o.run_id")}
        ), counts AS (
            SELECT server, count(*) AS runs_asked, min(observed_at) AS first_asked, min(day) AS first_day,
                   CAST(sum(CASE WHEN status = 'ok' THEN 1 ELSE 0 END) AS BIGINT) AS runs_read,
                   count(DISTINCT CASE WHEN status = 'ok' THEN day END) AS days_read,
                   min(CASE WHEN status = 'ok' THEN observed_at END) AS first_read,
                   max(CASE WHEN status = 'ok' THEN observed_at END) AS last_read
            FROM asked GROUP BY server
        ), answers AS (
            SELECT server, observed_at, lag(observed_at) OVER (PARTITION BY server ORDER BY observed_at) AS gap_start
            FROM asked WHERE status = 'ok'
        ), gaps AS (
            SELECT server, gap_start, observed_at AS gap_end, row_number() OVER (
                PARTITION BY server ORDER BY observed_at - gap_start DESC, observed_at) AS place
            FROM answers WHERE gap_start IS NOT NULL
        )
        SELECT c.*, g.gap_start, g.gap_end FROM counts c
        LEFT JOIN gaps g ON g.server = c.server AND g.place = 1 ORDER BY c.server"""
