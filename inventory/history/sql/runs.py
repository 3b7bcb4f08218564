"""Queries of the list of runs, as SQL over ``observations`` and ``changes``.

One text for every engine, as in ``history/sql/all_runs.py``.
"""

from datetime import datetime

from inventory import schema
from inventory.history.sql.all_runs import BYTES
from inventory.history.sql.state import Until, timestamp

COUNTED = ("added", "removed", "renamed", "reconfigured")
"""The words of changes that a run is listed with."""

UNREAD = schema.Table(
    "unread",
    "a run that lacks servers",
    tuple(schema.Column(name, schema.TEXT) for name in ("run_id", "unread")),
)


def runs(until: Until, since: datetime | None = None, *, selected: bool = False) -> str:
    """Query one row per run; if ``selected``, only of the servers in the view ``wanted``.

    A server counts as compared if it was read completely, and not for the first time. The view ``changes`` holds the
    changes, of which models are counted, and instances that were reconfigured; ``unread`` the servers not read.

    Args:
        until: which runs are not misdated.
        since: only the runs from this time on.
        selected: whether servers are selected.
    """
    touched = ", ".join(f"max(CASE WHEN change = '{word}' THEN number END) AS {word}" for word in COUNTED)
    words = ", ".join(f"CASE WHEN c.compared > 0 THEN coalesce(t.{word}, 0) END AS {word}" for word in COUNTED)
    return f"""
        WITH counted AS (
            SELECT o.run_id, min(o.observed_at) AS collected_at, count(*) AS servers,
                   CAST(sum(CASE WHEN o.status = 'ok' THEN 1 ELSE 0 END) AS BIGINT) AS servers_ok,
                   max(CASE WHEN o.status = 'suspect' THEN 1 ELSE 0 END) AS suspect,
                   max(CASE WHEN o.status = 'ok' AND o.run_id <> f.run_id AND o.run_id <= '{until.run_id}' THEN 1 ELSE 0
                   END) AS compared,
                   CAST(sum(CASE WHEN o.status = 'ok' THEN o.model_count END) AS BIGINT) AS model_count,
                   CAST(sum(CASE WHEN o.status = 'ok' THEN o.instance_count END) AS BIGINT) AS instance_count,
                   TRY_CAST(sum(CASE WHEN o.status = 'ok' THEN {BYTES.format("o")} END) AS BIGINT) AS size_bytes,
                   min(o.error) AS error
            FROM observations o LEFT JOIN (
                SELECT o.server, min(o.run_id) AS run_id FROM observations o JOIN (
                    SELECT server, min(observed_at) AS read_at FROM observations WHERE status = 'ok' GROUP BY server
                ) f ON f.server = o.server AND f.read_at = o.observed_at WHERE o.status = 'ok' GROUP BY o.server
            ) f ON f.server = o.server {"JOIN wanted w ON w.server = o.server" if selected else ""} GROUP BY o.run_id
        ), rows_changed AS (
            SELECT run_id, change, count(*) AS number FROM (
                SELECT DISTINCT run_id, change, server, grain, key, ordinal, instance_id, instance_ordinal,
                       CASE WHEN change = 'renamed' THEN old END AS old_key
                FROM changes WHERE key IS NOT NULL AND (grain = 'model' OR change = 'reconfigured')
            ) t GROUP BY run_id, change
        ), touched AS (SELECT run_id, {touched} FROM rows_changed GROUP BY run_id)
        SELECT c.run_id, c.collected_at,
               CASE WHEN c.run_id > '{until.run_id}' THEN 'misdated' WHEN c.servers_ok = c.servers THEN 'ok'
                    WHEN c.suspect > 0 THEN 'suspect' WHEN c.servers_ok > 0 THEN 'partial' ELSE 'failed' END AS status,
               c.servers, c.servers_ok, c.model_count, c.instance_count, c.size_bytes,
               coalesce(u.unread, '[]') AS unread, c.error, {words}
        FROM counted c LEFT JOIN touched t ON t.run_id = c.run_id LEFT JOIN unread u ON u.run_id = c.run_id
        {f"WHERE c.collected_at >= {timestamp(since)}" if since else ""} ORDER BY c.run_id"""


def unread(*, selected: bool) -> str:
    """Query the servers that each run did not read; if ``selected``, only those in the view ``wanted``."""
    return f"""
        SELECT o.run_id, o.server FROM observations o {"JOIN wanted w ON w.server = o.server" if selected else ""}
        WHERE o.status <> 'ok' ORDER BY o.run_id, o.server"""
