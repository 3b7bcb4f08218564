"""Which servers are retired from a state: not asked for too long, or retired by name and not asked since."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from inventory.run_ids import begin_of, time_of
from inventory.schema import TEXT, TIME
from inventory.tables import column_of, rows, texts_table


@dataclass(frozen=True)
class Retirement:
    """When servers leave the state.

    Attributes:
        after: how long after it was last asked a server is retired; None for never.
        named: servers that were retired by name, each with the newest run at that time.
    """

    after: timedelta | None = None
    named: Sequence[tuple[str, str]] = ()

    def before(self, run_id: str) -> datetime | None:
        """Return the time since which a server must have been asked to be in the state after a run."""
        return None if self.after is None else time_of(run_id) - self.after

    def by_name(self, first: str, last: str) -> set[str]:
        """Return the servers that were retired by name after one run, up to another."""
        return {server for server, run_id in self.named if first < run_id <= last}

    def statuses(self, servers: pa.Table, run_id: str) -> pa.Array:
        """Return the status of each server after a run: ``retired``, or that of its newest attempt.

        Args:
            servers: of each its name, and the ``status``, the ``run_id`` and the time (``last_asked``) of that attempt.
            run_id: the run.
        """
        asked_since = self.before(run_id)
        by_name = {server: newest for server, newest in sorted(self.named) if newest <= run_id}
        statuses = []
        for row in rows(servers.select(["server", "status", "run_id", "last_asked"])):
            is_silent = asked_since is not None and row["last_asked"] < asked_since
            is_named = by_name.get(row["server"], "") >= row["run_id"]
            statuses.append("retired" if is_silent or is_named else row["status"])
        return column_of(TEXT, statuses)

    def window(self, first: str, last: str, run_ids: Collection[str]) -> list[str]:
        """Return the runs that count as a last query in the state after one run, and as too long ago after another."""
        begin, end = self.before(first), self.before(last)
        if begin is None or end is None:
            return []
        first_id, end_id = begin_of(begin - _LONGEST_RUN), begin_of(end)
        return [run_id for run_id in run_ids if first_id <= run_id < end_id]

    def table(self) -> pa.Table:
        """Build the view ``retirements``: servers that were retired by name, each with the newest run at that time."""
        return texts_table(server=[server for server, _ in self.named], run_id=[run_id for _, run_id in self.named])

    def moments(self, names: Mapping[str, str]) -> pa.Table:
        """Build the view ``moments``: the runs whose states are asked for, by names, and ``before`` of each."""
        before = column_of(TIME, (self.before(run_id) for run_id in names.values()))
        return texts_table(run_id=names.values(), name=names).append_column("retired_before", before)


_LONGEST_RUN = timedelta(days=1)
"""How much later than its run began a server may have been asked."""
