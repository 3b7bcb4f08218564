"""Read what a history tells about the models, servers and changes of a report."""

from collections.abc import Callable

import pyarrow as pa

from inventory.columns import integers, rows_where
from inventory.history.reader import RunHistory
from inventory.report.history_facts import CHANGED, HistoryFacts
from inventory.run_ids import time_of
from inventory.tables import rows


def history_reader(
    history: RunHistory | None, run_id: str | None, old_run: str | None, changes: pa.Table | None
) -> Callable[[], HistoryFacts] | None:
    """Return a function that reads what a history tells by a run; None without a history or a run.

    Args:
        history: the history.
        run_id: the run whose state, or which itself, is reported.
        old_run: the run that it is compared with; None if it is compared with none.
        changes: the timeline of the history, if it is compared: rows of ``derived.TIMELINE``.
    """
    if history is None or run_id is None or run_id not in history.dated():
        return None
    return lambda: _facts(history, run_id, old_run, changes)


def _facts(history: RunHistory, run_id: str, old_run: str | None, changes: pa.Table | None) -> HistoryFacts:
    newest = history.dated()[-1]
    # A report on a moment of the past tells nothing that came later.
    until = history if run_id == newest else history.seen_at(time_of(run_id))
    servers = rows(history.servers_table(run_id))
    return HistoryFacts(
        until.sightings_table(),
        [row for row in servers if row["status"] != "retired"],
        None if old_run is None or changes is None else _seen(changes, run_id, old_run),
    )


def _seen(changes: pa.Table, run_id: str, old_run: str) -> pa.Table:
    """Return the changes that were seen after one run and until another, the newest first."""
    is_seen = rows_where(changes, "run_id", lambda seen_in: old_run < seen_in <= run_id)
    seen = changes.select([*CHANGED, "run_id"]).filter(is_seen)
    return seen.take(integers(reversed(range(seen.num_rows))))
