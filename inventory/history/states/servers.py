"""The servers of a history: when each was read last, how often, and which are retired."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pyarrow as pa

from inventory.history.states.retirement import Retirement
from inventory.schema import derived
from inventory.tables import Row, table_of


def server_rows(
    servers: Sequence[Row],
    run_id: str,
    now: datetime,
    retirement: Retirement,
) -> pa.Table:
    """Build one row per server that any run asked, retired ones too; columns of ``derived.SERVERS``.

    Args:
        servers: each server with its newest attempt and its last complete response.
        run_id: the run up to which they are told.
        now: the time from which days of silence are counted.
        retirement: which servers leave the state.
    """
    retired_before = retirement.before(run_id)
    by_name = {server: newest for server, newest in sorted(retirement.named) if newest <= run_id}
    rows = []
    for server in servers:
        row = dict(server)
        silent = retired_before is not None and row["last_asked"] < retired_before
        if silent or by_name.get(row["server"], "") >= row["run_id"]:
            row["status"] = "retired"
        row["days_silent"] = row["last_read"] and round((now - row["last_read"]) / timedelta(days=1), 3)
        rows.append(row)
    return table_of(derived.SERVERS, rows)
