"""Read what a history tells about the models, servers and changes of a report."""

from collections.abc import Callable

import pyarrow as pa

from inventory.columns import integers, rows_where
from inventory.history.reader import RunHistory
from inventory.report.history_facts import CHANGED, HistoryFacts
from inventory.run_ids import time_of
from inventory.tables import rows


def history_reader(
    history: RunHistory | None, run_id: str | None, old_run: str | None = None
) -> Callable[[], HistoryFacts] | None:
    """Return a function that reads what a history tells by a run; None without a history or a run.

    Args:
        history: the history.
        run_id: the run whose state, or which itself, is reported.
        old_run: the run that it is compared with; None if it is compared with none.
    """
    if history is None or run_id is None or run_id not in history.dated():
        return None
    return lambda: _facts(history, run_id, old_run)


def _facts(history: RunHistory, run_id: str, old_run: str | None) -> HistoryFacts:
    newest = history.dated()[-1]
    # A report on a moment of the past tells nothing that came later.
    until = history if run_id == newest else history.seen_at(time_of(run_id))
    lives, changes = until.sightings_and_changes(old_run or run_id)
    servers = rows(history.servers_table(run_id))
    return HistoryFacts(
        lives,
        [row for row in servers if row["status"] != "retired"],
        _seen(changes, run_id) if old_run else None,
    )


def _seen(changes: pa.Table, run_id: str) -> pa.Table:
    """Return the changes that were seen until a run, the newest first."""
    seen = changes.select([*CHANGED, "run_id"]).filter(rows_where(changes, "run_id", run_id.__ge__))
    return seen.take(integers(reversed(range(seen.num_rows))))
